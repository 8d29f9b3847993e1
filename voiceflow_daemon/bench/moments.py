"""What the worker did between the release and the text, from when each piece of work ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WORK = {
    "transcribe": "recognise",
    "segment_transcribe": "recognise",
    "transcript_prefill": "read",
    "decode": "write",
}
"""The worker's timings, which never overlap, and what they are called here."""
WAIT = "wait"
"""Grace, tail and everything else: what no model works in."""
KINDS = (WAIT, "recognise", "read", "write")


@dataclass(frozen=True)
class Moment:
    """Something that was timed: when it ended, in seconds, and how long it took."""

    name: str
    at: float
    ms: float


def work_after(moments: Iterable[Moment], released_at: float, delivered_at: float) -> dict[str, float]:
    """Milliseconds of each kind between the release and the text; together they are all of it.

    Work that began before the release counts from there on.
    """
    spent = dict.fromkeys(KINDS, 0.0)
    for each in moments:
        if each.name in WORK:
            start = max(each.at - each.ms / 1e3, released_at)
            spent[WORK[each.name]] += max(0.0, min(each.at, delivered_at) - start) * 1e3
    spent[WAIT] = max(0.0, (delivered_at - released_at) * 1e3 - sum(spent.values()))
    return spent
