"""Tokens of a transcript in which nothing is a template marker, whatever was dictated.

llama.cpp finds user-defined tokens in any text and may spell a control token by merging. A dictated
"<tool_call>" or "<|im_end|>" would then end the user's turn. Cut apart inside such a marker, the same
characters come out as ordinary tokens.
"""

from __future__ import annotations

from collections.abc import Callable

Tokenizer = Callable[[str], list[int]]
Marker = Callable[[int], str | None]
"""The text of a token that is a marker; None for an ordinary token."""


_ANCHORS = ("\n", ".")
"""Go before a part that is not the text's first; one of them joins with no text that begins it."""


def cut_markers(text: str, tokenize: Tokenizer, marker: Marker) -> list[int]:
    """Token ids of `text`, none of which is a marker; a character that is one by itself is left out."""
    ids: list[int] = []
    waiting = [text]
    while waiting:
        part = waiting.pop()
        found = _further(part, tokenize) if ids else tokenize(part)
        marks = (marker(token) for token in found)
        mark = next((mark for mark in marks if mark is not None), None)
        if mark is None:
            ids += found
        elif len(part) > 1:
            waiting += reversed(_cut(part, mark))
    return ids


def _further(part: str, tokenize: Tokenizer) -> list[int]:
    """Token ids of text that follows other text: some tokenizers put a space before all they are given."""
    for anchor in _ANCHORS:
        before, found = tokenize(anchor), tokenize(anchor + part)
        if found[: len(before)] == before:
            return found[len(before) :]
    return tokenize(part)


def _cut(part: str, mark: str) -> list[str]:
    """The part in two or more pieces, cut inside each place where the marker stands."""
    if len(mark) > 1 and mark in part:
        first, *rest = part.split(mark)
        between = [mark[1:] + piece + mark[0] for piece in rest[:-1]]
        return [first + mark[0], *between, mark[1:] + rest[-1]]
    # Written differently in the vocabulary (normalised, or with spaces taken in).
    middle = len(part) // 2
    return [part[:middle], part[middle:]]
