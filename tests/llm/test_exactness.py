"""Whatever tier a prefix comes from, llama.cpp's logits are bit for bit those of a cold context.

Cold means: a model loaded anew that evaluates prefix and rest in the same pieces, with the same
kernels, threads and cell layout. One bit more or less, anywhere in the vocabulary, fails.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from tests.llm.tiny_models import write_hybrid, write_mamba, write_mamba_hybrid, write_sliding_window
from voiceflow_daemon.llm._llama_cpp import LlamaCppModel
from voiceflow_daemon.llm.backend import EvaluationAbortedError
from voiceflow_daemon.llm.kv_cache import KvCache
from voiceflow_daemon.llm.kv_ram import Prefix
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.prefixes import PrefixStore

DEMO = Path(__file__).parents[2] / "assets/demo/formatter.gguf"
PLENTY = 1 << 30
STEPS = 4
"""Tokens written after the rest; each one's logits are compared."""

Logits = tuple[bytes, ...]


def load(path: Path) -> LlamaCppModel:
    return LlamaCppModel(path, context_tokens=1024, threads=2, gpu_layers=0, repacked_kernels=True)


def logits_of(model: LlamaCppModel) -> bytes:
    """All logits of the last token, as they lie in memory."""
    pointer = llama_cpp.llama_get_logits_ith(model._context, -1)
    return np.ctypeslib.as_array(pointer, (model._vocab_size,)).tobytes()


def written(model: LlamaCppModel, rest: Prefix) -> Logits:
    """Evaluate the rest, then write greedily."""
    token, seen = model.evaluate(rest), []
    for _ in range(STEPS):
        seen.append(logits_of(model))
        token = model.evaluate([token])
    return (*seen, logits_of(model))


def some_tokens(seed: int, count: int) -> Prefix:
    """Ordinary tokens of the demo's vocabulary; any will do for arithmetic."""
    return tuple(np.random.default_rng(seed).integers(300, 1000, count).tolist())


PREFIXES = tuple(some_tokens(seed, count) for seed, count in enumerate((7, 130, 257, 600)))
"""Within one padding step of the cache, across steps, and longer than one batch."""
RESTS = tuple(some_tokens(seed, count) for seed, count in ((10, 1), (11, 4), (12, 27)))


@cache
def cold(path: Path, prefix: int, rest: int) -> Logits:
    model = load(path)
    try:
        model.evaluate(PREFIXES[prefix])
        return written(model, RESTS[rest])
    finally:
        model.close()


@cache
def cold_behind(path: Path, prefix: int, rest: int) -> Logits:
    """What is written behind a dictation that stands there already."""
    model = load(path)
    try:
        model.evaluate(PREFIXES[prefix])
        model.evaluate(RESTS[rest])
        return written(model, RESTS[0])
    finally:
        model.close()


class Exact(RuleBasedStateMachine):
    """Contexts, dictations, evictions, limits, invalidations, aborts, damage and restarts in any order."""

    path = DEMO

    @initialize()
    def install(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.memory_bytes, self.disk_bytes = PLENTY, PLENTY
        self.start()

    def start(self) -> None:
        self.model, self.metrics = load(self.path), Metrics()
        self.store = PrefixStore(self.folder, self.disk_bytes, self.metrics)
        self.cache = KvCache(self.model, self.metrics, self.store, self.memory_bytes)

    def stop(self) -> None:
        self.cache.close()
        self.model.close()

    def teardown(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    @rule(prefix=st.integers(0, len(PREFIXES) - 1), rest=st.integers(0, len(RESTS) - 1))
    def dictate(self, prefix: int, rest: int) -> None:
        self.cache.make_hot(PREFIXES[prefix])
        assert written(self.model, RESTS[rest]) == cold(self.path, prefix, rest)
        self.cache.rewind()

    @rule(prefix=st.integers(0, len(PREFIXES) - 1), rest=st.integers(0, len(RESTS) - 1))
    def set_aside_and_put_back(self, prefix: int, rest: int) -> None:
        self.cache.make_hot(PREFIXES[prefix])
        self.model.evaluate(RESTS[rest])
        copy = self.cache.copy(PREFIXES[prefix], len(RESTS[rest]))
        self.cache.rewind()
        self.cache.make_hot(PREFIXES[prefix])
        self.model.evaluate(RESTS[2])
        if copy is None:
            assert self.memory_bytes < PLENTY
        else:
            assert self.cache.put_back(copy, len(RESTS[rest]))
            assert written(self.model, RESTS[0]) == cold_behind(self.path, prefix, rest)
        self.cache.rewind()

    @rule(prefix=st.integers(0, len(PREFIXES) - 1))
    def prepare(self, prefix: int) -> None:
        self.cache.make_hot(PREFIXES[prefix])

    @rule()
    def invalidate(self) -> None:
        self.cache.invalidate()

    @rule()
    def restart(self) -> None:
        self.stop()
        self.start()

    @rule(memory_bytes=st.sampled_from([0, 300_000, PLENTY]), disk_bytes=st.sampled_from([0, PLENTY]))
    def change_the_limits(self, memory_bytes: int, disk_bytes: int) -> None:
        self.memory_bytes, self.disk_bytes = memory_bytes, disk_bytes
        self.cache.set_limits(memory_bytes, disk_bytes)

    @rule(prefix=st.integers(0, len(PREFIXES) - 1))
    def aborted(self, prefix: int) -> None:
        self.model.stop()
        try:
            self.cache.make_hot(PREFIXES[prefix])
            self.model.evaluate(RESTS[0])
        except EvaluationAbortedError:
            pass
        finally:
            self.model.resume()
            self.cache.rewind()

    @rule(place=st.floats(0, 1, exclude_max=True))
    def damage_a_file_and_restart(self, place: float) -> None:
        self.stop()
        for file in sorted(self.folder.glob("*.kv"))[:1]:
            content = bytearray(file.read_bytes())
            content[int(place * len(content))] ^= 0x10
            file.write_bytes(content)
        self.start()


MODELS: dict[str, Callable[[Path], None]] = {
    "demo": lambda path: path.symlink_to(DEMO),
    "recurrent": write_mamba,
    "hybrid": write_hybrid,
    "hybrid of mamba": write_mamba_hybrid,
    "sliding window": write_sliding_window,
}


@pytest.mark.parametrize("kind", MODELS)
def test_bit_for_bit(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    MODELS[kind](path)
    machine = type("Machine", (Exact,), {"path": path})
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(
            max_examples=40 if kind == "demo" else 12,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
    cold.cache_clear()
