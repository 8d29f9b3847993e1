"""The real daemon on a virtual desktop, as its user meets it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.desktop.rig import VirtualDesktop
from tests.desktop.rig.tray_menu import TrayItem

RECORDINGS = Path(__file__).parents[2] / "assets/demo/recordings"
TRAY_ID = "voiceflow"

DEMO_CONFIG = """\
context = "default"

[speech]
model = "demo"

[llm]
model = "demo"
"""

LOADING_LIMIT_S = 90.0
DICTATION_LIMIT_S = 40.0


class Daemon:
    """`voiceflow run`; one at a time on a desktop."""

    def __init__(self, desktop: VirtualDesktop, config: str | None = DEMO_CONFIG) -> None:
        self.desktop = desktop
        self.config_file = desktop.config_dir / "voiceflow/config.toml"
        self.state_dir = desktop.state_dir / "voiceflow"
        self._runs = 0
        if config is not None:
            self.config_file.parent.mkdir(parents=True, exist_ok=True)
            self.config_file.write_text(config, encoding="utf-8")

    def start(self, ready: Callable[[dict[str, Any]], bool] | None = None) -> None:
        """Start it and wait until it is ready to hear (or until `ready` holds for its status)."""
        self._runs += 1
        self._name = f"voiceflow-{self._runs}"
        self.process = self.desktop.spawn(self._name, "voiceflow", "run", "--verbose")
        fits = ready or (lambda status: status["status"].endswith("Ready"))
        self.desktop.await_ready(
            self._name, self.process, lambda: self._answers() and fits(self.status()), LOADING_LIMIT_S
        )

    def _answers(self) -> bool:
        return self.command("status", check=False).returncode == 0

    def stop(self) -> None:
        """End it as a session's end does, and see that it ends well."""
        self.process.terminate()
        assert self.process.wait(20) == 0, self.desktop.log(self._name)

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.wait(20)

    def command(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run `voiceflow …`."""
        return self.desktop.run("voiceflow", *words, check=check)

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self.command("status", "--json").stdout)
        return status

    def await_status(self, awaited: str, fits: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        self.desktop.until(awaited, lambda: fits(self.status()), DICTATION_LIMIT_S)
        return self.status()

    def last(self) -> str:
        """What `voiceflow last` prints."""
        return self.command("last").stdout.decode().removesuffix("\n")

    def log(self) -> str:
        return (self.state_dir / "voiceflow.log").read_text(encoding="utf-8")

    def journal(self) -> list[Path]:
        folder = self.state_dir / "journal"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    @property
    def tray(self) -> TrayItem:
        return self.desktop.tray.await_item(TRAY_ID)

    def say(self, recording: str) -> None:
        """Play a sample recording into the microphone, to its end."""
        self.desktop.microphone.say(RECORDINGS / recording)

    def dictate(self, recording: str, key: str = "Control_R") -> None:
        """Hold the key as a hand does, speak, let go."""
        with self.desktop.hand.holding(key):
            self.say(recording)
