"""Earlier sentences of a dictation, given to the model as turns before the one that it writes. Pure.

Each sentence of a dictation is a prompt of its own, and the model writes it better when it has seen how the
last one came out: whether the text has begun, who is addressed, how a name is spelled. As earlier turns of
the chat they are what an instruct model was trained to build on, and they cost next to nothing: their
tokens stand in the model's sequence already, from when they were written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MOST_WORDS = 60
"""Of all turns together, as they were heard: some 200 tokens with their answers. More would slow each
token down and tell the model little."""


@dataclass(frozen=True)
class Turn:
    """A sentence as it was heard, and as it was finished."""

    transcript: str
    text: str


def chain(turns: Sequence[Turn], most_words: int = MOST_WORDS) -> Sequence[Turn]:
    """The turns that the sentence behind them is given: the last one, and those before it that fit.

    The first of them stays the same while turns are added, for what stands in the model's sequence must
    stay of use: when no more fit, a new chain begins with the latest turn. One that is too long by itself
    is left out.
    """
    start = words = 0
    for at, turn in enumerate(turns):
        own = len(turn.transcript.split())
        words += own
        if words > most_words:
            start, words = (at, own) if own <= most_words else (at + 1, 0)
    return turns[start:]
