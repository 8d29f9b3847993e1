"""`voiceflow autostart`, and the quoting of an `Exec` line."""

from __future__ import annotations

import configparser
import re
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.machine import Machine
from voiceflow_daemon.cli import autostart
from voiceflow_daemon.cli.main import main


def exec_line(entry: Path) -> str:
    parsed = configparser.RawConfigParser()
    parsed.read(entry, encoding="utf-8")
    return parsed["Desktop Entry"]["Exec"]


def arguments_of(line: str) -> list[str]:
    """As a desktop reads it: the value's escapes, the quotes, the field codes."""
    value = line.replace("\\\\", "\\")
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', value)
    return [without_codes(re.sub(r"\\(.)", r"\1", quoted or plain)) for quoted, plain in found]


def without_codes(argument: str) -> str:
    """Only a doubled percent sign means itself."""
    return re.sub(r"%(.?)", lambda code: {"%": "%"}.get(code[1], "<field code>"), argument)


def program(folder: Path, name: str = "voiceflow") -> Path:
    folder.mkdir(parents=True)
    path = folder / name
    path.touch()
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_on_and_off(
    own_machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = program(own_machine.home / "100% mine $HOME")
    monkeypatch.setattr(sys, "argv", [str(path)])
    entry = own_machine.home / "config" / "autostart" / "voiceflow.desktop"
    assert main(["autostart"]) == 0
    assert main(["autostart", "on"]) == 0
    assert arguments_of(exec_line(entry)) == [str(path), "run"]
    assert main(["autostart"]) == 0
    assert main(["autostart", "off"]) == 0
    assert main(["autostart", "off"]) == 0
    assert not entry.exists()
    off, on = "autostart is off\n", f"autostart is on ({entry})\n"
    assert capsys.readouterr().out == off + on + on + off + off


def test_a_module_starts_itself_by_its_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "voiceflow_daemon" / "__main__.py")])
    assert arguments_of(autostart.own_command()) == [sys.executable, "-m", "voiceflow_daemon"]


def test_a_command_that_is_gone_is_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = program(tmp_path / "bin")
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "gone")])
    monkeypatch.setenv("PATH", str(found.parent))
    assert autostart.own_command() == str(found)


@given(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1))
def test_any_path_survives_the_quoting(argument: str) -> None:
    assert arguments_of(autostart.quoted(argument)) == [argument]


def test_a_folder_that_refuses_is_told(own_machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    (own_machine.home / "config").touch()
    assert main(["autostart", "on"]) == 1
    assert "cannot be changed" in capsys.readouterr().err
