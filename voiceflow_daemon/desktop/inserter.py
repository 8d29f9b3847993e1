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
    """The end of one delivery. `reason` is for the user and empty when all went well."""

    outcome: Outcome
    reason: str = ""


class Inserter(Protocol):
    """Delivers texts, one at a time. Used by one thread."""

    def deliver(self, text: str, target: Window | None, settings: DeliverySettings) -> Delivery:
        """Put `text` at the cursor of `target`, or on the clipboard when that cannot be proved.

        Raises `DeliveryError` when not even the clipboard took it.
        """

    def close(self) -> None:
        """Let go of the desktop."""
