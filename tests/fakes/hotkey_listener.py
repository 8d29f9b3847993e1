"""A hotkey listener with a keyboard of its own, which the test presses."""

from __future__ import annotations

from voiceflow_daemon.errors import HotkeyError
from voiceflow_daemon.hotkey.listener import (
    CancelPressed,
    EmitHotkey,
    HotkeyEvent,
    KeyDown,
    KeyUp,
    ListenerFailed,
    OtherInput,
)


class FakeListener:
    """A `HotkeyListener`; its events come on the thread that presses."""

    def __init__(self, emit: EmitHotkey, *, taken: bool = False) -> None:
        self._emit = emit
        self._taken = taken
        self._alive = False
        self._down = False
        self.watches_cancel = False

    def start(self) -> None:
        if self._taken:
            raise HotkeyError("Another program already holds the hotkey.", "Choose another.")
        self._alive = True

    def stop(self) -> None:
        self._alive = False

    def watch_cancel(self, watch: bool) -> None:
        self.watches_cancel = watch

    def is_down(self) -> bool:
        return self._down

    def is_alive(self) -> bool:
        return self._alive

    def press(self) -> None:
        """The hand presses the hotkey."""
        self._down = True
        self._say(KeyDown())

    def release(self) -> None:
        """The hand lets go of it."""
        self._down = False
        self._say(KeyUp())

    def press_other(self) -> None:
        """The hand presses another key, or a mouse button."""
        if self._down:
            self._say(OtherInput())

    def press_escape(self) -> None:
        """The hand presses the cancel key."""
        if self.watches_cancel:
            self._say(CancelPressed())
        else:
            self.press_other()

    def fail(self, reason: str) -> None:
        """The display goes away."""
        self._say(ListenerFailed(reason))
        self._alive = False

    def _say(self, event: HotkeyEvent) -> None:
        if self._alive:
            self._emit(event)
