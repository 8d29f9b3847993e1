"""llama.cpp through the low-level functions of llama-cpp-python: its only importer.

The high-level `Llama` class is not used: it knows only the last prompt, keeps logits of every
token, and leaves a poisoned context behind when a restore fails.
"""

from __future__ import annotations

import ctypes
import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.backend import EvaluationAbortedError
from voiceflow_daemon.llm.chat_template import ChatTemplate

log = logging.getLogger(__name__)

BATCH_TOKENS = 512
_WARNING = 3
"""ggml's log levels count debug 1, info 2, warning 3, error 4."""
_ABORTED = 2
"""`llama_decode`'s return value when the abort callback stopped it."""


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _forward_log(level: int, text: bytes, _data: object) -> None:
    if level >= _WARNING:
        log.debug("llama.cpp: %s", text.decode("utf-8", "replace").rstrip())


class LlamaCppModel:
    """One GGUF model and one llama context with a single sequence (a `LanguageModel`)."""

    def __init__(
        self, path: Path, *, context_tokens: int, threads: int, gpu_layers: int, repacked_kernels: bool
    ) -> None:
        """Load the model; raises `ModelError` when the file is missing or is no GGUF model."""
        llama_cpp.llama_log_set(_forward_log, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self._model: Any = None
        self._context: Any = None
        if not path.is_file():
            raise ModelError(f"There is no model file {path}.", "See `voiceflow models list`.")
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        params.use_extra_bufts = repacked_kernels
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelError(f"llama.cpp cannot load {path}: it is no GGUF model or is damaged.")
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._open_context(context_tokens, threads)
        self._vocab_size = llama_cpp.llama_vocab_n_tokens(self._vocab)
        self._template = self._chat_template(path)
        self._identity = _identity(path)
        self._length = 0

    def _open_context(self, context_tokens: int, threads: int) -> None:
        params = llama_cpp.llama_context_default_params()
        trained = llama_cpp.llama_model_n_ctx_train(self._model)
        params.n_ctx = min(context_tokens, trained) if trained > 0 else context_tokens
        params.n_batch = params.n_ubatch = BATCH_TOKENS
        params.n_threads = params.n_threads_batch = threads
        params.n_seq_max = 1
        params.swa_full = True
        self._check: Callable[[], bool] | None = None
        # ctypes must not collect the callback while the context lives.
        self._abort_callback = llama_cpp.ggml_abort_callback(self._aborted)
        params.abort_callback = self._abort_callback
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        if not self._context:
            self.close()
            raise ModelError("llama.cpp cannot make a context for the model: too little memory?")
        self._memory = llama_cpp.llama_get_memory(self._context)
        self._context_tokens = int(llama_cpp.llama_n_ctx(self._context))

    def _chat_template(self, path: Path) -> ChatTemplate:
        source = llama_cpp.llama_model_chat_template(self._model, None)
        if not source:
            self.close()
            raise ModelError(f"{path} has no chat template.", "Choose an instruct (chat) model.")
        bos, eos = llama_cpp.llama_vocab_bos(self._vocab), llama_cpp.llama_vocab_eos(self._vocab)
        return ChatTemplate(source.decode(), bos=self._token_text(bos), eos=self._token_text(eos))

    def _token_text(self, token: int) -> str:
        return llama_cpp.llama_vocab_get_text(self._vocab, token).decode() if token >= 0 else ""

    def _aborted(self, _data: object) -> bool:
        return self._check is not None and self._check()

    @property
    def identity(self) -> str:
        """Digest of the file's size, times and head."""
        return self._identity

    @property
    def context_tokens(self) -> int:
        """Size of the context window."""
        return self._context_tokens

    def render_chat(self, system: str, user: str) -> str:
        """The prompt by the model's own template."""
        return self._template.render(system, user)

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids, without a BOS of llama.cpp's own: the template writes it."""
        data = text.encode()
        room = len(data) + 8
        ids = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), ids, room, False, special)
        if count < 0:
            raise ModelError("llama.cpp cannot tokenize the text.")
        return list(ids[:count])

    def piece(self, token: int) -> bytes:
        """The bytes of one token."""
        size = 256
        buffer = ctypes.create_string_buffer(size)
        count = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, size, 0, False)
        return buffer.raw[: max(count, 0)]

    def is_end(self, token: int) -> bool:
        """Whether the token ends the model's turn."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))

    def length(self) -> int:
        """How many tokens the sequence holds."""
        return self._length

    def truncate(self, length: int) -> None:
        """Keep the first `length` tokens, or none where the model refuses."""
        if length >= self._length:
            return
        if length > 0 and llama_cpp.llama_memory_seq_rm(self._memory, 0, length, -1):
            self._length = length
            return
        llama_cpp.llama_memory_clear(self._memory, True)
        self._length = 0

    def evaluate(self, tokens: Sequence[int]) -> int:
        """Append tokens in batches; the likeliest next token."""
        start = self._length
        if start + len(tokens) > self._context_tokens:
            raise ModelError("The text does not fit into the model's context window.")
        batch = llama_cpp.llama_batch_init(min(BATCH_TOKENS, len(tokens)), 0, 1)
        try:
            for first in range(0, len(tokens), BATCH_TOKENS):
                chunk = tokens[first : first + BATCH_TOKENS]
                self._fill(batch, chunk, last=first + len(chunk) == len(tokens))
                self._decode(batch, start)
                self._length += len(chunk)
        finally:
            llama_cpp.llama_batch_free(batch)
        logits = llama_cpp.llama_get_logits_ith(self._context, -1)
        return int(np.ctypeslib.as_array(logits, (self._vocab_size,)).argmax())

    def _fill(self, batch: Any, chunk: Sequence[int], *, last: bool) -> None:
        batch.n_tokens = len(chunk)
        for index, token in enumerate(chunk):
            batch.token[index] = token
            batch.pos[index] = self._length + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = last and index == len(chunk) - 1

    def _decode(self, batch: Any, rollback_to: int) -> None:
        result = llama_cpp.llama_decode(self._context, batch)
        if result == 0:
            return
        # Some of the batch may be in the cache already: what was there before stays, the rest goes.
        self._length += 1
        self.truncate(rollback_to)
        if result == _ABORTED:
            raise EvaluationAbortedError
        raise ModelError(f"llama.cpp failed to evaluate the text (llama_decode returned {result}).")

    def set_abort_check(self, check: Callable[[], bool] | None) -> None:
        """Ask `check` between graph nodes."""
        self._check = check

    def close(self) -> None:
        """Free context and model."""
        if self._context:
            llama_cpp.llama_free(self._context)
            self._context = None
        if self._model:
            llama_cpp.llama_model_free(self._model)
            self._model = None


def _identity(path: Path) -> str:
    """Digest of name, size, modification time and the first MiB (metadata and vocabulary)."""
    stat = path.stat()
    digest = hashlib.sha256(f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}".encode())
    with path.open("rb") as file:
        digest.update(file.read(1 << 20))
    return digest.hexdigest()
