"""Phase 2: token ids are made once, bounded, forgotten on request, and never stored after a clear."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.prompt_cache import PromptTemplate
from voiceflow_daemon.llm.prompt_tokens import MAX_LEAD, PromptTokens, TokenCache
from voiceflow_daemon.metrics import Metrics

NAMES = ("email", "slack", "code", "mine")
NEVER = -1


def template(name: str) -> PromptTemplate:
    return PromptTemplate(name, f"<|start|>{name}<|end|>", "<|end|>")


def agree(cache: TokenCache, model: FakeLanguageModel, template: PromptTemplate, said: str) -> bool:
    prompt = cache.get(template)
    whole = model.tokenize(template.prefix + said + template.suffix, special=True)
    return [*prompt.prefix, *cache.rest(prompt, said)] == whole


class Versioned(FakeLanguageModel):
    """Its first token says which version of it made the tokens; `meanwhile` runs at each tokenization."""

    def __init__(self) -> None:
        super().__init__()
        self.version = 0
        self.name = "fake"
        self.meanwhile: Callable[[], None] = lambda: None

    @property
    def identity(self) -> str:
        return self.name

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        ids = super().tokenize(text, special=special)
        stamp = [1000 + self.version] if text.startswith("<|start|>") else []
        self.meanwhile()
        return [*stamp, *ids]


def version_of(prompt: PromptTokens) -> int:
    return prompt.prefix[0] - 1000


class Kept(RuleBasedStateMachine):
    """The cache against a plain list of what it may hold, newest use last."""

    @initialize(capacity=st.integers(1, 4))
    def start(self, capacity: int) -> None:
        self.model, self.metrics, self.capacity = Versioned(), Metrics(), capacity
        self.cache = TokenCache(self.model, self.metrics, capacity)
        self.held: dict[tuple[str, str], PromptTokens] = {}
        self.hits = self.misses = 0

    @rule(name=st.sampled_from(NAMES))
    def get(self, name: str) -> None:
        key = (self.model.name, name)
        expected = self.held.pop(key, None)
        got = self.cache.get(PromptTemplate("any context", *_texts(name)))
        if expected is None:
            self.misses += 1
            assert version_of(got) == self.model.version
        else:
            self.hits += 1
            assert got is expected
        self.held[key] = got
        while len(self.held) > self.capacity:
            del self.held[next(iter(self.held))]

    @rule(name=st.sampled_from(["fake", "other"]))
    def use_another_model(self, name: str) -> None:
        self.model.name = name

    @rule()
    def clear(self) -> None:
        self.model.version += 1
        self.cache.clear()
        self.held.clear()

    @rule(name=st.sampled_from(NAMES))
    def clear_while_tokenizing(self, name: str) -> None:
        """What is tokenized then is handed out and not kept."""
        self.clear()
        version, self.model.meanwhile = self.model.version, self.cache.clear
        assert version_of(self.cache.get(template(name))) == version
        self.model.meanwhile = lambda: None
        self.misses += 1

    @rule(name=st.sampled_from(NAMES))
    def fail(self, name: str) -> None:
        def fail() -> None:
            raise ModelError("broken")

        self.clear()
        self.model.meanwhile = fail
        with pytest.raises(ModelError):
            self.cache.get(template(name))
        self.model.meanwhile = lambda: None
        self.misses += 1

    @invariant()
    def the_least_recently_used_goes_first(self) -> None:
        if hasattr(self, "cache"):
            assert list(self.cache._entries.values()) == list(self.held.values())

    @invariant()
    def metrics_are_exact(self) -> None:
        if not hasattr(self, "metrics"):
            return
        assert self.metrics.counter("prompt_tokens_hits") == self.hits
        assert self.metrics.counter("prompt_tokens_misses") == self.misses
        timing = self.metrics.timings().get("prompt_tokenize_ms")
        assert (timing.count if timing else 0) == self.misses


def _texts(name: str) -> tuple[str, str]:
    return template(name).prefix, template(name).suffix


TestKept = Kept.TestCase
TestKept.settings = hypothesis_settings(max_examples=60, stateful_step_count=20, deadline=None)


class Dated(FakeLanguageModel):
    """Notes which version it was at the first tokenization of a template."""

    def __init__(self) -> None:
        super().__init__()
        self.version = 0
        self.begun_at = NEVER

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        if self.begun_at == NEVER:
            self.begun_at = self.version
            time.sleep(0)
        return super().tokenize(text, special=special)


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads change places as often as Python lets them."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


class Clearing:
    """A cache that other threads clear, and what its model's thread may be given."""

    def __init__(self) -> None:
        self.model, self.metrics = Dated(), Metrics()
        self.cache = TokenCache(self.model, self.metrics, capacity=2)
        self.finished = threading.Event()
        self._lock = threading.Lock()
        self._valid_from = 0
        self._seen: dict[int, tuple[int, PromptTokens]] = {}

    def clear_until_finished(self) -> None:
        while not self.finished.wait(0.002):
            with self._lock:
                self.model.version += 1
                version = self.model.version
            self.cache.clear()
            with self._lock:
                self._valid_from = max(self._valid_from, version)

    def get(self, name: str) -> None:
        earliest, self.model.begun_at = self._valid_from, NEVER
        got = self.cache.get(template(name))
        if self.model.begun_at != NEVER:
            self._seen[id(got)] = (self.model.begun_at, got)
        assert self._seen[id(got)][0] >= earliest


@pytest.mark.usefixtures("restless")
def test_no_tokens_are_older_than_a_clear_that_had_returned() -> None:
    """The model's thread asks while three others clear."""
    clearing = Clearing()
    with ThreadPoolExecutor(3) as pool:
        threads = [pool.submit(clearing.clear_until_finished) for _ in range(3)]
        try:
            for turn in range(3000):
                clearing.get(NAMES[turn // 5 % 2])
        finally:
            clearing.finished.set()
        for thread in threads:
            thread.result(30)
    counts = clearing.metrics.counters()
    assert counts["prompt_tokens_hits"] + counts["prompt_tokens_misses"] == 3000
    assert clearing.metrics.timings()["prompt_tokenize_ms"].count == counts["prompt_tokens_misses"]
    assert min(counts["prompt_tokens_hits"], counts["prompt_tokens_misses"]) > 20


# ------------------------------------------------------------------------ the seam
class Spaced(FakeLanguageModel):
    """Puts a space before each text that it is given, and after each of its markers, as Llama 2's does."""

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        if special:
            text = "".join(f"{part} " if part in ("<|start|>", "<|end|>") else part for part in _split(text))
        return super().tokenize(text if _begins_with_marker(text) else f" {text}", special=special)


def _split(text: str) -> list[str]:
    return text.replace("<|", "\0<|").replace("|>", "|>\0").split("\0")


def _begins_with_marker(text: str) -> bool:
    return not text or text.startswith(("<|start|>", "<|end|>"))


class Joining(FakeLanguageModel):
    """Has one token for a colon with some characters that follow it, and one for two line ends."""

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        ids: list[int] = []
        for token in super().tokenize(text, special=special):
            joins = ids and (chr(token) in "In7" if ids[-1] == ord(":") else ids[-1] == token == ord("\n"))
            ids.append(token + 1000 * ids.pop() if joins else token)
        return ids


class Counting(FakeLanguageModel):
    """No text's tokens are part of a longer text's: the last one depends on its length."""

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        return [*super().tokenize(text, special=special), 1000 + len(text)]


def test_where_the_seam_holds_nothing_is_moved() -> None:
    model, metrics = FakeLanguageModel(), Metrics()
    cache = TokenCache(model, metrics)
    prompt = cache.get(template("email"))
    assert (prompt.lead, prompt.trail) == ("", "")
    assert prompt.prefix == tuple(model.tokenize("<|start|>email<|end|>", special=True))
    assert prompt.suffix == tuple(model.tokenize("<|end|>", special=True))
    assert set(metrics.counters()) == {"prompt_tokens_misses"}


@pytest.mark.parametrize(
    ("model", "prefix", "suffix", "lead", "trail"),
    [
        (Spaced(), "<|start|>Be brief.\n\n", "<|end|>", "brief.\n\n", ""),
        (Spaced(), "<|start|>user\n", "<|end|>", "user\n", ""),
        (Spaced(), "<|start|>Be brief, ", " [END]", "", " "),
        (Joining(), "<|start|>user:", "<|end|>", ":", ""),
        (Joining(), "<|start|>user: ", "\n\nassistant: ", "", ""),
        (Joining(), "<|start|>user ", "now <|end|>", "", "n"),
        (Joining(), "<|start|>user:", "now <|end|>", ":", "n"),
    ],
)
def test_the_seam_moves_as_little_as_it_must(
    model: FakeLanguageModel, prefix: str, suffix: str, lead: str, trail: str
) -> None:
    metrics = Metrics()
    cache = TokenCache(model, metrics)
    moved = PromptTemplate("c", prefix, suffix)
    prompt = cache.get(moved)
    assert (prompt.lead, prompt.trail) == (lead, trail)
    assert metrics.counter("prompt_seams_moved") == bool(lead + trail)
    for said in ("", "so it is", "now:", "Is it", "7", "\n\na:n"):
        assert agree(cache, model, moved, said)


@given(said=st.text(max_size=20))
def test_lead_and_trail_are_tokenized_with_the_transcript(said: str) -> None:
    model = FakeLanguageModel()
    rest = TokenCache(model, Metrics()).rest(PromptTokens((1,), (2, 3), "a ", " b"), said)
    assert rest == [*model.tokenize(f"a {said} b", special=False), 2, 3]


def test_a_seam_that_cannot_be_moved_is_said_once_and_the_pieces_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    model, metrics = Counting(), Metrics()
    cache = TokenCache(model, metrics)
    for name in ("one", "two"):
        prefix = name * MAX_LEAD
        prompt = cache.get(PromptTemplate("c", prefix, "<|end|>"))
        assert prompt == PromptTokens(
            tuple(model.tokenize(prefix, special=True)), tuple(model.tokenize("<|end|>", special=True))
        )
    assert [record.message for record in caplog.records] == [
        "this model's tokens cross the seam between prompt and transcript; the pieces count"
    ]
    assert metrics.counter("prompt_seams_crossed") == 2
    assert metrics.counter("prompt_seams_moved") == 0


def test_samples_that_spell_a_marker_of_the_vocabulary_prove_nothing() -> None:
    class Tagged(FakeLanguageModel):
        """Has a marker for two spaces, as some vocabularies do."""

        def tokenize(self, text: str, *, special: bool) -> list[int]:
            return super().tokenize(text.replace("  ", "<tag>") if special else text, special=special)

    metrics = Metrics()
    TokenCache(Tagged(), metrics).get(template("email"))
    assert metrics.counter("prompt_seams_crossed") == metrics.counter("prompt_seams_moved") == 0
