"""Spoken punctuation and line breaks: 'comma', 'question mark', 'new paragraph'."""

from __future__ import annotations

from collections.abc import Sequence

from voiceflow_daemon.text.english.words import (
    MARK_BY_NAME,
    MARK_NAME_LEADS,
    PERIOD_LEADS,
    SCRATCH,
    SPOKEN_MARKS,
)
from voiceflow_daemon.text.tokens import Token, key_at, keys_at, mark


def spoken_mark_at(tokens: Sequence[Token], at: int) -> tuple[int, str]:
    """(words taken, mark) of the spoken mark at `at`; (0, '') where there is none."""
    before = key_at(tokens, at - 1)
    if key_at(tokens, at) == "period":
        scratched = SCRATCH.longest_at([key_at(tokens, at - 2), key_at(tokens, at - 1)], 0) > 0
        return (1, ".") if scratched or before not in PERIOD_LEADS else (0, "")
    if before in MARK_NAME_LEADS:
        return 0, ""
    for phrase in SPOKEN_MARKS.starting(key_at(tokens, at)):
        if tuple(keys_at(tokens, at, len(phrase))) == phrase:
            return len(phrase), MARK_BY_NAME[" ".join(phrase)]
    return 0, ""


def apply_spoken_marks(tokens: Sequence[Token]) -> list[Token]:
    """Spoken marks become marks."""
    written: list[Token] = []
    at = 0
    while at < len(tokens):
        taken, text = spoken_mark_at(tokens, at)
        written.append(mark(text) if taken else tokens[at])
        at += taken or 1
    return written
