"""Aligning what was said with what was written, word by word and in order.

What was said is a small graph: its units stand in a row, and routes lead past spans that may be left out
(a filler, a corrected phrase) or through rows added for a phrase repaired in place. The text is faithful if
some way through the graph spells it. The search goes by cost (small words added or dropped); content words
allow no edit at all, so a wrong way dies after a word or two and the whole stays about linear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

LONGEST_JOIN = 6
"""Units that may be written as one word: 'a p i' and 'API'."""


STEPS_PER_UNIT = 20
"""Effort at which the search gives up; dictation needs one or two, only endless repetition needs more."""


@dataclass(slots=True)
class Said:
    """The units of a transcript and the routes through them."""

    units: list[str]
    end: int
    """The place behind the last spoken unit (it holds no unit); added rows are stored behind it."""
    following: list[int]
    """For each unit, where the way goes on behind it."""
    routes: dict[int, set[int]] = field(default_factory=dict)
    """From a place to places further on, at no cost."""
    firm: frozenset[int] = frozenset()
    """Places inside a number: what stands there makes another number of it."""

    @classmethod
    def of(cls, units: Sequence[str]) -> Said:
        """A plain row without routes."""
        return cls([*units, ""], len(units), list(range(1, len(units) + 2)))

    def allow(self, start: int, target: int) -> None:
        """What is said from `start` up to `target` may be left out."""
        if start != target:
            self.routes.setdefault(start, set()).add(target)

    def add_row(self, units: Sequence[str], start: int, target: int) -> None:
        """At `start` the text may go on with `units`, and then at `target`."""
        first = len(self.units)
        self.units.extend(units)
        self.following.extend(range(first + 1, len(self.units) + 1))
        if units:
            self.following[-1] = target
            self.allow(start, first)


@dataclass(frozen=True, slots=True)
class Written:
    """The units of a text.

    `firm` are the places inside its numbers, `spare` those whose unit need not have been said.
    """

    units: Sequence[str]
    firm: frozenset[int] = frozenset()
    spare: frozenset[int] = frozenset()

    def at(self, place: int) -> str:
        """The unit there; empty behind the last."""
        return self.units[place] if place < len(self.units) else ""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Which small words may come and go, and at what total cost."""

    droppable: frozenset[str]
    addable: frozenset[str]
    alike: Mapping[str, frozenset[str]]
    """Words that may stand for each other, at the cost of one edit."""
    free: Mapping[str, frozenset[str]]
    """The same at no cost: short forms."""
    limit: int


def spells(said: Said, written: Written, tolerance: Tolerance) -> bool:
    """Whether `written` is a way through `said` within the tolerance; no where that takes too long."""
    effort = STEPS_PER_UNIT * (said.end + len(written.units))
    levels: list[list[tuple[int, int]]] = [[] for _ in range(tolerance.limit + 1)]
    levels[0].append((0, 0))
    seen: set[tuple[int, int]] = set()
    goal = (said.end, len(written.units))
    for cost, level in enumerate(levels):
        while level:
            place = level.pop()
            if place in seen:
                continue
            if place == goal:
                return True
            seen.add(place)
            if len(seen) > effort:
                return False
            for step_cost, reached in _steps(said, written, tolerance, place):
                if cost + step_cost <= tolerance.limit and reached not in seen:
                    levels[cost + step_cost].append(reached)
    return False


def _steps(
    said: Said, written: Written, tolerance: Tolerance, place: tuple[int, int]
) -> list[tuple[int, tuple[int, int]]]:
    """Where one edit leads from `place`: (cost, place); the cheapest match comes last and is tried first."""
    at, to = place
    steps = [(0, (target, to)) for target in said.routes.get(at, ())]
    if at == said.end:
        return steps
    if at not in said.firm and (to in written.spare or written.at(to) in tolerance.addable):
        steps.append((int(to not in written.spare), (at, to + 1)))
    unit, behind = said.units[at], said.following[at]
    if unit in tolerance.droppable and to not in written.firm:
        steps.append((1, (behind, to)))
    if to < len(written.units):
        steps += _matches(said, written, tolerance, place)
    return steps


def _matches(
    said: Said, written: Written, tolerance: Tolerance, place: tuple[int, int]
) -> list[tuple[int, tuple[int, int]]]:
    at, to = place
    unit, wanted, behind = said.units[at], written.at(to), said.following[at]
    if unit == wanted:
        torn = at in said.firm and to not in written.firm
        return [] if torn else [(0, (behind, to + 1))]
    if wanted in tolerance.free.get(unit, ()):
        return [(0, (behind, to + 1))]
    if wanted in tolerance.alike.get(unit, ()):
        return [] if {to, to + 1} & written.firm else [(1, (behind, to + 1))]
    if unit.startswith(wanted):
        joined = _joined(unit, lambda index: written.at(to + index))
        return [(0, (behind, to + joined))] if joined else []
    if wanted.startswith(unit):
        return _split_said(said, wanted, place)
    return []


def _joined(whole: str, part_at: Callable[[int], str]) -> int:
    """How many parts, from the first on, make up `whole`; 0 if none do."""
    text = ""
    for count in range(LONGEST_JOIN):
        part = part_at(count)
        text += part.lstrip("'")
        if not part or not whole.startswith(text):
            return 0
        if text == whole:
            return count + 1
    return 0


def _split_said(said: Said, whole: str, place: tuple[int, int]) -> list[tuple[int, tuple[int, int]]]:
    """One written word for several spoken units."""
    at, to = place
    text = ""
    for _ in range(LONGEST_JOIN):
        if at == said.end:
            break
        text, at = text + said.units[at].lstrip("'"), said.following[at]
        if text == whole:
            return [(0, (at, to + 1))]
        if not whole.startswith(text):
            break
    return []


def common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence, by whole-row bit operations (Hyyrö 2004)."""
    places: dict[str, int] = {}
    for index, unit in enumerate(first):
        places[unit] = places.get(unit, 0) | (1 << index)
    mask = (1 << len(first)) - 1
    row = mask
    for unit in second:
        hits = row & places.get(unit, 0)
        row = ((row + hits) | (row - hits)) & mask
    return len(first) - row.bit_count()
