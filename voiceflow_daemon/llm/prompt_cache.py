"""Phase 1 of the prompt cache: a context's formatted template before the transcript is inserted."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.metrics import Metrics


@dataclass(frozen=True)
class PromptTemplate:
    """What stands before and after the transcript in the rendered prompt."""

    context: str
    prefix: str
    suffix: str


Formatter = Callable[[str, Settings], PromptTemplate]


class PromptCache:
    """Context name to `PromptTemplate`, with a time to live, LRU capacity and invalidation.

    Any thread may call any method. Formatting happens outside the lock; a template whose formatting
    began before an invalidation is handed to its caller but never stored.
    """

    def __init__(
        self, formatter: Formatter, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._formatter = formatter
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[PromptTemplate, float]] = OrderedDict()
        self._generation = 0

    def get_or_format(self, context: str, config: Settings) -> PromptTemplate:
        """The template of `context`, from the cache or formatted now."""
        with self._lock:
            entry = self._entries.get(context)
            if entry is not None and self._clock() - entry[1] < config.prompt_cache.ttl_s:
                self._entries.move_to_end(context)
                self._metrics.count("prompt_cache_hits")
                return entry[0]
            self._metrics.count("prompt_cache_misses")
            generation = self._generation
        with self._metrics.timed("prompt_format_ms"):
            template = self._formatter(context, config)
        with self._lock:
            if generation == self._generation:
                self._entries[context] = (template, self._clock())
                self._entries.move_to_end(context)
                while len(self._entries) > config.prompt_cache.capacity:
                    self._entries.popitem(last=False)
        return template

    def invalidate(self) -> None:
        """Forget every template, also those being formatted now."""
        with self._lock:
            self._generation += 1
            self._entries.clear()
