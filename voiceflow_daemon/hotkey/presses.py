"""What the keystrokes of all keyboards mean for one hotkey: pure bookkeeping, no platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from voiceflow_daemon.hotkey.listener import (
    CancelPressed,
    EmitHotkey,
    KeyDown,
    KeyUp,
    OtherInput,
)


@dataclass(frozen=True)
class HotkeyCodes:
    """The keycodes that matter, on the present keyboard layout."""

    key: frozenset[int]
    cancel: frozenset[int]


@dataclass(frozen=True)
class Pressed:
    """What the desktop takes for pressed at this moment."""

    keycodes: frozenset[int]
    any_button: bool


class PressTracker:
    """Emits one `KeyDown` and one `KeyUp` for each press of the hotkey, whatever repeats in between.

    Keys are told apart by device as well, so that a program's release does not hide the hand's.
    An observed hotkey (a single modifier) goes down only when nothing else is; a grabbed one when
    the desktop says so by `grab_activated`.
    """

    def __init__(
        self, codes: HotkeyCodes, *, observed: bool, emit: EmitHotkey, look: Callable[[], Pressed]
    ) -> None:
        self.codes = codes
        self.watches_cancel = False
        self._observed = observed
        self._emit = emit
        self._look = look
        self._held: set[tuple[int, int]] = set()
        self._held_buttons: set[tuple[int, int]] = set()
        self._is_down = False

    def key_pressed(self, device: int, keycode: int) -> None:
        """A key went down. Repeats of a key that is down mean nothing."""
        if (device, keycode) in self._held:
            return
        self._held.add((device, keycode))
        if keycode in self.codes.key:
            if self._observed and not self._is_down and self._is_alone():
                self._go_down()
        elif keycode in self.codes.cancel and self.watches_cancel:
            self._emit(CancelPressed())
        elif self._is_down:
            self._emit(OtherInput())

    def key_released(self, device: int, keycode: int) -> None:
        """A key went up."""
        self._held.discard((device, keycode))
        if self._is_down and not self._holds_hotkey():
            self._is_down = False
            self._emit(KeyUp())

    def button_pressed(self, device: int, button: int) -> None:
        """A mouse button went down, or the wheel turned."""
        self._held_buttons.add((device, button))
        if self._is_down:
            self._emit(OtherInput())

    def button_released(self, device: int, button: int) -> None:
        """A mouse button went up."""
        self._held_buttons.discard((device, button))

    def grab_activated(self, keycode: int) -> None:
        """The desktop gave us the grabbed key, after the `key_pressed` of it; auto-repeat does so too."""
        if keycode in self.codes.key and not self._is_down and self._holds_hotkey():
            self._go_down()

    def _go_down(self) -> None:
        self._is_down = True
        self._emit(KeyDown())

    def _holds_hotkey(self) -> bool:
        return any(keycode in self.codes.key for _, keycode in self._held)

    def _is_alone(self) -> bool:
        """Whether the hotkey alone is down; forgets what went up unseen."""
        pressed = self._look()
        self._held = {held for held in self._held if held[1] in pressed.keycodes | self.codes.key}
        if not pressed.any_button:
            self._held_buttons.clear()
        return not self._held_buttons and all(keycode in self.codes.key for _, keycode in self._held)
