"""Observes a single key by pynput; the focused program sees it too."""

from __future__ import annotations

from typing import Any

from pynput import keyboard

from voiceflow_daemon.errors import HotkeyError
from voiceflow_daemon.hotkey.listener import CancelPressed, EmitHotkey, KeyDown, KeyUp, OtherInput


class PynputListener:
    """A `HotkeyListener` for one key that is only observed."""

    def __init__(self, key: str, emit: EmitHotkey) -> None:
        """Raises `HotkeyError` when pynput knows no key of that name."""
        try:
            self._key = keyboard.Key[key]
        except KeyError as error:
            raise HotkeyError(f"There is no key named {key!r}.") from error
        self._emit = emit
        self._down = False
        self._watch_cancel = False
        self._listener = keyboard.Listener(on_press=self._pressed, on_release=self._released)

    def start(self) -> None:
        """Begin to listen."""
        self._listener.start()
        self._listener.wait()

    def stop(self) -> None:
        """End the thread, which notices at its next event: joining it could wait for ever."""
        self._listener.stop()

    def watch_cancel(self, watch: bool) -> None:
        """Report Escape while `watch`."""
        self._watch_cancel = watch

    def is_down(self) -> bool:
        """Whether the key was last seen down."""
        return self._down

    def is_alive(self) -> bool:
        """Whether the thread lives (`running` stays true after the display has gone)."""
        return bool(self._listener.is_alive())

    def _pressed(self, key: Any) -> None:
        if key == self._key:
            self._down = True
            self._emit(KeyDown())
        elif key == keyboard.Key.esc and self._watch_cancel:
            self._emit(CancelPressed())
        elif self._down:
            self._emit(OtherInput())

    def _released(self, key: Any) -> None:
        if key == self._key:
            self._down = False
            self._emit(KeyUp())
