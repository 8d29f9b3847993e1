"""Any kind of memory that llama.cpp has: bit for bit the results of a fresh context.

Fresh means: a context made anew that evaluates prefix and rest in the same two pieces.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.llm import damaged_states, tiny_models
from tests.llm.native_context import Logits, abort_at_node, load, logits
from voiceflow_daemon.llm._llama_cpp import LlamaCppModel
from voiceflow_daemon.llm.backend import EvaluationAbortedError, StateBytes

WRITERS: dict[str, Callable[[Path], None]] = {
    "demo": lambda path: path.symlink_to(tiny_models.DEMO),
    "llama": tiny_models.write_llama,
    "mamba": tiny_models.write_mamba,
    "hybrid": tiny_models.write_hybrid,
    "mamba_hybrid": tiny_models.write_mamba_hybrid,
    "sliding_window": tiny_models.write_sliding_window,
}
SIZES = {
    "demo": (4, 256),
    "llama": (2, 64),
    "mamba": (0, 0),
    "hybrid": (2, 64),
    "mamba_hybrid": (2, 64),
    "sliding_window": (2, 64),
}
"""How many layers attend to all tokens, and the bytes of a token's keys in one of them, in F16."""
STEPS = 3
"""Tokens written behind the rest: single ones take another way through flash attention."""


def some_tokens(seed: int, count: int) -> tuple[int, ...]:
    """Ordinary tokens of each vocabulary."""
    return tuple(np.random.default_rng(seed).integers(300, 350, count).tolist())


PREFIXES = [some_tokens(seed, count) for seed, count in enumerate((1, 47, 270, 600))]
"""One token; within the sliding window; with the window over the 256th cell, where two threads divide the
attention of single tokens; beyond a batch."""
RESTS = [some_tokens(seed, count) for seed, count in ((10, 1), (11, 4), (12, 90))]


@pytest.fixture(scope="module", params=list(WRITERS))
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / f"{request.param}.gguf"
    WRITERS[request.param](path)
    return path


@pytest.fixture(scope="module")
def loaded(path: Path) -> Iterator[LlamaCppModel]:
    model = load(path)
    yield model
    model.close()


@pytest.fixture
def model(loaded: LlamaCppModel) -> LlamaCppModel:
    loaded.truncate(0)
    return loaded


def written(model: LlamaCppModel, rest: tuple[int, ...]) -> list[Logits]:
    """The logits after the rest and after each of the tokens that follow."""
    seen = []
    token = model.evaluate(rest)
    for _ in range(STEPS):
        seen.append(logits(model))
        token = model.evaluate([token])
    return [*seen, logits(model)]


@cache
def fresh(path: Path, prefix: int, rest: int) -> list[Logits]:
    model = load(path)
    model.evaluate(PREFIXES[prefix])
    result = written(model, RESTS[rest])
    model.close()
    return result


def assert_same(found: list[Logits], expected: list[Logits]) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one.tobytes() == other.tobytes()


indices = st.tuples(st.integers(0, len(PREFIXES) - 1), st.integers(0, len(RESTS) - 1))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dictations=st.lists(indices, min_size=2, max_size=8))
def test_states_and_cuts_give_what_a_fresh_context_gives(
    model: LlamaCppModel, path: Path, dictations: list[tuple[int, int]]
) -> None:
    states: dict[int, StateBytes] = {}
    standing = -1
    model.truncate(0)
    for prefix, rest in dictations:
        count = len(PREFIXES[prefix])
        if standing != prefix or model.length() != count:
            if prefix in states:
                assert model.restore(states[prefix], count)
            else:
                model.truncate(0)
                model.evaluate(PREFIXES[prefix])
                states[prefix] = model.state()
        assert model.length() == count
        assert_same(written(model, RESTS[rest]), fresh(path, prefix, rest))
        standing = prefix
        model.truncate(count)
        assert model.length() in {0, count}


@pytest.mark.parametrize("prefix", range(len(PREFIXES)))
def test_a_restored_sequence_is_the_one_that_was_evaluated(
    model: LlamaCppModel, path: Path, prefix: int
) -> None:
    count = len(PREFIXES[prefix])
    model.evaluate(PREFIXES[prefix])
    state = model.state()
    for rest in range(len(RESTS)):
        model.truncate(0)
        model.evaluate(PREFIXES[1])
        assert model.restore(state, count)
        assert model.state().tobytes() == state.tobytes()
        assert_same(written(model, RESTS[rest]), fresh(path, prefix, rest))
        model.truncate(count)
        if model.length() == count:
            assert_same(written(model, RESTS[rest]), fresh(path, prefix, rest))


def test_an_abort_at_any_node_leaves_nothing_wrong_behind(model: LlamaCppModel, path: Path) -> None:
    prefix, rest = PREFIXES[2], RESTS[2]
    with abort_at_node(model, 1 << 30) as asked:
        model.evaluate(prefix)
        in_prefix = asked()
        model.evaluate(rest)
        nodes = asked() - in_prefix
    assert nodes > 20
    for node in range(0, nodes, max(1, nodes // 8)):
        model.truncate(0)
        model.evaluate(prefix)
        with abort_at_node(model, node), pytest.raises(EvaluationAbortedError):
            model.evaluate(rest)
        assert model.length() in {0, len(prefix)}
        if model.length() == 0:
            model.evaluate(prefix)
        assert_same(written(model, rest), fresh(path, 2, 2))


def test_only_what_the_model_still_knows_is_kept(model: LlamaCppModel) -> None:
    attention = not (
        llama_cpp.llama_model_is_recurrent(model._model) or llama_cpp.llama_model_is_hybrid(model._model)
    )
    model.evaluate(PREFIXES[1])
    model.truncate(20)
    assert model.length() == (20 if attention else 0)
    model.truncate(0)
    model.evaluate(PREFIXES[2])
    model.truncate(100)
    slides = llama_cpp.llama_model_n_swa(model._model) > 0
    assert model.length() == (100 if attention and not slides else 0)


def test_a_state_costs_its_tokens_keys_and_values_and_no_more(model: LlamaCppModel, path: Path) -> None:
    sizes = []
    for count in (100, 600):
        model.truncate(0)
        model.evaluate(some_tokens(1, count))
        sizes.append(model.state().size)
    layers_that_see_all, row_bytes = SIZES[path.stem]
    position_bytes = 12 if layers_that_see_all else 0
    assert sizes[1] - sizes[0] == 500 * (layers_that_see_all * 2 * row_bytes + position_bytes)


def test_no_damaged_state_is_taken_or_leaves_a_trace(path: Path) -> None:
    # In a child: if native code crashed on one of them, it would take the tests with it.
    child = subprocess.run(
        [sys.executable, "-m", damaged_states.__name__, str(path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert child.stderr == ""
    assert child.returncode == 0
    assert int(child.stdout) > 100
