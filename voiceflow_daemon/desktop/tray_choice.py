"""Picks the tray of this desktop, and says what is missing when it is not a whole one."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

from voiceflow_daemon.desktop.tray import Tray, TrayActions

log = logging.getLogger(__name__)

WITH_MENU = ("appindicator", "gtk")
WITHOUT_MENU = "xorg"

HOST_LIMIT_S = 2.0
"""How long a panel that is not there yet is waited for."""

NO_DISPLAY = "There is no display, so there is no tray icon. `voiceflow status` tells the state."
NO_HOST = (
    "No panel here shows tray icons; the icon appears as soon as one does. GNOME needs the extension "
    "AppIndicator (apt install gnome-shell-extension-appindicator). `voiceflow status` tells the state."
)
MENDING = (
    "To mend it on Debian or Ubuntu: apt install python3-gi gir1.2-ayatanaappindicator3-0.1, then start "
    "packaging/run once; with pipx or uv: install voiceflow-daemon[tray]."
)
NO_MENU = f"The tray icon has no menu, for GTK's Python bindings cannot be used. {MENDING}"
NO_TRAY = f"There is no tray icon, for none of its adapters can be used. {MENDING}"


@dataclass(frozen=True)
class TrayChoice:
    """`tray` is None where there can be none; `reason` tells the user what is missing, "" when nothing is."""

    tray: Tray | None
    reason: str = ""


def choose_tray(actions: TrayActions) -> TrayChoice:
    """The best tray that works here. Never raises; may wait a moment for a panel."""
    if not os.environ.get("DISPLAY"):
        return _told(TrayChoice(None, NO_DISPLAY))
    from voiceflow_daemon.desktop._tray_host import await_tray_host, shows_embedded_icons

    hosted = await_tray_host(HOST_LIMIT_S)
    for backend in WITH_MENU:
        if (tray := _open(backend, actions)) is not None:
            return _told(TrayChoice(tray, "" if hosted else NO_HOST))
    if not shows_embedded_icons():  # it knows no other panels
        return _told(TrayChoice(None, NO_TRAY))
    tray = _open(WITHOUT_MENU, actions)
    return _told(TrayChoice(tray, NO_TRAY if tray is None else NO_MENU))


def _open(backend: str, actions: TrayActions) -> Tray | None:
    from voiceflow_daemon.desktop._pystray import PystrayTray

    try:
        tray = PystrayTray(backend, actions)
    except ImportError as error:
        log.info("tray: %s passed over: %s", backend, error)
        return None
    log.info("tray: %s", backend)
    return tray


def _told(choice: TrayChoice) -> TrayChoice:
    if choice.reason:
        log.warning("tray: %s", choice.reason)
    return choice
