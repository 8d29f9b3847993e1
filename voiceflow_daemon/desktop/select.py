"""Picks the adapters of this desktop, and says why each better one was passed over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from voiceflow_daemon.desktop.clipboard import Clipboard
from voiceflow_daemon.desktop.inserter import Inserter
from voiceflow_daemon.desktop.window import ActiveWindow
from voiceflow_daemon.errors import DisplayError

log = logging.getLogger(__name__)

T = TypeVar("T")

Announce = Callable[[int, bool], None]
"""Told each key event just before it is sent: keycode, pressed. Must not block."""


def open_inserter(announce: Announce) -> Inserter:
    """What delivers texts here. Raises `DisplayError` when not even a clipboard is found."""

    def x11() -> Inserter:
        from voiceflow_daemon.desktop._x11_inserter import X11Inserter

        return X11Inserter(announce)

    def clipboard_only() -> Inserter:
        from voiceflow_daemon.desktop._pyperclip import CopyingInserter

        return CopyingInserter()

    return _first("insertion", {"X11": x11, "pyperclip": clipboard_only})


def open_active_window() -> ActiveWindow:
    """What knows the focused window here. Raises `DisplayError` without any desktop."""

    def x11() -> ActiveWindow:
        from voiceflow_daemon.desktop._x11_window import X11ActiveWindow

        return X11ActiveWindow()

    def unknown() -> ActiveWindow:
        from voiceflow_daemon.desktop._pyperclip import PyperclipClipboard, UnknownActiveWindow

        PyperclipClipboard()  # where texts can only be copied, no window need be known
        return UnknownActiveWindow()

    return _first("active window", {"X11": x11, "none": unknown})


def open_clipboard() -> Clipboard:
    """The clipboard here. Raises `DisplayError` when there is none."""

    def x11() -> Clipboard:
        from voiceflow_daemon.desktop._x11_clipboard import X11Clipboard

        return X11Clipboard()

    def pyperclip() -> Clipboard:
        from voiceflow_daemon.desktop._pyperclip import PyperclipClipboard

        return PyperclipClipboard()

    return _first("clipboard", {"X11": x11, "pyperclip": pyperclip})


def _first(subject: str, candidates: dict[str, Callable[[], T]]) -> T:
    """The first candidate that opens. Raises `DisplayError` with every candidate's reason."""
    reasons: list[str] = []
    for name, opens in candidates.items():
        try:
            opened = opens()
        except (DisplayError, ImportError) as error:
            reason = error.message if isinstance(error, DisplayError) else f"{error}."
            log.info("%s: %s passed over: %s", subject, name, reason)
            reasons.append(f"{name}: {reason}")
        else:
            log.info("%s: %s", subject, name)
            return opened
    raise DisplayError(
        f"There is no desktop for the {subject}. {' '.join(reasons)}",
        "Start voiceflow in a desktop session, or install xclip or wl-clipboard.",
    )
