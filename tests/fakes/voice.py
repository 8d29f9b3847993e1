"""Voice detectors for tests: a script of probabilities, and one that takes all that is loud for speech."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.voice import FRAME_SAMPLES

LOUD = 3000


class ScriptedVoice:
    """Answers from a list; after it, that nobody speaks."""

    def __init__(self, probabilities: Iterable[float]) -> None:
        self._script = iter(probabilities)
        self.loudness = 0.25

    def probability(self, frame: NDArray[np.int16]) -> float:
        assert frame.shape == (FRAME_SAMPLES,)
        return next(self._script, 0.0)


class LoudVoice:
    """Loud is speech; a sample of -32768 is a defect that raises."""

    loudness = 0.25

    def probability(self, frame: NDArray[np.int16]) -> float:
        if frame.min() == -32768:
            raise ZeroDivisionError
        return 1.0 if int(np.abs(frame.astype(np.int32)).max()) > LOUD else 0.0


class FakeDetector:
    """The `VoiceDetector` of a test; one that is not `loaded` has no stream yet."""

    def __init__(self, *, loaded: bool = True) -> None:
        self.loaded = loaded

    def stream(self) -> LoudVoice | None:
        return LoudVoice() if self.loaded else None
