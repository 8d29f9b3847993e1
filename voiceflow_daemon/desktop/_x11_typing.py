"""Types any Unicode text by XTEST: spare keycodes are mapped in batches and given back."""

from __future__ import annotations

import select
import time
from typing import Any

from Xlib import X
from Xlib.protocol import event as x_event

from voiceflow_daemon.desktop._x11_connection import GONE
from voiceflow_daemon.desktop._x11_keyboard import X11Keyboard
from voiceflow_daemon.desktop._x11_window import X11ActiveWindow
from voiceflow_daemon.desktop.keystrokes import Batch, plan
from voiceflow_daemon.desktop.window import Window

CHUNK_CHARACTERS = 16
"""Between chunks the focus is checked again, so no more than this can land in another window."""

PING_LIMIT_S = 2.0
"""How long a program has to catch up with the keys before theirs are mapped anew."""

MUTE_PAUSE_S = 0.15
"""The pause instead, for programs that do not answer pings (EWMH `_NET_WM_PING` is optional)."""


class X11Typist:
    """Types into one window at a time."""

    def __init__(self, connection: Any, keyboard: X11Keyboard, active: X11ActiveWindow) -> None:
        self._display = connection
        self._keyboard = keyboard
        self._active = active
        self._mapped: set[int] = set()
        self._pings = 0

    def type(self, text: str, target: Window) -> str:
        """Type until done or `target` loses the keyboard; returns what was not typed.

        Raises `ValueError`, before anything is typed, when the keyboard has no spare keycode and needs one.
        """
        self._unmap(target)
        batches = list(plan(text, self._keyboard.layout()))
        # Toggled off and on again rather than reckoned with: programs differ in what they make of it.
        caps_lock = self._keyboard.caps_lock()
        if caps_lock:
            self._keyboard.toggle_caps_lock()
        try:
            return text[self._type_batches(batches, target) :]
        finally:
            self._unmap(target)
            if caps_lock:
                self._keyboard.toggle_caps_lock()

    def _type_batches(self, batches: list[Batch], target: Window) -> int:
        """Type, and return how many characters were typed before `target` lost the keyboard."""
        typed = 0
        for batch in batches:
            self._map(batch, target)
            for start in range(0, len(batch.strokes), CHUNK_CHARACTERS):
                self._keyboard.release_modifiers()
                if not self._active.has_keyboard(target):
                    return typed
                chunk = batch.strokes[start : start + CHUNK_CHARACTERS]
                self._keyboard.strike(chunk)
                typed += len(chunk)
        return typed

    def close(self) -> None:
        """Give back the keycodes that a program which hung still had to understand."""
        self._clear()

    def _map(self, batch: Batch, target: Window) -> None:
        if batch.mapping:
            if self._mapped:
                self._caught_up(target)
            self._mapped |= batch.mapping.keys()
            self._keyboard.map_keys(batch.mapping)
            self._caught_up(target)

    def _unmap(self, target: Window) -> None:
        """Give the spare keycodes back, unless the program may still have their keys to understand."""
        if self._mapped and self._caught_up(target):
            self._clear()

    def _clear(self) -> None:
        self._keyboard.map_keys(dict.fromkeys(self._mapped, (0, 0)))
        self._mapped.clear()

    def _caught_up(self, target: Window) -> bool:
        """Wait until the program has understood all keys so far: it answers events in their order."""
        window = self._display.create_resource_object("window", target.window_id)
        protocols, ping = (self._display.intern_atom(name) for name in ("WM_PROTOCOLS", "_NET_WM_PING"))
        try:
            offered = window.get_full_property(protocols, X.AnyPropertyType)
        except GONE:
            return True
        if offered is None or ping not in offered.value:
            time.sleep(MUTE_PAUSE_S)
            return True
        self._pings += 1
        data = [ping, self._pings, target.window_id, 0, 0]
        root = self._display.screen().root
        root.change_attributes(event_mask=X.SubstructureNotifyMask)
        try:
            window.send_event(x_event.ClientMessage(window=window, client_type=protocols, data=(32, data)))
            return self._await_pong(data[:2])
        finally:
            root.change_attributes(event_mask=X.NoEventMask)
            self._display.sync()

    def _await_pong(self, wanted: list[int]) -> bool:
        deadline = time.monotonic() + PING_LIMIT_S
        while True:
            while self._display.pending_events():
                event = self._display.next_event()
                if event.type == X.ClientMessage and list(event.data[1][:2]) == wanted:
                    return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            select.select([self._display.fileno()], [], [], left)
