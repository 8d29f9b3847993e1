"""A tray in a process of its own: GTK would take the tests with it when their display ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.desktop.rig import MenuEntry, TrayItem, VirtualDesktop, until
from voiceflow_daemon.desktop.tray import TrayView

PROGRAM = Path(__file__).parent / "programs" / "tray_program.py"
CHECKOUT = Path(__file__).parent.parent.parent
NAME = "voiceflow"


class TrayProgram:
    """The program's end of the talk."""

    def __init__(self, desktop: VirtualDesktop, process: subprocess.Popen[bytes], orders: Any) -> None:
        self.desktop = desktop
        self.process = process
        self._orders = orders

    def said(self) -> list[list[Any]]:
        """Everything so far; what is no line of ours (GTK's warnings) is left out."""
        lines = self.desktop.log("tray").splitlines()
        return [json.loads(line) for line in lines if line.startswith("[") and line.endswith("]")]

    def await_said(self, word: str, *values: object) -> list[Any]:
        """The first thing that begins with these words."""
        wanted = [word, *values]

        def heard() -> list[list[Any]]:
            return [line for line in self.said() if line[: len(wanted)] == wanted]

        try:
            return until(f"the tray to say {wanted}", heard, 20.0)[0]
        except TimeoutError as late:
            raise TimeoutError(f"{late}\n{self.desktop.log('tray')}") from late

    def chosen(self) -> list[list[Any]]:
        return [line for line in self.said() if line[0] not in ("choice", "ready", "ended", "gone")]

    def show(self, view: TrayView) -> None:
        self._order(asdict(view))

    def stop(self) -> None:
        self._order("stop")

    def ended(self) -> int:
        """Wait for the process; its status."""
        return self.process.wait(10.0)

    def item(self) -> TrayItem:
        return self.desktop.tray.await_item(NAME)

    def menu(self) -> MenuEntry:
        return self.item().menu()

    def _order(self, order: object) -> None:
        self._orders.write(json.dumps(order) + "\n")
        self._orders.flush()


@contextmanager
def tray_program(
    desktop: VirtualDesktop, env: Mapping[str, str] | None = None, *, ready: bool = True
) -> Iterator[TrayProgram]:
    """A running tray program, `ready` or as it comes; ended with the desktop at the latest."""
    fifo = desktop.folder / "orders"
    os.mkfifo(fifo)
    paths = os.pathsep.join(filter(None, [(env or {}).get("PYTHONPATH", ""), str(CHECKOUT)]))
    process = desktop.spawn("tray", sys.executable, PROGRAM, fifo, env={**(env or {}), "PYTHONPATH": paths})
    with os.fdopen(os.open(fifo, os.O_RDWR), "w", encoding="utf-8") as orders:
        program = TrayProgram(desktop, process, orders)
        if ready:
            program.await_said("ready")
        yield program
