"""Prompts are invalidated from several threads while the worker works: no deadlock, no stale prompt.

Each prompt carries the number of its edit. A dictation says the number that was current when an
invalidation had returned; the model checks that the prompt in front of it is no older.
"""

from __future__ import annotations

import itertools
import random
import re
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.daemon.bench import LIMIT_S, SETTINGS, WorkerBench
from tests.daemon.orders import job
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.orders import Done, Load, Loaded, MakeHot, Prepare
from voiceflow_daemon.llm.prompt_cache import PromptTemplate

CONTEXTS = ("default", "email", "slack", "code")
ROUNDS = 300
"""For each of the three threads."""


@pytest.fixture
def hurried() -> Iterator[None]:
    """Threads take turns some hundred times as often as they usually do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(2e-5)
    yield
    sys.setswitchinterval(before)


class EditedPrompts:
    """Prompts that are edited all the time, and what the model saw of them."""

    def __init__(self) -> None:
        self._edits = itertools.count(1)
        self._lock = threading.Lock()
        self.edit = 0
        self.seen: list[tuple[int, int]] = []
        self.bench = WorkerBench(self._template, self._answer)

    def change(self) -> int:
        """Edit the prompts; the number of the edit."""
        with self._lock:
            self.edit = next(self._edits)
            return self.edit

    def _template(self, context: str, _settings: Settings) -> PromptTemplate:
        prefix = f"<|start|>{context} edit {self.edit}<|end|><|start|>user\n"
        return PromptTemplate(context, prefix, "<|end|><|start|>assistant\n")

    def _answer(self, said: str) -> str:
        """Called for each token that the model writes: what stands in its sequence is what it reads."""
        read = bytes(token for token in self.bench.model._sequence if token < 256).decode()
        written = re.search(r"edit (\d+)", read)
        assert written is not None
        self.seen.append((int(said), int(written[1])))
        return said

    def stale(self) -> list[tuple[int, int]]:
        return [(least, read) for least, read in self.seen if read < least]


def from_three_threads(act: Callable[[int, random.Random], None]) -> None:
    """Each calls `act(round, random)` again and again, all at the same time."""
    together = threading.Barrier(3)
    failures: list[BaseException] = []

    def run(seed: int) -> None:
        draw = random.Random(seed)
        together.wait(LIMIT_S)
        try:
            for number in range(ROUNDS):
                act(number, draw)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=run, args=(seed,), name=f"invalidator {seed}") for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S * 2)
    assert not any(thread.is_alive() for thread in threads), "deadlock"
    assert failures == []


@pytest.mark.usefixtures("hurried")
def test_a_dictation_after_an_invalidation_never_uses_an_older_prompt() -> None:
    prompts = EditedPrompts()
    with prompts.bench as bench:

        def act(number: int, draw: random.Random) -> None:
            edit = prompts.change()
            bench.worker.invalidate_prompts(everything=draw.random() < 0.5)
            context = draw.choice(CONTEXTS)
            bench.do(job(context, sample=edit))
            if number % 5 == 0:
                bench.do(Prepare((context, *draw.sample(CONTEXTS, 2)), SETTINGS))
            if number % 7 == 0:
                bench.do(MakeHot(draw.choice(CONTEXTS), SETTINGS))

        from_three_threads(act)
        bench.await_event(Done, 3 * ROUNDS)
        assert all(done.error is None for done in bench.of(Done))
        assert bench.metrics.counter("rung_model") == 3 * ROUNDS
    assert len({least for least, _ in prompts.seen}) == 3 * ROUNDS
    assert prompts.stale() == []


@pytest.mark.usefixtures("hurried")
def test_models_that_are_exchanged_meanwhile_use_no_older_prompt_either() -> None:
    prompts = EditedPrompts()
    with prompts.bench as bench:

        def act(number: int, draw: random.Random) -> None:
            edit = prompts.change()
            bench.worker.invalidate_prompts(everything=draw.random() < 0.5)
            if number % 20 == 0:
                bench.do(Load(SETTINGS))
            bench.do(job(draw.choice(CONTEXTS), sample=edit))

        from_three_threads(act)
        bench.await_event(Done, 3 * ROUNDS)
        assert all(done.error is None for done in bench.of(Done))
        assert len(bench.of(Loaded)) > 3 * ROUNDS // 20
    assert prompts.stale() == []
    assert all(model.closed for model in bench.models)


@pytest.mark.usefixtures("hurried")
def test_what_is_evaluated_during_a_purge_is_not_kept() -> None:
    """Every purge that has returned leaves nothing of what was begun before it, whatever runs beside it."""
    prompts = EditedPrompts()
    with prompts.bench as bench:

        def act(number: int, draw: random.Random) -> None:
            bench.do(job(draw.choice(CONTEXTS), sample=1))
            bench.worker.prompt_entries()
            bench.worker.invalidate_prompts(everything=True)

        prompts.change()
        from_three_threads(act)
        bench.await_event(Done, 3 * ROUNDS)
        bench.worker.invalidate_prompts(everything=True)
        assert bench.disk.entries == {}
        assert {entry.tier for entry in bench.worker.prompt_entries()} == {"none"}
        before = bench.metrics.counter("prefix_misses")
        bench.do(*(job(context, sample=1) for context in CONTEXTS))
        bench.await_event(Done, 3 * ROUNDS + 4)
        assert bench.metrics.counter("prefix_misses") == before + 4
    assert prompts.stale() == []
