"""Phase 3 on the fake model: which tier answers, what is kept where, what an invalidation takes away."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.fakes.disk_tier import FakeDiskTier
from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.backend import ContextOverflowError, EvaluationAbortedError, StateBytes
from voiceflow_daemon.llm.kv_cache import REMEMBERED, KvCache
from voiceflow_daemon.llm.kv_ram import Prefix
from voiceflow_daemon.metrics import Metrics

PLENTY = 1 << 20


def prefix_of(name: str) -> Prefix:
    return tuple(name.encode() * 10)


EMAIL, SLACK, CODE = map(prefix_of, ("email", "slack", "code"))


class World:
    """A cache on a fake model; `restart` keeps the disk alone."""

    def __init__(self, *, goes_back: bool = True, memory_bytes: int = PLENTY) -> None:
        self.goes_back, self.memory_bytes = goes_back, memory_bytes
        self.disk = FakeDiskTier()
        self.now = 1000.0
        self.restart()

    def restart(self) -> None:
        self.model, self.metrics = FakeLanguageModel(goes_back=self.goes_back), Metrics()
        self.cache = KvCache(self.model, self.metrics, self.disk, self.memory_bytes, lambda: self.now)

    def use(self, prefix: Prefix, dictated: bytes = b"") -> str:
        """Make it hot and dictate; the name of the counter that went up."""
        before = self.metrics.counters()
        self.cache.make_hot(prefix)
        assert tuple(self.model._sequence) == prefix
        if dictated:
            self.model.evaluate(dictated)
            self.cache.rewind()
        after = self.metrics.counters()
        names = ("prefix_hits_hot", "prefix_hits_ram", "prefix_hits_disk", "prefix_misses")
        (counted,) = [name for name in names if after.get(name, 0) != before.get(name, 0)]
        return counted.removeprefix("prefix_").removeprefix("hits_")


class Tiers(RuleBasedStateMachine):
    """Whatever happens, the sequence is the prefix, and the fastest tier that has it answers."""

    @initialize(goes_back=st.booleans(), memory_bytes=st.sampled_from([0, 250, PLENTY]))
    def start(self, goes_back: bool, memory_bytes: int) -> None:
        self.world = World(goes_back=goes_back, memory_bytes=memory_bytes)
        self.hot: Prefix = ()
        self.ram: list[Prefix] = []
        self.stored: set[Prefix] = set()

    def _into_ram(self, prefix: Prefix) -> None:
        if prefix in self.ram:
            self.ram.remove(prefix)
        if 4 * len(prefix) <= self.world.memory_bytes:
            self.ram.append(prefix)
        while sum(4 * len(kept) for kept in self.ram) > self.world.memory_bytes:
            del self.ram[0]

    @rule(prefix=st.sampled_from([EMAIL, SLACK, CODE]), dictated=st.binary(max_size=3))
    def use(self, prefix: Prefix, dictated: bytes) -> None:
        expected = (
            "hot"
            if prefix == self.hot
            else "ram"
            if prefix in self.ram
            else "disk"
            if prefix in self.stored
            else "misses"
        )
        assert self.world.use(prefix, dictated) == expected
        if expected != "hot":
            self._into_ram(prefix)
        self.stored.add(prefix)
        self.hot = prefix if self.world.goes_back or not dictated else ()

    @rule()
    def invalidate(self) -> None:
        self.world.cache.invalidate()
        self.hot, self.ram, self.stored = (), [], set()

    @rule()
    def restart(self) -> None:
        self.world.restart()
        self.hot, self.ram = (), []

    @rule(memory_bytes=st.sampled_from([0, 250, PLENTY]))
    def change_the_limit(self, memory_bytes: int) -> None:
        self.world.memory_bytes = memory_bytes
        self.world.cache.set_limits(memory_bytes, PLENTY)
        while sum(4 * len(kept) for kept in self.ram) > memory_bytes:
            del self.ram[0]

    @rule()
    def aborted(self) -> None:
        self.world.model.stop()
        with pytest.raises(EvaluationAbortedError):
            self.world.cache.make_hot(prefix_of("other"))
        self.world.model.resume()
        self.hot = ()

    @invariant()
    def status_is_true(self) -> None:
        for prefix in (EMAIL, SLACK, CODE):
            hot, ram = prefix == self.hot, prefix in self.ram
            tier = "hot" if hot else "ram" if ram else "disk" if prefix in self.stored else "none"
            entry = self.world.cache.entry("c", prefix)
            assert (entry.tier, entry.tokens) == (tier, len(prefix))
            assert entry.bytes == (0 if tier == "none" else 4 * len(prefix))


TestTiers = Tiers.TestCase
TestTiers.settings = hypothesis_settings(max_examples=150, stateful_step_count=25, deadline=None)


def test_a_dictation_costs_no_second_forward_pass() -> None:
    world = World()
    assert [world.use(prefix, b"hi") for prefix in (EMAIL, SLACK, EMAIL, EMAIL)] == [
        "misses",
        "misses",
        "ram",
        "hot",
    ]
    timings = world.metrics.timings()
    assert timings["prompt_prefill_ms"].count == 2
    assert timings["prefix_restore_ms"].count == 1


def test_only_the_bare_prefix_is_kept() -> None:
    world = World(goes_back=False)
    for _ in range(3):
        world.use(EMAIL, b"SECRET")
        world.use(SLACK, b"SECRET")
    kept = [stored.payload.tobytes() for stored in world.disk.entries.values()]
    assert sorted(map(len, kept)) == sorted([4 * len(EMAIL), 4 * len(SLACK)])


def test_a_prefix_longer_than_the_window_leaves_nothing_hot() -> None:
    world = World()
    world.use(EMAIL)
    with pytest.raises(ContextOverflowError):
        world.cache.make_hot(prefix_of("x" * 1000))
    assert world.model.length() == 0
    assert world.use(EMAIL) == "ram"


class RefusesStates(FakeLanguageModel):
    """Takes no state back."""

    def restore(self, state: StateBytes, length: int) -> bool:
        self.truncate(0)
        return False


def test_a_restore_that_fails_leads_to_an_evaluation_and_the_entry_goes() -> None:
    world = World()
    world.use(EMAIL)
    world.use(SLACK)
    model = RefusesStates()
    metrics = Metrics()
    cache = KvCache(model, metrics, world.disk, PLENTY)
    cache.make_hot(EMAIL)
    assert model.evaluated == [EMAIL]
    cache.make_hot(SLACK)
    cache.make_hot(EMAIL)
    assert model.evaluated == [EMAIL, SLACK, EMAIL]
    assert metrics.counter("prefix_restores_failed") == 3
    assert metrics.counter("prefix_misses") == 3
    cache.make_hot(SLACK)
    assert metrics.counter("prefix_restores_failed") == 3


class KeepsItsState(FakeLanguageModel):
    """Gives no state away."""

    def state(self) -> StateBytes:
        raise ModelError("no")


def test_a_model_that_gives_no_state_works_without_the_other_tiers() -> None:
    model, disk = KeepsItsState(), FakeDiskTier()
    cache = KvCache(model, Metrics(), disk, PLENTY)
    for prefix in (EMAIL, EMAIL, SLACK, EMAIL):
        cache.make_hot(prefix)
    assert model.evaluated == [EMAIL, SLACK, EMAIL]
    assert not disk.entries


def test_another_model_finds_nothing() -> None:
    class Other(FakeLanguageModel):
        @property
        def state_identity(self) -> str:
            return "another"

    world = World()
    world.use(EMAIL)
    model = Other()
    KvCache(model, Metrics(), world.disk, PLENTY).make_hot(EMAIL)
    assert model.evaluated == [EMAIL]
    assert len(world.disk.entries) == 2


def test_what_was_begun_before_an_invalidation_is_kept_nowhere() -> None:
    world = World()
    world.model.before_evaluation = world.cache.invalidate
    world.use(EMAIL)
    world.model.before_evaluation = lambda: None
    assert not world.disk.entries
    assert world.use(EMAIL) == "misses"
    assert world.use(EMAIL) == "hot"
    assert len(world.disk.entries) == 1


class SlowDisk(FakeDiskTier):
    """Takes its time for a purge; `meanwhile` runs in it."""

    meanwhile: Callable[[], None]

    def purge(self) -> None:
        self.meanwhile()
        super().purge()


def test_a_slow_disk_holds_up_no_dictation_and_loses_nothing_new() -> None:
    world = World()
    world.disk = disk = SlowDisk()
    world.restart()
    world.use(EMAIL)
    used: list[str] = []

    def dictate() -> None:
        used.append(world.use(SLACK))
        used.append(world.cache.entry("c", SLACK).tier)

    def dictate_elsewhere() -> None:
        dictating = threading.Thread(target=dictate)
        dictating.start()
        dictating.join(30)

    disk.meanwhile = dictate_elsewhere
    world.cache.invalidate()
    assert used == ["misses", "hot"]
    assert [stored.payload.nbytes for stored in disk.entries.values()] == [4 * len(SLACK)]


def test_limits_are_applied_once() -> None:
    world = World(memory_bytes=PLENTY)
    for prefix in (EMAIL, SLACK, CODE):
        world.use(prefix)
    world.cache.set_limits(4 * len(CODE), 0)
    assert world.metrics.counter("prefix_evictions_ram") == 2
    assert not world.disk.entries
    world.disk.write("kept", world.model.state(), 0.0)
    world.cache.set_limits(4 * len(CODE), 0)
    assert world.use(SLACK) == "misses"


def test_age_and_hits_are_told() -> None:
    world = World()
    for _ in range(3):
        world.use(EMAIL)
    world.now += 60
    entry = world.cache.entry("email", EMAIL)
    assert (entry.context, entry.tier, entry.age_s, entry.hits) == ("email", "hot", 60.0, 2)
    world.restart()
    world.now += 60
    assert world.cache.entry("email", EMAIL).age_s is None
    world.use(EMAIL)
    assert world.cache.entry("email", EMAIL).age_s == 120.0


def test_what_is_remembered_is_bounded() -> None:
    world = World()
    for number in range(REMEMBERED + 1):
        world.use(prefix_of(str(number)))
    assert world.cache.entry("c", prefix_of("0")).age_s is None
    assert world.cache.entry("c", prefix_of("1")).age_s == 0.0


def test_an_empty_prefix_is_always_there() -> None:
    world = World()
    world.cache.make_hot(())
    assert world.model.length() == 0
    assert not world.model.evaluated
    assert not world.disk.entries


def test_closing_closes_the_disk_tier() -> None:
    world = World()
    world.cache.close()
    assert world.disk.closed


def test_closing_frees_what_is_in_memory_and_still_tells_what_is_on_disk() -> None:
    world = World()
    world.use(EMAIL)
    world.use(SLACK)
    world.cache.close()
    assert world.cache.entry("email", EMAIL).tier == "disk"
    world.disk.purge()
    assert {world.cache.entry("c", prefix).tier for prefix in (EMAIL, SLACK)} == {"none"}
