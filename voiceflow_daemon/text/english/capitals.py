"""Capitals of names, days, months and 'I'."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from voiceflow_daemon.text.english.words import (
    MAYBE_MONTHS,
    MONTH_LEADS,
    NAMES_LIKE_WORDS,
    NO_NAME_LEADS,
    PROPER,
    TITLES,
)
from voiceflow_daemon.text.tokens import Token, key_at, with_capital

GREETERS = frozenset(("dear", "hi", "hello", "morning", "afternoon", "evening"))
I_FORMS = re.compile(r"i(?:'(?:m|ll|ve|d))?")


def capitalise_names(tokens: Sequence[Token]) -> list[Token]:
    """Names, days, months, 'I' and its short forms with a capital."""
    return [_named(tokens, at) for at in range(len(tokens))]


def _named(tokens: Sequence[Token], at: int) -> Token:
    token = tokens[at]
    if not token.is_word or token.fixed or not token.text[0].islower():
        return token
    key, before = token.key, key_at(tokens, at - 1)
    owner = key.removesuffix("'s")
    plain_word = owner in NAMES_LIKE_WORDS and before in NO_NAME_LEADS
    if (owner in PROPER and not plain_word) or I_FORMS.fullmatch(key) or _is_month(tokens, at):
        return replace(token, text=token.text[0].upper() + token.text[1:])
    titled = key in TITLES and before in GREETERS
    if titled or (before in TITLES and key_at(tokens, at - 2) in GREETERS):
        return replace(token, text=with_capital(token.text))
    return token


def _is_month(tokens: Sequence[Token], at: int) -> bool:
    if tokens[at].key not in MAYBE_MONTHS:
        return False
    return key_at(tokens, at - 1) in MONTH_LEADS or key_at(tokens, at + 1).isdigit()
