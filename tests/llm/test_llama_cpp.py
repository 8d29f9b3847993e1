"""The adapter where llama.cpp itself matters: damaged files, aborts inside a graph, odd vocabularies."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from ctypes import POINTER, c_float
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import pytest

from tests.llm import native_context
from tests.llm.native_context import Logits, abort_at_node, logits
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm import _llama_cpp
from voiceflow_daemon.llm._llama_cpp import LlamaCppModel
from voiceflow_daemon.llm._llama_layout import BATCH_TOKENS
from voiceflow_daemon.llm.backend import EvaluationAbortedError

DEMO = Path(__file__).parents[2] / "assets/demo/formatter.gguf"
USER_DEFINED = 4
"""GGUF's token type of tags that are found in any text."""


def load(path: Path = DEMO) -> LlamaCppModel:
    return native_context.load(path, threads=1)


@pytest.fixture(scope="module")
def loaded() -> Iterator[LlamaCppModel]:
    model = load()
    yield model
    model.close()


@pytest.fixture
def model(loaded: LlamaCppModel) -> LlamaCppModel:
    loaded.truncate(0)
    return loaded


def prompt(model: LlamaCppModel, words: str, rules: str = "Context: default") -> list[int]:
    return model.tokenize(model.render_chat(rules, words), special=True)


def fresh_logits(tokens: list[int]) -> Logits:
    model = load()
    model.evaluate(tokens)
    result = logits(model)
    model.close()
    return result


# ------------------------------------------------------------------------ threads
def test_with_room_only_what_follows_a_prefix_has_fewer_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A prefix's state must be the same one, bit for bit, whenever it is evaluated."""
    monkeypatch.setattr(_llama_cpp, "usable_cores", lambda: 4)
    model = native_context.load(DEMO, threads=4)
    threads: list[tuple[int, int]] = []
    decode = llama_cpp.llama_decode

    def counted(context: Any, batch: Any) -> Any:
        threads.append((llama_cpp.llama_n_threads(context), llama_cpp.llama_n_threads_batch(context)))
        return decode(context, batch)

    monkeypatch.setattr(llama_cpp, "llama_decode", counted)
    try:
        model.leave_room(True)
        model.evaluate([5] * (BATCH_TOKENS + 1))
        model.evaluate([5, 6])
        model.leave_room(False)
        model.evaluate([7])
    finally:
        model.close()
    assert threads == [(4, 4), (4, 4), (3, 3), (4, 4)]


# ------------------------------------------------------------------------ files
@pytest.mark.parametrize("kept", [8, 100, 20_000, 200_000, 2_000_000])
def test_a_truncated_file_is_an_error_with_a_hint(tmp_path: Path, kept: int) -> None:
    (tmp_path / "cut.gguf").write_bytes(DEMO.read_bytes()[:kept])
    with pytest.raises(ModelError, match=r"cannot load .*cut\.gguf") as caught:
        load(tmp_path / "cut.gguf")
    assert "download" in caught.value.hint


def test_a_model_without_a_chat_template_is_refused(tmp_path: Path) -> None:
    content = DEMO.read_bytes()
    assert content.count(b"tokenizer.chat_template") == 1
    (tmp_path / "base.gguf").write_bytes(
        content.replace(b"tokenizer.chat_template", b"tokenizer.chat_templaXX")
    )
    with pytest.raises(ModelError, match="no chat template") as caught:
        load(tmp_path / "base.gguf")
    assert "instruct" in caught.value.hint


def test_closing_twice_is_harmless() -> None:
    model = load()
    model.close()
    model.close()


def test_the_window_is_no_larger_than_the_model_was_trained_for() -> None:
    model = LlamaCppModel(DEMO, context_tokens=100_000, threads=1, gpu_layers=0, repacked_kernels=True)
    assert model.context_tokens == llama_cpp.llama_model_n_ctx_train(model._model)
    model.close()


# ------------------------------------------------------------------------ exactness
def test_a_truncated_sequence_goes_on_as_a_fresh_one(model: LlamaCppModel) -> None:
    first, second = prompt(model, "we need ten chairs"), prompt(model, "the train is late")
    model.evaluate(first)
    model.truncate(0)
    model.evaluate(second)
    assert (logits(model) == fresh_logits(second)).all()


def test_a_forked_prefix_gives_bit_equal_results(model: LlamaCppModel) -> None:
    prefix, *endings = [prompt(model, words) for words in ("", "we need ten chairs", "the train is late")]
    same = min(
        next(index for index, (a, b) in enumerate(zip(prefix, ending, strict=False)) if a != b)
        for ending in endings
    )
    results = []
    for _ in range(2):
        for ending in endings:
            model.evaluate(ending[:same]) if model.length() == 0 else model.truncate(same)
            model.evaluate(ending[same:])
            results.append(logits(model))
    assert (results[0] == results[2]).all()
    assert (results[1] == results[3]).all()


def test_an_abort_at_any_node_of_a_long_prefill_leaves_the_sequence_right(model: LlamaCppModel) -> None:
    before, rest = prompt(model, "hello", "Context: default"), prompt(model, "is it late", "be brief " * 140)
    assert len(rest) > BATCH_TOKENS, "more than one batch"
    whole = [*before, *rest]
    expected = fresh_logits(before), fresh_logits_of_two(before, rest)
    with abort_at_node(model, 1 << 30) as asked:
        model.evaluate(before)
        first_batches = asked()
        model.evaluate(rest)
        nodes = asked() - first_batches
    assert nodes > 100
    for node in range(0, nodes, max(1, nodes // 12)):
        model.truncate(0)
        model.evaluate(before)
        assert (logits(model) == expected[0]).all()
        with abort_at_node(model, node), pytest.raises(EvaluationAbortedError):
            model.evaluate(rest)
        assert model.length() == len(before)
        model.evaluate(rest)
        assert model.length() == len(whole)
        assert (logits(model) == expected[1]).all()


def fresh_logits_of_two(before: list[int], rest: list[int]) -> Logits:
    model = load()
    model.evaluate(before)
    model.evaluate(rest)
    result = logits(model)
    model.close()
    return result


def test_the_stop_flag_needs_no_python(model: LlamaCppModel) -> None:
    flag = model._stop
    assert flag.callback(flag.data) is False
    flag.raise_()
    assert flag.callback(flag.data) is True
    flag.lower()
    assert flag.callback(flag.data) is False


# ------------------------------------------------------------------------ refusals of the native code
def test_a_model_that_refuses_partial_removal_keeps_nothing(
    model: LlamaCppModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = prompt(model, "the train is late")
    model.evaluate(tokens)
    expected = logits(model)

    def refuse(*_arguments: object) -> bool:
        return False

    monkeypatch.setattr(llama_cpp, "llama_memory_seq_rm", refuse)
    model.truncate(3)
    assert model.length() == 0
    model.evaluate(tokens)
    assert (logits(model) == expected).all()


@pytest.mark.parametrize("goes_back", [True, False])
def test_a_failed_evaluation_says_so_and_goes_back(
    model: LlamaCppModel, monkeypatch: pytest.MonkeyPatch, goes_back: bool
) -> None:
    tokens = prompt(model, "the train is late")
    model.evaluate(tokens)
    expected = logits(model)
    model.truncate(0)
    model.evaluate(tokens[:4])
    monkeypatch.setattr(model, "_goes_back", goes_back)
    with monkeypatch.context() as broken:
        broken.setattr(llama_cpp, "llama_decode", lambda *_: -3)
        with pytest.raises(ModelError, match="returned -3"):
            model.evaluate(tokens[4:])
    assert model.length() == (4 if goes_back else 0)
    model.truncate(0)
    model.evaluate(tokens)
    assert (logits(model) == expected).all()


def test_missing_logits_are_an_error(model: LlamaCppModel, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = prompt(model, "hello")
    with monkeypatch.context() as broken:
        broken.setattr(llama_cpp, "llama_get_logits", lambda *_: None)
        with pytest.raises(ModelError, match="no result"):
            model.evaluate(tokens)
    assert model.length() == 0


@pytest.mark.parametrize("function", ["llama_init_from_model", "llama_get_memory"])
def test_a_context_that_cannot_be_made_frees_the_model(
    monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    freed: list[Any] = []
    free = llama_cpp.llama_model_free
    monkeypatch.setattr(llama_cpp, function, lambda *_: None)

    def note(model: Any) -> None:
        freed.append(model)
        free(model)

    monkeypatch.setattr(llama_cpp, "llama_model_free", note)
    with pytest.raises(ModelError):
        load()
    assert len(freed) == 1


def test_a_number_that_is_none_is_an_error_and_leaves_no_trace(
    model: LlamaCppModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = prompt(model, "hello")
    spoilt = np.zeros(model._vocab_size, np.float32)
    spoilt[7] = np.nan
    with monkeypatch.context() as broken:
        broken.setattr(llama_cpp, "llama_get_logits", lambda *_: spoilt.ctypes.data_as(POINTER(c_float)))
        with pytest.raises(ModelError, match="no result"):
            model.evaluate(tokens)
    assert model.length() == 0
    model.evaluate(tokens)
    assert (logits(model) == fresh_logits(tokens)).all()


# ------------------------------------------------------------------------ states
class Contexts:
    """Counts the llama contexts that are made and freed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.made = self.freed = 0
        make, free = llama_cpp.llama_init_from_model, llama_cpp.llama_free

        def count_made(*arguments: object) -> object:
            self.made += 1
            return make(*arguments)

        def count_freed(*arguments: object) -> None:
            self.freed += 1
            free(*arguments)

        monkeypatch.setattr(llama_cpp, "llama_init_from_model", count_made)
        monkeypatch.setattr(llama_cpp, "llama_free", count_freed)


LIES: dict[str, Callable[[int], int]] = {
    "llama_state_seq_set_data": lambda told: told - 1,
    "llama_memory_seq_pos_max": lambda told: told + 1,
    "llama_memory_seq_pos_min": lambda told: told + 1,
    "llama_state_seq_get_size": lambda told: told + 12,
}


@pytest.mark.parametrize("function", LIES)
def test_a_restore_that_llama_does_not_confirm_makes_the_context_anew(
    model: LlamaCppModel, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    tokens = prompt(model, "the train is late")
    model.evaluate(tokens)
    state = model.state()
    real = getattr(llama_cpp, function)
    contexts = Contexts(monkeypatch)
    with monkeypatch.context() as broken:
        broken.setattr(llama_cpp, function, lambda *arguments: LIES[function](real(*arguments)))
        assert not model.restore(state, len(tokens))
    assert model.length() == 0
    assert model.restore(state, len(tokens))
    assert (contexts.freed, contexts.made) == (1, 1)
    model.evaluate([5, 6])
    assert (logits(model) == fresh_logits_of_two(tokens, [5, 6])).all()


def test_a_context_that_cannot_be_made_anew_is_an_error_until_it_can(
    model: LlamaCppModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = prompt(model, "the train is late")
    model.evaluate(tokens)
    state = model.state()
    assert not model.restore(state[:-1], len(tokens))
    with monkeypatch.context() as broken:
        broken.setattr(llama_cpp, "llama_init_from_model", lambda *_: None)
        with pytest.raises(ModelError, match="too little memory"):
            model.evaluate(tokens)
        with pytest.raises(ModelError, match="too little memory"):
            model.restore(state, len(tokens))
        model.truncate(0)
        assert model.length() == 0
    assert model.restore(state, len(tokens))
    model.evaluate([5, 6])
    assert (logits(model) == fresh_logits_of_two(tokens, [5, 6])).all()


@pytest.mark.parametrize("function", ["llama_state_seq_get_size", "llama_state_seq_get_data"])
def test_a_state_that_llama_does_not_give_is_an_error(
    model: LlamaCppModel, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    model.evaluate(prompt(model, "hello"))
    monkeypatch.setattr(llama_cpp, function, lambda *_: 0)
    with pytest.raises(ModelError, match="does not give"):
        model.state()


def test_an_empty_sequence_has_no_state(model: LlamaCppModel) -> None:
    with pytest.raises(ModelError, match="no state"):
        model.state()


def test_a_state_may_lie_anywhere_in_memory(model: LlamaCppModel) -> None:
    tokens = prompt(model, "the train is late")
    model.evaluate(tokens)
    expected = model.state()
    scattered = np.zeros(2 * expected.size, np.uint8)
    scattered[::2] = expected
    frozen = np.frombuffer(expected.tobytes(), np.uint8)
    for state in (scattered[::2], frozen):
        assert model.restore(state, len(tokens))
        assert model.state().tobytes() == expected.tobytes()


# ------------------------------------------------------------------------ vocabularies with tags
def with_user_defined_tokens(path: Path, texts: set[str]) -> list[int]:
    """A copy of the demo model at `path` whose tokens of these texts are user-defined; their ids."""
    model = load()
    ids = [
        token for token in range(model._vocab_size) if model.piece(token).decode("utf-8", "replace") in texts
    ]
    model.close()
    assert len(ids) == len(texts)
    content = bytearray(DEMO.read_bytes())
    key = b"tokenizer.ggml.token_type"
    # After the key: value type (9: array), element type (5: int32), count; then the elements.
    at = content.index(key) + len(key)
    kind, element, _count = struct.unpack_from("<IIQ", content, at)
    assert (kind, element) == (9, 5)
    for token in ids:
        struct.pack_into("<i", content, at + 16 + 4 * token, USER_DEFINED)
    path.write_bytes(content)
    return ids


def test_a_user_defined_tag_never_comes_out_of_a_transcript(tmp_path: Path) -> None:
    tags = with_user_defined_tokens(tmp_path / "tags.gguf", {"he", "nd", "q"})
    model = load(tmp_path / "tags.gguf")
    try:
        said = "hello the time and the place, sqeeze the end and the <|im_end|>"
        assert set(model._vocabulary.ids(said, special=False)) & set(tags), "llama.cpp finds them in any text"
        ids = model.tokenize(said, special=False)
        letter = next(tag for tag in tags if model.piece(tag) == b"q")
        assert set(ids) & set(tags) == {letter}, "a single letter opens and closes nothing"
        assert b"".join(map(model.piece, ids)).decode() == said
    finally:
        model.close()
