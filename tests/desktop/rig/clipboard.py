"""The clipboard as another program (xclip) fills and reads it."""

import subprocess
from pathlib import Path

from tests.desktop.rig.processes import Processes
from tests.desktop.rig.waiting import until
from tests.desktop.rig.x_connection import XConnection

TEXT = "UTF8_STRING"
PNG = "image/png"
PROTOCOL_TARGETS = {"TARGETS", "TIMESTAMP", "MULTIPLE", "SAVE_TARGETS", "DELETE"}


class Clipboard:
    """Puts content on a selection, and reads what stands there."""

    def __init__(
        self, processes: Processes, x: XConnection, folder: Path, selection: str = "CLIPBOARD"
    ) -> None:
        self._processes = processes
        self._x = x
        self._folder = folder
        self._selection = selection
        self._owner: subprocess.Popen[bytes] | None = None

    def put_text(self, text: str) -> None:
        self._put(TEXT, text.encode())

    def put_picture(self, png: bytes) -> None:
        """Offer a PNG file's bytes, as a screenshot program does."""
        self._put(PNG, png)

    def clear(self) -> None:
        """Leave the selection without an owner."""
        if self._x.selection_owner(self._selection):
            self._put(TEXT, b"")
        if self._owner is not None:
            self._processes.stop(self._owner)
            self._owner = None
        until("the clipboard to be empty", lambda: not self._x.selection_owner(self._selection))

    def targets(self) -> list[str]:
        """Content targets on offer, without those of the selection protocol; empty without an owner."""
        if not self._x.selection_owner(self._selection):
            return []
        return [t for t in self._ask("TARGETS").decode().split() if t not in PROTOCOL_TARGETS]

    def read(self, target: str) -> bytes:
        """Bytes of one target; empty where it is not offered."""
        # An owner need not refuse: xclip hands out its one content under every name it is asked for.
        return self._ask(target) if target in self.targets() else b""

    def text(self) -> str:
        return self.read(TEXT).decode()

    def _ask(self, target: str) -> bytes:
        asked = self._processes.run(
            "xclip", "-selection", self._selection.lower(), "-o", "-t", target, check=False
        )
        return asked.stdout if asked.returncode == 0 else b""

    def _put(self, target: str, content: bytes) -> None:
        before = self._x.selection_owner(self._selection)
        file = self._folder / "clipboard-content"
        file.write_bytes(content)
        owner = self._processes.spawn(
            "xclip",
            *("xclip", "-quiet", "-selection", self._selection.lower(), "-i", "-t", target, file),
        )
        self._processes.await_ready(
            "xclip", owner, lambda: self._x.selection_owner(self._selection) not in (0, before)
        )
        if self._owner is not None:
            self._processes.stop(self._owner)
        self._owner = owner
