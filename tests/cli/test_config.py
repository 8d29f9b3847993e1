"""`voiceflow config`: as the user calls it, on files of their own."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from voiceflow_daemon.cli import config
from voiceflow_daemon.config.load import load_settings, parse_settings
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ConfigError, VoiceflowError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for variable in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "voiceflow" / "config.toml"


def call(*arguments: str) -> int:
    parser = argparse.ArgumentParser(prog="voiceflow")
    config.register(parser.add_subparsers(required=True))
    options = parser.parse_args(["config", *arguments])
    return int(options.func(options))


def written(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_path_prints_the_path_alone(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("path") == 0
    assert capsys.readouterr().out == f"{path}\n"


def test_check_says_that_the_file_is_good_or_missing(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("check") == 0
    assert capsys.readouterr().out == f"{path} does not exist yet: all defaults\n"
    written(path, "context = 'email'\n")
    assert call("check") == 0
    assert capsys.readouterr().out == f"{path} is good\n"


def test_check_tells_every_problem(path: Path) -> None:
    written(path, "contxt = 1\n[hotkey]\nmode = 'x'\n")
    with pytest.raises(ConfigError) as caught:
        call("check")
    assert caught.value.exit_code == 4
    assert "line 1: contxt" in caught.value.message
    assert "line 3: hotkey.mode" in caught.value.message


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("[hotkey]\nkey = 'ctlr_r'\n", 'line 2: hotkey.key: .* Did you mean "ctrl_r"'),
        ("[delivery]\npaste_keys = 'ctlr+v'\n", "line 2: delivery.paste_keys: .* did you mean ctrl"),
    ],
)
def test_check_reads_the_names_of_keys(path: Path, text: str, suggestion: str) -> None:
    written(path, text)
    with pytest.raises(ConfigError, match=suggestion):
        call("check")


def test_check_looks_into_prompt_files(path: Path) -> None:
    written(path, "[contexts.a]\nprompt_file = 'a.txt'\n[contexts.b]\nprompt_file = 'b.txt'\n")
    with pytest.raises(ConfigError) as caught:
        call("check")
    assert "a.txt" in caught.value.message
    assert "b.txt" in caught.value.message


def test_show_prints_a_file_that_loads(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(path, "context = 'email'\n")
    assert call("show") == 0
    shown = capsys.readouterr().out
    assert 'context = "email" # changed' in shown
    assert parse_settings(shown, "x") == load_settings(path)


def test_show_of_a_bad_file_prints_the_defaults_and_why(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(path, "context = 3\n")
    assert call("show") == 4
    shown = capsys.readouterr()
    assert "line 1: context" in shown.err
    assert parse_settings(shown.out, "x") == Settings()


def test_edit_writes_the_file_opens_it_and_checks_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDITOR", """sed -i 's/^# key = .*/key = "f9"/'""")
    assert call("edit") == 0
    assert load_settings(path).hotkey.key == "f9"
    assert capsys.readouterr().out == f"{path} is good\n"
    monkeypatch.setenv("VISUAL", "sed -i 's/^key = .*/key = 9/'")
    with pytest.raises(ConfigError, match="expected a text in quotes"):
        call("edit")


@pytest.mark.parametrize(
    ("editor", "message"),
    [
        ("/no/such/editor", "cannot be started"),
        ("false", "ended with status 1"),
        ("sh -c 'x", "is no command"),
    ],
)
def test_an_editor_that_does_not_work_is_told(
    path: Path, monkeypatch: pytest.MonkeyPatch, editor: str, message: str
) -> None:
    monkeypatch.setenv("EDITOR", editor)
    with pytest.raises(VoiceflowError, match=message):
        call("edit")


def test_a_desktops_editor_is_still_open_when_the_command_ends(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program(tmp_path / "bin", "xdg-open")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("DISPLAY", ":0")
    written(path, "context = 3\n")
    assert call("edit") == 0
    assert capsys.readouterr().out.startswith(f"{path} is open")


def test_the_editor_is_the_users_choice_then_what_there_is(tmp_path: Path) -> None:
    bare = {"PATH": str(tmp_path), "EDITOR": " "}
    with pytest.raises(VoiceflowError, match="No editor"):
        config.editor_command(bare)
    for name in ("vi", "nano", "xdg-open"):
        program(tmp_path, name)
    assert config.editor_command(bare) == ["nano"]
    assert config.editor_command({**bare, "WAYLAND_DISPLAY": "wayland-0"}) == ["xdg-open"]
    assert config.editor_command({**bare, "EDITOR": "ed"}) == ["ed"]
    assert config.editor_command({**bare, "EDITOR": "ed", "VISUAL": "code --wait"}) == ["code", "--wait"]


def program(folder: Path, name: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("arguments", [["--help"], ["edit", "--help"]])
def test_help_explains_and_shows_examples(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call(*arguments)
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert ("voiceflow config check" in shown) if arguments == ["--help"] else ("$VISUAL, $EDITOR" in shown)
