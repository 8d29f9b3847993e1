"""A user's home for the commands: all folders below one, no display, no sound, no network's help."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from voiceflow_daemon.storage.paths import Paths, user_paths

DESKTOP = ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XDG_SESSION_TYPE", "XAUTHORITY")
DEMO = '[speech]\nmodel = "demo"\n\n[llm]\nmodel = "demo"\ndeadline_s = 30.0\n'
"""With time enough for the model on a busy machine; otherwise rules would write."""
PROGRAM = (sys.executable, "-m", "voiceflow_daemon")


@dataclass
class Machine:
    """`runtime` is short, for a socket's path may have 107 bytes."""

    home: Path
    runtime: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="vf-")))

    @property
    def variables(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "HF_HUB_OFFLINE": "1",
            "COLUMNS": "100",
        }

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in DESKTOP}
        return kept | self.variables

    @property
    def paths(self) -> Paths:
        """Only within `here`, where this process has the machine's variables."""
        return user_paths()

    def write_config(self, text: str) -> None:
        path = self.home / "config" / "voiceflow" / "config.toml"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")

    def run(
        self, *arguments: str, stdin: bytes = b"", without: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        """The command in a process of its own."""
        environment = {name: value for name, value in self.environment.items() if name not in without}
        return subprocess.run(
            [*PROGRAM, *arguments],
            env=environment,
            input=stdin,
            capture_output=True,
            timeout=100,
            check=False,
        )
