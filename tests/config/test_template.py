"""The file of the first run, and settings written out."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from pydantic import BaseModel

from tests.config.texts import good_settings
from voiceflow_daemon.config.load import load_settings, parse_settings
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.config.template import default_line, first_file, render, write_first
from voiceflow_daemon.errors import ConfigError


def test_the_first_file_says_the_defaults() -> None:
    assert parse_settings(first_file(), "x") == Settings()


def test_every_line_can_be_switched_on() -> None:
    lines = [
        line.removeprefix("#").removeprefix(" ") if not line.startswith("#:") else line
        for line in first_file().splitlines()
    ]
    settings = parse_settings("\n".join(lines), "x")
    assert list(settings.contexts) == ["minutes", "letter"]
    assert settings.model_copy(update={"contexts": {}}) == Settings()


def documented() -> Iterator[tuple[str, Any, str]]:
    """Dotted key, default and explanation of every setting."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, BaseModel):
            for key, inner in type(field.default).model_fields.items():
                yield f"{name}.{key}", inner.default, inner.description or ""
        elif field.default_factory is None:
            yield name, field.default, field.description or ""


def test_every_setting_stands_in_the_first_file_with_its_explanation() -> None:
    text = first_file()
    for key, _default, explanation in documented():
        shown = default_line(key.split("."))
        assert key == "context" or f"\n{shown}\n" in text
        assert explanation.split()[0] in text
    assert 'context = "default"' in text
    assert max(map(len, text.splitlines())) <= 110


def test_there_is_no_default_line_for_what_is_no_setting() -> None:
    assert default_line(["nothing"]) is None
    assert default_line(["contexts", "a", "prompt"]) is None
    assert default_line(["hotkey", "nothing"]) is None


def test_the_first_file_is_written_once(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "config.toml"
    assert write_first(path)
    assert load_settings(path) == Settings()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("context = 'email'")
    assert not write_first(path)
    assert path.read_text() == "context = 'email'"
    assert [file.name for file in path.parent.iterdir()] == ["config.toml"]


def test_a_link_that_leads_nowhere_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.symlink_to(tmp_path / "away")
    assert not write_first(path)
    assert path.is_symlink()


def test_a_file_that_appears_meanwhile_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    real = os.path.lexists
    monkeypatch.setattr(os.path, "lexists", lambda found: real(found) and Path(found) != path)
    path.write_text("mine")
    assert not write_first(path)
    assert path.read_text() == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]


def test_a_file_system_without_links_gets_the_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    assert write_first(tmp_path / "config.toml")
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]


def test_a_folder_that_cannot_be_made_is_an_error_for_the_user(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="cannot be written"):
        write_first(tmp_path / "file" / "config.toml")


def test_changed_settings_are_marked() -> None:
    settings = parse_settings("context = 'email'\n[hotkey]\nkey = 'f9'\n", "x")
    marked = [line for line in render(settings).splitlines() if "# changed" in line]
    assert marked == ['context = "email" # changed', 'key = "f9" # changed']


@given(good_settings())
def test_settings_written_out_load_back_equal(settings: Settings) -> None:
    assert parse_settings(render(settings), "x") == settings
