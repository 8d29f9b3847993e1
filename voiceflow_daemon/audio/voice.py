"""What is needed of a voice detector, and its loading beside everything else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

log = logging.getLogger(__name__)

FRAME_SAMPLES = 512
"""32 ms at 16 kHz: what the detector judges at once."""
FRAME_MS = 32


class VoiceStream(Protocol):
    """One recording, heard frame by frame while it is made. One thread."""

    @property
    def loudness(self) -> float:
        """The level, 0..1, that all but a few of the samples so far stay below."""

    def probability(self, frame: NDArray[np.int16]) -> float:
        """How likely the next frame, shape (FRAME_SAMPLES,), holds speech: 0..1."""


class VoiceDetector(Protocol):
    """A loaded detector; any thread may use it."""

    def probabilities(self, samples: NDArray[np.float32], loudness: float = 0.0) -> NDArray[np.float32]:
        """How likely each frame of mono audio, shape (n,) in -1..1, holds speech: 0..1.

        `loudness` is that of the recording which `samples` are a piece of, where it is known.
        """

    def stream(self) -> VoiceStream:
        """Listen to a recording while it is made."""


def load_voice_detector() -> VoiceDetector:
    """Silero, the only candidate so far; takes a few tenths of a second."""
    from voiceflow_daemon.audio._silero import SileroDetector

    return SileroDetector()


class BackgroundDetector:
    """Loads a detector on a thread of its own, so that neither a start nor a key press waits for it."""

    def __init__(self, load: Callable[[], VoiceDetector] = load_voice_detector) -> None:
        self._load = load
        self._detector: VoiceDetector | None = None
        self._thread = threading.Thread(target=self._run, name="voice detector")

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    def stop(self) -> None:
        """Wait for the end of the loading, which cannot be broken off."""
        self._thread.join()

    def stream(self) -> VoiceStream | None:
        """Listen to a recording while it is made; None while there is no detector. Any thread."""
        detector = self._detector
        return detector.stream() if detector is not None else None

    def _run(self) -> None:
        try:
            self._detector = self._load()
        except Exception:
            log.exception("no voice detector: recordings are recognised after the release, in one go")
