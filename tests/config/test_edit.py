"""One value is written, everything else stays as its owner wrote it."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.config import edit
from voiceflow_daemon.config.edit import Value, changed_text, set_value
from voiceflow_daemon.config.load import load_settings, parse_settings
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.config.template import first_file, write_first
from voiceflow_daemon.errors import ConfigError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_first(tmp_path / "config.toml")
    return tmp_path / "config.toml"


def test_a_choice_takes_the_place_of_its_default_line(path: Path) -> None:
    before = path.read_text()
    set_value(path, "context", "email")
    set_value(path, "audio.microphone", 'My "mic"')
    expected = before.replace('context = "default"', 'context = "email"')
    expected = expected.replace('# microphone = ""', 'microphone = "My \\"mic\\""')
    assert path.read_text() == expected
    assert load_settings(path).audio.microphone == 'My "mic"'


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ("", "context", 'context = "email"\n'),
        ("# mine\n\n[llm]\nthreads = 1\n", "context", 'context = "email"\n# mine\n\n[llm]\nthreads = 1\n'),
        ("context = 'code' # as ever\n", "context", 'context = "email" # as ever\n'),
        ("[llm]\nthreads = 1 # one\n", "llm.model", '[llm]\nmodel = "email"\nthreads = 1 # one\n'),
        ("[llm]\nthreads = 1", "speech.model", '[llm]\nthreads = 1\n\n[speech]\nmodel = "email"\n'),
        ("[llm] # my llm\r\n# b\r\n", "llm.model", '[llm] # my llm\r\nmodel = "email"\r\n# b\r\n'),
        ("llm = { threads = 1 }\n", "llm.model", 'llm = { threads = 1, model = "email"}\n'),
        ("llm.threads = 1\n", "llm.model", 'llm.threads = 1\nllm.model = "email"\n'),
        ("[llm]\n# model = big is slow\n", "llm.model", '[llm]\n# model = big is slow\nmodel = "email"\n'),
        ('[contexts."a b"]\n', 'contexts."a b".prompt', '[contexts."a b"]\nprompt = "email"\n'),
        ("", 'contexts."a b".prompt', '[contexts."a b"]\nprompt = "email"\n'),
        # What looks like a header or a key stands inside another value.
        (
            '[contexts.x]\nprompt = """\n[llm]\nmodel = 1\n"""\n[llm]\n# z\n',
            "llm.model",
            '[contexts.x]\nprompt = """\n[llm]\nmodel = 1\n"""\n[llm]\n# z\nmodel = "email"\n',
        ),
    ],
)
def test_where_a_value_goes(text: str, key: str, expected: str) -> None:
    assert changed_text(text, key, "email") == expected


def test_a_list_is_written_as_one() -> None:
    assert (
        changed_text("[speech]\n", "speech.languages", ["en", "de"]) == '[speech]\nlanguages = ["en", "de"]\n'
    )


def test_a_missing_file_is_written_first(tmp_path: Path) -> None:
    set_value(tmp_path / "new" / "config.toml", "context", "code")
    text = (tmp_path / "new" / "config.toml").read_text()
    assert text == first_file().replace('context = "default"', 'context = "code"')


def test_mode_link_mark_and_line_ends_stay(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles" / "voiceflow.toml"
    target.parent.mkdir()
    target.write_bytes(b"\xef\xbb\xbf# a\r\ncontext = 'code'\r\n")
    target.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to("dotfiles/voiceflow.toml")
    set_value(link, "context", "email")
    assert link.is_symlink()
    assert target.read_bytes() == b'\xef\xbb\xbf# a\r\ncontext = "email"\r\n'
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert [file.name for file in target.parent.iterdir()] == ["voiceflow.toml"]


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("context = ", "context", "email"),
        ("[hotkey]\nmode = 'x'\n", "context", "email"),
        ("", "context", "nowhere"),
        ("", "hotkey.mode", "held"),
        ("", "hotkey.nothing", 1),
        ("", "hotkey.key", 1),
        ("llm = 3\n", "llm.model", "demo"),
        ("[hotkey]\n", "hotkey", "f9"),
    ],
)
def test_what_would_not_load_is_not_written(tmp_path: Path, text: str, key: str, value: Value) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError):
        set_value(path, key, value)
    assert path.read_text() == text
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]


def test_the_same_value_again_does_not_touch_the_file(path: Path) -> None:
    set_value(path, "context", "email")
    before = path.stat()
    set_value(path, "context", "email")
    assert path.stat().st_ino == before.st_ino


def test_what_the_user_saves_meanwhile_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[int] = []

    def saves_once(text: str, source: str) -> Settings:
        if not saved:
            saved.append(path.write_text("# mine\n[hotkey]\nkey = 'f9'\n"))
        return parse_settings(text, source)

    monkeypatch.setattr(edit, "parse_settings", saves_once)
    set_value(path, "context", "email")
    assert path.read_text() == "context = \"email\"\n# mine\n[hotkey]\nkey = 'f9'\n"
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


def test_a_file_that_never_rests_is_left_to_the_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saves: list[int] = []

    def saves_always(text: str, source: str) -> Settings:
        saves.append(path.write_text(f"# {len(saves)}\n"))
        return parse_settings(text, source)

    monkeypatch.setattr(edit, "parse_settings", saves_always)
    with pytest.raises(ConfigError, match="keeps changing"):
        set_value(path, "context", "email")
    assert path.read_text() == f"# {len(saves) - 1}\n"


def test_what_cannot_be_written_is_an_error_for_the_user(tmp_path: Path) -> None:
    ring = tmp_path / "ring"
    ring.symlink_to(ring)
    (tmp_path / "dangling").symlink_to(tmp_path / "away")
    (tmp_path / "file").touch()
    for path in (ring, tmp_path / "dangling", tmp_path / "file" / "config.toml", tmp_path):
        with pytest.raises(ConfigError):
            set_value(path, "context", "email")


TEXTS = [
    first_file(),
    "",
    "# top\ncontext = 'code' # c1\n\n# about\n[hotkey] # c2\nkey = 'f9' # c3\n# end",
    (
        "hotkey = { key = 'f8' } # c1\nspeech.model = 'a' # c2\n# c3\n"
        "[contexts.x] # c4\nprompt = '''\n[llm]\n# no\n'''"
    ),
    (
        '[contexts."my own"]\r\n# c1\r\nprompt = """\r\n[audio]\r\nmicrophone = 1"""\r\n'
        '[speech] # c2\r\nlanguages = [ # c3\r\n  "en", # c4\r\n]\r\n'
    ),
]
CHANGES = st.one_of(
    st.tuples(st.just("context"), st.sampled_from(["default", "email", "slack", "code"])),
    st.tuples(st.sampled_from(["audio.microphone", "speech.model", "llm.model"]), st.text(max_size=20)),
    st.tuples(st.just("hotkey.mode"), st.sampled_from(["hold", "toggle"])),
    st.tuples(st.just("hotkey.min_hold_ms"), st.integers(0, 2000)),
    st.tuples(st.just("notifications"), st.booleans()),
    st.tuples(st.just("llm.deadline_s"), st.floats(0.5, 100)),
    st.tuples(st.just("speech.vocabulary"), st.lists(st.text(max_size=8), max_size=3)),
)


def comments(text: str) -> set[str]:
    lines = (line.strip() for line in text.splitlines())
    written = {line for line in lines if line.startswith("#:")}
    return written | {f"c{number}" for number in range(5) if f"# c{number}" in text}


@given(st.sampled_from(TEXTS), st.lists(CHANGES, max_size=6))
def test_comments_and_other_values_survive_any_changes(text: str, changes: list[tuple[str, Value]]) -> None:
    expected = parse_settings(text, "x").model_dump()
    after = text
    for key, value in changes:
        after = changed_text(after, key, value)
        *tables, name = key.split(".")
        (expected[tables[0]] if tables else expected)[name] = value
        assert parse_settings(after, "x").model_dump() == expected
    assert comments(after) == comments(text)
