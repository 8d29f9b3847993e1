"""From a recording to finished text: recognise, then format."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.formatting import Formatter, Rung
from voiceflow_daemon.llm.kv_cache import PromptEntry
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.speech.transcriber import Transcriber


@dataclass(frozen=True)
class Dictated:
    """The result for one recording. `stages_ms` has the time of each stage in milliseconds."""

    raw: str
    text: str
    rung: Rung
    stages_ms: dict[str, float] = field(default_factory=dict)


class NotWantedError(Exception):
    """The work was given up between two stages, as its caller wished."""


def _always() -> bool:
    return True


class Pipeline:
    """Owns both models; one thread uses it, but for those methods that any thread may call."""

    def __init__(self, transcriber: Transcriber, formatter: Formatter, metrics: Metrics) -> None:
        self._transcriber = transcriber
        self._formatter = formatter
        self._metrics = metrics

    def process(
        self,
        samples: NDArray[np.int16],
        context: str,
        settings: Settings,
        wanted: Callable[[], bool] = _always,
    ) -> Dictated:
        """Recognise and format mono audio at 16 kHz, shape (n,).

        Raises `ModelError`; `NotWantedError` when `wanted` says no between the stages.
        """
        stages: dict[str, float] = {}
        with self._stage("transcribe", stages):
            heard = self._transcriber.transcribe(samples.astype(np.float32) / 32768.0, settings.speech)
        if not heard.text:
            return self._counted(Dictated("", "", Rung.NOTHING, stages))
        if not wanted():
            raise NotWantedError
        with self._stage("format", stages):
            text, rung = self._formatter.format(heard.text, context, settings, heard.language)
        return self._counted(Dictated(heard.text, text, rung, stages))

    def preload_prompts(self, context: str, settings: Settings, wanted: Callable[[], bool] = _always) -> bool:
        """Make the context's prompt ready, so that no dictation waits for it.

        False when it was interrupted by `abort`, or `wanted` says no at its beginning. Raises
        `ConfigError` or `ModelError` when the prompt cannot be used.
        """
        return self._formatter.prepare(context, settings, wanted)

    def invalidate_prompt_cache(self, *, everything: bool = False) -> None:
        """Forget the templates; with `everything`, what was tokenized and evaluated as well.

        Any thread may call it; files are gone when it returns. What is keyed by content stays valid
        where the content is unchanged, so a reload costs no forward pass.
        """
        self._formatter.invalidate(everything=everything)

    def prompt_entries(self) -> tuple[PromptEntry, ...]:
        """Where each context's evaluated prompt is now; any thread may ask."""
        return self._formatter.prompt_entries()

    def prompt_problem(self) -> str:
        """Why evaluated prompts are not kept on disk; empty when they are. Any thread may ask."""
        return self._formatter.prompt_problem()

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
