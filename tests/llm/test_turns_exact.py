"""Sentences written one behind the other, on the demo model: reusing what was read changes no text."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.disk_tier import FakeDiskTier
from tests.llm.test_exactness import DEMO, load
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.llm.budget import Speed
from voiceflow_daemon.llm.engine import LlmEngine
from voiceflow_daemon.llm.prompt_cache import PromptCache, PromptTemplate
from voiceflow_daemon.llm.turns import Turn, chain
from voiceflow_daemon.metrics import Metrics

SETTINGS = Settings()
SAID = (
    "remember to call my sister tonight",
    "hey team the build is green again",
    "um we need twenty five chairs by friday",
    "can you send me the report",
    "the the train leaves on monday no wait tuesday",
    "thank you for your email",
)
CONTEXTS = ("default", "slack")


def template(context: str, _: Settings) -> PromptTemplate:
    prefix = f"<|im_start|>system\nContext: {context}<|im_end|>\n<|im_start|>user\n"
    suffix, between = "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>\n<|im_start|>user\n"
    return PromptTemplate(context, prefix, suffix, between)


def an_engine() -> LlmEngine:
    metrics = Metrics()
    # Plain decoding: where drafts are verified is another matter, see test_decoding_exact.
    engine = LlmEngine(load(DEMO), metrics, FakeDiskTier(), Speed(1e-6, 1e-6))
    engine.set_prompt_cache(PromptCache(template, metrics))
    return engine


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[LlmEngine, LlmEngine]]:
    used, cold = an_engine(), an_engine()
    yield used, cold
    used.close()
    cold.close()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_texts_are_those_of_a_model_that_reads_all_of_it_anew(
    pair: tuple[LlmEngine, LlmEngine], seed: int
) -> None:
    used, cold = pair
    chance = random.Random(seed)
    context, done = chance.choice(CONTEXTS), list[Turn]()
    for _ in range(chance.randint(2, 6)):
        said = chance.choice(SAID)
        match chance.randrange(6):
            case 0:
                used.prepare(context, SETTINGS, earlier=chain(done))
            case 1:
                used.prepare(chance.choice(CONTEXTS), SETTINGS)
            case 2:
                used.format("something else", context, SETTINGS, earlier=chain(done), goes_on=True)
            case 3:
                used.invalidate()
            case 4 if done:
                done[-1] = Turn(done[-1].transcript, "Or so.")
        (written,) = used.format(said, context, SETTINGS, earlier=chain(done), goes_on=True)
        cold.forget_dictation()
        (expected,) = cold.format(said, context, SETTINGS, earlier=chain(done))
        assert written == expected
        done.append(Turn(said, written.text))
    used.forget_dictation()
