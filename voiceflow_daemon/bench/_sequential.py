"""The other side: record all, then faster-whisper's `transcribe`, then `Llama.create_chat_completion`.

With each library's defaults, or tuned for dictation. Models, precision, threads and kernels are ours.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import llama_cpp
import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray
from tqdm import tqdm  # type: ignore[import-untyped]

from voiceflow_daemon.bench._llama_class import kernels
from voiceflow_daemon.bench.sequential import Answered, Models
from voiceflow_daemon.bench.transcripts import EARLIER

_END = 1
"""The token that ends an answer."""
TUNED: dict[str, Any] = {"beam_size": 1, "condition_on_previous_text": False}


class Sequential:
    """Both models, loaded once more."""

    def __init__(self, models: Models) -> None:
        """Load them; they are warm after the first dictation."""
        self._models = models
        tqdm.monitor_interval = 0  # faster-whisper's progress bar would leave a thread behind, shown or not
        self._whisper = WhisperModel(
            str(models.speech),
            device="cpu",
            compute_type=models.compute_type,
            cpu_threads=models.speech_threads,
            local_files_only=True,
        )
        with kernels(models.repacked_kernels):
            self._llama = llama_cpp.Llama(
                str(models.llm),
                n_ctx=models.context_tokens,
                n_threads=models.llm_threads,
                n_threads_batch=models.llm_threads,
                n_gpu_layers=models.gpu_layers,
                verbose=False,
            )

        self._no_end = {self._llama.token_eos(): -math.inf}

    def defaults(self, samples: NDArray[np.int16], system: str, transcript: str, written: str) -> Answered:
        """With the defaults of both libraries; the model has read something else before.

        Recognised are `samples`, int16 at 16 kHz, shape (n,). Formatted is `transcript`, not what was
        heard, for the same work is to be done; and no more tokens are written than `written` has, nor
        fewer by stand-ins.
        """
        self._llama.reset()
        most_tokens = self.tokens(written) + _END
        return self._dictate(samples, {}, lambda: self._format(system, transcript, most_tokens))

    def tuned(self, samples: NDArray[np.int16], system: str, transcript: str, written: str) -> Answered:
        """Greedy, in a known language, and with the prompt still in the model from the dictation before."""
        self._format(system, EARLIER, 1)
        options = TUNED | {"language": self._models.language}
        most_tokens = self.tokens(written) + _END
        return self._dictate(samples, options, lambda: self._format(system, transcript, most_tokens))

    def tokens(self, text: str) -> int:
        """How many tokens the text has."""
        return len(self._llama.tokenize(text.encode(), add_bos=False))

    def close(self) -> None:
        """Free both models."""
        self._whisper.model.unload_model()
        self._llama.close()

    def _dictate(
        self, samples: NDArray[np.int16], options: dict[str, Any], write: Callable[[], None]
    ) -> Answered:
        cpu_s, began = time.process_time(), time.perf_counter()
        heard = self._transcribe(samples, options)
        between = time.perf_counter()
        write()
        ended = time.perf_counter()
        stages_ms = {"transcribe": (between - began) * 1e3, "format": (ended - between) * 1e3}
        return Answered(heard, stages_ms, time.process_time() - cpu_s)

    def _transcribe(self, samples: NDArray[np.int16], options: dict[str, Any]) -> str:
        if self._models.are_stand_ins:
            options = options | {"without_timestamps": True}
        segments, _ = self._whisper.transcribe(samples.astype(np.float32) / np.float32(32768), **options)
        return " ".join(segment.text.strip() for segment in segments)

    def _format(self, system: str, transcript: str, most_tokens: int) -> None:
        messages: list[Any] = [
            {"role": "system", "content": system},
            {"role": "user", "content": transcript},
        ]
        options: dict[str, Any] = {"logit_bias": self._no_end} if self._models.are_stand_ins else {}
        self._llama.create_chat_completion(messages, max_tokens=most_tokens, temperature=0.0, **options)
