"""Where the program keeps its files, by the platform's own conventions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs

APP = "voiceflow"


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
        runtime_dir=Path(dirs.user_runtime_path),
    )


def private_dir(path: Path) -> Path:
    """Create `path` with its parents and close it (0700) to everyone but the user."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    return path


def assets_dir() -> Path:
    """Icons, prompts and demo models: inside the package when installed, at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"
