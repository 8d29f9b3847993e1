"""From a recording to finished text: recognise, then format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.formatting import Formatter
from voiceflow_daemon.daemon.live import LiveDictation
from voiceflow_daemon.llm.engine import always
from voiceflow_daemon.llm.kv_cache import PromptEntry
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.speech.transcriber import Transcriber


class Pipeline:
    """Owns both models; one thread uses it, but for those methods that any thread may call."""

    def __init__(self, transcriber: Transcriber, formatter: Formatter, metrics: Metrics) -> None:
        self._transcriber = transcriber
        self._formatter = formatter
        self._metrics = metrics

    def begin(self, context: str, settings: Settings) -> LiveDictation:
        """A dictation that is heard while it is spoken; it ends with the pipeline."""
        return LiveDictation(context, settings, self._transcriber, self._formatter, self._metrics)

    def finish(
        self,
        live: LiveDictation,
        samples: NDArray[np.int16],
        gap_s: float = 0.0,
        wanted: Callable[[], bool] = always,
    ) -> Dictated:
        """Recognise and format what is left of the whole recording, as `LiveDictation.finish` does."""
        try:
            dictated = live.finish(samples, gap_s, wanted)
        finally:
            self._formatter.forget_dictation()
        self._metrics.count(f"rung_{dictated.rung}")
        return dictated

    def accept(self, guessed: Dictated) -> Dictated:
        """What was recognised and formatted just before the end, and is right: nothing is left to do.

        All that it took is the stage "guess".
        """
        self._formatter.forget_dictation()
        self._metrics.count("guesses_right")
        self._metrics.count(f"rung_{guessed.rung}")
        took_ms = sum(guessed.stages_ms.values())
        return replace(guessed, stages_ms={"guess": took_ms, **dict.fromkeys(guessed.stages_ms, 0.0)})

    def forget_dictation(self) -> None:
        """One that was being spoken is not wanted: what the models read of it goes."""
        self._formatter.forget_dictation()

    def after_waiting(self, dictated: Dictated, waited_ms: float) -> Dictated:
        """With the time that the release waited for a transcription that went on, as a stage of its own."""
        self._metrics.observe_ms("wait_ms", waited_ms)
        return replace(dictated, stages_ms={"wait": waited_ms, **dictated.stages_ms})

    def leave_room(self, room: bool) -> None:
        """Whether the language model leaves a core or more to the desktop; any thread may say so."""
        self._formatter.leave_room(room)

    def process(
        self,
        samples: NDArray[np.int16],
        context: str,
        settings: Settings,
        wanted: Callable[[], bool] = always,
    ) -> Dictated:
        """Recognise and format mono audio at 16 kHz, shape (n,), all at once.

        Raises `ModelError`; `NotWantedError` when `wanted` says no between the stages.
        """
        return self.finish(self.begin(context, settings), samples, wanted=wanted)

    def preload_prompts(self, context: str, settings: Settings, wanted: Callable[[], bool] = always) -> bool:
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
