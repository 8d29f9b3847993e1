"""Whether a sentence asks."""

from __future__ import annotations

from collections.abc import Sequence

from voiceflow_daemon.text.english.greetings import greeting_length
from voiceflow_daemon.text.english.words import (
    ASKING,
    ASKING_SHORT,
    AUXILIARIES,
    BEFORE_QUESTION,
    HOW_MUCH,
    SUBJECTS,
)
from voiceflow_daemon.text.tokens import Token

STANDS_ALONE = frozenset(("which", "whose", "who"))


def is_question(sentence: Sequence[Token]) -> bool:
    """Whether the words of one sentence (greeting and marks included) form a question."""
    keys = [token.key for token in sentence[greeting_length(sentence) :]]
    while keys and (keys[0] in BEFORE_QUESTION or keys[0] == ","):
        keys = keys[1:]
    if not keys:
        return False
    first, second = keys[0], keys[1] if len(keys) > 1 else ""
    if first in AUXILIARIES:
        return second in SUBJECTS
    if first in ASKING_SHORT:
        return True
    return first in ASKING and _asks(first, second)


def _asks(first: str, second: str) -> bool:
    if second in AUXILIARIES:
        return True
    match first:
        case "how":
            return second in HOW_MUCH
        case "what":
            return second in ("time", "about")
        case "why":
            return second == "not"
        case _:
            return first in STANDS_ALONE
