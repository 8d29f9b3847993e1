"""What the engine relies on, of the fake and of llama.cpp alike, whatever memory a model has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.language_model import FakeLanguageModel
from tests.llm import tiny_models
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.backend import ContextOverflowError, EvaluationAbortedError, LanguageModel

MARKERS = ("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|start|>", "<|end|>", "<tag>")
WRITERS: dict[str, Callable[[Path], None]] = {
    "demo": lambda path: path.symlink_to(tiny_models.DEMO),
    "mamba": tiny_models.write_mamba,
    "hybrid": tiny_models.write_hybrid,
    "sliding window": tiny_models.write_sliding_window,
    "llama": tiny_models.write_llama,
    "tagged": tiny_models.write_tagged,
}
"""Only the fakes and the demo write sense; the others have random weights."""


def open_model(kind: str, folder: Path) -> LanguageModel:
    if kind.startswith("fake"):
        return FakeLanguageModel(context_tokens=1024, goes_back=kind == "fake")
    from voiceflow_daemon.llm._llama_cpp import LlamaCppModel

    path = folder / "model.gguf"
    WRITERS[kind](path)
    return LlamaCppModel(path, context_tokens=1024, threads=2, gpu_layers=0, repacked_kernels=True)


@pytest.fixture(scope="module", params=["fake", "fake that cannot go back", *WRITERS])
def any_loaded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LanguageModel]:
    model = open_model(request.param, tmp_path_factory.mktemp("model"))
    yield model
    model.close()
    model.close()


@pytest.fixture(scope="module", params=["fake", "fake that cannot go back", "demo"])
def sensible_loaded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LanguageModel]:
    model = open_model(request.param, tmp_path_factory.mktemp("model"))
    yield model
    model.close()


@pytest.fixture
def any_model(any_loaded: LanguageModel) -> LanguageModel:
    any_loaded.resume()
    any_loaded.truncate(0)
    return any_loaded


@pytest.fixture
def model(sensible_loaded: LanguageModel) -> LanguageModel:
    sensible_loaded.resume()
    sensible_loaded.truncate(0)
    return sensible_loaded


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


def continued(model: LanguageModel, tokens: list[int]) -> list[int]:
    """The tokens, and five that the model writes after them."""
    token = model.evaluate(tokens)
    result = [token]
    for _ in range(4):
        token = model.evaluate([token])
        result.append(token)
    return result


def test_length_counts_what_was_evaluated(any_model: LanguageModel) -> None:
    tokens = prompt(any_model, "hello there")
    any_model.evaluate(tokens[:5])
    any_model.evaluate(tokens[5:])
    assert any_model.length() == len(tokens)
    any_model.truncate(len(tokens) + 1)
    assert any_model.length() == len(tokens)
    any_model.truncate(5)
    assert any_model.length() in {0, 5}
    any_model.truncate(0)
    assert any_model.length() == 0


def test_after_truncating_another_ending_is_written_as_if_fresh(any_model: LanguageModel) -> None:
    first, second = prompt(any_model, "we need ten chairs"), prompt(any_model, "the train is late")
    same = next(index for index, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1])
    any_model.evaluate(second[:same])
    fresh = continued(any_model, second[same:])
    any_model.truncate(0)
    any_model.evaluate(first[:same])
    continued(any_model, first[same:])
    any_model.truncate(same)
    if any_model.length() == 0:
        any_model.evaluate(second[:same])
    assert any_model.length() == same
    assert continued(any_model, second[same:]) == fresh


def test_too_much_is_refused_and_changes_nothing(any_model: LanguageModel) -> None:
    tokens = prompt(any_model, "hello there")
    any_model.evaluate(tokens[:7])
    expected = continued(any_model, tokens[7:])
    any_model.truncate(0)
    any_model.evaluate(tokens[:7])
    with pytest.raises(ContextOverflowError):
        any_model.evaluate([tokens[7]] * any_model.context_tokens)
    assert any_model.length() == 7
    assert continued(any_model, tokens[7:]) == expected


def test_the_likeliest_after_each_token_is_what_single_steps_say(model: LanguageModel) -> None:
    tokens = [*prompt(model, "hello there"), *model.tokenize("Hello there.", special=False)]
    single = [model.evaluate([token]) for token in tokens]
    model.truncate(0)
    assert model.evaluate_each(tokens[:9]) == single[:9]
    assert model.evaluate_each(tokens[9:]) == single[9:]
    assert model.length() == len(tokens)
    assert model.is_end(single[-1])


def test_what_follows_a_wrong_token_can_be_taken_back(model: LanguageModel) -> None:
    tokens = prompt(model, "hello there")
    right = model.tokenize("Hello there.", special=False)
    wrong = [*right[:1], right[0], *right[:3]]
    model.evaluate(tokens)
    assert model.evaluate_each(wrong)[0] == right[1]
    model.truncate(len(tokens) + 1)
    if model.length() == 0:
        model.evaluate([*tokens, right[0]])
    assert model.length() == len(tokens) + 1
    after = model.evaluate_each(right[1:])
    assert after[:-1] == right[2:]
    assert model.is_end(after[-1])


def test_more_than_fits_is_refused_after_each_token_too(model: LanguageModel) -> None:
    tokens = prompt(model, "hello there")
    model.evaluate(tokens[:7])
    with pytest.raises(ContextOverflowError):
        model.evaluate_each([tokens[7]] * model.context_tokens)
    assert model.length() == 7
    model.stop()
    with pytest.raises(EvaluationAbortedError):
        model.evaluate_each(tokens[7:])
    model.resume()
    assert model.length() in {0, 7}
    assert written(model, tokens[model.length() :]) == "Hello there."


def test_many_tokens_have_as_many_results(model: LanguageModel) -> None:
    tokens = prompt(model, "hello there ") * 40
    last = model.evaluate(tokens[: model.context_tokens])
    model.truncate(0)
    after = model.evaluate_each(tokens[: model.context_tokens])
    assert len(after) == model.context_tokens
    assert after[-1] == last


def test_after_stop_nothing_is_evaluated_until_resume(any_model: LanguageModel) -> None:
    tokens = prompt(any_model, "hello there")
    any_model.evaluate(tokens[:7])
    expected = continued(any_model, tokens[7:])
    any_model.truncate(0)
    any_model.evaluate(tokens[:7])
    any_model.stop()
    for _ in range(2):
        with pytest.raises(EvaluationAbortedError):
            any_model.evaluate(tokens[7:])
    assert any_model.length() in {0, 7}
    any_model.resume()
    if any_model.length() == 0:
        any_model.evaluate(tokens[:7])
    assert continued(any_model, tokens[7:]) == expected


def evaluate_for_ever(model: LanguageModel, tokens: list[int]) -> None:
    while True:
        model.truncate(0)
        model.evaluate(tokens)


def test_another_thread_may_stop_the_work(any_model: LanguageModel) -> None:
    tokens = prompt(any_model, "hello there")
    expected = continued(any_model, tokens)
    stopper = threading.Timer(0.05, any_model.stop)
    stopper.start()
    with pytest.raises(EvaluationAbortedError):
        evaluate_for_ever(any_model, tokens)
    stopper.join()
    any_model.resume()
    any_model.truncate(0)
    assert continued(any_model, tokens) == expected


def test_leaving_room_changes_neither_a_prefix_nor_what_is_written(
    any_model: LanguageModel, model: LanguageModel
) -> None:
    tokens = prompt(any_model, "the train is late")
    states = []
    for room in (False, True):
        any_model.leave_room(room)
        any_model.truncate(0)
        any_model.evaluate(tokens)
        states.append(any_model.state().tobytes())
    any_model.leave_room(False)
    assert states[0] == states[1]
    tokens = prompt(model, "hello there")
    model.truncate(0)
    model.evaluate(tokens[:7])
    model.leave_room(True)
    assert written(model, tokens[7:]) == "Hello there."
    model.leave_room(False)


# ------------------------------------------------------------------------ states
def test_a_restored_state_goes_on_as_if_nothing_had_been_between(any_model: LanguageModel) -> None:
    tokens = prompt(any_model, "the train is late")
    any_model.evaluate(tokens[:9])
    state = any_model.state()
    expected = continued(any_model, tokens[9:])
    for between in ([], tokens[:3], prompt(any_model, "we need ten chairs")):
        any_model.truncate(0)
        if between:
            any_model.evaluate(between)
        assert any_model.restore(state, 9)
        assert any_model.length() == 9
        assert continued(any_model, tokens[9:]) == expected


def test_taking_a_state_changes_nothing(any_model: LanguageModel) -> None:
    tokens = prompt(any_model, "the train is late")
    any_model.evaluate(tokens[:9])
    expected = continued(any_model, tokens[9:])
    any_model.truncate(0)
    any_model.evaluate(tokens[:9])
    assert any_model.state().tobytes() == any_model.state().tobytes()
    assert any_model.length() == 9
    assert continued(any_model, tokens[9:]) == expected


def test_a_state_is_a_copy(any_model: LanguageModel) -> None:
    tokens = prompt(any_model, "the train is late")
    any_model.evaluate(tokens[:9])
    state = any_model.state()
    before = state.tobytes()
    any_model.evaluate(tokens[9:])
    any_model.truncate(0)
    any_model.evaluate(tokens[2:])
    assert state.tobytes() == before
    assert state.dtype == np.uint8
    assert state.ndim == 1


@pytest.mark.parametrize("damage", ["cut", "longer", "empty", "noise", "one too few", "one too many"])
def test_a_state_that_does_not_fit_is_refused_and_leaves_no_trace(
    any_model: LanguageModel, damage: str
) -> None:
    tokens = prompt(any_model, "the train is late")
    any_model.evaluate(tokens[:9])
    state = any_model.state()
    expected = continued(any_model, tokens[9:])
    bytes_and_length = {
        "cut": (state[:-3], 9),
        "longer": (np.concatenate([state, state[:3]]), 9),
        "empty": (state[:0], 9),
        "noise": (np.random.default_rng(1).integers(0, 256, state.size, np.uint8), 9),
        "one too few": (state, 8),
        "one too many": (state, 10),
    }
    assert not any_model.restore(*bytes_and_length[damage])
    assert any_model.length() == 0
    any_model.evaluate(tokens[:9])
    assert continued(any_model, tokens[9:]) == expected


def test_an_empty_sequence_has_no_state(any_model: LanguageModel) -> None:
    with pytest.raises(ModelError):
        any_model.state()


def test_its_identities_are_digests(any_model: LanguageModel) -> None:
    assert any_model.identity
    assert len(any_model.state_identity) == 64
    assert int(any_model.state_identity, 16)


# ------------------------------------------------------------------------ tokens
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
