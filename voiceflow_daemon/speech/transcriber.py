"""What the pipeline needs of a speech recogniser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.config.schema import SpeechSettings

SAMPLE_RATE_HZ = 16_000
"""Every recogniser here hears mono audio at this rate."""


@dataclass(frozen=True)
class Transcript:
    """What was heard. `text` is empty when nobody spoke."""

    text: str
    language: str
    speech_s: float


class Transcriber(Protocol):
    """A loaded speech model. Used by one thread."""

    def transcribe(self, samples: NDArray[np.float32], settings: SpeechSettings) -> Transcript:
        """Recognise mono audio at `SAMPLE_RATE_HZ`, shape (n,), values in -1..1."""

    def close(self) -> None:
        """Free the model."""
