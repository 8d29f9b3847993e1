"""Picks the tray of this desktop, and says what is missing when it is not a whole one."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from voiceflow_daemon.desktop.tray import Tray, TrayActions
from voiceflow_daemon.errors import DisplayError

log = logging.getLogger(__name__)

MENDING = (
    "On Debian and Ubuntu: sudo apt install python3-gi gir1.2-ayatanaappindicator3-0.1, then packaging/run; "
    "installed by pipx or uv: with the extra `tray`, see README."
)


@dataclass(frozen=True)
class TrayChoice:
    """`tray` is None where there can be none; `reason` says what is missing, empty when all is well."""

    tray: Tray | None
    reason: str = ""


def choose_tray(actions: TrayActions) -> TrayChoice:
    """The best tray that works here; never raises."""
    if not os.environ.get("DISPLAY"):
        return TrayChoice(None, "There is no display.")
    from voiceflow_daemon.desktop._pystray import PystrayTray, load_backend

    reasons: list[str] = []
    for name in ("appindicator", "gtk", "xorg"):
        try:
            tray = PystrayTray(load_backend(name), actions)
        except (ImportError, DisplayError) as error:
            log.info("tray: %s passed over: %s", name, error)
            reasons.append(f"{name}: {error}")
            continue
        log.info("tray: %s", name)
        if name == "xorg":
            return TrayChoice(tray, f"The tray icon has no menu. {MENDING}")
        return TrayChoice(tray)
    return TrayChoice(None, "There is no tray. " + " ".join(reasons))
