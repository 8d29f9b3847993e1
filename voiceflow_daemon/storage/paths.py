"""Where the program keeps its files, by the platform's own conventions."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from voiceflow_daemon.errors import VoiceflowError

APP = "voiceflow"
SYSTEM_RUNTIME_DIR = Path("/run/user")
"""Where systemd and elogind make each user's folder, also when a cron job's environment does not name it."""


class UnsafeFolderError(VoiceflowError, PermissionError):
    """A folder for private files is not the user's own.

    A `PermissionError` as well: who can do without the folder goes on as with any that is refused.
    """


@dataclass(frozen=True)
class Paths:
    """Folders of one user. Nothing is created until `private_dir` is called on one of them."""

    config_dir: Path
    data_dir: Path
    cache_dir: Path
    state_dir: Path
    runtime_dir: Path

    @property
    def config_file(self) -> Path:
        """The TOML file that users edit."""
        return self.config_dir / "config.toml"

    @property
    def journal_dir(self) -> Path:
        """Recordings that are not delivered yet."""
        return self.state_dir / "journal"

    @property
    def history_file(self) -> Path:
        """SQLite database of finished texts."""
        return self.state_dir / "history.sqlite3"

    @property
    def log_file(self) -> Path:
        """The rotating log."""
        return self.state_dir / "voiceflow.log"

    @property
    def models_dir(self) -> Path:
        """Downloaded models."""
        return self.data_dir / "models"

    @property
    def prefixes_dir(self) -> Path:
        """Evaluated prompt prefixes, the prompt cache's disk tier."""
        return self.cache_dir / "prefixes"

    @property
    def socket_file(self) -> Path:
        """The control socket, in a folder of its own that only the user may enter."""
        return self.runtime_dir / "control.sock"

    @property
    def lock_file(self) -> Path:
        """Held by the running daemon."""
        return self.runtime_dir / "daemon.lock"


def user_paths() -> Paths:
    """The paths of the present user (XDG on Linux; `XDG_*` variables are honoured)."""
    dirs = platformdirs.PlatformDirs(APP, appauthor=False)
    return Paths(
        config_dir=Path(dirs.user_config_path),
        data_dir=Path(dirs.user_data_path),
        cache_dir=Path(dirs.user_cache_path),
        state_dir=Path(dirs.user_state_path),
        runtime_dir=_runtime_dir(dirs),
    )


def _runtime_dir(dirs: platformdirs.PlatformDirs) -> Path:
    """For the socket and the lock, by the XDG Base Directory Specification; nothing is said about it.

    Our own, for platformdirs warns on stderr where the session has none, which each `voiceflow press`
    of a desktop's key binding would repeat.
    """
    if sys.platform in ("darwin", "win32"):
        return Path(dirs.user_runtime_path)
    named = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    if named.is_absolute():
        return named / APP
    of_system = SYSTEM_RUNTIME_DIR / str(os.getuid())
    if _belongs_to_user(of_system):
        return of_system / APP
    return Path(tempfile.gettempdir()) / f"{APP}-{os.getuid()}"


def _belongs_to_user(path: Path) -> bool:
    try:
        return path.is_dir() and path.stat().st_uid == os.getuid()
    except OSError:
        return False


def private_dir(path: Path) -> Path:
    """Create `path` with its parents and close it (0700) to everyone but the user.

    Raises `UnsafeFolderError` when it belongs to somebody else, or is a link that somebody else has
    laid: in the folder for temporary files anyone may be there first. A link of the user's own (models
    on another disk) is followed. Raises OSError when it cannot be made.
    """
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    for status in (path.lstat(), path.stat()):
        if status.st_uid != os.getuid():
            raise UnsafeFolderError(
                f"{path} is not yours: it belongs to the user with the number {status.st_uid}.",
                "Give it to yourself by chown, or delete it.",
            )
    if stat.S_IMODE(path.stat().st_mode) != 0o700:
        path.chmod(0o700)
    return path


def assets_dir() -> Path:
    """Icons, prompts and demo models: inside the package when installed, at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"
