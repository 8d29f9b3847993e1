"""A dictation whose text is delivered in pieces: what comes next, and what to do when one fails. Pure.

Each piece goes to the cursor behind the ones before it. Once a piece could not be put there, none that
follows is: a text without its middle would be a wrong one. All that does not stand at the cursor goes to
the clipboard together, when the last of it is known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from voiceflow_daemon.desktop.inserter import Delivery, Outcome

CAME_OUT_DIFFERENTLY = "it came out differently from its beginning, which was written already"


@dataclass(frozen=True)
class Standing:
    """How far the text of one dictation stands at the cursor."""

    text: str = ""
    outcome: Outcome = Outcome.PASTED
    """How its last piece got there."""
    trouble: str = ""
    """Why nothing more is put there; empty as long as all went well."""

    @property
    def delivery(self) -> Delivery:
        """What became of the text, where this is the end of it."""
        if self.trouble:
            return Delivery(Outcome.KEPT, self.trouble, len(self.text))
        return Delivery(self.outcome)


@dataclass(frozen=True)
class Insert:
    """Put `text` at the cursor."""

    text: str


@dataclass(frozen=True)
class Keep:
    """Put `text` on the clipboard, because of `trouble`."""

    text: str
    trouble: str


def next_piece(standing: Standing, text: str, *, is_last: bool) -> Insert | Keep | None:
    """What is to be done where `text` is all that is known of the dictation's text; None for nothing."""
    goes_on = text.startswith(standing.text)
    rest = text[len(standing.text) :] if goes_on else text
    if standing.trouble or not goes_on:
        return Keep(rest, standing.trouble or CAME_OUT_DIFFERENTLY) if is_last else None
    return Insert(rest) if rest or not standing.text else None


def after(standing: Standing, piece: Insert, delivery: Delivery) -> Standing:
    """What stands there when `piece` was delivered."""
    if delivery.outcome is Outcome.KEPT:
        inserted = piece.text[: delivery.inserted]
        return replace(standing, text=standing.text + inserted, trouble=delivery.reason)
    return replace(standing, text=standing.text + piece.text, outcome=delivery.outcome)
