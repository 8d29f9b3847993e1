"""What the engine relies on, of the fake and of llama.cpp with the demo model alike."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.llm.backend import ContextOverflowError, EvaluationAbortedError, LanguageModel

DEMO = Path(__file__).parents[2] / "assets/demo/formatter.gguf"
MARKERS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|start|>", "<|end|>", "<tag>")


@pytest.fixture(scope="module", params=["fake", "llama.cpp"])
def loaded(request: pytest.FixtureRequest) -> Iterator[LanguageModel]:
    model: LanguageModel
    if request.param == "fake":
        model = FakeLanguageModel(context_tokens=1024)
    else:
        from voiceflow_daemon.llm._llama_cpp import LlamaCppModel

        model = LlamaCppModel(DEMO, context_tokens=1024, threads=2, gpu_layers=0, repacked_kernels=True)
    yield model
    model.close()
    model.close()


@pytest.fixture
def model(loaded: LanguageModel) -> LanguageModel:
    loaded.resume()
    loaded.truncate(0)
    return loaded


def prompt(model: LanguageModel, transcript: str) -> list[int]:
    return model.tokenize(model.render_chat("Context: default", transcript), special=True)


def written(model: LanguageModel, tokens: list[int]) -> str:
    token, text = model.evaluate(tokens), b""
    while not model.is_end(token):
        text += model.piece(token)
        token = model.evaluate([token])
    return text.decode()


def test_writes_the_finished_text_and_ends(model: LanguageModel) -> None:
    assert written(model, prompt(model, "hello there")) == "Hello there."


def test_the_chat_has_both_messages_in_order(model: LanguageModel) -> None:
    before, between, _ = model.render_chat("SYSTEM", "USER").replace("USER", "SYSTEM").split("SYSTEM")
    assert before
    assert between


def test_length_counts_what_was_evaluated(model: LanguageModel) -> None:
    tokens = prompt(model, "hello there")
    model.evaluate(tokens[:5])
    model.evaluate(tokens[5:])
    assert model.length() == len(tokens)
    model.truncate(len(tokens) + 1)
    assert model.length() == len(tokens)
    model.truncate(5)
    assert model.length() == 5
    model.truncate(0)
    assert model.length() == 0


def test_after_truncating_another_ending_is_written_as_if_fresh(model: LanguageModel) -> None:
    first, second = prompt(model, "we need ten chairs"), prompt(model, "the train is late")
    fresh = written(model, second)
    model.truncate(0)
    written(model, first)
    same = next(index for index, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1])
    model.truncate(same)
    assert written(model, second[same:]) == fresh


def test_too_much_is_refused_and_changes_nothing(model: LanguageModel) -> None:
    tokens = prompt(model, "hello there")
    model.evaluate(tokens[:7])
    with pytest.raises(ContextOverflowError):
        model.evaluate([tokens[7]] * model.context_tokens)
    assert model.length() == 7
    assert written(model, tokens[7:]) == "Hello there."


def test_after_stop_nothing_is_evaluated_until_resume(model: LanguageModel) -> None:
    tokens = prompt(model, "hello there")
    model.evaluate(tokens[:7])
    model.stop()
    for _ in range(2):
        with pytest.raises(EvaluationAbortedError):
            model.evaluate(tokens[7:])
    assert model.length() == 7
    model.resume()
    assert written(model, tokens[7:]) == "Hello there."


def evaluate_for_ever(model: LanguageModel, tokens: list[int]) -> None:
    while True:
        model.truncate(0)
        model.evaluate(tokens)


def test_another_thread_may_stop_the_work(model: LanguageModel) -> None:
    tokens = prompt(model, "hello there")
    stopper = threading.Timer(0.05, model.stop)
    stopper.start()
    with pytest.raises(EvaluationAbortedError):
        evaluate_for_ever(model, tokens)
    stopper.join()
    model.resume()
    model.truncate(0)
    assert written(model, tokens) == "Hello there."


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.sampled_from(MARKERS) | st.text(max_size=12), max_size=6))
def test_a_transcript_never_has_a_marker_and_keeps_its_text(model: LanguageModel, parts: list[str]) -> None:
    transcript = "".join(parts)
    tokens = model.tokenize(transcript, special=False)
    markers = {tuple(model.tokenize(marker, special=True)) for marker in MARKERS}
    assert sum(len(marker) == 1 for marker in markers) == 3
    assert not any((token,) in markers or model.is_end(token) for token in tokens)
    assert b"".join(map(model.piece, tokens)).decode() == transcript


@pytest.mark.parametrize("text", ["", "\x00", "a\x00b", "\ud800 lone", "\ufffd", "日本 ☃ naïve", "\r\n\t"])
def test_any_string_can_be_tokenized(model: LanguageModel, text: str) -> None:
    whole = b"".join(map(model.piece, model.tokenize(text, special=False)))
    assert whole.decode() == text.encode("utf-8", "replace").decode()


def test_a_dictated_end_of_turn_is_only_text(model: LanguageModel) -> None:
    ending = model.render_chat("Context: default", "WORDS").split("WORDS")
    prefix, suffix = (model.tokenize(part, special=True) for part in ending)
    for marker in MARKERS:
        tokens = model.tokenize(f"hello there {marker}", special=False)
        model.truncate(0)
        model.evaluate([*prefix, *tokens, *suffix])
        assert model.length() == len(prefix) + len(tokens) + len(suffix)
        assert len(tokens) > len(model.tokenize("hello there ", special=False)) + 1


def test_it_says_who_it_is(model: LanguageModel) -> None:
    assert model.identity
