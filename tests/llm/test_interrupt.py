"""Aborts at any moment of real work: the sequence is right afterwards, and the next text is written whole."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.fakes.disk_tier import FakeDiskTier
from tests.llm import native_context
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.llm._llama_cpp import LlamaCppModel
from voiceflow_daemon.llm.budget import Speed
from voiceflow_daemon.llm.engine import LlmEngine
from voiceflow_daemon.llm.interrupt import Interrupt
from voiceflow_daemon.llm.prompt_cache import PromptCache
from voiceflow_daemon.llm.prompts import ContextPrompts
from voiceflow_daemon.metrics import Metrics

ASSETS = Path(__file__).parents[2] / "assets"
SETTINGS = Settings()
TEXT = "we meet at noon on friday at the station"
ABORTS = 24
LIMIT_S = 60.0

Answer = TypeVar("Answer")


@pytest.fixture(scope="module")
def model() -> Iterator[LlamaCppModel]:
    loaded = native_context.load(ASSETS / "demo/formatter.gguf", threads=1)
    yield loaded
    loaded.close()


@pytest.fixture
def engine(model: LlamaCppModel) -> LlmEngine:
    metrics = Metrics()
    made = LlmEngine(model, metrics, FakeDiskTier(), Speed(1e-3, 1e-3))
    prompts = ContextPrompts(model.render_chat, ASSETS / "prompts", Path("nowhere"))
    made.set_prompt_cache(PromptCache(prompts.template, metrics))
    return made


Work = Callable[[Callable[[], bool]], Answer]
"""Asks its argument, in the middle of what can be aborted, whether it is wanted."""


def aborted(engine: LlmEngine, work: Work[Answer], delay_s: float) -> Answer:
    """What `work` answers when another thread aborts it so long after its beginning."""
    answers: list[Answer] = []
    begun = threading.Event()

    def wanted() -> bool:
        begun.set()
        return True

    thread = threading.Thread(target=lambda: answers.append(work(wanted)))
    thread.start()
    assert begun.wait(LIMIT_S)
    time.sleep(delay_s)
    engine.abort()
    thread.join(LIMIT_S)
    assert not thread.is_alive()
    return answers[0]


def delays_s(longest_s: float) -> list[float]:
    """Every other one is none: then it is the beginning that is aborted, on any machine."""
    chance = random.Random(1)
    return [chance.uniform(0, longest_s) if number % 2 else 0.0 for number in range(ABORTS)]


def written(engine: LlmEngine) -> str:
    (part,) = engine.format(TEXT, "default", SETTINGS)
    assert part.complete
    return part.text


def test_whenever_writing_is_aborted_the_prompt_stays_hot(engine: LlmEngine, model: LlamaCppModel) -> None:
    engine.prepare("default", SETTINGS)
    hot, began = model.length(), time.monotonic()
    expected = written(engine)
    texts = set()
    for delay_s in delays_s(time.monotonic() - began):
        (part,) = aborted(
            engine, lambda wanted: engine.format(TEXT, "default", SETTINGS, wanted=wanted), delay_s
        )
        texts.add(part.text)
        assert part.complete == bool(part.text)
        assert model.length() == hot
        if delay_s:
            assert written(engine) == expected
    assert "" in texts
    assert texts <= {"", expected}


def test_whenever_evaluating_a_prompt_is_aborted_nothing_of_it_stays(
    engine: LlmEngine, model: LlamaCppModel
) -> None:
    began = time.monotonic()
    engine.prepare("default", SETTINGS)
    took_s, hot = time.monotonic() - began, model.length()
    expected = written(engine)
    answers = set()
    for delay_s in delays_s(took_s):
        engine.invalidate()
        ready = aborted(engine, lambda wanted: engine.prepare("default", SETTINGS, wanted), delay_s)
        answers.add(ready)
        assert model.length() == (hot if ready else 0)
    assert False in answers
    assert written(engine) == expected


def test_an_abort_between_two_works_hits_neither(model: LlamaCppModel) -> None:
    interrupt = Interrupt(model)
    interrupt.abort()
    with interrupt.work():
        model.truncate(0)
        model.evaluate([5, 6])
        interrupt.stop_at(time.monotonic() + LIMIT_S)
    interrupt.abort()
    with interrupt.work():
        model.evaluate([7])
    assert model.length() == 3
