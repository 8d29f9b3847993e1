"""Where the words of a correction, of 'scratch that' or of a filler are meant as they are said.

'There is no wait', 'please make that the default', 'did they delete that?', 'I mean it'. The rules ask here
before they take anything back, and the judge of a model's text before it lets anything be missing. Both see
the words around as keys; '' stands for a mark. The judge's keys have short forms in two parts.
"""

from __future__ import annotations

from collections.abc import Sequence

from voiceflow_daemon.text.english.words import (
    HAVING,
    LIKENED,
    MARKER_OBJECTS,
    MEANT_IT_TAILS,
    NO_THINGS,
    NONE_ADVERBS,
    NUMBER_WORDS,
    SCRATCH_VERB_LEADS,
    SORRY_ADVERBS,
    TIME_UNITS,
    VERB_HELPERS,
    VERB_LEADS,
    WAITING,
)

WORDS_BEFORE = 3
"""How many words before a marker are looked at."""
WORDS_AFTER = 8
"""How many words behind it: the longest number with its unit."""


def is_no_marker(before: Sequence[str], marker: Sequence[str], after: Sequence[str]) -> bool:
    """Whether the words of a correction's marker say something themselves, between these words."""
    following = after[0] if after else ""
    if following in MARKER_OBJECTS or is_no_thing(marker[-1], following):
        return True
    lead = _last_word(before)
    match tuple(marker):
        case ("i", "mean"):
            return means_it(after)
        case ("make", "that" | "it"):
            return _leads_verb(lead)
        case ("wait",):
            return lead == "no" or _leads_verb(lead) or _is_time(after)
        case ("no", "wait", *_):
            return _says_there_is_no_wait(before)
    return "no" in marker and _says_there_is_none(before, sorry=marker[0] == "sorry")


def is_no_thing(last: str, following: str) -> bool:
    """Whether the 'no' that ends a marker belongs to what follows: 'actually no | one'."""
    return last == "no" and following in NO_THINGS


def is_no_scratch(before: Sequence[str], verb: str) -> bool:
    """Whether 'delete that', 'strike that' or 'scratch that' is said of a thing: behind 'please' and so on.

    At the very start, where nothing is before it, only 'scratch that' takes anything back.
    """
    lead = _last_word(before)
    if verb == "scratch":
        return lead in SCRATCH_VERB_LEADS
    return not before or lead in VERB_LEADS or (len(before) > 1 and before[-2] in VERB_HELPERS and lead != "")


def means_it(after: Sequence[str]) -> bool:
    """Whether what follows 'I mean' makes it 'I mean it', and no filler before 'it is late'."""
    return after[:1] == ["it"] and (len(after) == 1 or after[1] in MEANT_IT_TAILS)


def likens(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether 'like' between these words says what something is like: 'it was like a dream', 'just like'."""
    lead = before[-1] if before else ""
    return lead == "just" or (lead == "was" and bool(after) and after[0] in LIKENED)


def _says_there_is_none(before: Sequence[str], *, sorry: bool) -> bool:
    """Whether a 'no' behind these words says that there is none: 'there is currently', 'I'm so'."""
    if before and before[-1] in NONE_ADVERBS:
        before = before[:-1]
    lead = _last_word(before)
    return lead in HAVING or (sorry and lead in SORRY_ADVERBS)


def _says_there_is_no_wait(before: Sequence[str]) -> bool:
    """'There is usually no wait'; but not 'the total is no wait the total was'."""
    if before and before[-1] in NONE_ADVERBS:
        before = before[:-1]
    lead = _last_word(before)
    return lead in WAITING or (lead in HAVING and before[-2:-1] == ["there"])


def _leads_verb(lead: str) -> bool:
    return lead in VERB_LEADS and lead != "or"  # 'at five or wait six'


def _is_time(after: Sequence[str]) -> bool:
    """Whether a length of time follows: 'five minutes', 'a second'."""
    at = 0
    while at < len(after) and (after[at] in NUMBER_WORDS or after[at].isdigit() or after[at] in ("a", "an")):
        at += 1
    return at < len(after) and after[at] in TIME_UNITS


def _last_word(before: Sequence[str]) -> str:
    """The last of `before`, a short form in one piece."""
    if not before:
        return ""
    return "".join(before[-2:]) if before[-1] == "'s" else before[-1]
