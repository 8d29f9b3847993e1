"""What a change of each setting takes."""

from typing import Any

from hypothesis import given
from pydantic import BaseModel

from tests.config.texts import good_settings
from voiceflow_daemon.config.effects import changed, effect_of, effects
from voiceflow_daemon.config.schema import ContextSettings, Effect, Settings


def with_values(**values: Any) -> Settings:
    return Settings.model_validate(values)


def test_every_setting_declares_its_effect_and_explains_itself() -> None:
    tables: list[type[BaseModel]] = [Settings, ContextSettings]
    count = 0
    while tables:
        for name, field in tables.pop().model_fields.items():
            if isinstance(field.default, BaseModel):
                tables.append(type(field.default))
            elif name != "contexts":
                assert isinstance(effect_of(field), Effect), name
                assert field.description, name
                count += 1
    assert count > 30


def test_just_what_differs_counts() -> None:
    old = with_values()
    new = with_values(context="email", hotkey={"key": "f9"}, llm={"model": "demo", "deadline_s": 2})
    assert changed(old, new) == {
        "context": Effect.LIVE,
        "hotkey.key": Effect.HOTKEY,
        "llm.model": Effect.MODELS,
        "llm.deadline_s": Effect.LIVE,
    }
    assert effects(old, new) == {Effect.LIVE, Effect.HOTKEY, Effect.MODELS}


def test_contexts_are_told_one_by_one() -> None:
    old = with_values(contexts={"a": {"prompt": "x"}, "b": {"prompt": "y"}, "same": {"prompt": "z"}})
    new = with_values(
        contexts={"b": {"prompt": "y", "prompt_file": "B"}, "c": {"prompt": "x"}, "same": {"prompt": "z"}}
    )
    assert changed(old, new) == {
        "contexts.a": Effect.PROMPTS,
        "contexts.b.prompt_file": Effect.PROMPTS,
        "contexts.c": Effect.PROMPTS,
    }


@given(good_settings(), good_settings())
def test_nothing_changed_means_equal_and_both_ways_are_alike(one: Settings, other: Settings) -> None:
    assert changed(one, one) == {}
    assert (changed(one, other) == {}) == (one == other)
    assert changed(one, other) == changed(other, one)
