"""The worker's thread on fakes: the order of its work, interruptions, failures and its end."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from tests.daemon.bench import LIMIT_S, SETTINGS, WorkerBench, until
from tests.daemon.orders import job
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.orders import (
    Done,
    Load,
    Loaded,
    LoadFailed,
    MakeHot,
    Prepare,
    Prepared,
    Preparing,
)
from voiceflow_daemon.errors import ModelError

ALL = ("default", "email", "slack", "code")


class Gate:
    """Holds the model's first evaluation until it is opened, or until the model is stopped."""

    def __init__(self, bench: WorkerBench) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.stopped = False
        self._model = bench.model
        self._model.before_evaluation = self._hold

    def _hold(self) -> None:
        self._model.before_evaluation = lambda: None
        self.reached.set()
        while not self.opened.is_set() and not self.stopped:
            self.stopped = self._model.wait_for_stop(0.001)


def test_recordings_come_back_in_the_order_of_speaking() -> None:
    with WorkerBench() as bench:
        jobs = [job("email", sample=number) for number in range(1, 21)]
        bench.do(*jobs)
        bench.await_event(Done, 20)
        assert [done.job for done in bench.of(Done)] == jobs
        texts = [done.dictated.text for done in bench.of(Done) if done.dictated is not None]
        assert texts == [str(number) for number in range(1, 21)]


def test_all_prompts_are_prepared_and_the_active_one_is_hot() -> None:
    with WorkerBench() as bench:
        order = Prepare(ALL, SETTINGS)
        bench.do(order)
        assert bench.await_event(Prepared) == Prepared(order)
        assert bench.prefixes() == list(ALL)
        assert [(event.number, event.total) for event in bench.of(Preparing)] == [
            (1, 4),
            (2, 4),
            (3, 4),
            (4, 4),
            (4, 4),
        ]
        assert [(entry.context, entry.tier) for entry in bench.worker.prompt_entries()][-1] == (
            "default",
            "hot",
        )
        assert {entry.tier for entry in bench.worker.prompt_entries()} == {"hot", "ram"}
        for context in ALL:
            bench.do(job(context))
        bench.await_event(Done, 4)
        assert bench.metrics.counter("prefix_misses") == 4


def test_a_dictation_in_another_context_goes_first() -> None:
    with WorkerBench() as bench:
        gate = Gate(bench)
        bench.do(Prepare(ALL, SETTINGS))
        assert gate.reached.wait(LIMIT_S)
        bench.do(job("code"))
        assert bench.await_event(Done).error is None
        assert gate.stopped
        bench.await_event(Prepared)
        assert bench.prefixes() == ["code", "default", "email", "slack"]


def test_a_dictation_waits_for_the_prompt_that_it_needs_itself() -> None:
    with WorkerBench() as bench:
        gate = Gate(bench)
        bench.do(Prepare(ALL, SETTINGS))
        assert gate.reached.wait(LIMIT_S)
        bench.do(job("default"))
        gate.opened.set()
        bench.await_event(Done)
        bench.await_event(Prepared)
        assert not gate.stopped
        assert bench.prefixes() == list(ALL)


def test_a_key_press_makes_its_context_hot_before_the_others_are_prepared() -> None:
    with WorkerBench() as bench:
        gate = Gate(bench)
        bench.do(Prepare(ALL, SETTINGS))
        assert gate.reached.wait(LIMIT_S)
        bench.do(MakeHot("slack", SETTINGS))
        bench.await_event(Prepared)
        assert bench.prefixes() == ["slack", "default", "email", "code"]
        assert (
            next(entry.context for entry in bench.worker.prompt_entries() if entry.tier == "hot") == "slack"
        )


def test_loading_interrupts_the_preparing() -> None:
    with WorkerBench() as bench:
        gate = Gate(bench)
        bench.do(Prepare(ALL, SETTINGS))
        assert gate.reached.wait(LIMIT_S)
        bench.do(Load(SETTINGS), Prepare(("email",), SETTINGS))
        bench.await_event(Prepared)
        assert gate.stopped
        assert bench.models[0].closed
        assert bench.prefixes() == ["email"]


def test_a_dictation_is_never_hit_by_an_interruption_that_comes_late() -> None:
    """Dictations follow preparing as closely as can be, and every one of them is written by the model."""
    with WorkerBench() as bench:
        count = 600
        for number in range(count):
            bench.do(Prepare((ALL[number % 4], ALL[(number + 1) % 4]), SETTINGS))
            bench.do(job(ALL[(number + 2) % 4]))
            if number % 3 == 0:
                bench.await_event(Done, number + 1)
        bench.await_event(Done, count)
        assert all(done.error is None for done in bench.of(Done))
        assert bench.metrics.counter("rung_model") == count


def test_an_interruption_just_before_the_model_begins_is_not_missed() -> None:
    with WorkerBench() as bench:
        pipeline = bench.worker._pipeline
        assert pipeline is not None
        prepare = pipeline.preload_prompts
        dictation = job("code")

        def prepare_late(context: str, settings: Settings, wanted: Callable[[], bool]) -> bool:
            if bench.model.evaluated == []:
                bench.do(dictation)
            return prepare(context, settings, wanted)

        pipeline.preload_prompts = prepare_late  # type: ignore[method-assign, assignment]
        bench.do(Prepare(("default", "email"), SETTINGS))
        bench.await_event(Prepared)
        assert bench.prefixes() == ["code", "default", "email"]


def test_one_prompts_error_is_told_and_keeps_no_other_from_being_prepared() -> None:
    with WorkerBench() as bench:
        bench.do(Prepare(("broken one", "email", "broken two"), SETTINGS))
        failures = bench.await_event(Prepared).failures
        assert [context for context, _ in failures] == ["broken one", "broken two"]
        assert all(context in error.message for context, error in failures)
        assert bench.prefixes() == ["email"]
        bench.do(Prepare(("email",), SETTINGS))
        assert bench.await_event(Prepared, 2).failures == ()


def test_a_prompt_that_fails_unexpectedly_is_an_error_like_any() -> None:
    with WorkerBench() as bench:

        def fail() -> None:
            bench.model.before_evaluation = lambda: None
            raise ZeroDivisionError

        bench.model.before_evaluation = fail
        bench.do(Prepare(("default", "email"), SETTINGS))
        ((context, error),) = bench.await_event(Prepared).failures
        assert context == "default"
        assert "ZeroDivisionError" in error.message
        bench.do(job("email"))
        assert bench.await_event(Done).error is None


def test_without_models_recordings_come_back_and_prompts_are_no_error() -> None:
    with WorkerBench(loads=False) as bench:
        bench.load_error = ModelError("The file is damaged.")
        bench.do(Load(SETTINGS), job(), Prepare(ALL, SETTINGS))
        assert bench.await_event(LoadFailed).error is bench.load_error
        assert isinstance(bench.await_event(Done).error, ModelError)
        assert bench.await_event(Prepared).failures == ()
        assert bench.worker.prompt_entries() == ()
        assert bench.worker.prompt_problem() == ""


def test_why_there_is_no_disk_tier_is_known() -> None:
    with WorkerBench() as bench:
        bench.disk.problem = "The disk is full."
        assert bench.worker.prompt_problem() == "The disk is full."


# ------------------------------------------------------------------------------------ invalidation
def test_invalidating_everything_has_the_present_prompt_evaluated_again() -> None:
    with WorkerBench() as bench:
        gate = Gate(bench)
        bench.do(Prepare(("email", "slack"), SETTINGS))
        assert gate.reached.wait(LIMIT_S)
        bench.worker.invalidate_prompts(everything=True)
        bench.await_event(Prepared)
        assert gate.stopped
        assert bench.prefixes() == ["email", "slack"]
        bench.worker.invalidate_prompts(everything=True)
        assert bench.disk.entries == {}
        assert {entry.tier for entry in bench.worker.prompt_entries()} == {"none"}


def test_forgetting_the_templates_costs_no_evaluation() -> None:
    with WorkerBench() as bench:
        bench.do(Prepare(ALL, SETTINGS))
        bench.await_event(Prepared)
        bench.worker.invalidate_prompts()
        bench.do(Prepare(ALL, SETTINGS))
        bench.await_event(Prepared, 2)
        assert bench.metrics.counter("prefix_misses") == 4
        assert bench.metrics.counter("prompt_cache_misses") == 8


def test_what_is_invalidated_while_models_are_loaded_is_gone_when_they_are_used() -> None:
    with WorkerBench() as bench:
        bench.do(Prepare(ALL, SETTINGS))
        bench.await_event(Prepared)
        assert bench.disk.entries
        loading, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            loading.set()
            assert go_on.wait(LIMIT_S)

        bench.before_load = hold
        bench.do(Load(SETTINGS))
        assert loading.wait(LIMIT_S)
        bench.worker.invalidate_prompts(everything=True)
        go_on.set()
        bench.await_event(Loaded, 2)
        assert bench.disk.entries == {}
        bench.do(job("email"))
        bench.await_event(Done)
        assert bench.prefixes() == ["email"]


# ---------------------------------------------------------------------------------------- the end
def test_the_end_interrupts_the_preparing() -> None:
    with WorkerBench() as bench:
        gate = Gate(bench)
        bench.do(Prepare(ALL, SETTINGS))
        assert gate.reached.wait(LIMIT_S)
    assert gate.stopped
    assert bench.of(Prepared) == []


def test_the_end_aborts_the_formatting_and_nothing_half_written_is_told() -> None:
    with WorkerBench() as bench:
        gate = Gate(bench)
        bench.do(job())
        assert gate.reached.wait(LIMIT_S)
    assert gate.stopped
    assert bench.of(Done) == []


def test_what_was_heard_when_the_end_comes_is_not_formatted() -> None:
    with WorkerBench() as bench:
        heard, ending = threading.Event(), threading.Event()

        def hear() -> None:
            heard.set()
            assert ending.wait(LIMIT_S)

        bench.transcriber.before = hear
        bench.do(job(), job())
        assert heard.wait(LIMIT_S)
        stopper = threading.Thread(target=bench.worker.stop)
        stopper.start()
        until(bench.worker._stopping.is_set)
        ending.set()
        stopper.join(LIMIT_S)
    assert bench.model.evaluated == []
    assert bench.of(Done) == []
    assert bench.model.closed


@pytest.mark.parametrize("order", [job(), Load(SETTINGS), Prepare(ALL, SETTINGS)])
def test_what_comes_after_the_end_is_not_begun(order: Prepare) -> None:
    with WorkerBench() as bench:
        pass
    before = len(bench.events)
    bench.do(order)
    assert len(bench.events) == before
