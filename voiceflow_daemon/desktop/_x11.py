"""The X11 desktop: active window and paste by XTEST."""

from __future__ import annotations

import time

import pyperclip
from Xlib import XK, X, display
from Xlib.ext import xtest

from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.desktop.inserter import Delivery, Outcome
from voiceflow_daemon.desktop.window import Window


class X11ActiveWindow:
    """Reads `_NET_ACTIVE_WINDOW` of the root window."""

    def __init__(self) -> None:
        self._display = display.Display()
        self._root = self._display.screen().root
        self._atom = self._display.intern_atom("_NET_ACTIVE_WINDOW")

    def sample(self) -> Window | None:
        """The active window."""
        value = self._root.get_full_property(self._atom, X.AnyPropertyType)
        if value is None or not value.value or not value.value[0]:
            return None
        window_id = int(value.value[0])
        names = self._display.create_resource_object("window", window_id).get_wm_class()
        return Window(window_id, names[1] if names else "")

    def close(self) -> None:
        """Close the connection."""
        self._display.close()


class X11Inserter:
    """Pastes with Ctrl+V."""

    def __init__(self) -> None:
        self._display = display.Display()
        self._active = X11ActiveWindow()

    def deliver(self, text: str, target: Window | None, settings: DeliverySettings) -> Delivery:
        """Paste into `target` if it still has the focus."""
        pyperclip.copy(text)
        limit = time.monotonic() + 0.5
        while pyperclip.paste() != text and time.monotonic() < limit:
            time.sleep(0.005)
        if settings.method == "copy":
            return Delivery(Outcome.COPIED)
        if target is None or self._active.sample() != target:
            return Delivery(Outcome.KEPT, "another window has the focus now")
        self._press("Control_L", "v")
        return Delivery(Outcome.PASTED)

    def _press(self, modifier: str, key: str) -> None:
        codes = [self._display.keysym_to_keycode(XK.string_to_keysym(name)) for name in (modifier, key)]
        for kind, code in (
            (X.KeyPress, codes[0]),
            (X.KeyPress, codes[1]),
            (X.KeyRelease, codes[1]),
            (X.KeyRelease, codes[0]),
        ):
            xtest.fake_input(self._display, kind, code)
        self._display.sync()

    def close(self) -> None:
        """Close the connections."""
        self._active.close()
        self._display.close()
