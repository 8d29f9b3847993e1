"""llama.cpp through the low-level functions of llama-cpp-python: its only importer.

The high-level `Llama` class is not used: it knows only the last prompt, keeps logits of every
token, and leaves a poisoned context behind when a restore fails.
"""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# libgomp's threads spin for milliseconds at each of the hundreds of barriers a token has. On a machine
# with one other busy core they wait for a thread that the kernel has not scheduled, while holding its
# core: measured 4,300 ms a token instead of 16. Spinning briefly costs little on an idle machine.
# libgomp reads this when it is loaded, so it stands before the import.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import llama_cpp
import numpy as np

from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm import gguf_file
from voiceflow_daemon.llm.backend import ContextOverflowError, EvaluationAbortedError, StateBytes
from voiceflow_daemon.llm.chat_template import ChatTemplate
from voiceflow_daemon.llm.plain_text import cut_markers
from voiceflow_daemon.llm.processor import default_threads

log = logging.getLogger(__name__)

BATCH_TOKENS = 512
_WARNING = 3
"""ggml's log levels count debug 1, info 2, warning 3, error 4."""
_ABORTED = 2
"""`llama_decode`'s return value when the abort callback stopped it."""
_CONTROL = llama_cpp.LLAMA_TOKEN_ATTR_CONTROL
_USER_DEFINED = llama_cpp.LLAMA_TOKEN_ATTR_USER_DEFINED
_UNSUITABLE = "Choose an instruct (chat) model, see `voiceflow models list`."
_DAMAGED = "Download it again, see `voiceflow models download`."


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _forward_log(level: int, text: bytes, _data: object) -> None:
    if level >= _WARNING:
        log.debug("llama.cpp: %s", text.decode("utf-8", "replace").rstrip())


class _StopFlag:
    """An abort callback for llama.cpp that never enters Python.

    It is asked some hundred times a token. A callback in Python needs the interpreter's lock each
    time, and another busy thread makes it wait up to 5 ms (measured: prefill 40 times slower). So
    the callback is the C library's `strlen` and its argument a string in our memory: empty means
    go on, one character long means stop.
    """

    def __init__(self) -> None:
        self._text = ctypes.create_string_buffer(2)
        library = ctypes.cdll.msvcrt if os.name == "nt" else ctypes.CDLL(None)
        self.callback = ctypes.cast(library.strlen, llama_cpp.ggml_abort_callback)
        self.data = ctypes.cast(self._text, ctypes.c_void_p)

    def raise_(self) -> None:
        self._text[0] = b"\1"

    def lower(self) -> None:
        self._text[0] = b"\0"


class LlamaCppModel:
    """One GGUF model and one llama context with a single sequence (a `LanguageModel`)."""

    def __init__(
        self, path: Path, *, context_tokens: int, threads: int, gpu_layers: int, repacked_kernels: bool
    ) -> None:
        """Load the model; with 0 threads, as many as pay for its size.

        Raises `ModelError` when the file is missing, is no GGUF model or has no chat template.
        """
        llama_cpp.llama_log_set(_forward_log, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        self._model: Any = None
        self._context: Any = None
        self._length = 0
        self._stop = _StopFlag()
        gguf_file.check(path)
        try:
            self._load(path, gpu_layers, repacked_kernels)
            self._open_context(context_tokens, threads or default_threads(path.stat().st_size))
            self._template = self._chat_template(path)
        except BaseException:
            self.close()
            raise
        self._identity = gguf_file.identity(path)

    def _load(self, path: Path, gpu_layers: int, repacked_kernels: bool) -> None:
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = gpu_layers
        params.use_extra_bufts = repacked_kernels
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelError(f"llama.cpp cannot load {path}: it is damaged or of an unknown kind.", _DAMAGED)
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._vocab_size = llama_cpp.llama_vocab_n_tokens(self._vocab) if self._vocab else 0
        writes = llama_cpp.llama_model_has_decoder(self._model) and not (
            llama_cpp.llama_model_has_encoder(self._model) or llama_cpp.llama_model_is_diffusion(self._model)
        )
        if self._vocab_size <= 0 or not writes:
            raise ModelError(f"{path} is no model that writes text.", _UNSUITABLE)

    def _open_context(self, context_tokens: int, threads: int) -> None:
        params = llama_cpp.llama_context_default_params()
        trained = llama_cpp.llama_model_n_ctx_train(self._model)
        params.n_ctx = min(context_tokens, trained) if trained > 0 else context_tokens
        params.n_batch = params.n_ubatch = BATCH_TOKENS
        params.n_threads = params.n_threads_batch = threads
        params.n_seq_max = 1
        # Spelled out, for stored prefixes depend on them: a unified cache with flash attention is
        # not bit-exact when another sequence is resident, separate ones are.
        params.kv_unified = False
        params.flash_attn_type = llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        # Sliding-window models keep all positions, so that the sequence can be truncated.
        params.swa_full = True
        params.abort_callback, params.abort_callback_data = self._stop.callback, self._stop.data
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        if not self._context:
            raise ModelError(
                "llama.cpp cannot make a context for the model: too little memory?",
                "Lower context_tokens in [llm], or choose a smaller model.",
            )
        self._memory = llama_cpp.llama_get_memory(self._context)
        if not self._memory:
            raise ModelError("The model keeps no memory of a text.", _UNSUITABLE)
        self._context_tokens = int(llama_cpp.llama_n_ctx_seq(self._context))
        self._goes_back = not (
            llama_cpp.llama_model_is_recurrent(self._model) or llama_cpp.llama_model_is_hybrid(self._model)
        )

    def _chat_template(self, path: Path) -> ChatTemplate:
        source = llama_cpp.llama_model_chat_template(self._model, None)
        if not source:
            raise ModelError(f"{path} has no chat template.", _UNSUITABLE)
        return ChatTemplate(
            source.decode("utf-8", "replace"),
            bos=self._token_text(llama_cpp.llama_vocab_bos(self._vocab)),
            eos=self._token_text(llama_cpp.llama_vocab_eos(self._vocab)),
            always_bos=bool(llama_cpp.llama_vocab_get_add_bos(self._vocab)),
        )

    def _token_text(self, token: int) -> str:
        text = llama_cpp.llama_vocab_get_text(self._vocab, token) if 0 <= token < self._vocab_size else b""
        return (text or b"").decode("utf-8", "replace")

    @property
    def identity(self) -> str:
        """Digest of the file's place, size, time and samples of its content."""
        return self._identity

    @property
    def state_identity(self) -> str:
        """The model's identity, until all that a state depends on is in it."""
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
        if special:
            return self._ids(text, special=True)
        return cut_markers(text, lambda part: self._ids(part, special=False), self._marker)

    def _ids(self, text: str, *, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        room = len(data) + 8
        ids = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), ids, room, False, special)
        if count < 0:
            raise ModelError("llama.cpp cannot tokenize the text.")
        return list(ids[:count])

    def _marker(self, token: int) -> str | None:
        """The text of a control token or a user-defined tag; None for an ordinary token."""
        attributes = llama_cpp.llama_vocab_get_attr(self._vocab, token)
        if not attributes & (_CONTROL | _USER_DEFINED) and not self.is_end(token):
            return None
        text = self._bytes(token, special=True).decode("utf-8", "replace")
        # Some vocabularies have single letters as user-defined tokens: they open and close nothing.
        return None if attributes & _USER_DEFINED and len(text) <= 1 else text

    def piece(self, token: int) -> bytes:
        """The bytes of one token."""
        return self._bytes(token, special=False)

    def _bytes(self, token: int, *, special: bool) -> bytes:
        size = 256
        while True:
            buffer = ctypes.create_string_buffer(size)
            count = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, size, 0, special)
            if count >= 0:
                return buffer.raw[:count]
            size = -count

    def is_end(self, token: int) -> bool:
        """Whether the token ends the model's turn."""
        return bool(llama_cpp.llama_vocab_is_eog(self._vocab, token))

    def length(self) -> int:
        """How many tokens the sequence holds."""
        return self._length

    def truncate(self, length: int) -> None:
        """Keep the first `length` tokens, or none where the model refuses."""
        if length < self._length:
            self._cut_to(length)

    def _cut_to(self, length: int) -> None:
        if (
            length > 0
            and llama_cpp.llama_memory_seq_rm(self._memory, 0, length, -1)
            and llama_cpp.llama_memory_seq_pos_max(self._memory, 0) == length - 1
        ):
            self._length = length
            return
        llama_cpp.llama_memory_clear(self._memory, True)
        self._length = 0

    def evaluate(self, tokens: Sequence[int]) -> int:
        """Append tokens in batches; the likeliest next token."""
        start = self._length
        if start + len(tokens) > self._context_tokens:
            raise ContextOverflowError
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
        if not logits:
            self._cut_to(0)
            raise ModelError("llama.cpp computed no result for the text.")
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
        # Part of the batch may be in the memory already. What was there before stays, unless the
        # model folds all tokens into one state: then that state is spoilt.
        self._cut_to(rollback_to if self._goes_back else 0)
        if result == _ABORTED:
            raise EvaluationAbortedError
        raise ModelError(f"llama.cpp failed to evaluate the text (llama_decode returned {result}).")

    def state(self) -> StateBytes:
        """A copy of the sequence's K/V rows and positions; no logits."""
        size = int(llama_cpp.llama_state_seq_get_size(self._context, 0))
        state = np.empty(size, np.uint8)
        written = llama_cpp.llama_state_seq_get_data(self._context, _bytes_of(state), size, 0)
        if size == 0 or written != size:
            raise ModelError("llama.cpp does not give the state of the text.")
        return state

    def restore(self, state: StateBytes, length: int) -> bool:
        """Replace the sequence; the native code is told the exact size and must use all of it."""
        self._cut_to(0)
        used = llama_cpp.llama_state_seq_set_data(self._context, _bytes_of(state), state.size, 0)
        if used != state.size or llama_cpp.llama_memory_seq_pos_max(self._memory, 0) != length - 1:
            self._cut_to(0)
            return False
        self._length = length
        return True

    def stop(self) -> None:
        """End the running evaluation between two graph nodes."""
        self._stop.raise_()

    def resume(self) -> None:
        """Evaluate again."""
        self._stop.lower()

    def close(self) -> None:
        """Free context and model; harmless when called twice."""
        if self._context:
            llama_cpp.llama_free(self._context)
            self._context = None
        if self._model:
            llama_cpp.llama_model_free(self._model)
            self._model = None


def _bytes_of(state: StateBytes) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
