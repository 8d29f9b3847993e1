"""Word error rates. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class WordErrors:
    """Words substituted, left out and put in (`errors`), of so many that were said."""

    errors: int
    said: int

    @property
    def percent(self) -> float:
        """The word error rate; 0 where nothing was said and nothing heard."""
        return 100.0 * self.errors / max(self.said, 1)

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(self.errors + other.errors, self.said + other.said)


ErrorsByWay = Mapping[str, WordErrors]
"""By how the speech came to a recogniser."""


def in_all(parts: Iterable[ErrorsByWay]) -> dict[str, WordErrors]:
    """All parts together; each has the same ways."""
    found: dict[str, WordErrors] = {}
    for part in parts:
        for way, errors in part.items():
            found[way] = found.get(way, WordErrors(0, 0)) + errors
    return found


def percents(of: ErrorsByWay) -> dict[str, float]:
    """The word error rates."""
    return {way: errors.percent for way, errors in of.items()}


def word_errors(said: str, heard: str) -> WordErrors:
    """The fewest edits that turn what was heard into what was said, words compared by `words_of`."""
    reference = words_of(said)
    return WordErrors(_edits(reference, words_of(heard)), len(reference))


def words_of(text: str) -> list[str]:
    """Lower case, without punctuation but for the apostrophe inside a word."""
    return re.findall(r"\w+(?:'\w+)*", text.lower().replace("\u2019", "'"))


def _edits(left: Sequence[str], right: Sequence[str]) -> int:
    """Levenshtein's distance, a row at a time."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys([*left, *right]))}
    columns = np.array([numbers[word] for word in right], dtype=np.int64)
    steps = np.arange(len(right) + 1)
    row = steps.copy()
    for count, word in enumerate(left, 1):
        best = np.empty_like(row)
        best[0] = count
        best[1:] = np.minimum(row[1:] + 1, row[:-1] + (columns != numbers[word]))
        # An insertion takes the row's own left neighbour: a running minimum once the steps are taken off.
        row = np.minimum.accumulate(best - steps) + steps
    return int(row[-1])
