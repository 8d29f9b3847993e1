"""The other side: the `Llama` class of llama-cpp-python and its `LlamaRAMCache`, as a user would take them.

The only place where they are used. They get what ours gets: the same file, kernels, threads, batch
sizes, context window, K/V types, flash attention and prompts. Memory mapping and all else as they are.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
from llama_cpp.llama_cache import LlamaRAMCache

from voiceflow_daemon.bench.resident import resident_bytes
from voiceflow_daemon.bench.transcripts import EARLIER
from voiceflow_daemon.llm.backend import LanguageModel

BATCH_TOKENS = 512
"""As ours."""

RAM_CACHE_BYTES = 1 << 40
"""Large enough for everything."""


@dataclass(frozen=True)
class RamCacheCost:
    """What `LlamaRAMCache` takes for each context: bytes in its entry, growth of the process, saving."""

    entry_bytes: int
    resident_bytes: int | None
    save_ms: list[float]


class LlamaClass:
    """One `Llama`, with or without its RAM cache."""

    def __init__(
        self, path: Path, *, context_tokens: int, threads: int, gpu_layers: int, repacked_kernels: bool
    ) -> None:
        """Load the model a second time."""
        with kernels(repacked_kernels):
            self._llama = llama_cpp.Llama(
                str(path),
                n_ctx=context_tokens,
                n_batch=BATCH_TOKENS,
                n_ubatch=BATCH_TOKENS,
                n_threads=threads,
                n_threads_batch=threads,
                n_gpu_layers=gpu_layers,
                flash_attn=True,
                swa_full=True,
                verbose=False,
            )
        self._cache = LlamaRAMCache(RAM_CACHE_BYTES)

    def first_token_ms(self, render: LanguageModel, system: str, transcript: str) -> float:
        """By the class's own match with its last prompt; `render` has the chat template."""
        self._llama.set_cache(None)
        return self._first_token_ms(render, system, transcript)

    def ram_cache_ms(self, render: LanguageModel, system: str, transcript: str) -> float:
        """With the RAM cache. What it would save after the answer is left out, and so not timed."""
        self._llama.set_cache(self._cache)
        return self._first_token_ms(render, system, transcript)

    def fill_ram_cache(self, render: LanguageModel, systems: list[str]) -> RamCacheCost:
        """One dictation in each context, saved as the cache does it after each answer."""
        self._llama.set_cache(self._cache)
        before, save_ms = resident_bytes(), []
        for system in systems:
            answer = self._answer(render, system, EARLIER)
            next(answer)
            began = time.perf_counter()
            for _ in answer:
                pass
            save_ms.append((time.perf_counter() - began) * 1e3)
        after = resident_bytes()
        entries = self._cache.cache_state.values()
        held = sum(entry.llama_state_size + entry.scores.nbytes + entry.input_ids.nbytes for entry in entries)
        grown = None if before is None or after is None else (after - before) // len(systems)
        return RamCacheCost(held // len(systems), grown, save_ms)

    def close(self) -> None:
        """Free the model."""
        self._cache.cache_state.clear()
        self._llama.close()

    def _first_token_ms(self, render: LanguageModel, system: str, transcript: str) -> float:
        began = time.perf_counter()
        answer = self._answer(render, system, transcript)
        next(answer)
        ms = (time.perf_counter() - began) * 1e3
        answer.close()
        return ms

    def _answer(self, render: LanguageModel, system: str, transcript: str) -> Any:
        """The stream of one token. Given as ids, for the class would write a second BOS before a text."""
        text = render.render_chat(system, transcript)
        tokens = self._llama.tokenize(text.encode(), add_bos=False, special=True)
        return self._llama.create_completion(tokens, max_tokens=1, temperature=0.0, stream=True)


@contextmanager
def kernels(repacked: bool) -> Iterator[None]:
    """`Llama` has no switch for the repacked kernels; where they crash it must load without them, too."""
    defaults = llama_cpp.llama_cpp.llama_model_default_params

    def without_repacking() -> Any:
        params = defaults()
        params.use_extra_bufts = False
        return params

    if not repacked:
        llama_cpp.llama_cpp.llama_model_default_params = without_repacking
    try:
        yield
    finally:
        llama_cpp.llama_cpp.llama_model_default_params = defaults
