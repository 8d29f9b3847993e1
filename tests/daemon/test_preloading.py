"""The plan of preparing prompts: its order, failures, and changes of mind."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.daemon.orders import job
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.orders import Load, MakeHot, Prepare
from voiceflow_daemon.daemon.preloading import Plan, is_same_prompt, plan, serves, step_of, turned_to
from voiceflow_daemon.errors import ModelError

SETTINGS = Settings()
MENU = ("email", "default", "slack", "code")
ERROR = ModelError("Its prompt is longer than the window.")


def carried_out(made: Plan, broken: tuple[str, ...] = ()) -> tuple[list[str], Plan]:
    """Every step in order, and the plan when nothing is left."""
    steps = []
    while made.next is not None:
        steps.append(made.next)
        made = made.failed(made.next, ERROR) if made.next in broken else made.prepared(made.next)
        assert len(steps) < 100
    return steps, made


def test_the_active_context_comes_first_and_is_hot_in_the_end() -> None:
    steps, _ = carried_out(plan(Prepare(MENU, SETTINGS)))
    assert steps == ["email", "default", "slack", "code", "email"]


def test_a_single_context_is_prepared_once() -> None:
    assert carried_out(plan(Prepare(("email",), SETTINGS)))[0] == ["email"]


def test_progress_counts_contexts_and_not_steps() -> None:
    made, seen = plan(Prepare(MENU, SETTINGS)), []
    while made.next is not None:
        seen.append(made.progress)
        made = made.prepared(made.next)
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4), (4, 4)]


def test_where_nothing_can_be_kept_only_the_active_context_is_prepared() -> None:
    nothing_kept = Settings.model_validate({"prompt_cache": {"memory_mb": 0, "disk_mb": 0}})
    assert carried_out(plan(Prepare(MENU, nothing_kept)))[0] == ["email"]
    on_disk = Settings.model_validate({"prompt_cache": {"memory_mb": 0}})
    assert len(carried_out(plan(Prepare(MENU, on_disk)))[0]) == 5


def test_a_failure_keeps_no_other_context_from_being_prepared() -> None:
    steps, ended = carried_out(plan(Prepare(MENU, SETTINGS)), broken=("default", "code"))
    assert steps == ["email", "default", "slack", "code", "email"]
    assert ended.failures == (("default", ERROR), ("code", ERROR))


def test_an_active_context_that_fails_is_not_tried_twice() -> None:
    steps, ended = carried_out(plan(Prepare(MENU, SETTINGS)), broken=("email",))
    assert steps == list(MENU)
    assert ended.failures == (("email", ERROR),)


def test_another_choice_comes_first_and_the_rest_goes_on() -> None:
    made = plan(Prepare(MENU, SETTINGS)).prepared("email")
    assert carried_out(turned_to(made, MakeHot("code", SETTINGS)))[0] == ["code", "default", "slack", "code"]
    assert carried_out(turned_to(made, MakeHot("email", SETTINGS)))[0] == [
        "email",
        "default",
        "slack",
        "code",
        "email",
    ]


def test_without_a_plan_the_wanted_context_is_the_plan() -> None:
    order = MakeHot("code", SETTINGS)
    assert carried_out(turned_to(None, order))[0] == ["code"]
    assert carried_out(turned_to(turned_to(None, MakeHot("email", SETTINGS)), order))[0] == ["code"]


NAMES = st.sampled_from(MENU)


@given(
    contexts=st.permutations(MENU).map(tuple),
    broken=st.sets(NAMES),
    turns=st.lists(st.tuples(st.integers(0, 8), NAMES), max_size=4),
)
def test_whatever_happens_every_context_is_tried_and_the_last_wish_is_hot(
    contexts: tuple[str, ...], broken: set[str], turns: list[tuple[int, str]]
) -> None:
    made, wish, number = plan(Prepare(contexts, SETTINGS)), contexts[0], 0
    steps: list[str] = []
    while made.next is not None:
        for at, name in turns:
            if at == number:
                made, wish = turned_to(made, MakeHot(name, SETTINGS)), name
        number += 1
        context = made.next
        assert context is not None
        steps.append(context)
        made = made.failed(context, ERROR) if context in broken else made.prepared(context)
    assert set(steps) == set(contexts)
    assert {name for name, _ in made.failures} == broken
    assert len(made.failures) == len(broken)
    assert len(steps) <= len(contexts) + 1 + 2 * len(turns)
    if wish not in broken:
        assert steps[-1] == wish


def with_prompt(text: str) -> Settings:
    return Settings.model_validate({"contexts": {"email": {"prompt": text}}})


def test_a_prompt_is_that_of_its_settings() -> None:
    assert is_same_prompt("email", with_prompt("a"), "email", with_prompt("a"))
    assert not is_same_prompt("email", with_prompt("a"), "email", with_prompt("b"))
    assert not is_same_prompt("email", with_prompt("a"), "slack", with_prompt("a"))
    assert is_same_prompt("slack", with_prompt("a"), "slack", with_prompt("b"))


def test_a_step_serves_only_what_needs_its_very_prompt() -> None:
    step = step_of(plan(Prepare(("email", "slack"), with_prompt("a"))))
    assert step is not None
    assert serves(step, job("email", with_prompt("a")))
    assert not serves(step, job("email", with_prompt("b")))
    assert not serves(step, job("slack", with_prompt("a")))
    assert serves(step, replace(step))
    assert not serves(step, replace(step, context="slack"))
    assert not serves(step, Load(SETTINGS))
    assert not serves(step, None)
