"""Reading the config file: what is refused, and how it is said."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voiceflow_daemon.config.load import (
    SIZE_LIMIT_BYTES,
    ConfigProblemsError,
    load_settings,
    parse_settings,
)
from voiceflow_daemon.config.schema import Settings


def told(text: str) -> list[str]:
    with pytest.raises(ConfigProblemsError) as caught:
        parse_settings(text, "config.toml")
    assert "voiceflow config" in caught.value.hint
    for problem in caught.value.problems:
        assert str(problem) in caught.value.message
    return [str(problem) for problem in caught.value.problems]


def refused(path: Path) -> str:
    with pytest.raises(ConfigProblemsError) as caught:
        load_settings(path)
    assert str(path) in caught.value.message
    return str(caught.value.problems[0])


def test_no_file_means_all_defaults(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "nowhere" / "config.toml") == Settings()


def test_values_reach_the_settings() -> None:
    settings = parse_settings('context = "email"\r\n[hotkey]\r\nkey = "f9"\r\nmax_recording_s = 60\r\n', "x")
    assert (settings.context, settings.hotkey.key, settings.hotkey.max_recording_s) == ("email", "f9", 60.0)
    assert settings.audio == Settings().audio


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "[hotkey]\nmode = 'hodl'",
            'line 2: hotkey.mode: expected one of hold, toggle; found "hodl"; did you mean hold?',
        ),
        ("[hotkey]\n\nkye = 'f9'", "line 3: hotkey.kye: there is no such setting; did you mean key?"),
        ("[hotkeys]\nkey = 'f9'", "line 1: hotkeys: there is no such setting; did you mean hotkey?"),
        ("xyzzy = 1", "line 1: xyzzy: there is no such setting"),
        ("notifications = 'true'", 'line 1: notifications: expected true or false, found "true"'),
        ("notifications = 1", "line 1: notifications: expected true or false, found 1"),
        ("[llm]\nthreads = 1.0", "line 2: llm.threads: expected a whole number, found 1.0"),
        ("[llm]\nthreads = true", "line 2: llm.threads: expected a whole number, found true"),
        ("[llm]\ndeadline_s = '4'", 'line 2: llm.deadline_s: expected a number, found "4"'),
        ("[llm]\ndeadline_s = nan", "line 2: llm.deadline_s: expected a finite number, found nan"),
        ("[llm]\nthreads = -1", "line 2: llm.threads: expected at least 0, found -1"),
        ("[llm]\nthreads = 257", "line 2: llm.threads: expected at most 256, found 257"),
        ("[speech]\nvad_threshold = 1", "line 2: speech.vad_threshold: expected less than 1.0, found 1"),
        (
            "[speech]\nsegment_pause_ms = 249",
            (
                "line 2: speech.segment_pause_ms: expected 0 or at least 250, found 249; so short a silence"
                " may be inside a word"
            ),
        ),
        (
            "[speech]\nsegment_pause_ms = -1",
            "line 2: speech.segment_pause_ms: expected at least 0, found -1",
        ),
        ("[hotkey]\nkey = ''", 'line 2: hotkey.key: expected at least 1 character(s), found ""'),
        ("[hotkey]\nkey = 9", "line 2: hotkey.key: expected a text in quotes, found 9"),
        ("context = 2020-01-01", "line 1: context: expected a text in quotes, found 2020-01-01"),
        ("speech = 'en'", 'line 1: speech: expected a table, found "en"'),
        (
            "[speech]\nlanguages = 'en'",
            'line 2: speech.languages: expected a list in square brackets, found "en"',
        ),
        ("[speech]\nlanguages = []", "line 2: speech.languages: expected at least 1 entry, found []"),
        (
            "[speech]\nlanguages = ['en', 'english']",
            'line 2: speech.languages: expected a language code such as "en" or "de", found "english"',
        ),
        (
            "[contexts.'a/b']\nprompt = 'x'",
            'line 1: contexts."a/b": expected up to 40 plain letters, digits, spaces and _.-, found "a/b"',
        ),
        (
            "context = 'emial'",
            (
                'line 1: context: there is no context "emial"; there are default, email, slack, code;'
                " did you mean email?"
            ),
        ),
        (
            "[contexts.mine]\nprompt = 'x'\nprompt_file = 'y'",
            "line 1: contexts.mine: give prompt or prompt_file, not both",
        ),
        (
            "[contexts.mine]\nprompt = ''",
            "line 1: contexts.mine: give it a prompt or a prompt_file",
        ),
        (
            "[contexts.mine]\npromt = 'x'",
            "line 2: contexts.mine.promt: there is no such setting; did you mean prompt?",
        ),
        (
            "[contexts.email]\nprompt = ' \\n'".replace("'", '"'),
            "line 2: contexts.email.prompt: it is blank; write instructions",
        ),
        (
            "context = 'mine'\n[contexts]\nmine = 3",
            "line 3: contexts.mine: expected a table, found 3",
        ),
        (
            "[contexts.mine]\nprompt_file = '~no such user/x'",
            'line 2: contexts.mine.prompt_file: there is no user of the name in "~no such user/x"',
        ),
        (
            '[contexts.mine]\nprompt_file = "\\u0000"',
            "line 2: contexts.mine.prompt_file: no file has such a name",
        ),
        (
            "[speech]\nlanguages = ['en', 'xx']",
            (
                'line 2: speech.languages: Whisper knows no language "xx";'
                " codes are such as en, de, fr, es, ja, zh"
            ),
        ),
    ],
)
def test_a_problem_says_where_and_what_was_expected(text: str, expected: str) -> None:
    assert told(text) == [expected]


def test_every_problem_is_told_at_once_in_the_order_of_lines() -> None:
    found = told("notifications = 3\n[llm]\nthreads = 'x'\nwhat = 1\n[hotkey]\nmode = 'x'\n")
    assert [line.split(":")[0] for line in found] == ["line 1", "line 3", "line 4", "line 6"]


def test_contradictions_are_told_together_with_wrong_values() -> None:
    found = told(
        "context = 'emial'\nnotifications = 3\n[contexts.a]\nprompt = 'x'\nprompt_file = 'y'\n"
        "[contexts.b]\n[speech]\nlanguages = ['en', 7]\n[contexts.'a/b']\nprompt = 'x'\n"
    )
    assert [line.split(": ")[:2] for line in found] == [
        ["line 1", "context"],
        ["line 2", "notifications"],
        ["line 3", "contexts.a"],
        ["line 6", "contexts.b"],
        ["line 8", "speech.languages"],
        ["line 9", 'contexts."a/b"'],
    ]


def test_what_is_not_refused_stays_known() -> None:
    with pytest.raises(ConfigProblemsError) as caught:
        parse_settings("notifications = 3\n[hotkey]\nkey = 'f9'\nmode = 'x'\n", "x")
    assert caught.value.rest == Settings.model_validate({"hotkey": {"key": "f9"}})


@pytest.mark.parametrize("text", ["a = ", "[hotkey", "a = 1\na = 2", "a = '\x00'", 'a = "\\ud800"'])
def test_broken_toml_is_told_with_its_line(text: str) -> None:
    (problem,) = told(f"\n\n{text}\n")
    assert problem.startswith(("line 3: ", "line 4: "))


def test_nesting_and_numbers_without_end_are_refused() -> None:
    assert told("a = " + "[" * 100_000) == ["it is nested too deeply"]
    assert told("a = " + "9" * 10_000) == ["a number is far too long"]


def test_a_built_in_context_may_be_named_without_a_change() -> None:
    text = "context = 'mine'\n[contexts.mine]\nprompt_file = 'm.txt'\n[contexts.email]\nprompt = ''\n"
    assert list(parse_settings(text, "x").contexts) == ["mine", "email"]


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbfcontext = 'email'\r\n")
    assert load_settings(path).context == "email"


def test_a_wrong_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes("context = 'email'\n# Grüße\n".encode("latin-1"))
    assert refused(path) == "line 2: it is not UTF-8; save it in that encoding"


def test_what_is_no_file_is_refused_at_once_and_nothing_stays_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert "cannot be read" in refused(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe") == "it is no file but a pipe"
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    assert "cannot be read" in refused(tmp_path / "ring")
    (tmp_path / "file").touch()
    assert "cannot be read" in refused(tmp_path / "file" / "config.toml")
    assert refused(Path("/dev/zero")) == "it is no config file: larger than 1 MiB"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_size_limit_is_the_last_size_that_is_read(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"#" * SIZE_LIMIT_BYTES)
    assert load_settings(path) == Settings()
    path.write_bytes(b"#" * (SIZE_LIMIT_BYTES + 1))
    assert "larger than 1 MiB" in refused(path)


@given(st.binary(max_size=200))
@example(b"[a]\n[a]")
@example(b"[[hotkey]]\n")
@example(b"contexts = 3")
@example(b"a.b.c = 1\na = 2")
def test_bytes_give_settings_or_a_config_error_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(data)
    problems = None
    try:
        load_settings(path)
    except ConfigProblemsError as error:
        problems = error.problems
    assert problems is None or len(problems) >= 1


KEYS = st.sampled_from(
    ["context", "hotkey", "hotkey.key", "speech.languages", "contexts.a.prompt", "contexts", "x"]
)
VALUES = st.sampled_from(
    ["1", "'a'", "true", "1.5", "inf", "[]", "['en', 3]", "{}", "{ prompt = 1 }", '"""a\n[b]"""']
)


@given(st.lists(st.one_of(st.tuples(KEYS, VALUES).map(" = ".join), KEYS.map("[{}]".format)), max_size=8))
def test_lines_that_look_like_settings_never_raise_anything_else(lines: list[str]) -> None:
    text = "\n".join(lines)
    try:
        parse_settings(text, "x")
    except ConfigProblemsError as error:
        for problem in error.problems:
            assert problem.line is None or 1 <= problem.line <= text.count("\n") + 1
