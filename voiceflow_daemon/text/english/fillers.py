"""Hesitations ('um', 'you know') and words said twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from voiceflow_daemon.text.english.meant import likens, means_it
from voiceflow_daemon.text.english.words import (
    HESITATIONS,
    LIKE_LEADS,
    NUMBER_WORDS,
    REPEATABLE,
    YOU_KNOW_LEADS,
    YOU_KNOW_OBJECTS,
    YOU_KNOW_TORN,
)
from voiceflow_daemon.text.tokens import Kind, Token, key_at, keys_at

LONGEST_REPEAT = 4
"""Words of the longest phrase that counts as said twice by mistake."""


def drop_fillers(tokens: Sequence[Token], *, punctuated: bool) -> list[Token]:
    """Without hesitations; where there are marks, 'like' and 'you know' go only between them."""
    left = _drop(list(tokens), _hesitation_at)
    return _drop(left, _set_off_at if punctuated else _discourse_at)


def _drop(tokens: list[Token], length_at: Callable[[Sequence[Token], int], int]) -> list[Token]:
    at = 0
    while at < len(tokens):
        length = length_at(tokens, at)
        if length:
            tokens, at = _cut(tokens, at, length)
        else:
            at += 1
    return tokens


def _cut(tokens: list[Token], at: int, length: int) -> tuple[list[Token], int]:
    """Take `length` tokens out with the commas that set them off; also where to go on."""
    left, right = tokens[:at], tokens[at + length :]
    if right and right[0].is_comma:
        right = right[1:]
    if left and left[-1].is_comma:
        left = left[:-1]
    if right and right[0].kind is Kind.MARK and (not left or left[-1].ends_sentence):
        right = right[1:]
    if right and right[0].is_word:
        right[0] = replace(right[0], after_pause=True)
    return left + right, len(left)


def _hesitation_at(tokens: Sequence[Token], at: int) -> int:
    return int(key_at(tokens, at) in HESITATIONS)


def _discourse_at(tokens: Sequence[Token], at: int) -> int:
    """Length of a filler phrase in a transcript without marks."""
    key, following, before = key_at(tokens, at), key_at(tokens, at + 1), key_at(tokens, at - 1)
    if (key, following) == ("you", "know"):
        return 0 if before in YOU_KNOW_LEADS or key_at(tokens, at + 2) in YOU_KNOW_OBJECTS else 2
    if key == "like":
        if likens([before], [following]):
            return 0
        return int(not before or before in LIKE_LEADS or (at + 1 < len(tokens) and tokens[at + 1].is_comma))
    if (key, following) == ("i", "mean"):
        opens = at == 0 or tokens[at - 1].ends_sentence
        return 2 if opens and not means_it(keys_at(tokens, at + 2, 2)) else 0
    return 0


def _set_off_at(tokens: Sequence[Token], at: int) -> int:
    """Length of a filler phrase that stands between marks, or tears a phrase apart ('a you know module')."""
    torn = key_at(tokens, at - 1) in YOU_KNOW_TORN and key_at(tokens, at + 2) not in YOU_KNOW_OBJECTS
    if torn and _discourse_at(tokens, at) == 2:
        return 2
    if at and tokens[at - 1].is_word:
        return 0
    key, following = key_at(tokens, at), key_at(tokens, at + 1)
    length = 2 if (key, following) in (("you", "know"), ("i", "mean")) else int(key == "like")
    closed = at + length < len(tokens) and tokens[at + length].is_comma
    return length if closed else 0


def drop_stutters(tokens: Sequence[Token]) -> list[Token]:
    """Without words and phrases said twice in a row, and without broken-off words ('th- the')."""
    kept: list[Token] = []
    for index, token in enumerate(tokens):
        if _broken_off(tokens, index):
            continue
        if kept and _same_word(kept[-1], token):
            continue
        kept.append(token)
        length = _repeated_length(kept)
        if length:
            del kept[-length:]
    return kept


def _broken_off(tokens: Sequence[Token], at: int) -> bool:
    key = key_at(tokens, at)
    return len(key) > 1 and key.endswith("-") and key_at(tokens, at + 1).startswith(key.rstrip("-"))


def _same_word(first: Token, second: Token) -> bool:
    if not (first.is_word and second.is_word) or first.key != second.key:
        return False
    named_twice = first.capitalised and second.capitalised and first.key != "i"  # 'Duran Duran'
    return _repeats_by_mistake(second.key) and not named_twice


def _repeats_by_mistake(key: str) -> bool:
    return (
        key not in REPEATABLE
        and key not in NUMBER_WORDS
        and any(map(str.isalpha, key))
        and not key[0].isdigit()
    )


def _repeated_length(tokens: Sequence[Token]) -> int:
    """Words of the phrase at the end of `tokens` that stands there twice; 0 if none."""
    for length in range(2, LONGEST_REPEAT + 1):
        tail = tokens[-2 * length :]
        if len(tail) < 2 * length or not all(token.is_word for token in tail):
            return 0
        keys = [token.key for token in tail]
        again_and_again = length == 2 and "and" in keys
        numbers = any(key in NUMBER_WORDS or key[0].isdigit() for key in keys)
        if keys[:length] == keys[length:] and not numbers and not again_and_again:
            return length
    return 0
