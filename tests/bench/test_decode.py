"""The measurement on a fake with a clock of its own: all figures are known beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

import pytest

from tests.fakes.language_model import FakeLanguageModel
from tests.fakes.scripted_model import SMALL, seconds_of
from voiceflow_daemon.bench.decode import (
    SIDES,
    DecodeTimes,
    Dictation,
    Side,
    as_json,
    demo_dictations,
    goals,
    measure,
)
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.prompt_cache import PromptTemplate
from voiceflow_daemon.llm.prompts import split_prompt
from voiceflow_daemon.storage.paths import assets_dir
from voiceflow_daemon.text.rules import format_by_rules

DICTATIONS = [
    Dictation("email", "please send the invoice by friday"),
    Dictation("default", "the hotel is one hundred and twenty dollars a night"),
    Dictation("email", "we need two more days to finish the design"),
    Dictation("slack", "i will deploy the backend after lunch"),
]


class TimedModel(FakeLanguageModel):
    """Writes what the rules write in `default`; each evaluation takes its time by a table."""

    def __init__(self, costs: Mapping[int, float] = SMALL, *, goes_back: bool = True) -> None:
        super().__init__(format_by_rules, goes_back=goes_back)
        self.costs = costs
        self.now = 0.0

    def _append(self, tokens: Sequence[int], *, each: bool) -> list[int]:
        likeliest = super()._append(tokens, each=each)
        self.now += seconds_of(self.costs, len(tokens))
        return likeliest

    def template(self, context: str, settings: Settings) -> PromptTemplate:
        return PromptTemplate(context, *split_prompt(self.render_chat, f"Context: {context}"))


def measured(model: TimedModel, runs: int = 2) -> DecodeTimes:
    return measure(model, model.template, Settings(), DICTATIONS, runs, lambda *_: None, lambda: model.now)


def test_plain_decoding_takes_a_step_for_each_token() -> None:
    times = measured(TimedModel())
    answers = [format_by_rules(dictation.transcript) for dictation in DICTATIONS]
    plain = times.sides["plain"]
    assert plain.tokens == plain.steps == 2 * len("".join(answers))
    assert plain.seconds == pytest.approx([plain.tokens / 2 * SMALL[1]] * 2)
    assert plain.tokens_per_s == pytest.approx(1 / SMALL[1])
    assert plain.drafted == plain.accepted == 0


def test_every_side_writes_the_same() -> None:
    times = measured(TimedModel())
    assert times.differing == 0
    assert {side.tokens for side in times.sides.values()} == {times.sides["plain"].tokens}


def test_drafts_are_worth_what_they_are() -> None:
    times = measured(TimedModel())
    assert times.times_plain("plain") == 1
    assert times.times_plain("copy_edit_right_draft") > 4.5
    assert times.sides["copy_edit_right_draft"].accepted_share == pytest.approx(1, abs=0.05)
    assert 2.5 < times.times_plain("copy_edit") <= times.times_plain("copy_edit_right_draft")
    assert times.times_plain("copy_edit_wrong_draft") > 0.95
    assert times.sides["copy_edit_wrong_draft"].accepted_share < 0.6
    assert [(goal.name, goal.value) for goal in goals(times)] == [
        (side, times.times_plain(side)) for side in SIDES[1:]
    ]


def test_a_model_that_cannot_go_back_is_as_fast_with_drafts_as_without() -> None:
    times = measured(TimedModel(goes_back=False))
    assert times.batch_ms == {}
    assert [times.times_plain(side) for side in SIDES] == pytest.approx([1.0] * 4)
    assert not all(goal.met for goal in goals(times))


def test_each_contexts_prompt_is_read_once_a_run() -> None:
    model = TimedModel()
    measured(model, runs=3)
    for context in ("default", "email", "slack"):
        prefix = model.tokenize(model.template(context, Settings()).prefix, special=True)
        assert model.evaluated.count(tuple(prefix)) == 1 + 3


def test_progress_is_told_before_each_dictation_and_at_the_end() -> None:
    model, told = TimedModel(), list[tuple[int, int]]()
    measure(model, model.template, Settings(), DICTATIONS, 1, lambda *step: told.append(step))
    assert told == [(done, 8) for done in range(9)]


def test_making_a_draft_is_told_apart_from_writing() -> None:
    model = TimedModel()
    ticks = count()
    times = measure(
        model,
        model.template,
        Settings(),
        DICTATIONS,
        2,
        lambda *_: None,
        lambda: model.now + next(ticks) * 1e-3,
    )
    assert times.sides["copy_edit"].draft_s == pytest.approx(2 * len(DICTATIONS) * 1e-3)
    assert as_json(times)["draft_ms_per_dictation"] == pytest.approx(1.0)


def test_a_model_that_never_ends_cannot_be_measured() -> None:
    model = TimedModel()
    model.answer = lambda _: "on and on " * 200
    with pytest.raises(ModelError, match="no end"):
        measured(model)


def test_the_figures_for_programs() -> None:
    figures = as_json(measured(TimedModel()))
    assert figures["batch_ms"] == {"1": 21.0, "4": 24.0, "8": 40.0, "16": 62.0, "32": 114.0}
    assert figures["decode_tokens_per_s"]["plain"] == pytest.approx(47.62)
    for key in ("decode_tokens_per_s", "times_plain", "tokens_per_step", "accepted_share"):
        assert tuple(figures[key]) == SIDES
    assert figures["differing_answers"] == figures["draft_ms_per_dictation"] == 0


def test_the_demo_dictations_are_what_the_demo_hears() -> None:
    dictations = demo_dictations(assets_dir() / "demo" / "recordings")
    assert Dictation("default", "remember to call my sister tonight") in dictations
    assert {dictation.context for dictation in dictations} == {"default", "email", "slack", "code"}


def test_a_run_that_other_work_slowed_down_does_not_count() -> None:
    slowed = Side(tokens=300, seconds=[1.0, 9.0, 1.0])
    plain = Side(tokens=300, seconds=[4.0, 4.0, 4.0])
    times = DecodeTimes(12, 3, {}, {"plain": plain, "copy_edit": slowed}, 0)
    assert slowed.tokens_per_s == 100.0
    assert times.times_plain("copy_edit") == 4.0


def test_a_run_that_was_slow_as_a_whole_is_compared_within_itself() -> None:
    plain, right = Side(tokens=300, seconds=[4.0, 8.0]), Side(tokens=330, seconds=[1.0, 2.0])
    times = DecodeTimes(12, 2, {}, {"plain": plain, "copy_edit_right_draft": right}, 0)
    assert times.times_plain("copy_edit_right_draft") == pytest.approx(4.4)
