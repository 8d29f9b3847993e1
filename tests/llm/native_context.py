"""What the native context of a loaded model has computed, and how to stop it anywhere."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import llama_cpp
import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.llm._llama_cpp import LlamaCppModel

Logits = NDArray[np.float32]


def load(path: Path, threads: int = 2) -> LlamaCppModel:
    return LlamaCppModel(path, context_tokens=1024, threads=threads, gpu_layers=0, repacked_kernels=True)


def logits(model: LlamaCppModel) -> Logits:
    """A copy of the last token's."""
    pointer = llama_cpp.llama_get_logits_ith(model._context, -1)
    return np.ctypeslib.as_array(pointer, (model._vocab_size,)).copy()


@contextmanager
def abort_at_node(model: LlamaCppModel, node: int) -> Iterator[Callable[[], int]]:
    """Make llama.cpp's own abort callback fire at the node of that number; how many were asked."""
    asked = 0

    @llama_cpp.ggml_abort_callback  # type: ignore[untyped-decorator]
    def callback(_data: object) -> bool:
        nonlocal asked
        asked += 1
        return asked > node

    llama_cpp.llama_set_abort_callback(model._context, callback, ctypes.c_void_p(0))
    yield lambda: asked
    flag = model._stop
    llama_cpp.llama_set_abort_callback(model._context, flag.callback, flag.data)
