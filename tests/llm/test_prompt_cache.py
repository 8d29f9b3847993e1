"""Phase 1 of the prompt cache: against a model of it, and under threads."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ConfigError
from voiceflow_daemon.llm.prompt_cache import PromptCache, PromptTemplate
from voiceflow_daemon.llm.prompts import ContextPrompts
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


def version_of(template: PromptTemplate) -> int:
    return int(template.prefix.split()[1])


@dataclass(frozen=True)
class Held:
    key: tuple[str, str]
    template: PromptTemplate
    begun_at: float


class Cached(RuleBasedStateMachine):
    """The cache against a plain list of what it may hold, newest use last."""

    @initialize(ttl_s=st.integers(1, 20), capacity=st.integers(1, 4))
    def start(self, ttl_s: int, capacity: int) -> None:
        self.now = 0.0
        self.source, self.metrics = Source(), Metrics()
        self.cache = PromptCache(self.source, self.metrics, lambda: self.now)
        self.ttl_s, self.capacity, self.mine = ttl_s, capacity, "first"
        self.held: list[Held] = []
        self.hits = self.misses = 0

    def config(self) -> Settings:
        return config(self.ttl_s, self.capacity, self.mine)

    def key(self, context: str) -> tuple[str, str]:
        return (context, self.mine if context == "mine" else "")

    def expect(self, context: str) -> PromptTemplate | None:
        """What a call finds now; uses it up as the call does."""
        found = next((held for held in self.held if held.key == self.key(context)), None)
        if found is not None:
            self.held.remove(found)
            if self.now - found.begun_at < self.ttl_s:
                self.held.append(found)
            else:
                found = None
        del self.held[: -self.capacity]
        return found.template if found else None

    @rule(context=st.sampled_from(CONTEXTS), takes_s=st.sampled_from([0, 0, 3, 30]))
    def get(self, context: str, takes_s: int) -> None:
        expected, begun_at = self.expect(context), self.now
        self.source.meanwhile = lambda: self.wait(takes_s)
        got = self.cache.get_or_format(context, self.config())
        self.source.meanwhile = lambda: None
        if expected is not None:
            self.hits += 1
            assert got is expected
            return
        self.misses += 1
        assert got.prefix == f"{context} {self.source.version} {self.key(context)[1]}"
        self.held.append(Held(self.key(context), got, begun_at))
        del self.held[: -self.capacity]

    @rule(seconds=st.integers(0, 25))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @rule()
    def content_changes_unnoticed(self) -> None:
        self.source.version += 1

    @rule()
    def invalidate(self) -> None:
        self.source.version += 1
        self.cache.invalidate()
        self.held.clear()

    @rule(mine=st.sampled_from(["first", "second"]))
    def use_other_prompts(self, mine: str) -> None:
        self.mine = mine

    @rule(ttl_s=st.integers(1, 20), capacity=st.integers(1, 4))
    def use_other_limits(self, ttl_s: int, capacity: int) -> None:
        self.ttl_s, self.capacity = ttl_s, capacity

    @rule(context=st.sampled_from(CONTEXTS))
    def invalidate_while_formatting(self, context: str) -> None:
        """What is formatted then may already be out of date: it is given out once and not kept."""
        self.invalidate()
        self.source.meanwhile = self.invalidate
        version = self.source.version
        got = self.cache.get_or_format(context, self.config())
        self.source.meanwhile = lambda: None
        assert version_of(got) == version
        self.misses += 1

    @rule(context=st.sampled_from(CONTEXTS))
    def fail_to_format(self, context: str) -> None:
        def fail() -> None:
            raise ConfigError("broken")

        self.source.meanwhile = fail
        if self.expect(context) is not None:
            self.hits += 1
            self.cache.get_or_format(context, self.config())
        else:
            self.misses += 1
            with pytest.raises(ConfigError):
                self.cache.get_or_format(context, self.config())
        self.source.meanwhile = lambda: None

    @invariant()
    def no_more_than_the_latest_capacity_is_held(self) -> None:
        if hasattr(self, "cache"):
            held = [entry.template for entry in self.cache._entries.values()]
            assert held == [entry.template for entry in self.held]

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


def test_what_began_earlier_never_replaces_what_began_later() -> None:
    """Two threads miss the same template; the one that read the older file is the slower one."""
    source, metrics = Source(), Metrics()
    begun, go_on = threading.Event(), threading.Event()
    now = [0.0]

    def slow_at_first(context: str, settings: Settings) -> PromptTemplate:
        template = source(context, settings)
        if source.formatted == 1:
            begun.set()
            assert go_on.wait(30)
        return template

    cache = PromptCache(slow_at_first, metrics, lambda: now[0])
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(cache.get_or_format, "email", config())
        assert begun.wait(30)
        now[0], source.version = 1.0, 1
        assert version_of(cache.get_or_format("email", config())) == 1
        go_on.set()
        assert version_of(late.result(30)) == 0
    assert version_of(cache.get_or_format("email", config())) == 1
    assert metrics.counters() == {"prompt_cache_misses": 2, "prompt_cache_hits": 1}


class RestlessLock:
    """A lock whose users give way to the other threads before and after each use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        time.sleep(0)
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        time.sleep(0)


class Files:
    """Prompts that change while they are read; a check that no call is answered from before its time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.metrics = Metrics()
        self.cache = PromptCache(self.format, self.metrics)
        monkeypatch.setattr(self.cache, "_lock", RestlessLock())
        self.calls = self.failures = 0
        self._lock = threading.Lock()
        self._version = self._valid_from = 0

    def format(self, context: str, settings: Settings) -> PromptTemplate:
        version = self._version
        time.sleep(0)  # Lets another thread in between reading and storing.
        if version % 7 == 3:
            raise ConfigError("half written")
        return PromptTemplate(context, f"{context} {version}", "")

    def change(self) -> None:
        with self._lock:
            self._version += 1
            version = self._version
        self.cache.invalidate()
        with self._lock:
            self._valid_from = max(self._valid_from, version)

    def read(self, context: str, settings: Settings) -> None:
        """A version older than one whose invalidation had returned before the call is an error."""
        earliest = self._valid_from
        failed = False
        try:
            assert version_of(self.cache.get_or_format(context, settings)) >= earliest
        except ConfigError:
            failed = True
        with self._lock:
            self.calls += 1
            self.failures += failed


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads change places as often as Python lets them."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("restless")
def test_no_call_is_answered_from_before_an_invalidation_that_had_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = Files(monkeypatch)
    start = threading.Barrier(6)
    small, large = config(capacity=2), config(capacity=32, ttl_s=0.0005)

    def work(number: int) -> None:
        choose = random.Random(number)
        start.wait(30)
        for _ in range(1500):
            if choose.random() < 0.2:
                files.change()
            else:
                files.read(choose.choice(CONTEXTS), choose.choice((small, small, large)))

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(work, number) for number in range(6)]:
            done.result(100)
    counts = files.metrics.counters()
    assert 6000 < files.calls < 9000
    assert counts["prompt_cache_hits"] + counts["prompt_cache_misses"] == files.calls
    assert files.metrics.timings()["prompt_format_ms"].count == counts["prompt_cache_misses"]
    assert 0 < files.failures < counts["prompt_cache_misses"]
    assert counts["prompt_cache_hits"] > 100


@pytest.mark.parametrize(("age_s", "hits"), [(299.9, 1), (300.0, 0)])
def test_a_template_lives_for_less_than_its_time_to_live(age_s: float, hits: int) -> None:
    now, metrics = [0.0], Metrics()
    cache = PromptCache(Source(), metrics, lambda: now[0])
    cache.get_or_format("email", config(ttl_s=300))
    now[0] = age_s
    cache.get_or_format("email", config(ttl_s=300))
    assert metrics.counter("prompt_cache_hits") == hits


def test_limits_of_new_settings_hold_for_what_is_there_already() -> None:
    now, metrics = [0.0], Metrics()
    cache = PromptCache(Source(), metrics, lambda: now[0])
    for context in CONTEXTS:
        cache.get_or_format(context, config(ttl_s=300, capacity=4))
    cache.get_or_format("mine", config(ttl_s=300, capacity=1))
    assert metrics.counter("prompt_cache_hits") == 1
    cache.get_or_format("slack", config(ttl_s=300, capacity=4))
    assert metrics.counter("prompt_cache_misses") == 5
    now[0] = 10.0
    cache.get_or_format("slack", config(ttl_s=10, capacity=4))
    assert metrics.counter("prompt_cache_misses") == 6


@pytest.fixture
def prompt_file(tmp_path: Path) -> Path:
    (tmp_path / "mine.txt").write_text("Be brief.", encoding="utf-8")
    return tmp_path / "mine.txt"


def test_a_prompt_file_that_changes_is_read_again_after_its_time_or_an_invalidation(
    prompt_file: Path,
) -> None:
    """The config stays as it is: only the file that it names is another."""
    now = [0.0]
    prompts = ContextPrompts(FakeLanguageModel().render_chat, prompt_file.parent, prompt_file.parent)
    cache = PromptCache(prompts.template, Metrics(), lambda: now[0])
    settings = Settings.model_validate({"contexts": {"mine": {"prompt_file": "mine.txt"}}})

    def prefix() -> str:
        return cache.get_or_format("mine", settings).prefix

    assert "Be brief." in prefix()
    prompt_file.write_text("Be polite.", encoding="utf-8")
    assert "Be brief." in prefix(), "files are read once in a time to live"
    now[0] = settings.prompt_cache.ttl_s
    assert "Be polite." in prefix()
    prompt_file.write_text("Be kind.", encoding="utf-8")
    cache.invalidate()
    assert "Be kind." in prefix()
    prompt_file.unlink()
    cache.invalidate()
    with pytest.raises(ConfigError, match="not there"):
        prefix()
    prompt_file.write_text("Be back.", encoding="utf-8")
    assert "Be back." in prefix()
