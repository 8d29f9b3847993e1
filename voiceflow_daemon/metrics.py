"""Counters and timings, exact under concurrency, cheap enough to leave on.

Names in use, timings with `_ms`:
* phase 1 of the prompt cache: `prompt_format_ms`, `prompt_cache_hits`, `prompt_cache_misses`;
* phase 2: `prompt_tokenize_ms`, `prompt_seam_ms`, `prompt_tokens_hits`, `prompt_tokens_misses`,
  `prompt_seams_moved`, `prompt_seams_crossed`;
* phase 3: `prefix_hits_hot`, `prefix_hits_ram`, `prefix_hits_disk`, `prefix_misses`, `prompt_prefill_ms`,
  `prefix_restore_ms`, `prefix_restores_failed`, `prefix_read_ms`, `prefix_write_ms`, `prefix_refused`,
  `prefix_evictions_ram`, `prefix_evictions_disk`;
* while somebody speaks: `segment_transcribe_ms`, `sentence_format_ms`, `sentences_finished_while_speaking`,
  `sentences_revised`, `guesses_right`;
* decoding: `transcript_prefill_ms`, `decode_ms`, `decode_steps`, `tokens_written`, `tokens_drafted`,
  `tokens_accepted`;
* `release_to_text_ms`; `release_to_beginning_ms` where the finished sentences are delivered first;
* `<stage>_ms` for each stage after a release, and counters of the ladder's rungs.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

RECENT = 200
"""How many of the latest values of a timing are kept for its median."""


@dataclass(frozen=True)
class Timing:
    """What is known of one timing; all in milliseconds. `median` is over the latest `RECENT` values."""

    count: int
    last: float
    median: float
    maximum: float
    total: float


class _Series:
    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self.maximum = 0.0
        self.recent: deque[float] = deque(maxlen=RECENT)

    def add(self, value: float) -> None:
        self.count += 1
        self.total += value
        self.maximum = max(self.maximum, value)
        self.recent.append(value)

    def timing(self) -> Timing:
        return Timing(self.count, self.recent[-1], statistics.median(self.recent), self.maximum, self.total)


class Metrics:
    """Thread-safe counters and timings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: Counter[str] = Counter()
        self._timings: dict[str, _Series] = {}

    def count(self, name: str, by: int = 1) -> None:
        """Add `by` to the counter `name`."""
        with self._lock:
            self._counters[name] += by

    def observe_ms(self, name: str, milliseconds: float) -> None:
        """Record one value of the timing `name`."""
        with self._lock:
            self._timings.setdefault(name, _Series()).add(milliseconds)

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Record how long the block took, also when it raises."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.observe_ms(name, (time.perf_counter() - start) * 1e3)

    def counter(self, name: str) -> int:
        """The present value of a counter; 0 when it was never counted."""
        with self._lock:
            return self._counters[name]

    def counters(self) -> dict[str, int]:
        """A copy of all counters."""
        with self._lock:
            return dict(self._counters)

    def timings(self) -> dict[str, Timing]:
        """A copy of all timings."""
        with self._lock:
            return {name: series.timing() for name, series in self._timings.items()}
