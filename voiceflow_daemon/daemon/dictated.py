"""What a recording came to: its text, and the sentences that were written each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from voiceflow_daemon.daemon.formatting import Rung
from voiceflow_daemon.llm.turns import Turn, chain
from voiceflow_daemon.text.settling import Sentence


@dataclass(frozen=True)
class Finished:
    """A sentence as it was heard, and as it will be delivered unless it is revised."""

    sentence: Sentence
    text: str
    rung: Rung


@dataclass(frozen=True)
class Dictated:
    """The result for one recording.

    `stages_ms` has the time of each stage after the release, in milliseconds. `sentences` are the pieces
    that were formatted each for itself, in order: what the release found unwritten is one of them.
    """

    raw: str
    text: str
    rung: Rung
    stages_ms: dict[str, float] = field(default_factory=dict)
    sentences: tuple[Finished, ...] = ()


def turns_of(finished: Sequence[Finished]) -> Sequence[Turn]:
    """The sentences that the next one is given as its context."""
    return chain([Turn(one.sentence.marked, one.text) for one in finished if one.text.strip()])
