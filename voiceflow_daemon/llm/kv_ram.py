"""The RAM tier of evaluated prefixes: bounded by bytes, least recently used goes first."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from voiceflow_daemon.llm.backend import StateBytes

Prefix = tuple[int, ...]
"""The token ids before the transcript."""


@dataclass(frozen=True)
class EvaluatedPrefix:
    """A prefix's state; `created_at` is when it was evaluated, in `time.time`."""

    state: StateBytes
    created_at: float


class KvRam:
    """Not thread-safe: `KvCache` has the lock."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._entries: OrderedDict[Prefix, EvaluatedPrefix] = OrderedDict()
        self._bytes = 0

    def get(self, prefix: Prefix) -> EvaluatedPrefix | None:
        """The entry, which thereby is the most recently used."""
        entry = self._entries.get(prefix)
        if entry is not None:
            self._entries.move_to_end(prefix)
        return entry

    def __contains__(self, prefix: Prefix) -> bool:
        return prefix in self._entries

    def put(self, prefix: Prefix, entry: EvaluatedPrefix) -> int:
        """Keep the entry where it fits at all; returns how many others had to go."""
        self.discard(prefix)
        if entry.state.nbytes > self._limit_bytes:
            return 0
        self._entries[prefix] = entry
        self._bytes += entry.state.nbytes
        return self._shrink()

    def entries(self) -> list[tuple[Prefix, EvaluatedPrefix]]:
        """All, the least recently used first."""
        return list(self._entries.items())

    def discard(self, prefix: Prefix) -> None:
        """Forget the entry, if there is one."""
        entry = self._entries.pop(prefix, None)
        if entry is not None:
            self._bytes -= entry.state.nbytes

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()
        self._bytes = 0

    def set_limit(self, limit_bytes: int) -> int:
        """Keep to another limit from now on; returns how many entries had to go."""
        self._limit_bytes = limit_bytes
        return self._shrink()

    def _shrink(self) -> int:
        evicted = 0
        while self._bytes > self._limit_bytes:
            _, entry = self._entries.popitem(last=False)
            self._bytes -= entry.state.nbytes
            evicted += 1
        return evicted
