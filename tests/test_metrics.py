"""Counters and timings: exact whoever counts, and never handed out alive."""

from __future__ import annotations

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.metrics import RECENT, Metrics, Timing

THREADS = 16
ROUNDS = 200


class Slow(float):
    """A number whose addition lets other threads run, so that an unguarded sum loses some."""

    def __radd__(self, other: float) -> float:
        time.sleep(0)
        return float(other) + float(self)


class SlowCount(int):
    """The same of whole numbers."""

    def __radd__(self, other: int) -> int:
        time.sleep(0)
        return int(other) + int(self)


def test_nothing_is_lost_between_threads() -> None:
    metrics = Metrics()
    together = threading.Barrier(THREADS)

    def work(thread: int) -> None:
        together.wait()
        for each in range(ROUNDS):
            metrics.count("many", SlowCount(3))
            metrics.observe_ms("stage_ms", Slow(thread * ROUNDS + each))

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(work, thread) for thread in range(THREADS)]:
            done.result()

    everything = THREADS * ROUNDS
    assert metrics.counters() == {"many": 3 * everything}
    timing = metrics.timings()["stage_ms"]
    assert timing.count == everything
    assert timing.total == sum(range(everything))
    assert timing.maximum == everything - 1


def test_a_snapshot_taken_during_the_counting_holds_together() -> None:
    metrics = Metrics()
    metrics.observe_ms("stage_ms", 2.0)
    enough = threading.Event()

    def work() -> None:
        while not enough.is_set():
            metrics.observe_ms("stage_ms", Slow(2.0))

    with ThreadPoolExecutor(1) as pool:
        worker = pool.submit(work)
        try:
            for _ in range(ROUNDS):
                timing = metrics.timings()["stage_ms"]
                assert timing.total == 2.0 * timing.count
                time.sleep(0)
        finally:
            enough.set()
        worker.result()


@given(values=st.lists(st.integers(0, 10**6), min_size=1, max_size=3 * RECENT))
def test_the_median_is_of_the_latest_values_and_the_rest_of_all(values: list[int]) -> None:
    metrics = Metrics()
    for value in values:
        metrics.observe_ms("stage_ms", float(value))
    assert metrics.timings() == {
        "stage_ms": Timing(
            count=len(values),
            last=values[-1],
            median=statistics.median(values[-RECENT:]),
            maximum=max(values),
            total=sum(values),
        )
    }


def test_what_is_older_than_the_recent_values_leaves_the_median() -> None:
    metrics = Metrics()
    for value in [1e6] * RECENT + [1.0] * RECENT:
        metrics.observe_ms("stage_ms", value)
    timing = metrics.timings()["stage_ms"]
    assert (timing.median, timing.maximum) == (1.0, 1e6)


def test_a_snapshot_is_a_copy() -> None:
    metrics = Metrics()
    metrics.count("seen")
    metrics.observe_ms("stage_ms", 1.0)
    counters, timings = metrics.counters(), metrics.timings()
    counters["seen"] = 99
    counters["never"] = 1
    del timings["stage_ms"]
    assert metrics.counters() == {"seen": 1}
    assert list(metrics.timings()) == ["stage_ms"]
    kept = metrics.timings()
    metrics.observe_ms("stage_ms", 5.0)
    assert kept["stage_ms"] == Timing(1, 1.0, 1.0, 1.0, 1.0)


def test_asking_for_a_counter_does_not_make_it() -> None:
    metrics = Metrics()
    assert metrics.counter("never") == 0
    assert metrics.counters() == {}
    metrics.count("seen", 2)
    assert metrics.counter("seen") == 2


def test_a_timed_block_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 10.25])
    monkeypatch.setattr("voiceflow_daemon.metrics.time.perf_counter", lambda: next(clock))
    metrics = Metrics()
    with metrics.timed("stage_ms"):
        assert metrics.timings() == {}
    assert metrics.timings() == {"stage_ms": Timing(1, 250.0, 250.0, 250.0, 250.0)}


def test_a_timed_block_that_raises_is_recorded_and_raises() -> None:
    metrics = Metrics()
    with pytest.raises(ZeroDivisionError), metrics.timed("stage_ms"):
        raise ZeroDivisionError
    assert metrics.timings()["stage_ms"].count == 1
