"""From a recording to finished text: recognise, then format."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.formatting import Formatter, Rung
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.speech.transcriber import Transcriber


@dataclass(frozen=True)
class Dictated:
    """The result for one recording. `stages_ms` has the time of each stage in milliseconds."""

    raw: str
    text: str
    rung: Rung
    stages_ms: dict[str, float] = field(default_factory=dict)


class Pipeline:
    """Owns both models; used by the worker thread, but for `invalidate_prompt_cache` and `abort`."""

    def __init__(self, transcriber: Transcriber, formatter: Formatter, metrics: Metrics) -> None:
        self._transcriber = transcriber
        self._formatter = formatter
        self._metrics = metrics

    def process(self, samples: NDArray[np.int16], context: str, settings: Settings) -> Dictated:
        """Recognise and format mono audio at 16 kHz, shape (n,). Raises `ModelError`."""
        stages: dict[str, float] = {}
        with self._stage("transcribe", stages):
            heard = self._transcriber.transcribe(samples.astype(np.float32) / 32768.0, settings.speech)
        if not heard.text:
            return self._counted(Dictated("", "", Rung.NOTHING, stages))
        with self._stage("format", stages):
            text, rung = self._formatter.format(heard.text, context, settings, heard.language)
        return self._counted(Dictated(heard.text, text, rung, stages))

    def preload_prompts(self, context: str, settings: Settings) -> None:
        """Make the context's prompt ready, so that no dictation waits for it."""
        self._formatter.prepare(context, settings)

    def invalidate_prompt_cache(self, *, everything: bool = False) -> None:
        """Forget the templates; with `everything`, what was tokenized and evaluated as well.

        Any thread may call it. What is keyed by content stays valid where the content is unchanged,
        so a reload costs no forward pass.
        """
        self._formatter.invalidate(everything=everything)

    def abort(self) -> None:
        """Stop what the language model is doing; any thread may call it."""
        self._formatter.abort()

    def close(self) -> None:
        """Free the models."""
        self._transcriber.close()
        self._formatter.close()

    @contextmanager
    def _stage(self, name: str, stages: dict[str, float]) -> Iterator[None]:
        start = time.perf_counter()
        yield
        stages[name] = (time.perf_counter() - start) * 1e3
        self._metrics.observe_ms(f"{name}_ms", stages[name])

    def _counted(self, dictated: Dictated) -> Dictated:
        self._metrics.count(f"rung_{dictated.rung}")
        return dictated
