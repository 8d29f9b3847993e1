"""The doctor's look at the tray."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields

from voiceflow_daemon.cli.doctor import Finding, Mark, ok

TRAY_LIMIT_S = 20.0
NO_TRAY = "Everything works without it: see `voiceflow status`, `voiceflow context`, `voiceflow last`."


def tray() -> Finding:
    """What the tray can do here, found out in a child: toolkits end the process when a display fails."""
    try:
        child = subprocess.run(
            [sys.executable, "-P", "-c", f"from {__name__} import tell_tray; tell_tray()"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TRAY_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Finding(Mark.WARN, f"The tray did not come up within {TRAY_LIMIT_S:.0f} s.", NO_TRAY)
    if child.returncode != 0:
        return Finding(
            Mark.WARN, f"The tray cannot be tried: its process ended with {child.returncode}.", NO_TRAY
        )
    told = json.loads(child.stdout.splitlines()[-1])
    if not told["reason"]:
        return ok("The tray icon has its menu.")
    if told["icon"]:
        return Finding(Mark.WARN, "The tray icon has no menu.", told["reason"])
    return Finding(Mark.WARN, told["reason"], NO_TRAY)


def tell_tray() -> None:
    """The child's part: one line of JSON."""
    from voiceflow_daemon.desktop.tray import TrayActions
    from voiceflow_daemon.desktop.tray_choice import choose_tray

    choice = choose_tray(TrayActions(**{field.name: _nothing for field in fields(TrayActions)}))
    print(json.dumps({"icon": choice.tray is not None, "reason": choice.reason}), flush=True)
    os._exit(0)  # what a toolkit has begun need not be ended


def _nothing(*_arguments: object) -> None:
    """Chosen by nobody."""
