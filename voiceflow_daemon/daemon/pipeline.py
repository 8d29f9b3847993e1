"""From a recording to finished text: recognise, format, with the ladder when something is missing."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.llm.engine import LlmEngine
from voiceflow_daemon.llm.prompt_cache import PromptCache
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.speech.transcriber import Transcriber
from voiceflow_daemon.text.rules import format_by_rules


class Rung(StrEnum):
    """Who wrote the finished text."""

    MODEL = "model"
    RULES = "rules"
    NOTHING = "nothing"
    """Nobody spoke."""


@dataclass(frozen=True)
class Dictated:
    """The result for one recording. `stages_ms` has the time of each stage in milliseconds."""

    raw: str
    text: str
    rung: Rung
    stages_ms: dict[str, float] = field(default_factory=dict)


class Pipeline:
    """Owns both models; used by the worker thread, but for `invalidate_prompt_cache`."""

    def __init__(
        self, transcriber: Transcriber, engine: LlmEngine | None, prompts: PromptCache, metrics: Metrics
    ) -> None:
        self._transcriber = transcriber
        self._engine = engine
        self._prompts = prompts
        self._metrics = metrics
        if engine is not None:
            engine.set_prompt_cache(prompts)

    def process(self, samples: NDArray[np.int16], context: str, settings: Settings) -> Dictated:
        """Recognise and format mono audio at 16 kHz, shape (n,)."""
        stages: dict[str, float] = {}
        start = time.perf_counter()
        heard = self._transcriber.transcribe(samples.astype(np.float32) / 32768.0, settings.speech)
        stages["transcribe"] = (time.perf_counter() - start) * 1e3
        if not heard.text:
            return Dictated("", "", Rung.NOTHING, stages)
        start = time.perf_counter()
        text, rung = self._format(heard.text, context, settings)
        stages["format"] = (time.perf_counter() - start) * 1e3
        for stage, milliseconds in stages.items():
            self._metrics.observe_ms(f"{stage}_ms", milliseconds)
        self._metrics.count(f"rung_{rung}")
        return Dictated(heard.text, text, rung, stages)

    def _format(self, raw: str, context: str, settings: Settings) -> tuple[str, Rung]:
        if self._engine is not None:
            deadline = time.monotonic() + settings.llm.deadline_s
            formatted = self._engine.format(raw, context, settings, deadline)
            if formatted.complete and formatted.text:
                return formatted.text, Rung.MODEL
        return format_by_rules(raw), Rung.RULES

    def preload_prompts(self, context: str, settings: Settings) -> None:
        """Make the context's prompt ready, so that the next dictation does not wait for it."""
        if self._engine is not None:
            self._engine.prepare(context, settings)

    def invalidate_prompt_cache(self) -> None:
        """Forget all prompts; any thread may call it."""
        self._prompts.invalidate()

    def close(self) -> None:
        """Free the models."""
        self._transcriber.close()
        if self._engine is not None:
            self._engine.close()
