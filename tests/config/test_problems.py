"""Where keys stand in a text."""

import pytest

from voiceflow_daemon.config.problems import KeyLines, dotted, split_key


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("a = 1\nb = 2", ["b"], 2),
        ("[a]\nb = 1\n[c]\nb = 2", ["c", "b"], 4),
        ("[a]\n# b = 1\nb = 2", ["a", "b"], 3),
        ("a.b = 1\n", ["a", "b"], 1),
        ('[contexts."my own"] # mine\nprompt = "x"', ["contexts", "my own", "prompt"], 2),
        ("a = { b = 1 }", ["a", "b"], 1),
        ("[ a . b ]\nc = 1", ["a", "b", "c"], 2),
        ("[[a]]\nb = 1", ["a", "b"], 2),
        ("a = 1", ["z"], None),
        # Inside a multi-line text nothing is a key.
        ('p = """\n[a]\nb = 1\n"""\n[a]\n\nb = 2', ["a", "b"], 7),
        ("p = '''\n[a]\nb = 1 # '''\n[a]\n\nb = 2", ["a", "b"], 6),
        ('p = """ \\"""\nb = 1\n"""\nb = 2', ["b"], 4),
        ('# it says """\nb = 2', ["b"], 2),
        ('p = \'"""\' # it\nb = 2', ["b"], 2),
        ('p = """a""" # """\nb = 2', ["b"], 2),
        ("a = 1\u2028\nb = 2", ["b"], 2),
    ],
)
def test_the_line_of_a_key(text: str, path: list[str], line: int | None) -> None:
    assert KeyLines(text).of(path) == line


def test_a_long_line_without_a_key_is_passed_at_once() -> None:
    assert KeyLines("-" * 50_000 + "\n" + "a" * 50_000 + "\nb = 1").of(["b"]) == 3


@pytest.mark.parametrize(
    "path", [("a",), ("a", "b-c"), ("contexts", "my own", "prompt"), ("contexts", "v1.2")]
)
def test_keys_are_spelled_and_read_back(path: tuple[str, ...]) -> None:
    assert split_key(dotted(path)) == path
