"""What a faithful text may leave out of what was said: the routes through a transcript's units.

Fillers, words said twice, spoken punctuation, and what a correction ('no wait') or 'scratch that' takes back.
"""

from __future__ import annotations

from collections.abc import Sequence

from voiceflow_daemon.text.alignment import Said
from voiceflow_daemon.text.english.meant import (
    WORDS_AFTER,
    WORDS_BEFORE,
    is_no_marker,
    is_no_scratch,
    is_no_thing,
    likens,
    means_it,
)
from voiceflow_daemon.text.english.spoken_commands import is_thing, is_time
from voiceflow_daemon.text.english.units import Unit
from voiceflow_daemon.text.english.words import (
    DAYS,
    HESITATIONS,
    MARKER_OBJECTS,
    MARKER_TAILS,
    MARKERS,
    MAYBE_MONTHS,
    MONTHS,
    NAMES,
    NO_RESTART,
    SCRATCH,
    SIGN_NAMES,
    SPOKEN_MARKS,
    SPOKEN_SIGNS,
    YOU_KNOW_LEADS,
)
from voiceflow_daemon.text.phrases import PhraseBook, word_set

SOUNDS = HESITATIONS | frozenset(("ah", "eh", "mm", "mhm", "huh", "hm", "ehm"))
ASIDES = PhraseBook("i mean", "sort of", "kind of", "you see", "basically", "actually", "literally")
KIND_OF_LEADS = word_set("what this that some any a the which every same each one")
"""Behind these 'kind of' is no filler."""
LIKE_VERB_LEADS = word_set("""
    i you we they he she would do does did not to who people look looks looked feel feels sound sounds
    actually really always also still never even something anything nothing things more 'd
""")
"""Behind these 'like' says something."""
OPENINGS = word_set("so well okay right now yes oh anyway look")
"""Fillers at the start of a clause only."""
MORE_MARKERS = PhraseBook("never mind", "i meant", "no make it", "correction")
WEAK = PhraseBook("sorry", "wait", "i mean", "actually", "no", "or no", "rather", "make it", "make that")
"""A correction only of like by like: a number by a number, a day by a day, or from the same word on."""
RESTARTING = word_set("""
    i you we they he she it is are was were am be will would can could should have has had do does did a
    an the to of in on at for with that this there's 's 'd and so let me my if
""")
"""Small words of which a false start may be made: 'i was i am'."""
SCRATCH_LEADS = word_set("no wait actually sorry okay") | SOUNDS
"""What may stand right before 'scratch that' and belongs to it."""
LONGEST_STUTTER = 5
LONGEST_FALSE_START = 3
CORRECTED_WORDS = 12
"""How many words before 'no wait' it may take back."""
SCRATCHED_WORDS = 26
"""How many words before 'scratch that' it may take back."""


CLAUSE_OPENERS = SOUNDS | OPENINGS | {"and", "but"}
SPOKEN_ENDS = word_set("period stop mark point paragraph line newline")
"""The last words of the spoken marks that end a sentence."""
UNMARKED_SHORT_FORMS = {
    "ill": ("i", "will"),
    "id": ("i", "would"),
    "lets": ("let", "us"),
    "well": ("we", "will"),
    "were": ("we", "are"),
}
"""Short forms without their apostrophe that are also other words."""
KINDS = (("day", DAYS), ("month", MONTHS), ("name", NAMES))
PAST_HOUR = {"half": ("3", "0"), "quarter": ("1", "5")}
NO_SKIPS: tuple[int, ...] = ()


def said_units(units: Sequence[Unit], written: str) -> Said:
    """The ways through `units` that `written` may take."""
    keys = [unit.key for unit in units]
    said = Said.of(keys)
    signs = frozenset(name for name, forms in SIGN_NAMES.items() if any(form in written for form in forms))
    skips = [_skippable(units, keys, at, signs) for at in range(len(keys))]
    for at, lengths in enumerate(skips):
        for length in lengths:
            said.allow(at, at + length)
        _allow_repeats(said, keys, skips, at)
        _allow_correction(said, units, keys, at)
        _allow_scratch(said, units, keys, at)
        _allow_clock(said, keys, at)
        _allow_date(said, keys, at)
        if keys[at] in UNMARKED_SHORT_FORMS:
            said.add_row(UNMARKED_SHORT_FORMS[keys[at]], at, at + 1)
    return said


def _skippable(units: Sequence[Unit], keys: Sequence[str], at: int, signs: frozenset[str]) -> tuple[int, ...]:
    """Lengths of what may be left out at `at` by itself: sounds, asides, spoken signs."""
    key = keys[at]
    broken_off = units[at].broken and at + 1 < len(keys) and keys[at + 1].startswith(key)
    if broken_off or key in SOUNDS or key in signs:
        return (1,)
    if key == "period":
        return (1,) if _ends_sentence(keys, at) else NO_SKIPS
    if key == "number":
        return (1,) if at + 1 < len(keys) and keys[at + 1].isdigit() else NO_SKIPS
    if SPOKEN_MARKS.longest_at(keys, at) and is_thing(
        keys[at - 1] if at else "", key, keys[at + 1] if at + 1 < len(keys) else ""
    ):
        return NO_SKIPS
    length = SPOKEN_SIGNS.longest_at(keys, at) or _aside(units, keys, at)
    return (length,) if length else NO_SKIPS


def _aside(units: Sequence[Unit], keys: Sequence[str], at: int) -> int:
    """Length of 'you know', 'kind of', 'like' and so on where they say nothing."""
    key, before = keys[at], keys[at - 1] if at else ""
    if key == "you" and at + 1 < len(keys) and keys[at + 1] == "know":
        return 0 if before in YOU_KNOW_LEADS or before == "not" else 2
    if key == "like":
        return int(before not in LIKE_VERB_LEADS and not likens([before], keys[at + 1 : at + 2]))
    if key in ("sort", "kind") and before in KIND_OF_LEADS:
        return 0
    if key in OPENINGS and _opens_clause(units, keys, at):
        return 1
    if key == "i" and means_it(_keys_behind(units, keys, at + 2)):
        return 0
    return ASIDES.longest_at(keys, at)


def _opens_clause(units: Sequence[Unit], keys: Sequence[str], at: int) -> bool:
    """Whether only fillers stand between the last mark and `at`."""
    while at and not units[at].boundary and not _ends_sentence(keys, at - 1):
        at -= 1
        if keys[at] not in CLAUSE_OPENERS:
            return False
    return True


def _ends_sentence(keys: Sequence[str], at: int) -> bool:
    """Whether a spoken mark that ends a sentence has its last word at `at`."""
    if at < 0 or keys[at] not in SPOKEN_ENDS:
        return False
    before = keys[at - 1] if at else ""
    if keys[at] == "period":
        return not is_time(keys[at - 2] if at > 1 else "", before)
    return keys[at] == "newline" or SPOKEN_SIGNS.longest_at([before, keys[at]], 0) == 2


def _allow_repeats(said: Said, keys: Sequence[str], skips: Sequence[tuple[int, ...]], at: int) -> None:
    """The first of two equal phrases in a row, fillers between them allowed, and short false starts."""
    for length in range(1, LONGEST_STUTTER + 1):
        if at + length >= len(keys) or keys[at + length - 1].isdigit():
            return
        again = at + length
        while again < len(skips) and skips[again]:
            again += skips[again][0]
        if again >= len(keys) or keys[again] != keys[at]:
            continue
        phrase = keys[at : at + length]
        false_start = length <= LONGEST_FALSE_START and RESTARTING.issuperset(phrase)
        if false_start or phrase == keys[again : again + length]:
            said.allow(at, again)


def _allow_clock(said: Said, keys: Sequence[str], at: int) -> None:
    """'half past four' may be written 4:30."""
    if keys[at] not in PAST_HOUR or at + 2 >= len(keys) or keys[at + 1] != "past":
        return
    end = _thing_end(keys, at + 2)
    said.add_row([*keys[at + 2 : end], *PAST_HOUR[keys[at]]], at, end)


def _allow_date(said: Said, keys: Sequence[str], at: int) -> None:
    """'twenty third of december' may be written December 23."""
    if not keys[at].isdigit() or (at and keys[at - 1].isdigit()):
        return
    end = _thing_end(keys, at)
    month = end + int(end < len(keys) and keys[end] == "of")
    if month < len(keys) and keys[month] in MONTHS | MAYBE_MONTHS:
        said.add_row([keys[month], *keys[at:end]], at, month + 1)


def _allow_correction(said: Said, units: Sequence[Unit], keys: Sequence[str], at: int) -> None:
    """What the marker at `at` takes back: up to some words before it, with the marker."""
    strong = MARKERS.longest_at(keys, at) or MORE_MARKERS.longest_at(keys, at)
    length = strong or WEAK.longest_at(keys, at)
    behind = at + length
    after = _keys_behind(units, keys, behind)
    if not length or is_no_marker(_keys_before(units, keys, at), keys[at:behind], after):
        return
    end = _behind_fillers(keys, behind)
    while strong and (more := _more_of_marker(keys, end)):
        end = _behind_fillers(keys, end + more)
    if end >= len(keys) or keys[end] in MARKER_OBJECTS or (strong and not at):
        return
    starts = _starts(units, keys, at, CORRECTED_WORDS)
    anything = strong and not units[at].boundary  # behind a written mark only what matches
    latest = _restart(keys, starts, end)
    for start in starts:
        if (
            (anything and start <= latest)
            or (strong and start == at)
            or _like_by_like(keys, start, end, strong=strong > 0)
        ):
            said.allow(start, end)
        if _kind(keys[start]) and _kind(keys[start]) == _kind(keys[end]):
            _allow_repair(said, keys, start, at, end)


def _restart(keys: Sequence[str], starts: Sequence[int], end: int) -> int:
    """The latest of `starts` from which a correction may take back anything.

    Where it begins with a verb or noun of the sentence, no less than from there: else 'get milk from the
    store no wait get bread' could be 'Get milk from the get bread'.
    """
    if keys[end] in RESTARTING or keys[end] in NO_RESTART or _kind(keys[end]):
        return starts[0]
    return next((start for start in starts if keys[start] == keys[end]), starts[0])


def _more_of_marker(keys: Sequence[str], at: int) -> int:
    """Length of what belongs to a strong marker that ends at `at`: 'no wait | actually'."""
    more = MARKERS.longest_at(keys, at) or MARKER_TAILS.longest_at(keys, at)
    following = keys[at + more] if at + more < len(keys) else ""
    return 0 if more and is_no_thing(keys[at + more - 1], following) else more


def _keys_before(units: Sequence[Unit], keys: Sequence[str], at: int) -> list[str]:
    """The keys of the last few units before `at`, '' where a mark stands."""
    before: list[str] = []
    for index in range(max(0, at - WORDS_BEFORE), at):
        before += [keys[index], ""] if units[index + 1].boundary else [keys[index]]
    return before


def _keys_behind(units: Sequence[Unit], keys: Sequence[str], at: int) -> Sequence[str]:
    """The keys of some units from `at` on, up to a mark."""
    end = at
    while end < min(len(keys), at + WORDS_AFTER) and not units[end].boundary:
        end += 1
    return keys[at:end]


def _behind_fillers(keys: Sequence[str], at: int) -> int:
    while at < len(keys) and keys[at] in SOUNDS:
        at += 1
    return at


def _starts(units: Sequence[Unit], keys: Sequence[str], at: int, words: int) -> list[int]:
    """Places from `at` back over at most `words` words, within the sentence that ends at `at`."""
    starts, start = [at], at
    inside = _before_marks(keys, at)
    while start and units[at].word - units[start - 1].word <= words:
        start -= 1
        starts.append(start)
        if start < inside and (units[start].boundary or _ends_sentence(keys, start - 1)):
            break
    return starts


def _before_marks(keys: Sequence[str], at: int) -> int:
    """`at` moved back over the spoken marks right before it."""
    while at and _ends_sentence(keys, at - 1):
        at -= SPOKEN_SIGNS.longest_at(keys, at - 2) or 1
    return at


def _like_by_like(keys: Sequence[str], start: int, end: int, *, strong: bool) -> bool:
    kind = _kind(keys[start])
    restarted = keys[start] == keys[end] and (strong or keys[end] not in NO_RESTART)
    return restarted or (kind != "" and kind == _kind(keys[end]))


def _kind(key: str) -> str:
    if key.isdigit():
        return "number"
    return next((kind for kind, members in KINDS if key in members), "")


def _allow_repair(said: Said, keys: Sequence[str], start: int, marker: int, end: int) -> None:
    """'on tuesday at three no wait wednesday' may be written 'on Wednesday at 3'."""
    old, new = _thing_end(keys, start), _thing_end(keys, end)
    tail = keys[old:marker]
    if old <= marker and tail and not (start and keys[start].isdigit() and keys[start - 1].isdigit()):
        said.add_row([*keys[end:new], *tail], start, new)


def _thing_end(keys: Sequence[str], at: int) -> int:
    """Where the day, month, name or number at `at` ends."""
    end = at + 1
    while keys[at].isdigit() and end < len(keys) and keys[end].isdigit():
        end += 1
    return end


def _allow_scratch(said: Said, units: Sequence[Unit], keys: Sequence[str], at: int) -> None:
    """What 'scratch that' at `at` takes back: the clause before it, from any of its words on."""
    length = SCRATCH.longest_at(keys, at)
    if not length or is_no_scratch(_keys_before(units, keys, at), keys[at]):
        return
    marker = at
    while marker and keys[marker - 1] in SCRATCH_LEADS:
        marker -= 1
    starts = _starts(units, keys, marker, SCRATCHED_WORDS)
    nothing_before = not marker or units[marker].boundary or _ends_sentence(keys, marker - 1)
    for start in starts if nothing_before else starts[1:]:
        said.allow(start, at + length)
