"""The user's vocabulary as a hint to the recogniser: pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

MAX_HINT_TOKENS = 120
"""Each token of the hint costs decoding time and room: Whisper's decoder holds 448, and 28 s of fast
speech need about 200."""


def hint_tokens(vocabulary: Sequence[str], encode: Callable[[str], list[int]]) -> list[int]:
    """Tokens of "Name, term, term." with as many whole terms, from the first, as fit."""
    terms = [term.strip() for term in vocabulary if term.strip()]
    while terms:
        tokens = encode(" " + ", ".join(terms) + ".")
        if len(tokens) <= MAX_HINT_TOKENS:
            return tokens
        # Dropping in proportion first keeps a vocabulary of hundreds from being encoded hundreds of times.
        terms = terms[: min(len(terms) - 1, len(terms) * MAX_HINT_TOKENS // len(tokens) + 1)]
    return []
