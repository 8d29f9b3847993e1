"""Phases 2 and 3: token ids are made once, a prefix is evaluated once."""

from __future__ import annotations

import logging

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.llm.backend import ContextOverflowError, EvaluationAbortedError
from voiceflow_daemon.llm.kv_cache import TOKENIZED_TEMPLATES, KvCache
from voiceflow_daemon.llm.prompt_cache import PromptTemplate
from voiceflow_daemon.metrics import Metrics


def template(name: str) -> PromptTemplate:
    return PromptTemplate(name, f"<|start|>{name}<|end|>", "<|end|>")


class Hot(RuleBasedStateMachine):
    """Whatever happens, the sequence after `make_hot` is the prefix, and only a miss evaluates."""

    @initialize(goes_back=st.booleans())
    def start(self, goes_back: bool) -> None:
        self.model, self.metrics = FakeLanguageModel(goes_back=goes_back), Metrics()
        self.cache = KvCache(self.model, self.metrics)
        self.goes_back = goes_back
        self.hot = ""

    @rule(name=st.sampled_from(["email", "slack", "code"]), dictated=st.text(max_size=5))
    def use(self, name: str, dictated: str) -> None:
        prompt = self.cache.tokens(template(name))
        evaluated = len(self.model.evaluated)
        assert (self.cache.missing(prompt) == 0) == (self.hot == name)
        self.cache.make_hot(prompt)
        new = self.model.evaluated[evaluated:]
        assert new == ([] if self.hot == name else [prompt.prefix])
        assert self.model.length() == len(prompt.prefix)
        self.hot = name
        if dictated:
            self.model.evaluate(self.model.tokenize(dictated, special=False))
            self.cache.rewind()
            if not self.goes_back:
                self.hot = ""

    @rule()
    def invalidate(self) -> None:
        self.cache.invalidate()
        self.hot = ""

    @rule()
    def stopped(self) -> None:
        self.model.stop()
        prompt = self.cache.tokens(template("other"))
        with pytest.raises(EvaluationAbortedError):
            self.cache.make_hot(prompt)
        self.model.resume()
        self.hot = ""


TestHot = Hot.TestCase
TestHot.settings = hypothesis_settings(max_examples=80, stateful_step_count=20, deadline=None)


@pytest.fixture
def model() -> FakeLanguageModel:
    return FakeLanguageModel()


def test_hits_and_misses_are_counted(model: FakeLanguageModel) -> None:
    metrics = Metrics()
    cache = KvCache(model, metrics)
    for name in ("email", "email", "slack", "email"):
        cache.make_hot(cache.tokens(template(name)))
    assert metrics.counters() == {"prefix_misses": 3, "prefix_hits": 1}
    timings = metrics.timings()
    assert timings["prompt_tokenize_ms"].count == 2
    assert timings["prompt_prefill_ms"].count == 3


def test_a_template_formatted_again_with_the_same_text_costs_nothing(model: FakeLanguageModel) -> None:
    cache = KvCache(model, Metrics())
    cache.make_hot(cache.tokens(template("email")))
    again = PromptTemplate("mine", template("email").prefix, template("email").suffix)
    cache.make_hot(cache.tokens(again))
    assert len(model.evaluated) == 1


def test_token_ids_are_bounded(model: FakeLanguageModel) -> None:
    metrics = Metrics()
    cache = KvCache(model, metrics)
    for number in range(TOKENIZED_TEMPLATES + 1):
        cache.tokens(template(str(number)))
    cache.tokens(template("1"))
    cache.tokens(template("0"))
    assert metrics.timings()["prompt_tokenize_ms"].count == TOKENIZED_TEMPLATES + 2


def test_a_prefix_longer_than_the_window_leaves_nothing_hot() -> None:
    model = FakeLanguageModel(context_tokens=30)
    cache = KvCache(model, Metrics())
    cache.make_hot(cache.tokens(template("email")))
    with pytest.raises(ContextOverflowError):
        cache.make_hot(cache.tokens(template("x" * 30)))
    assert model.length() == 0
    cache.make_hot(cache.tokens(template("email")))
    assert model.length() == len(cache.tokens(template("email")).prefix)


def test_a_crossed_seam_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    class Merging(FakeLanguageModel):
        """Writes "so" at the start of the transcript with the template's last character."""

        def tokenize(self, text: str, *, special: bool) -> list[int]:
            return super().tokenize(text.replace(":so", "S"), special=special)

    caplog.set_level(logging.INFO)
    cache = KvCache(Merging(), Metrics())
    for prefix in ("plain", "a:", "b:"):
        cache.tokens(PromptTemplate("c", prefix, ""))
    assert [record.message for record in caplog.records] == [
        "this model's tokens cross the seam between prompt and transcript"
    ]
