"""Self-corrections ('on tuesday no wait wednesday') and 'scratch that', which deletes the clause before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from voiceflow_daemon.text.english.meant import (
    WORDS_AFTER,
    WORDS_BEFORE,
    is_no_marker,
    is_no_scratch,
    is_no_thing,
)
from voiceflow_daemon.text.english.words import (
    CLAUSE_LEADS,
    CONJUNCTIONS,
    DAYS,
    MARKER_TAILS,
    MARKERS,
    MONTHS,
    NAMES,
    NO_RESTART,
    NUMBER_UNITS,
    NUMBER_WORDS,
    PROPER,
    RESTART_LEADS,
    SCRATCH,
    TAIL_LEADS,
    WEAK_MARKERS,
)
from voiceflow_daemon.text.tokens import Kind, Token, key_at, keys_at, longest_phrase

NEAR = 4
"""Words back in which a restarted phrase ('to the office no wait to the school') is looked for first."""
WEAK_NEAR = 3
LONGEST_SCRATCH = 12
"""Words that 'scratch that' deletes in run-on speech without a sign where its clause begins."""
LONGEST_MARKED_SCRATCH = 24
"""Words that it deletes back to a mark."""


KEPT_UNITS = ("dollars", "percent")
"""'twenty dollars i mean thirty' is still about dollars."""


@dataclass(frozen=True, slots=True)
class Marker:
    """The words that announce a correction: tokens[start:end]."""

    start: int
    end: int
    weak: bool


def marker_at(tokens: Sequence[Token], at: int) -> Marker | None:
    """The correction's marker at `at`, with what belongs to it behind ('no wait actually')."""
    strong = longest_phrase(tokens, at, MARKERS)
    length = strong or longest_phrase(tokens, at, WEAK_MARKERS)
    end = at + length
    if not length or _is_meant(tokens, at, end):
        return None
    while strong:
        skipped = end + int(end < len(tokens) and tokens[end].is_comma)
        more = longest_phrase(tokens, skipped, MARKERS) or longest_phrase(tokens, skipped, MARKER_TAILS)
        if not more or is_no_thing(key_at(tokens, skipped + more - 1), key_at(tokens, skipped + more)):
            break
        end = skipped + more
    return Marker(at, end, weak=not strong)


def _is_meant(tokens: Sequence[Token], start: int, end: int) -> bool:
    """Whether the words of the marker tokens[start:end] say something themselves."""
    marker = [token.key for token in tokens[start:end] if token.is_word]
    return is_no_marker(_keys_before(tokens, start), marker, keys_at(tokens, end, WORDS_AFTER))


def _keys_before(tokens: Sequence[Token], at: int) -> list[str]:
    return [key_at(tokens, index) for index in range(max(0, at - WORDS_BEFORE), at)]


def scratch_at(tokens: Sequence[Token], at: int) -> int:
    """How many tokens 'scratch that' takes at `at`; 0 where it is not said, or said of a thing."""
    length = longest_phrase(tokens, at, SCRATCH)
    said = length and not is_no_scratch(_keys_before(tokens, at), tokens[at].key)
    return length if said else 0


def apply_scratches(tokens: Sequence[Token]) -> list[Token]:
    """Every 'scratch that' gone, with the clause before it."""
    left, at = list(tokens), 0
    while at < len(left):
        length = scratch_at(left, at)
        if not length:
            at += 1
            continue
        start = scratched_from(left, at)
        right = left[at + length :]
        while right and right[0].kind is Kind.MARK:
            right = right[1:]
        left, at = left[:start] + right, start
    return left


def scratched_from(tokens: Sequence[Token], at: int) -> int:
    """Where the clause before the 'scratch that' at `at` begins."""
    end = at
    while end and tokens[end - 1].kind is Kind.MARK:
        end -= 1
    start = clause_start(tokens[:end])
    if end - start <= (LONGEST_MARKED_SCRATCH if start else LONGEST_SCRATCH):
        return start
    return _last_clause_sign(tokens, start, end)


def _last_clause_sign(tokens: Sequence[Token], start: int, end: int) -> int:
    """In speech without marks: the last pause or conjunction, else no more than the longest scratch."""
    for at in range(end - 1, start, -1):
        if tokens[at].after_pause and tokens[at].key in CLAUSE_LEADS:
            return at
    for at in range(end - 2, max(start, end - LONGEST_SCRATCH), -1):
        if tokens[at].key in CONJUNCTIONS and not _inside_number(tokens, at):
            return at
    return end - LONGEST_SCRATCH


def clause_start(tokens: Sequence[Token]) -> int:
    """Where the run of words that ends `tokens` begins."""
    at = len(tokens)
    while at and tokens[at - 1].is_word:
        at -= 1
    return at


def kind_of(key: str) -> str:
    """The kind of thing a word names, for corrections of like by like; empty for any other word."""
    if key in DAYS:
        return "day"
    if key in MONTHS:
        return "month"
    if key in NAMES:
        return "name"
    return "number" if key in NUMBER_WORDS or key[:1].isdigit() else ""


def apply_corrections(tokens: Sequence[Token]) -> list[Token]:
    """Corrected things replaced by their corrections."""
    left, at = list(tokens), 1
    while at < len(left):
        marker = marker_at(left, at)
        corrected = _correct(left, marker) if marker else None
        if corrected is None:
            at += 1
        else:
            left, at = corrected
    return left


def _correct(tokens: list[Token], marker: Marker) -> tuple[list[Token], int] | None:
    """(tokens with this correction made, where to go on); None where nothing is to be done."""
    before, after = tokens[: marker.start], tokens[marker.end :]
    apart = bool(before) and before[-1].text == "." and tokens[marker.start].capitalised
    while before and before[-1].text in (",", "."):
        before = before[:-1]
    while after and after[0].text in (",", "."):
        after = after[1:]
    if not before or not after or not before[-1].is_word or not after[0].is_word:
        return None
    cut = corrected_from(before, after, weak=marker.weak)
    if apart and (cut is None or marker.weak):
        return None  # a sentence of its own: 'Take two. Wait for me.'
    if cut is None and marker.weak:
        filler = tokens[marker.start].key == "i"  # 'i mean' with nothing to correct
        return (before + after, marker.start) if filler else None
    if cut is None:
        cut = len(before) - 1
    first = after[0]
    if first.capitalised and first.key not in PROPER and first.key != "i" and cut != clause_start(before):
        after[0] = replace(first, text=first.text[0].lower() + first.text[1:])
    return _replaced(before, after, cut), max(cut, 1)


def _replaced(before: list[Token], after: list[Token], cut: int) -> list[Token]:
    """The correction in its place; a time behind the corrected thing stays, and so does its unit."""
    kind = kind_of(before[cut].key)
    if kind and kind == kind_of(after[0].key):
        tail = before[cut + _thing_length(before, cut) :]
        length = _thing_length(after, 0)
        unit = before[cut + _thing_length(before, cut) - 1]
        if kind == "number" and unit.key in KEPT_UNITS and after[length - 1].key not in NUMBER_UNITS:
            after, length = [*after[:length], unit, *after[length:]], length + 1
        if tail and (kind != "number" or tail[0].key in TAIL_LEADS):
            return before[:cut] + after[:length] + tail + after[length:]
    return before[:cut] + after


def _thing_length(tokens: Sequence[Token], at: int) -> int:
    """Words of the day, month, name or number at `at`."""
    if kind_of(key_at(tokens, at)) != "number":
        return 1
    end = at
    while (
        kind_of(key_at(tokens, end)) == "number"
        or _inside_number(tokens, end)
        or key_at(tokens, end) in NUMBER_UNITS
    ):
        end += 1
    return end - at


def _inside_number(tokens: Sequence[Token], at: int) -> bool:
    """Whether the word at `at` joins a number: 'hundred and five', 'seven oh five', 'two point five'."""
    before, after = key_at(tokens, at - 1), key_at(tokens, at + 1)
    match key_at(tokens, at):
        case "and":
            return before in ("hundred", "thousand") and kind_of(after) == "number"
        case "oh" | "point":
            return kind_of(before) == kind_of(after) == "number"
    return False


def corrected_from(before: Sequence[Token], after: Sequence[Token], *, weak: bool) -> int | None:
    """Where in `before` begins what `after` replaces: a thing of its kind, or a restarted phrase."""
    clause, kind = clause_start(before), kind_of(after[0].key)
    if kind:
        cut = _same_kind(before, clause, kind)
        if cut is not None:
            return cut
    near = WEAK_NEAR if weak else NEAR
    cut = _restart(before, max(clause, len(before) - near), after[0].key)
    if weak:
        anywhere = after[0].key in RESTART_LEADS
        parallel = cut is not None and cut == len(before) - 2 and after[0].key not in NO_RESTART
        return cut if anywhere or parallel else None
    return _restart(before, clause, after[0].key) if cut is None else cut


def _same_kind(before: Sequence[Token], clause: int, kind: str) -> int | None:
    """Where the last thing of `kind` begins, if it ends `before` or all but ends it."""
    end = len(before)
    if kind == "number":
        for last in range(end, max(clause, end - 3), -1):
            start = _number_start(before, clause, last)
            if start < last and (last == end or before[last].key in TAIL_LEADS or last == end - 1):
                return start
        return None
    if kind_of(before[-1].key) == kind:
        return end - 1
    start = _number_start(before, clause, end)
    if start < end and start - 2 >= clause and kind_of(before[start - 2].key) == kind:
        return start - 2  # 'on tuesday at three no wait wednesday'
    return None


def _number_start(tokens: Sequence[Token], clause: int, end: int) -> int:
    at = end
    while at > clause and (
        kind_of(tokens[at - 1].key) == "number"
        or tokens[at - 1].key in NUMBER_UNITS
        or _inside_number(tokens, at - 1)
    ):
        at -= 1
    return at


def _restart(before: Sequence[Token], start: int, key: str) -> int | None:
    return next((at for at in range(len(before) - 1, start - 1, -1) if before[at].key == key), None)
