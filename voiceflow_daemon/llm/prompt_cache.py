"""Phase 1 of the prompt cache: a context's formatted template before the transcript is inserted."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from voiceflow_daemon.config.schema import ContextSettings, Settings
from voiceflow_daemon.metrics import Metrics


@dataclass(frozen=True)
class PromptTemplate:
    """What stands before and after the transcript in the rendered prompt.

    `between` stands between the answer to an earlier transcript and the next one; it is empty where the
    chat template has no place for earlier turns.
    """

    context: str
    prefix: str
    suffix: str
    between: str = ""

    @cached_property
    def digest(self) -> str:
        """Differs whenever one of the texts differs; the context's name plays no part."""
        texts = [text.encode("utf-8", "replace") for text in (self.prefix, self.suffix, self.between)]
        return hashlib.sha256(b"".join(b"%d:%s" % (len(text), text) for text in texts)).hexdigest()


Formatter = Callable[[str, Settings], PromptTemplate]

_Key = tuple[str, ContextSettings | None]
"""A dictation keeps the settings it began with: one that began before a reload must neither find the
new settings' template nor leave its old one for those that begin after."""


@dataclass(frozen=True)
class _Entry:
    template: PromptTemplate
    begun_at: float
    """When its formatting began, by the cache's clock: what was read from files is as old as that."""


class PromptCache:
    """Context to `PromptTemplate`, with a time to live, LRU capacity and invalidation.

    Any thread may call any method. Formatting happens outside the lock; a template whose formatting
    began before an invalidation is handed to its caller but never stored. Two threads that miss the
    same template both format it: that takes microseconds, and nobody waits for another's disk, gets
    another's error, or what another began before an invalidation.

    Every call counts as one hit or one miss, and every miss as one `prompt_format_ms`, also when the
    formatter raises.
    """

    def __init__(
        self, formatter: Formatter, metrics: Metrics, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._formatter = formatter
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._generation = 0

    def get_or_format(self, context: str, config: Settings) -> PromptTemplate:
        """The template of `context`, from the cache or formatted now; the formatter's errors pass.

        Time to live and capacity are those of this `config`, for entries made before as well.
        """
        key = (context, config.contexts.get(context))
        limits = config.prompt_cache
        with self._lock:
            begun_at, generation = self._clock(), self._generation
            found = self._live(key, begun_at - limits.ttl_s)
            self._shrink_to(limits.capacity)
        if found is not None:
            self._metrics.count("prompt_cache_hits")
            return found
        self._metrics.count("prompt_cache_misses")
        with self._metrics.timed("prompt_format_ms"):
            template = self._formatter(context, config)
        with self._lock:
            if generation == self._generation:
                self._store(key, _Entry(template, begun_at))
                self._shrink_to(limits.capacity)
        return template

    def invalidate(self) -> None:
        """Forget every template, also those being formatted now."""
        with self._lock:
            self._generation += 1
            self._entries.clear()

    def _live(self, key: _Key, begun_after: float) -> PromptTemplate | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry.begun_at <= begun_after:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry.template

    def _store(self, key: _Key, entry: _Entry) -> None:
        present = self._entries.get(key)
        if present is None or present.begun_at <= entry.begun_at:
            self._entries[key] = entry
        self._entries.move_to_end(key)

    def _shrink_to(self, capacity: int) -> None:
        while len(self._entries) > capacity:
            self._entries.popitem(last=False)
