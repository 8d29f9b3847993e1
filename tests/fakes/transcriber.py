"""A recogniser for tests that need words, not recognition."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.config.schema import SpeechSettings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.speech.transcriber import (
    SAMPLE_RATE_HZ,
    RecognitionAbortedError,
    Transcript,
    always,
)

LOUD = 0.01
"""Sound above this counts as speech."""


class FakeTranscriber:
    """Hears its script, one text a call, the last one again and again; nothing where there is no sound."""

    def __init__(self, script: Sequence[str] = ("hello world",), languages: Sequence[str] = ("en",)) -> None:
        self._script = list(script)
        self._languages = languages
        self.heard: list[NDArray[np.float32]] = []
        """The audio of each call."""
        self.warmed_up = False
        self.closed = False

    def warm_up(self) -> None:
        self.warmed_up = True

    def transcribe(
        self,
        samples: NDArray[np.float32],
        settings: SpeechSettings,
        loudness: float = 0.0,
        wanted: Callable[[], bool] = always,
    ) -> Transcript:
        if self.closed:
            raise ModelError("The speech model was closed.")
        known = [language for language in settings.languages if language in self._languages]
        if not known:
            raise ModelError("The speech model does not know these languages.", "Choose another.")
        self.heard.append(samples.copy())
        loud = int(np.count_nonzero(np.abs(np.nan_to_num(samples)) > LOUD))
        if not loud:
            return Transcript("", known[0], 0.0)
        if not wanted():
            raise RecognitionAbortedError
        text = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        return Transcript(text, known[0], loud / SAMPLE_RATE_HZ)

    def close(self) -> None:
        self.closed = True
