"""Sets of words, and of phrases found by their first word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

Phrase = tuple[str, ...]


def word_set(words: str) -> frozenset[str]:
    """The words of `words` as a set."""
    return frozenset(words.split())


class PhraseBook:
    """Phrases of small-letter words; looking for one costs nothing where no phrase begins."""

    def __init__(self, *phrases: str) -> None:
        self._by_first: dict[str, tuple[Phrase, ...]] = {}
        for phrase in map(str.split, phrases):
            known = self._by_first.get(phrase[0], ())
            self._by_first[phrase[0]] = (*known, tuple(phrase))

    def __iter__(self) -> Iterator[Phrase]:
        for phrases in self._by_first.values():
            yield from phrases

    def starting(self, word: str) -> tuple[Phrase, ...]:
        """The phrases whose first word is `word`."""
        return self._by_first.get(word, ())

    def longest_at(self, keys: Sequence[str], at: int) -> int:
        """The length of the longest phrase that stands in `keys` at `at`; 0 if none does."""
        if not 0 <= at < len(keys):
            return 0
        found = self._by_first.get(keys[at])
        if not found:
            return 0
        return max(
            (len(phrase) for phrase in found if tuple(keys[at : at + len(phrase)]) == phrase), default=0
        )
