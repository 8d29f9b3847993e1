"""A text written sentence by sentence beside the same one written at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.text.alignment import common_length
from voiceflow_daemon.text.settling import ENDS

_BETWEEN = re.compile(rf"(?<=[{ENDS}])[^\S\n]+|(?<=\n)(?=[^\n])")


def sentences_of(text: str) -> list[str]:
    """By the marks and the line breaks, which stay with what is before them."""
    return [sentence for sentence in _BETWEEN.split(text) if sentence]


@dataclass(frozen=True)
class Alike:
    """How many of the units (sentences, words) of two texts are the same, in order, of how many."""

    same: int
    of: int

    @property
    def percent(self) -> float:
        """All of them where there is nothing to compare."""
        return 100.0 * self.same / self.of if self.of else 100.0

    def __add__(self, other: Alike) -> Alike:
        return Alike(self.same + other.same, self.of + other.of)


def alike(first: Sequence[str], second: Sequence[str]) -> Alike:
    """By the longest row of units that both texts have, of the longer one's units."""
    return Alike(common_length(first, second), max(len(first), len(second)))


@dataclass(frozen=True)
class Comparison:
    """One utterance in one context: `by_sentence` while it was spoken, and `at_once` after it.

    `revised` counts the sentences that were taken back after they had been written.
    """

    context: str
    seconds: int
    seed: int
    by_sentence: Dictated
    at_once: Dictated
    revised: int

    @property
    def is_equal(self) -> bool:
        """Whether both texts are the same to the letter."""
        return self.by_sentence.text == self.at_once.text

    @property
    def sentences(self) -> Alike:
        """Sentences of both texts."""
        return alike(sentences_of(self.by_sentence.text), sentences_of(self.at_once.text))

    @property
    def words(self) -> Alike:
        """Words with their capitals and marks."""
        return alike(self.by_sentence.text.split(), self.at_once.text.split())

    @property
    def first_difference(self) -> tuple[str, str]:
        """The first sentences that are not the same; blank where a text has ended."""
        pairs = zip_longest(
            sentences_of(self.by_sentence.text), sentences_of(self.at_once.text), fillvalue=""
        )
        return next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))
