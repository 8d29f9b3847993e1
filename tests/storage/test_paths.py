"""Where files go, and that nobody else can get between."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.storage import paths
from voiceflow_daemon.storage.paths import UnsafeFolderError, assets_dir, private_dir, user_paths


def test_the_users_folders_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME", "RUNTIME_DIR"):
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path / name))
    found = user_paths()
    assert found.config_file == tmp_path / "CONFIG_HOME/voiceflow/config.toml"
    assert found.models_dir == tmp_path / "DATA_HOME/voiceflow/models"
    assert found.journal_dir.parent == tmp_path / "STATE_HOME/voiceflow"
    assert found.cache_dir == tmp_path / "CACHE_HOME/voiceflow"
    assert found.socket_file.parent == found.lock_file.parent == tmp_path / "RUNTIME_DIR/voiceflow"
    assert list(tmp_path.iterdir()) == []  # asking creates nothing


def test_without_a_variable_the_systems_folder_of_the_user_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr(paths, "SYSTEM_RUNTIME_DIR", tmp_path)
    own = tmp_path / str(os.getuid())
    own.mkdir()
    assert user_paths().runtime_dir == own / "voiceflow"


@pytest.mark.parametrize("value", [None, "", "relative/folder"])
def test_without_any_a_folder_for_this_user_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    if value is not None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", value)
    monkeypatch.setattr(paths, "SYSTEM_RUNTIME_DIR", tmp_path / "none")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert user_paths().runtime_dir == tmp_path / f"voiceflow-{os.getuid()}"


def test_a_session_without_a_runtime_folder_is_no_reason_to_warn() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    code = "from voiceflow_daemon.storage.paths import user_paths; user_paths()"
    ended = subprocess.run(
        [sys.executable, "-W", "always", "-c", code], env=environment, capture_output=True, check=True
    )
    assert ended.stderr == b""


def test_a_private_folder_is_made_and_closed(tmp_path: Path) -> None:
    path = private_dir(tmp_path / "a" / "b")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    path.chmod(0o755)
    assert stat.S_IMODE(private_dir(path).stat().st_mode) == 0o700


def test_a_link_of_the_users_own_is_followed(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o755)
    (tmp_path / "link").symlink_to(tmp_path / "disk")
    assert private_dir(tmp_path / "link") == tmp_path / "link"
    assert stat.S_IMODE((tmp_path / "disk").stat().st_mode) == 0o700


def test_somebody_elses_folder_is_refused_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir(mode=0o755)
    real = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: real + 1)
    with pytest.raises(UnsafeFolderError, match=f"is not yours: .* number {real}") as caught:
        private_dir(theirs)
    assert isinstance(caught.value, VoiceflowError)
    assert isinstance(caught.value, OSError)
    assert caught.value.hint
    assert stat.S_IMODE(theirs.stat().st_mode) == 0o755


def test_somebody_elses_link_to_the_users_own_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir(mode=0o755)
    link = tmp_path / "link"
    link.symlink_to(own)
    theirs = os.stat_result((*link.lstat()[:4], os.getuid() + 1, *link.lstat()[5:]))
    monkeypatch.setattr(Path, "lstat", lambda _path: theirs)
    with pytest.raises(UnsafeFolderError):
        private_dir(link)
    assert stat.S_IMODE(own.stat().st_mode) == 0o755


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        private_dir(tmp_path / "file")


def test_the_assets_are_found() -> None:
    assert (assets_dir() / "prompts").is_dir()
