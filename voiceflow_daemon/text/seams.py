"""What settles a sentence, and what a language's words have to say about it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, StrEnum, auto
from typing import Protocol

from voiceflow_daemon.text.tokens import Token

LONG_PAUSE_S = 1.2
"""A pause that ends a sentence where little else speaks for it."""


class Rule(StrEnum):
    """What settled a sentence; the values are for the log."""

    PUNCTUATION = "punctuation"
    """The recogniser's mark."""
    SPOKEN_MARK = "spoken mark"
    """'period', 'question mark' and the like."""
    PARAGRAPH = "paragraph command"
    PAUSE = "pause"
    LENGTH = "length"
    """It was cut."""
    RELEASE = "release"
    """Nothing more is said."""


class Joint(Enum):
    """How what follows is joined to a sentence."""

    APART = auto()
    """It is the next sentence."""
    BESIDE = auto()
    """It is a clause of its own, but has to be formatted together with the sentence."""
    WITHIN = auto()
    """The sentence goes on."""


class SeamRules(Protocol):
    """A language's knowledge of where sentences end; spoken marks are still words in its tokens."""

    def said_marks(self, tokens: Sequence[Token]) -> tuple[int, tuple[str, ...]]:
        """Where the marks and breaks that were said at the very end begin, and what they are."""

    def stays_open(self, tokens: Sequence[Token], rule: Rule, pause_s: float | None) -> bool:
        """Whether no sentence ends here although `rule` says so; said marks are not among the tokens.

        The pause is what is known of it so far, None within a segment.
        """

    def joint(self, before: Sequence[Token], after: Sequence[Token], gap_s: float | None) -> Joint:
        """How `after` is joined to the sentence `before`; the gap is None within a segment."""

    def keeps_capital(self, tokens: Sequence[Token]) -> bool:
        """Whether the first word has a capital inside a sentence too, or that is not known."""


class UnknownSeams:
    """A language without rules: marks and long pauses alone count."""

    def said_marks(self, tokens: Sequence[Token]) -> tuple[int, tuple[str, ...]]:
        """None is known."""
        return len(tokens), ()

    def stays_open(self, tokens: Sequence[Token], rule: Rule, pause_s: float | None) -> bool:  # noqa: ARG002
        """Behind a short pause."""
        return rule is Rule.PAUSE and (pause_s or 0.0) < LONG_PAUSE_S

    def joint(self, before: Sequence[Token], after: Sequence[Token], gap_s: float | None) -> Joint:  # noqa: ARG002
        """Nothing is known of the words."""
        return Joint.APART

    def keeps_capital(self, tokens: Sequence[Token]) -> bool:  # noqa: ARG002
        """It may be a name."""
        return True
