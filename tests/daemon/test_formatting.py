"""Which rung of the ladder writes, and what a model that strays may cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.formatting import Formatter, Rung
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.engine import LlmEngine, Part
from voiceflow_daemon.llm.turns import Turn
from voiceflow_daemon.metrics import Metrics

RAW = "call anna now"
RIGHT, WRONG = "Call Anna now.", "The weather is nice."
EARLIER = [Turn("see you", "See you.")]
DEADLINE_S = Settings().llm.deadline_s


class Engine:
    """Answers by whether it was given turns; notes the deadlines of what it was asked."""

    def __init__(self, answer: Callable[[Sequence[Turn]], str]) -> None:
        self.answer = answer
        self.deadlines_s: list[float] = []

    def format(
        self, raw: str, _context: str, settings: Settings, earlier: Sequence[Turn] = (), **_more: Any
    ) -> tuple[Part, ...]:
        self.deadlines_s.append(settings.llm.deadline_s)
        return (Part(raw, self.answer(earlier), complete=True),)


def formatted(engine: Engine, earlier: Sequence[Turn] = EARLIER) -> tuple[str, Rung, Metrics]:
    metrics = Metrics()
    formatter = Formatter(cast(LlmEngine, engine), None, metrics)
    text, rung = formatter.format(RAW, "default", Settings(), earlier=earlier)
    return text, rung, metrics


def test_a_sentence_that_its_turns_led_astray_is_written_without_them() -> None:
    engine = Engine(lambda earlier: WRONG if earlier else RIGHT)
    text, rung, metrics = formatted(engine)
    assert (text, rung) == (RIGHT, Rung.MODEL)
    assert metrics.counter("parts_misled") == metrics.counter("parts_unfaithful") == 1


def test_both_attempts_share_one_deadline() -> None:
    def slowly(_: Sequence[Turn]) -> str:
        time.sleep(0.05)
        return WRONG

    engine = Engine(slowly)
    assert formatted(engine)[:2] == (RIGHT, Rung.RULES)
    first, second = engine.deadlines_s
    assert first == DEADLINE_S
    assert second <= DEADLINE_S - 0.05


def test_no_second_attempt_when_the_time_is_up() -> None:
    engine = Engine(lambda _: WRONG)
    formatter = Formatter(cast(LlmEngine, engine), None, Metrics())
    hurried = Settings().model_copy(update={"llm": Settings().llm.model_copy(update={"deadline_s": 0.0})})
    assert formatter.format(RAW, "default", hurried, earlier=EARLIER) == (RIGHT, Rung.RULES)
    assert len(engine.deadlines_s) == 1


def test_without_turns_there_is_nothing_else_to_try() -> None:
    engine = Engine(lambda _: WRONG)
    assert formatted(engine, earlier=())[:2] == (RIGHT, Rung.RULES)
    assert len(engine.deadlines_s) == 1


def test_rules_carry_out_a_command_that_the_model_wrote_down() -> None:
    metrics = Metrics()
    engine = Engine(lambda _: "Call Bob, scratch that. Call Anna.")
    formatter = Formatter(cast(LlmEngine, engine), None, metrics)
    text, rung = formatter.format("call bob scratch that call anna", "default", Settings())
    assert (text, rung) == ("Call Anna.", Rung.RULES)
    assert metrics.counter("parts_unfaithful") == 1


def test_rules_write_where_the_model_fails() -> None:
    def fails(_: Sequence[Turn]) -> str:
        raise ModelError("It cannot be evaluated.")

    text, rung, metrics = formatted(Engine(fails))
    assert (text, rung) == (RIGHT, Rung.RULES)
    assert metrics.counter("model_errors") == 1
