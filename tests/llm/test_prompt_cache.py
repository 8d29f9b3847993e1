"""Phase 1 of the prompt cache: against a model of it, and under threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ConfigError
from voiceflow_daemon.llm.prompt_cache import PromptCache, PromptTemplate
from voiceflow_daemon.metrics import Metrics

CONTEXTS = ("default", "email", "slack", "mine")


def config(ttl_s: float = 300.0, capacity: int = 32, mine: str = "my prompt") -> Settings:
    return Settings.model_validate(
        {
            "prompt_cache": {"ttl_s": ttl_s, "capacity": capacity},
            "contexts": {"mine": {"prompt": mine}},
        }
    )


class Source:
    """A formatter whose prompts change with `version`, and which can be made to run something first."""

    def __init__(self) -> None:
        self.version = 0
        self.formatted = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def __call__(self, context: str, settings: Settings) -> PromptTemplate:
        own = settings.contexts.get(context)
        text = f"{context} {self.version} {own.prompt if own else ''}"
        self.formatted += 1
        self.meanwhile()
        return PromptTemplate(context, text, "suffix")


class Cached(RuleBasedStateMachine):
    """The cache against a plain list of what it may hold, newest use last."""

    @initialize(ttl_s=st.integers(1, 20), capacity=st.integers(1, 4))
    def start(self, ttl_s: int, capacity: int) -> None:
        self.now = 0.0
        self.source, self.metrics = Source(), Metrics()
        self.cache = PromptCache(self.source, self.metrics, lambda: self.now)
        self.ttl_s, self.capacity, self.mine = ttl_s, capacity, "first"
        self.held: list[tuple[tuple[str, str], PromptTemplate, float]] = []
        self.hits = self.misses = 0

    @rule(context=st.sampled_from(CONTEXTS))
    def get(self, context: str) -> None:
        got = self.cache.get_or_format(context, config(self.ttl_s, self.capacity, self.mine))
        key = (context, self.mine if context == "mine" else "")
        found = next((entry for entry in self.held if entry[0] == key), None)
        if found is not None:
            self.held.remove(found)
        if found is not None and self.now - found[2] < self.ttl_s:
            self.hits += 1
            assert got is found[1]
            self.held.append(found)
            return
        self.misses += 1
        assert got.prefix == f"{context} {self.source.version} {key[1]}"
        self.held.append((key, got, self.now))
        del self.held[: -self.capacity]

    @rule(seconds=st.integers(0, 25))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def invalidate(self) -> None:
        self.source.version += 1
        self.cache.invalidate()
        self.held.clear()

    @rule(mine=st.sampled_from(["first", "second"]))
    def use_other_settings(self, mine: str) -> None:
        self.mine = mine

    @rule(context=st.sampled_from(CONTEXTS))
    def invalidate_while_formatting(self, context: str) -> None:
        """What is formatted then may already be out of date: it is given out once and not kept."""
        self.invalidate()
        self.source.meanwhile = self.invalidate
        version = self.source.version
        got = self.cache.get_or_format(context, config(self.ttl_s, self.capacity, self.mine))
        self.source.meanwhile = lambda: None
        assert got.prefix.split()[1] == str(version)
        self.misses += 1

    @invariant()
    def metrics_are_exact(self) -> None:
        if not hasattr(self, "metrics"):
            return
        assert self.metrics.counter("prompt_cache_hits") == self.hits
        assert self.metrics.counter("prompt_cache_misses") == self.misses == self.source.formatted
        timing = self.metrics.timings().get("prompt_format_ms")
        assert (timing.count if timing else 0) == self.misses


TestCached = Cached.TestCase
TestCached.settings = hypothesis_settings(max_examples=150, stateful_step_count=30, deadline=None)


def test_an_error_of_the_formatter_is_counted_and_nothing_is_kept() -> None:
    failures = [ConfigError("broken"), None]

    def formatter(context: str, settings: Settings) -> PromptTemplate:
        if (failure := failures.pop(0)) is not None:
            raise failure
        return PromptTemplate(context, "p", "s")

    metrics = Metrics()
    cache = PromptCache(formatter, metrics)
    with pytest.raises(ConfigError):
        cache.get_or_format("email", config())
    assert cache.get_or_format("email", config()).prefix == "p"
    assert cache.get_or_format("email", config()).prefix == "p"
    assert metrics.counters() == {"prompt_cache_misses": 2, "prompt_cache_hits": 1}
    assert metrics.timings()["prompt_format_ms"].count == 2


def test_a_dictation_with_older_settings_leaves_nothing_stale_behind() -> None:
    cache = PromptCache(Source(), Metrics())
    old, new = config(mine="old words"), config(mine="new words")
    cache.invalidate()
    assert cache.get_or_format("mine", old).prefix.endswith("old words")
    assert cache.get_or_format("mine", new).prefix.endswith("new words")


def test_a_slow_formatter_holds_up_nobody_and_an_invalidation_meanwhile_wins() -> None:
    source, metrics = Source(), Metrics()
    begun, go_on = threading.Event(), threading.Event()

    def slow(context: str, settings: Settings) -> PromptTemplate:
        template = source(context, settings)
        if context == "slack" and not begun.is_set():
            begun.set()
            assert go_on.wait(30)
        return template

    cache = PromptCache(slow, metrics)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(cache.get_or_format, "slack", config())
        assert begun.wait(30)
        assert cache.get_or_format("email", config()).prefix == "email 0 "
        source.version = 1
        cache.invalidate()
        go_on.set()
        assert late.result(30).prefix == "slack 0 "
    assert cache.get_or_format("slack", config()).prefix == "slack 1 "


def test_many_threads_get_right_templates_and_exact_counts() -> None:
    source, metrics = Source(), Metrics()
    cache = PromptCache(source, metrics)
    start = threading.Barrier(8)

    def work(number: int) -> None:
        start.wait(30)
        for turn in range(200):
            context = CONTEXTS[(number + turn) % len(CONTEXTS)]
            assert cache.get_or_format(context, config(capacity=2)).prefix.split()[0] == context
            if turn % 20 == number:
                cache.invalidate()

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, number) for number in range(8)]:
            done.result(60)
    counts = metrics.counters()
    assert counts["prompt_cache_hits"] + counts["prompt_cache_misses"] == 8 * 200
    assert metrics.timings()["prompt_format_ms"].count == counts["prompt_cache_misses"]


def test_a_reader_after_an_invalidation_never_sees_what_was_before() -> None:
    """Readers race with a writer that changes the source and then invalidates."""
    source = Source()
    cache = PromptCache(source, Metrics())
    finished, valid_from = threading.Event(), [0]

    def read() -> None:
        while not finished.is_set():
            earliest = valid_from[0]
            version = int(cache.get_or_format("email", config()).prefix.split()[1])
            assert version >= earliest

    with ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(4)]
        for version in range(1, 400):
            source.version = version
            cache.invalidate()
            valid_from[0] = version
        finished.set()
        for reader in readers:
            reader.result(30)


@pytest.mark.parametrize(("age_s", "hits"), [(299.9, 1), (300.0, 0)])
def test_a_template_lives_for_less_than_its_time_to_live(age_s: float, hits: int) -> None:
    now, metrics = [0.0], Metrics()
    cache = PromptCache(Source(), metrics, lambda: now[0])
    cache.get_or_format("email", config(ttl_s=300))
    now[0] = age_s
    cache.get_or_format("email", config(ttl_s=300))
    assert metrics.counter("prompt_cache_hits") == hits
