"""Greetings at the start and closings at the end of a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voiceflow_daemon.text.english.words import (
    ASKED_SUBJECTS,
    BEST_LEADS,
    CLOSING_LEADS,
    CLOSINGS,
    GREETED_GROUPS,
    GREETED_OR_SUBJECTS,
    GREETINGS,
    NAME_ENDS,
    NAMES,
    NO_SIGNATURE,
    SENDING,
    SOFT_CLOSINGS,
    TALKING_LEADS,
    TELLING,
    TITLES,
    WISHING,
)
from voiceflow_daemon.text.phrases import Phrase
from voiceflow_daemon.text.tokens import Kind, Token, key_at, keys_at

LONGEST_SIGNATURE = 2


@dataclass(frozen=True, slots=True)
class Closing:
    """A closing and its signature, tokens[body_end:end] with their marks; the body is before them."""

    body_end: int
    end: int
    words: tuple[Token, ...] = ()
    signature: tuple[Token, ...] = ()


def greeting_length(tokens: Sequence[Token]) -> int:
    """Words of the greeting with its names at the start; 0 where nobody known is greeted."""
    for greeting in GREETINGS.starting(key_at(tokens, 0)):
        start = len(greeting)
        if tuple(keys_at(tokens, 0, start)) != greeting:
            continue
        greeted = key_at(tokens, start)
        if greeted in GREETED_GROUPS:
            return 0 if _tells(tokens, start) else start + 1
        if greeted in TITLES and key_at(tokens, start + 1):
            return start + 2
        if greeted in NAMES:
            pair = key_at(tokens, start + 1) == "and" and key_at(tokens, start + 2) in NAMES
            return start + 3 if pair else start + 1
        return _unknown_name_end(tokens, start)
    return 0


def _tells(tokens: Sequence[Token], at: int) -> bool:
    """Whether something is said of 'there' or 'everyone' at `at`: 'hello | everyone is waiting'."""
    verb, subject = key_at(tokens, at + 1), key_at(tokens, at + 2)
    return key_at(tokens, at) in GREETED_OR_SUBJECTS and verb in TELLING and subject not in ASKED_SUBJECTS


def _unknown_name_end(tokens: Sequence[Token], start: int) -> int:
    """A capitalised word right before a comma or break is a name too: 'Hi Thomasina,'."""
    if start + 1 >= len(tokens) or not tokens[start].is_word or not tokens[start].capitalised:
        return 0
    behind = tokens[start + 1]
    return start + 1 if behind.is_comma or behind.kind is Kind.BREAK else 0


def find_closing(tokens: Sequence[Token]) -> Closing:
    """The closing ('best regards') and the signature at the very end."""
    end = _before_marks(tokens, len(tokens))
    signed = end
    while signed and end - signed < LONGEST_SIGNATURE and tokens[signed - 1].key in NAMES:
        signed -= 1
    found = _closing_before(tokens, signed, end)
    unknown = end - 1
    while not found and unknown >= 0 and end - unknown <= LONGEST_SIGNATURE and _may_sign(tokens[unknown]):
        found = _closing_before(tokens, unknown, end, hard=True)
        unknown -= 1
    return found or Closing(len(tokens), len(tokens))


def closing_inside(tokens: Sequence[Token]) -> Closing | None:
    """The first closing with a known name that more text follows ('PS ...'), between marks or breaks."""
    starts = (at for at in range(len(tokens)) if not at or not tokens[at - 1].is_word)
    return next((found for at in starts if (found := _closing_from(tokens, at))), None)


def _closing_from(tokens: Sequence[Token], start: int) -> Closing | None:
    for closing in CLOSINGS.starting(key_at(tokens, start)):
        words_end = start + len(closing)
        if tuple(keys_at(tokens, start, len(closing))) != closing:
            continue
        signed = words_end + int(words_end < len(tokens) and tokens[words_end].is_comma)
        end = signed
        while end - signed < LONGEST_SIGNATURE and key_at(tokens, end) in NAMES:
            end += 1
        if signed < end < len(tokens) and not tokens[end].is_word:
            return Closing(start, end, tuple(tokens[start:words_end]), tuple(tokens[signed:end]))
    return None


def _goes_on(tokens: Sequence[Token], start: int, closing: Phrase, *, signed: bool) -> bool:
    """Whether the words of a closing at `start` belong to the sentence before: 'give him my best regards'."""
    before = key_at(tokens, start - 1)
    if before in CLOSING_LEADS or (before and key_at(tokens, start - 2) in WISHING):
        return True
    if closing == ("best",):
        return before in BEST_LEADS
    return before in TALKING_LEADS if closing[0] == "talk" else before in SENDING and not signed


def _may_sign(token: Token) -> bool:
    return (
        token.is_word and token.key.replace("'", "").isalpha() and token.key not in NAME_ENDS | NO_SIGNATURE
    )


def _before_marks(tokens: Sequence[Token], end: int) -> int:
    while end and not tokens[end - 1].is_word:
        end -= 1
    return end


def _closing_before(tokens: Sequence[Token], signed: int, end: int, *, hard: bool = False) -> Closing | None:
    """The closing right before the signature tokens[signed:end]; `hard`: only one of two words or more."""
    at = _before_marks(tokens, signed)
    for closing in (*CLOSINGS, *SOFT_CLOSINGS):
        start = at - len(closing)
        if start < 0 or tuple(keys_at(tokens, start, len(closing))) != closing:
            continue
        soft = closing in set(SOFT_CLOSINGS)
        alone = signed == end and not (start and not tokens[start - 1].is_word)
        if (soft and alone) or (hard and (soft or len(closing) == 1)):
            continue
        if _goes_on(tokens, start, closing, signed=signed < end):
            return None
        body_end = start
        while body_end and (tokens[body_end - 1].is_comma or tokens[body_end - 1].kind is Kind.BREAK):
            body_end -= 1
        return Closing(body_end, len(tokens), tuple(tokens[start:at]), tuple(tokens[signed:end]))
    return None
