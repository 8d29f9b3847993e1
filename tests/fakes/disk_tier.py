"""A disk tier in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from voiceflow_daemon.llm.backend import StateBytes


@dataclass(frozen=True)
class FakeStored:
    payload: StateBytes
    created_at: float


class FakeDiskTier:
    """A `DiskTier`; `entries` is what a restart finds."""

    def __init__(self, limit_bytes: int = 1 << 30) -> None:
        self.entries: dict[str, FakeStored] = {}
        self.problem = ""
        self.closed = False
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()

    def read(self, key: str) -> FakeStored | None:
        with self._lock:
            return self.entries.get(key)

    def write(self, key: str, payload: StateBytes, created_at: float) -> None:
        with self._lock:
            if not self.problem and payload.nbytes <= self._limit_bytes:
                self.entries[key] = FakeStored(payload, created_at)

    def discard(self, key: str) -> None:
        with self._lock:
            self.entries.pop(key, None)

    def size(self, key: str) -> int | None:
        stored = self.read(key)
        return None if stored is None else stored.payload.nbytes

    def purge(self) -> None:
        with self._lock:
            self.entries.clear()

    def set_limit(self, limit_bytes: int) -> None:
        with self._lock:
            self._limit_bytes = limit_bytes
            if limit_bytes == 0:
                self.entries.clear()

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True
