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
    """What stands before and after the transcript in the rendered prompt."""

    context: str
    prefix: str
    suffix: str

    @cached_property
    def digest(self) -> str:
        """Differs whenever prefix or suffix differ; the context's name plays no part."""
        prefix, suffix = self.prefix.encode("utf-8", "replace"), self.suffix.encode("utf-8", "replace")
        return hashlib.sha256(b"%d:%s%s" % (len(prefix), prefix, suffix)).hexdigest()


Formatter = Callable[[str, Settings], PromptTemplate]

_Key = tuple[str, ContextSettings | None]
"""A dictation keeps the settings it began with: one that began before a reload must neither find the
new settings' template nor leave its old one for those that begin after."""


@dataclass(frozen=True)
class _Entry:
    template: PromptTemplate
    formatted_at: float


class PromptCache:
    """Context to `PromptTemplate`, with a time to live, LRU capacity and invalidation.

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
        self._entries: OrderedDict[_Key, _Entry] = OrderedDict()
        self._generation = 0

    def get_or_format(self, context: str, config: Settings) -> PromptTemplate:
        """The template of `context`, from the cache or formatted now; the formatter's errors pass."""
        key = (context, config.contexts.get(context))
        with self._lock:
            entry = self._live_entry(key, config.prompt_cache.ttl_s)
            generation = self._generation
        if entry is not None:
            self._metrics.count("prompt_cache_hits")
            return entry.template
        self._metrics.count("prompt_cache_misses")
        with self._metrics.timed("prompt_format_ms"):
            template = self._formatter(context, config)
        with self._lock:
            if generation == self._generation:
                self._store(key, template, config.prompt_cache.capacity)
        return template

    def invalidate(self) -> None:
        """Forget every template, also those being formatted now."""
        with self._lock:
            self._generation += 1
            self._entries.clear()

    def _live_entry(self, key: _Key, ttl_s: float) -> _Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if self._clock() - entry.formatted_at >= ttl_s:
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return entry

    def _store(self, key: _Key, template: PromptTemplate, capacity: int) -> None:
        self._entries[key] = _Entry(template, self._clock())
        self._entries.move_to_end(key)
        while len(self._entries) > capacity:
            self._entries.popitem(last=False)
