"""What the daemon needs of a hotkey listener, and the events that it sends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class KeyDown:
    """The hotkey went down; repeated while it is held on systems with auto-repeat."""


@dataclass(frozen=True)
class KeyUp:
    """The hotkey went up, for what the system says (auto-repeat may fake it)."""


@dataclass(frozen=True)
class OtherInput:
    """Another key or a mouse button went down while the hotkey was held."""


@dataclass(frozen=True)
class CancelPressed:
    """The cancel key (Escape) went down while it was watched."""


@dataclass(frozen=True)
class ListenerFailed:
    """The listener is dead; `reason` is for the user."""

    reason: str


HotkeyEvent = KeyDown | KeyUp | OtherInput | CancelPressed | ListenerFailed
EmitHotkey = Callable[[HotkeyEvent], None]
"""Called on the listener's own thread; it only enqueues."""


class HotkeyListener(Protocol):
    """Watches one hotkey until it is stopped."""

    def start(self) -> None:
        """Begin; raises `HotkeyError` when the key cannot be had."""

    def stop(self) -> None:
        """Let go of the key and end the thread."""

    def watch_cancel(self, watch: bool) -> None:
        """Take the cancel key (only while recording, so that Escape works elsewhere)."""

    def is_down(self) -> bool:
        """Whether any key of the hotkey is physically down now."""

    def is_alive(self) -> bool:
        """Whether events can still arrive."""
