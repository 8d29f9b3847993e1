"""English transcripts and texts, read for comparison."""

from __future__ import annotations

import re
from dataclasses import dataclass

from voiceflow_daemon.text.alignment import Said, Tolerance, Written
from voiceflow_daemon.text.english.rules import format_english
from voiceflow_daemon.text.english.said import said_units
from voiceflow_daemon.text.english.units import inside_numbers, points_of_sums, units_of
from voiceflow_daemon.text.english.words import SCRATCH
from voiceflow_daemon.text.phrases import word_set

DROPPABLE = word_set("a an the and so then that of just to")
ADDABLE = word_set("a an the and that to of is are on at in for")
ALIKE_SETS = (
    "a an the", "is are", "was were", "has have", "do does", "to too 2", "for 4", "their there they're",
    "then than", "its it's", "your you're", "whose who's", "by bye buy",
)  # fmt: skip
"""Words that a recogniser mixes up or that grammar exchanges."""
SHORT = {"'s": frozenset(("is", "has", "us")), "'d": frozenset(("would", "had"))}
BREAK_NAMES = re.compile(r"\bnew[\s-]*(?:line|paragraph)\b", re.IGNORECASE)
FREE_EDITS = 2
WORDS_PER_EDIT = 15
"""Small words that may change: two, and one more for each so many words; never over a third of the words."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A transcript and a text as units, ready to be aligned."""

    said: Said
    written: Written
    spoken: tuple[str, ...]
    """All units of the transcript."""
    needed: tuple[str, ...]
    """Those of them that no route leads past and that are no small words."""
    tolerance: Tolerance


def read_english(raw: str, text: str) -> Reading:
    """Both sides in the same units."""
    units, read = units_of(raw), units_of(text)
    written = Written(tuple(unit.key for unit in read), inside_numbers(read), points_of_sums(read))
    said = said_units(units, text)
    said.firm = inside_numbers(units)
    spoken = tuple(unit.key for unit in units)
    skipped = {
        at for start, ends in said.routes.items() for end in ends for at in range(start, min(end, said.end))
    }
    needed = tuple(key for at, key in enumerate(spoken) if at not in skipped and key not in DROPPABLE)
    words = units[-1].word + 1 if units else 0
    limit = min(FREE_EDITS + words // WORDS_PER_EDIT, words // 3)
    return Reading(said, written, spoken, needed, Tolerance(DROPPABLE, ADDABLE, ALIKE, FREE, limit))


def loses_breaks(raw: str, text: str) -> bool:
    """Whether a 'new line' or 'new paragraph' was said and `text` has neither a break nor the words.

    What counts as said is what the rules make of it: not 'add a new line', nor one at the end. Where
    something is scratched, the break may have been meant too, and nothing is said of it.
    """
    if "\n" in text or BREAK_NAMES.search(text) or not BREAK_NAMES.search(raw):
        return False
    said = raw.casefold().split()
    if any(SCRATCH.longest_at(said, at) for at in range(len(said))):
        return False
    return "\n" in format_english(" ".join(raw.split()), "default")


def keeps_scratch(raw: str, text: str) -> bool:
    """Whether `text` has a 'scratch that' in words that the rules would have carried out."""
    if not _says_scratch(text):
        return False
    return not _says_scratch(format_english(" ".join(raw.split()), "default"))


def _says_scratch(text: str) -> bool:
    words = [unit.key for unit in units_of(text)]
    return any(SCRATCH.longest_at(words, at) for at in range(len(words)))


def _alike() -> dict[str, frozenset[str]]:
    sets = [frozenset(members.split()) for members in ALIKE_SETS]
    return {word: members - {word} for members in sets for word in members}


def _free() -> dict[str, frozenset[str]]:
    free = dict(SHORT)
    for short, fulls in SHORT.items():
        for full in fulls:
            free[full] = frozenset((short,))
    return free


ALIKE = _alike()
FREE = _free()
