"""Whether a sentence asks."""

from __future__ import annotations

from collections.abc import Sequence

from voiceflow_daemon.text.english.greetings import greeting_length
from voiceflow_daemon.text.english.words import (
    ASKING,
    ASKING_SHORT,
    AUXILIARIES,
    BEFORE_QUESTION,
    GOING_ON,
    HOW_MUCH,
    IF_YOU_HAVE,
    IF_YOU_LEADS,
    MANY,
    NEVER_ASKED,
    SHORTEST_QUESTION,
    SUBJECTS,
    WHICH_IS,
)
from voiceflow_daemon.text.tokens import Token

STANDS_ALONE = frozenset(("which", "whose", "who"))
DO_HAVE = frozenset(("do", "have"))


def is_question(sentence: Sequence[Token]) -> bool:
    """Whether the words of one sentence (greeting and marks included) form a question.

    Words without capitals are all that there is to go by, so what is likely a question is one. A sentence
    that begins with a capital comes from a recogniser that heard how it was said and writes marks itself:
    there only the order of the words decides ('can you', 'what is'), and 'How many people came.' stays.
    """
    written = bool(sentence) and sentence[0].capitalised
    keys = [token.key for token in sentence[greeting_length(sentence) :]]
    while keys and (keys[0] in BEFORE_QUESTION or keys[0] == ","):
        keys = keys[1:]
    if not keys or _is_condition(keys) or _goes_on(keys):
        return False
    first, second = keys[0], keys[1] if len(keys) > 1 else ""
    if first in DO_HAVE:
        return _do_asks(keys, second, written=written)
    if first in AUXILIARIES:
        return second in SUBJECTS
    if first in ASKING_SHORT:
        return True
    return first in ASKING and (second in AUXILIARIES or (not written and _asks(first, second)))


def _do_asks(keys: Sequence[str], second: str, *, written: bool) -> bool:
    """Whether 'do' or 'have' at the start asks: 'do you know', not 'do it', 'have a nice day'."""
    if second in MANY:
        return True
    return not written and len(keys) >= SHORTEST_QUESTION and second in SUBJECTS - NEVER_ASKED


def _is_condition(keys: Sequence[str]) -> bool:
    """'should you have any questions' and the like."""
    if list(keys[:2]) != ["should", "you"] or len(keys) < 4:
        return False
    return keys[2] in IF_YOU_LEADS or (keys[2] == "have" and keys[3] in IF_YOU_HAVE)


def _goes_on(keys: Sequence[str]) -> bool:
    """'which reminds me', 'which is why'."""
    if keys[0] != "which" or len(keys) < 3:
        return False
    return keys[1] in GOING_ON or (keys[1] in ("is", "was") and keys[2] in WHICH_IS)


def _asks(first: str, second: str) -> bool:
    """Whether a sentence that begins so is likely a question."""
    match first:
        case "how":
            return second in HOW_MUCH
        case "what":
            return second in ("time", "about")
        case "why":
            return second == "not"
        case _:
            return first in STANDS_ALONE
