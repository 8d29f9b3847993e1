"""Spoken punctuation and line breaks: 'comma', 'question mark', 'new paragraph'."""

from __future__ import annotations

from collections.abc import Sequence

from voiceflow_daemon.text.english.words import (
    COLON_LEADS_TO,
    MARK_BY_NAME,
    MARK_NAME_LEADS,
    PERIOD_LEADS,
    PERIOD_NAMES,
    SCRATCH,
    SPOKEN_MARKS,
)
from voiceflow_daemon.text.tokens import Token, key_at, keys_at, mark


def spoken_mark_at(tokens: Sequence[Token], at: int) -> tuple[int, str]:
    """(words taken, mark) of the spoken mark at `at`; (0, '') where there is none."""
    before = key_at(tokens, at - 1)
    if key_at(tokens, at) == "period":
        scratched = SCRATCH.longest_at([key_at(tokens, at - 2), before], 0) > 0
        return (1, ".") if scratched or not is_time(key_at(tokens, at - 2), before) else (0, "")
    if is_thing(before, key_at(tokens, at), key_at(tokens, at + 1)):
        return 0, ""
    for phrase in SPOKEN_MARKS.starting(key_at(tokens, at)):
        if tuple(keys_at(tokens, at, len(phrase))) == phrase:
            return len(phrase), MARK_BY_NAME[" ".join(phrase)]
    return 0, ""


def is_time(before_that: str, before: str) -> bool:
    """Whether a 'period' behind these two words is one of time: 'a period', 'the grace period'."""
    return before in PERIOD_LEADS or (before in PERIOD_NAMES and before_that in MARK_NAME_LEADS)


def is_thing(before: str, name: str, following: str) -> bool:
    """Whether the name of a mark is the thing itself: 'add a comma', 'our new line', 'colon cancer'."""
    return before in MARK_NAME_LEADS or (name == "colon" and following in COLON_LEADS_TO)


def apply_spoken_marks(tokens: Sequence[Token]) -> list[Token]:
    """Spoken marks become marks."""
    written: list[Token] = []
    at = 0
    while at < len(tokens):
        taken, text = spoken_mark_at(tokens, at)
        written.append(mark(text) if taken else tokens[at])
        at += taken or 1
    return written
