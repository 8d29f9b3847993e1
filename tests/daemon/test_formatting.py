"""Which rung of the ladder writes, and what a model that strays may cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from tests.fakes.disk_tier import FakeDiskTier
from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.formatting import Formatter, Rung, Within
from voiceflow_daemon.errors import ConfigError, ModelError
from voiceflow_daemon.llm.budget import Speed
from voiceflow_daemon.llm.engine import LlmEngine, Part
from voiceflow_daemon.llm.prompt_cache import PromptCache, PromptTemplate
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
        self.latest_of: list[float | None] = []

    def format(
        self,
        raw: str,
        _context: str,
        settings: Settings,
        deadline: float | None = None,
        earlier: Sequence[Turn] = (),
        **_more: Any,
    ) -> tuple[Part, ...]:
        self.deadlines_s.append(settings.llm.deadline_s)
        self.latest_of.append(deadline)
        return (Part(raw, self.answer(earlier), complete=True),)


def formatted(engine: Engine, earlier: Sequence[Turn] = EARLIER) -> tuple[str, Rung, Metrics]:
    metrics = Metrics()
    formatter = Formatter(cast(LlmEngine, engine), None, metrics)
    text, rung = formatter.format(RAW, "default", Settings(), within=Within(earlier))
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
    assert formatter.format(RAW, "default", hurried, within=Within(EARLIER)) == (RIGHT, Rung.RULES)
    assert len(engine.deadlines_s) == 1


def test_a_text_that_is_one_of_several_has_what_is_left_of_their_time() -> None:
    engine = Engine(lambda _: WRONG)
    formatter = Formatter(cast(LlmEngine, engine), None, Metrics())
    latest = time.monotonic() + 60.0
    formatter.format(RAW, "default", Settings(), within=Within(EARLIER, latest=latest))
    assert engine.latest_of == [latest, latest]
    past = time.monotonic() - 1.0
    formatter.format(RAW, "default", Settings(), within=Within(EARLIER, latest=past))
    assert engine.latest_of[2:] == [past], "no second attempt when that time is up"


def test_what_fits_and_until_when_is_the_engines_to_say() -> None:
    formatter = Formatter(engine_of_the_fake(), None, Metrics())
    assert formatter.fits(RAW, "default", Settings())
    assert not formatter.fits(RAW * 1000, "default", Settings())
    latest = formatter.latest([RAW, RAW], "default", Settings())
    assert latest is not None
    assert latest > time.monotonic() + DEADLINE_S / 2


def test_a_prompt_that_cannot_be_used_changes_nothing_before_the_formatting() -> None:
    """Which tells of it."""
    formatter = Formatter(engine_of_the_fake(), None, Metrics())
    assert formatter.fits(RAW * 1000, "broken", Settings())
    assert formatter.latest([RAW], "broken", Settings()) is None


def engine_of_the_fake() -> LlmEngine:
    def template(context: str, _: Settings) -> PromptTemplate:
        if context == "broken":
            raise ConfigError("The prompt is gone.")
        return PromptTemplate(context, "be tidy", "then")

    engine = LlmEngine(FakeLanguageModel(), Metrics(), FakeDiskTier(), Speed(1e-6, 1e-5))
    engine.set_prompt_cache(PromptCache(template, Metrics()))
    return engine


def test_without_a_model_everything_fits() -> None:
    formatter = Formatter(None, None, Metrics())
    assert formatter.fits("call anna now " * 1000, "default", Settings())
    assert formatter.latest(["call anna now"], "default", Settings()) is None


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
