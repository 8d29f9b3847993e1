"""Puts finished text where it belongs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.desktop.window import Window


class Outcome(StrEnum):
    """What became of a text."""

    PASTED = "pasted"
    """The target has read it: proved by the read receipt."""
    TYPED = "typed"
    """Sent key by key; the desktop took every key."""
    COPIED = "copied"
    """On the clipboard, as the settings want it."""
    KEPT = "kept"
    """On the clipboard because it could not be delivered; `reason` says why."""


@dataclass(frozen=True)
class Delivery:
    """The end of one delivery. `reason` is for the user and empty when all went well.

    `inserted`: how many characters stand at the cursor all the same, of a text that was `KEPT`.
    """

    outcome: Outcome
    reason: str = ""
    inserted: int = 0


class Inserter(Protocol):
    """Delivers texts, one at a time. Used by one thread."""

    def deliver(
        self, text: str, target: Window | None, settings: DeliverySettings, so_far: str = ""
    ) -> Delivery:
        """Put `text` at the cursor of `target`, or on the clipboard when that cannot be proved.

        `so_far` is a longer text that `text` is the last piece of: the clipboard is left with it, where
        it is not given back. Raises `DeliveryError` when not even the clipboard took it.
        """

    def close(self) -> None:
        """Let go of the desktop."""
