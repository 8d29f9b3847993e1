"""The hotkey by pynput, where no better adapter exists: single keys, which are only observed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from pynput import keyboard, mouse

from voiceflow_daemon.errors import HotkeyError
from voiceflow_daemon.hotkey.keys import Hotkey
from voiceflow_daemon.hotkey.listener import (
    CancelPressed,
    EmitHotkey,
    KeyDown,
    KeyUp,
    ListenerFailed,
    OtherInput,
)

log = logging.getLogger(__name__)

_PYNPUT_NAMES = {"super_l": "cmd_l", "super_r": "cmd_r"}


class PynputListener:
    """A `HotkeyListener` for one key. Other programs see the key, and Escape, as well."""

    def __init__(self, hotkey: Hotkey, emit: EmitHotkey) -> None:
        """Raises `HotkeyError` for a combination, and for a key that pynput does not know."""
        name = _PYNPUT_NAMES.get(hotkey.key, hotkey.key)
        if hotkey.modifiers or name not in keyboard.Key.__members__:
            raise HotkeyError(
                f'The hotkey "{hotkey}" cannot be had on this desktop.',
                'Take a single key, such as "ctrl_r" or "f9".',
            )
        self._key = keyboard.Key[name]
        self._emit = emit
        self._is_down = False
        self._watches_cancel = False
        self._ended = threading.Event()
        self._keys = _Keys(on_press=self._pressed, on_release=self._released)
        self._buttons = _Buttons(on_click=self._clicked, on_scroll=self._scrolled)
        self._keys.on_end = self._buttons.on_end = self._lost

    def start(self) -> None:
        """Begin to listen."""
        for listener in (self._keys, self._buttons):
            listener.start()
            listener.wait()

    def stop(self) -> None:
        """Emit no more. pynput's threads notice at their next event on X11: they are not waited for."""
        if self._ended.is_set():
            return  # a lost display ends both threads, and cannot be told anything any more
        self._ended.set()
        self._keys.stop()
        self._buttons.stop()

    def watch_cancel(self, watch: bool) -> None:
        """Report Escape while `watch`."""
        self._watches_cancel = watch

    def is_down(self) -> bool:
        """Whether the key was last seen down."""
        return self._is_down

    def is_alive(self) -> bool:
        """Whether both threads live (`running` stays true after the display has gone)."""
        return not self._ended.is_set() and self._keys.is_alive() and self._buttons.is_alive()

    def _pressed(self, key: Any) -> None:
        if self._ended.is_set():
            return
        if key == self._key:
            if not self._is_down:
                self._is_down = True
                self._emit(KeyDown())
        elif key == keyboard.Key.esc and self._watches_cancel:
            self._emit(CancelPressed())
        else:
            self._other_input()

    def _released(self, key: Any) -> None:
        if key == self._key and self._is_down and not self._ended.is_set():
            self._is_down = False
            self._emit(KeyUp())

    def _clicked(self, _x: int, _y: int, _button: Any, pressed: bool) -> None:
        if pressed:
            self._other_input()

    def _scrolled(self, _x: int, _y: int, _right: int, _up: int) -> None:
        self._other_input()

    def _other_input(self) -> None:
        if self._is_down and not self._ended.is_set():
            self._emit(OtherInput())

    def _lost(self) -> None:
        """One of the two threads has ended."""
        if not self._ended.is_set():
            self._ended.set()
            self._emit(ListenerFailed("Keys and mouse buttons are not reported any more."))


class _SaysWhenItEnds:
    """What pynput's threads lack: they die of a lost display, or of an exception, without a word."""

    on_end: Callable[[], None]

    def run(self) -> None:
        try:
            super().run()  # type: ignore[misc]  # pynput's Listener, which has no types
        except Exception:
            log.debug("a listener's thread ended", exc_info=True)
        self.on_end()


class _Keys(_SaysWhenItEnds, keyboard.Listener):  # type: ignore[misc]
    pass


class _Buttons(_SaysWhenItEnds, mouse.Listener):  # type: ignore[misc]
    pass
