"""A language model in llama.cpp: one GGUF file, one llama context, one sequence."""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm import gguf_file
from voiceflow_daemon.llm._llama_layout import BATCH_TOKENS, Layout, state_identity
from voiceflow_daemon.llm._llama_library import StopFlag, llama_cpp, start
from voiceflow_daemon.llm._llama_vocabulary import LlamaVocabulary
from voiceflow_daemon.llm.backend import ContextOverflowError, EvaluationAbortedError, StateBytes
from voiceflow_daemon.llm.processor import default_threads, threads_with_room, usable_cores

log = logging.getLogger(__name__)

_ABORTED = 2
"""`llama_decode`'s return value when the abort callback stopped it."""
_UNSUITABLE = "Choose an instruct (chat) model, see `voiceflow models list`."
_DAMAGED = "Download it again, see `voiceflow models download`."


class LlamaCppModel:
    """One GGUF model and one llama context with a single sequence (a `LanguageModel`)."""

    def __init__(
        self, path: Path, *, context_tokens: int, threads: int, gpu_layers: int, repacked_kernels: bool
    ) -> None:
        """Load the model; with 0 threads, as many as pay for its size.

        Raises `ModelError` when the file is missing, is no GGUF model or has no chat template.
        """
        start()
        self._model: Any = None
        self._context: Any = None
        self._length = 0
        self._stop = StopFlag()
        gguf_file.check(path)
        threads = threads or default_threads(path.stat().st_size)
        self._layout = Layout(context_tokens, threads, gpu_layers, repacked_kernels)
        self._with_room = threads_with_room(threads, usable_cores())
        self._leaves_room = False
        try:
            self._load(path)
            self._open_context()
            template = self._vocabulary.chat_template()
            if template is None:
                raise ModelError(f"{path} has no chat template.", _UNSUITABLE)
            self._template = template
            self._identity = gguf_file.identity(path)
            self._state_identity = self._identify_states()
        except BaseException:
            self.close()
            raise

    def _load(self, path: Path) -> None:
        params = self._layout.model_params()
        self._model = llama_cpp.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise ModelError(f"llama.cpp cannot load {path}: it is damaged or of an unknown kind.", _DAMAGED)
        self._vocabulary = LlamaVocabulary(self._model)
        self._vocab_size = self._vocabulary.size
        writes = llama_cpp.llama_model_has_decoder(self._model) and not (
            llama_cpp.llama_model_has_encoder(self._model) or llama_cpp.llama_model_is_diffusion(self._model)
        )
        if self._vocab_size <= 0 or not writes:
            raise ModelError(f"{path} is no model that writes text.", _UNSUITABLE)
        self._goes_back = not (
            llama_cpp.llama_model_is_recurrent(self._model) or llama_cpp.llama_model_is_hybrid(self._model)
        )
        self._window = int(llama_cpp.llama_model_n_swa(self._model))

    def _open_context(self) -> None:
        """With nothing in it."""
        self._length = self._floor = 0
        trained = llama_cpp.llama_model_n_ctx_train(self._model)
        params = self._layout.context_params(trained, self._stop)
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

    def _drop_context(self) -> None:
        """Free a context that may be poisoned; it is made anew when it is needed.

        A restore that failed half-way can spoil what such a context computes until the process ends
        (llama.cpp#27068), and so can a number that is none.
        """
        self._length = 0
        if self._context:
            llama_cpp.llama_free(self._context)
            self._context = None

    def _identify_states(self) -> str:
        trained = llama_cpp.llama_model_n_ctx_train(self._model)
        return state_identity(
            self._identity,
            self._layout.model_params(),
            self._layout.context_params(trained, self._stop),
            self._context,
        )

    @property
    def identity(self) -> str:
        """Digest of the file's place, size, time and samples of its content."""
        return self._identity

    @property
    def state_identity(self) -> str:
        """Digest of the model, llama.cpp's build, the CPU and the layout of the context."""
        return self._state_identity

    @property
    def context_tokens(self) -> int:
        """Size of the context window."""
        return self._context_tokens

    def render_chat(self, system: str, user: str, earlier: Sequence[tuple[str, str]] = ()) -> str:
        """The prompt by the model's own template."""
        return self._template.render(system, user, earlier)

    def tokenize(self, text: str, *, special: bool) -> list[int]:
        """Token ids, without a BOS of llama.cpp's own: the template writes it."""
        return self._vocabulary.tokenize(text, special=special)

    def piece(self, token: int) -> bytes:
        """The bytes of one token."""
        return self._vocabulary.bytes_of(token, special=False)

    def is_end(self, token: int) -> bool:
        """Whether the token ends the model's turn."""
        return self._vocabulary.is_end(token)

    def length(self) -> int:
        """How many tokens the sequence holds."""
        return self._length

    def truncate(self, length: int) -> None:
        """Keep the first `length` tokens, or none where the model cannot."""
        if length < self._length:
            self._cut_to(length)

    def _cut_to(self, length: int) -> None:
        if length > 0 and llama_cpp.llama_memory_seq_rm(self._memory, 0, length, -1) and self._holds(length):
            self._length = length
            return
        # The cells are marked free, not overwritten: 0.02 ms instead of 5 with a 0.5B model.
        llama_cpp.llama_memory_clear(self._memory, False)
        self._length = self._floor = 0

    def _holds(self, length: int) -> bool:
        """Whether the memory has the first `length` tokens, as many of them as the model keeps."""
        newest = llama_cpp.llama_memory_seq_pos_max(self._memory, 0)
        oldest = llama_cpp.llama_memory_seq_pos_min(self._memory, 0)
        if newest != length - 1:
            return False
        if not self._goes_back:
            return bool(oldest == newest)
        return bool(oldest == 0 or (self._window and 0 < oldest <= self._floor <= length))

    def evaluate(self, tokens: Sequence[int]) -> int:
        """Append tokens in batches; the likeliest next token."""
        return self._append(tokens, each=False)[-1]

    def evaluate_each(self, tokens: Sequence[int]) -> list[int]:
        """Append tokens in batches; the likeliest next token after each of them."""
        return self._append(tokens, each=True)

    def _append(self, tokens: Sequence[int], *, each: bool) -> list[int]:
        """The likeliest next token after each of the tokens, or after the last one alone."""
        if not self._context:
            self._open_context()
        before = self._length
        if before + len(tokens) > self._context_tokens:
            raise ContextOverflowError
        likeliest: list[int] = []
        batch = llama_cpp.llama_batch_init(min(BATCH_TOKENS, len(tokens)), 0, 1)
        try:
            for first in range(0, len(tokens), BATCH_TOKENS):
                chunk = tokens[first : first + BATCH_TOKENS]
                is_last = first + len(chunk) == len(tokens)
                wanted = len(chunk) if each else int(is_last)
                self._fill(batch, chunk, wanted)
                self._decode(batch, before)
                self._length += len(chunk)
                if wanted:
                    likeliest += self._likeliest(wanted)
        finally:
            llama_cpp.llama_batch_free(batch)
        if before == 0 and self._window:
            self._settle()
        return likeliest

    def _likeliest(self, rows: int) -> list[int]:
        """By the logits of the `rows` tokens that were asked for."""
        pointer = llama_cpp.llama_get_logits(self._context)
        if pointer:
            logits = np.ctypeslib.as_array(pointer, (rows, self._vocab_size))
            best = logits.argmax(axis=1)
            # `argmax` returns the first that is no number.
            if not np.isnan(logits[np.arange(rows), best]).any():
                return [int(token) for token in best]
        self._drop_context()
        raise ModelError("llama.cpp computed no result for the text.")

    def _fill(self, batch: Any, chunk: Sequence[int], wanted: int) -> None:
        """The chunk behind what is there, asking for the logits of its last `wanted` tokens."""
        batch.n_tokens = len(chunk)
        for index, token in enumerate(chunk):
            batch.token[index] = token
            batch.pos[index] = self._length + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index >= len(chunk) - wanted

    def _decode(self, batch: Any, rollback_to: int) -> None:
        threads = self._with_room if self._leaves_room and rollback_to > 0 else self._layout.threads
        llama_cpp.llama_set_n_threads(self._context, threads, threads)
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
        if self._length == 0:
            raise ModelError("An empty sequence has no state.")
        size = int(llama_cpp.llama_state_seq_get_size(self._context, 0))
        state = np.empty(size, np.uint8)
        written = llama_cpp.llama_state_seq_get_data(self._context, _bytes_of(state), size, 0)
        if size == 0 or written != size:
            raise ModelError("llama.cpp does not give the state of the text.")
        return state

    def _settle(self) -> None:
        """Make a sequence in a sliding window stand in its cells as it will after each restore.

        A state leaves out what the window has passed, so that restored cells move up; single tokens
        behind them then round otherwise (up to 0.07 in the logits). So whatever is evaluated into an
        empty sequence, a prefix, moves up at once: about a millisecond.
        """
        if not self.restore(self.state(), self._length):
            raise ModelError("llama.cpp does not take back the state of the text.")

    def restore(self, state: StateBytes, length: int) -> bool:
        """Replace the sequence; llama.cpp must use all bytes and hold just these tokens afterwards."""
        if not self._context:
            self._open_context()
        self._cut_to(0)
        if not 0 < length <= self._context_tokens or state.size == 0:
            return False
        data = np.ascontiguousarray(state, np.uint8)
        used = llama_cpp.llama_state_seq_set_data(self._context, _bytes_of(data), data.size, 0)
        # What a sliding window has passed is in no state: then nothing shorter can be cut out of it.
        self._floor = length if llama_cpp.llama_memory_seq_pos_min(self._memory, 0) > 0 else 0
        if (
            used != data.size
            or not self._holds(length)
            or llama_cpp.llama_state_seq_get_size(self._context, 0) != data.size
        ):
            log.info("llama.cpp does not take a kept state; its context is made anew")
            self._drop_context()
            return False
        self._length = length
        return True

    def leave_room(self, room: bool) -> None:
        """Compute what follows a prefix by fewer threads, or by all."""
        self._leaves_room = room

    def stop(self) -> None:
        """End the running evaluation between two graph nodes."""
        self._stop.raise_()

    def resume(self) -> None:
        """Evaluate again."""
        self._stop.lower()

    def close(self) -> None:
        """Free context and model; harmless when called twice."""
        self._drop_context()
        if self._model:
            llama_cpp.llama_model_free(self._model)
            self._model = None


def _bytes_of(state: StateBytes) -> Any:
    return state.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))
