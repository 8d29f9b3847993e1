"""Chooses the listener for this desktop."""

from __future__ import annotations

import logging
import os
import sys

from voiceflow_daemon.config.schema import HotkeySettings
from voiceflow_daemon.errors import DisplayError
from voiceflow_daemon.hotkey.echoes import EchoFilter
from voiceflow_daemon.hotkey.keys import Hotkey, parse_hotkey
from voiceflow_daemon.hotkey.listener import EmitHotkey, HotkeyListener

log = logging.getLogger(__name__)

_BIND_INSTEAD = "Bind `voiceflow press` and `voiceflow release` to a key in the desktop's own settings."


def open_listener(settings: HotkeySettings, emit: EmitHotkey, echoes: EchoFilter) -> HotkeyListener:
    """The best listener for this desktop, not started yet.

    Raises `HotkeyError` for a hotkey that cannot be read, `DisplayError` where there are no keys to hear.
    """
    hotkey = parse_hotkey(settings.key)
    if sys.platform == "linux" and (listener := _x11_listener(hotkey, emit, echoes)):
        return listener
    from voiceflow_daemon.hotkey._pynput import PynputListener

    return PynputListener(hotkey, emit)


def _x11_listener(hotkey: Hotkey, emit: EmitHotkey, echoes: EchoFilter) -> HotkeyListener | None:
    """The listener for X11; None, with the reason in the log, when the X server is too old for it."""
    on_wayland = os.environ.get("XDG_SESSION_TYPE") == "wayland" or "WAYLAND_DISPLAY" in os.environ
    if not os.environ.get("DISPLAY"):
        if on_wayland:
            raise DisplayError(
                "Wayland lets no program hear its keys, and there is no XWayland.", _BIND_INSTEAD
            )
        raise DisplayError("There is no display: DISPLAY is not set.", "Start voiceflow in your desktop.")
    if on_wayland:
        log.warning(
            "on Wayland the hotkey is heard only while an X11 program has the focus. %s", _BIND_INSTEAD
        )
    from voiceflow_daemon.hotkey import _x11

    if _x11.offers_raw_events():
        return _x11.X11Listener(hotkey, emit, echoes)
    log.warning("this X server lacks XInput 2.1: pynput listens, and other programs see the hotkey as well")
    return None
