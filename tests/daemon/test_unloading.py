"""The worker frees its models when nothing else is to be done, and loads them again."""

from __future__ import annotations

import threading
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.bench import LIMIT_S, SETTINGS, WorkerBench
from tests.daemon.orders import job
from voiceflow_daemon.daemon.orders import (
    Done,
    Forget,
    Job,
    Load,
    Loaded,
    LoadFailed,
    MakeHot,
    Order,
    Prepare,
    Prepared,
    Unload,
    Unloaded,
)
from voiceflow_daemon.daemon.preloading import Step
from voiceflow_daemon.daemon.work_queue import Work, WorkQueue
from voiceflow_daemon.errors import ModelError

CONTEXTS = ("default", "email")


def recovered(sample: int) -> Job:
    """A job of a recording that an earlier daemon left."""
    return replace(job(sample=sample), job_id=-sample)


def tiers(bench: WorkerBench) -> dict[str, str]:
    return {entry.context: entry.tier for entry in bench.worker.prompt_entries()}


def unload(bench: WorkerBench, count: int = 1) -> None:
    bench.do(Unload())
    bench.await_event(Unloaded, count)


def test_all_is_done_before_the_models_are_freed() -> None:
    with WorkerBench() as bench:
        reached, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            reached.set()
            assert go_on.wait(LIMIT_S)

        bench.transcriber.before = hold
        bench.do(job(sample=1))
        assert reached.wait(LIMIT_S)
        bench.do(Unload(), job(sample=2), Prepare(CONTEXTS, SETTINGS), recovered(3))
        go_on.set()
        bench.await_event(Unloaded)
        assert [type(event) for event in bench.events if not isinstance(event, Done | Loaded)][-2:] == [
            Prepared,
            Unloaded,
        ]
        assert [done.error for done in bench.of(Done)] == [None, None, None]
        assert bench.model.closed


def test_after_a_load_a_dictation_costs_no_evaluation_of_its_prompt() -> None:
    with WorkerBench() as bench:
        bench.do(Prepare(CONTEXTS, SETTINGS))
        bench.await_event(Prepared)
        unload(bench)
        assert tiers(bench) == {"default": "disk", "email": "disk"}
        bench.do(Load(SETTINGS), MakeHot("email", SETTINGS), job("email", sample=7))
        done = bench.await_event(Done)
        assert done.dictated is not None
        assert done.dictated.text == "7"
        assert bench.prefixes() == []
        assert bench.metrics.counter("prefix_hits_disk") >= 1
        assert len(bench.models) == 2
        assert bench.models[0].closed
        assert not bench.models[1].closed


def test_a_load_takes_the_place_of_an_unload_that_waits() -> None:
    with WorkerBench() as bench:
        reached, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            reached.set()
            assert go_on.wait(LIMIT_S)

        bench.transcriber.before = hold
        bench.do(job(sample=1))
        assert reached.wait(LIMIT_S)
        bench.do(Unload(), Load(SETTINGS), job(sample=2))
        go_on.set()
        bench.await_event(Done, 2)
        bench.do(Prepare(CONTEXTS, SETTINGS))
        bench.await_event(Prepared)
        assert bench.of(Unloaded) == []
        assert tiers(bench)["default"] == "hot"


def test_prompts_that_are_invalidated_meanwhile_are_evaluated_anew() -> None:
    with WorkerBench() as bench:
        bench.do(Prepare(CONTEXTS, SETTINGS))
        bench.await_event(Prepared)
        unload(bench)
        bench.disk.purge()  # as `delete_prompts` does
        bench.worker.invalidate_prompts(everything=True)
        assert set(tiers(bench).values()) == {"none"}
        bench.do(Load(SETTINGS), Prepare(CONTEXTS, SETTINGS))
        bench.await_event(Prepared, 2)
        assert bench.prefixes() == list(CONTEXTS)
        assert tiers(bench) == {"default": "hot", "email": "ram"}


def test_a_load_that_fails_leaves_nothing_loaded_and_the_next_one_helps() -> None:
    with WorkerBench() as bench:
        unload(bench)
        bench.load_error = ModelError("It is gone.")
        bench.do(Load(SETTINGS), job(sample=1))
        assert bench.await_event(LoadFailed).error.message == "It is gone."
        assert bench.await_event(Done).error is not None
        bench.load_error = None
        bench.do(Load(SETTINGS), job(sample=2))
        assert bench.await_event(Done, 2).error is None


def test_nothing_happens_where_nothing_is_loaded() -> None:
    with WorkerBench(loads=False) as bench:
        unload(bench)
        unload(bench, 2)
        assert bench.worker.prompt_entries() == ()


ORDERS = (job(sample=1), recovered(2), Forget(3), MakeHot("email", SETTINGS), Prepare(CONTEXTS, SETTINGS))


@given(st.permutations(ORDERS), st.integers(0, len(ORDERS)))
def test_whatever_is_ordered_when_is_done_before_the_models_are_freed(orders: list[Order], at: int) -> None:
    queue = WorkQueue(lambda: None)
    for order in (*orders[:at], Unload(), *orders[at:]):
        queue.put(order)
    taken: list[Work | None] = []
    while not isinstance(work := queue.take(), Unload):
        taken.append(work)
        if isinstance(work, Step):
            queue.end_step(ready=True)
    assert {ORDERS[0], ORDERS[1], ORDERS[2]} <= set(taken)
    contexts = {work.context for work in taken if isinstance(work, Step)}
    assert contexts == {"default", "email"}
