"""Whether anything on this desktop shows tray icons."""

from __future__ import annotations

import time

from jeepney import DBusAddress, Properties

from voiceflow_daemon.desktop._session_bus import BusError, SessionBus
from voiceflow_daemon.desktop._x11_connection import open_display
from voiceflow_daemon.errors import DisplayError

NAME = "org.kde.StatusNotifierWatcher"
WATCHER = DBusAddress("/StatusNotifierWatcher", NAME, NAME)
LIMIT_S = 1.0
POLL_S = 0.1


def shows_status_notifiers() -> bool:
    """Whether a panel shows StatusNotifier items, which carry a menu."""
    try:
        bus = SessionBus(LIMIT_S)
    except BusError:
        return False
    try:
        ((_, registered),) = bus.call(Properties(WATCHER).get("IsStatusNotifierHostRegistered"), LIMIT_S)
    except BusError:
        return False
    finally:
        bus.close()
    return bool(registered)


def shows_embedded_icons() -> bool:
    """Whether a panel embeds icons' windows (XEmbed), as older ones do."""
    try:
        display = open_display()
    except DisplayError:
        return False
    try:
        owner = display.get_selection_owner(
            display.intern_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
        )
        return bool(owner)
    finally:
        display.close()


def await_tray_host(limit_s: float) -> bool:
    """Whether there is one, or will be within `limit_s`: at login the panel may start after us."""
    deadline = time.monotonic() + limit_s
    while not (shows_status_notifiers() or shows_embedded_icons()):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    return True
