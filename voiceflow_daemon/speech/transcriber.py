"""What the pipeline needs of a speech recogniser."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.config.schema import SpeechSettings
from voiceflow_daemon.text.languages import joint

SAMPLE_RATE_HZ = 16_000
"""Every recogniser here hears mono audio at this rate."""


@dataclass(frozen=True)
class Transcript:
    """What was heard. `text` is empty when nobody spoke; `speech_s` is how long somebody did."""

    text: str
    language: str
    speech_s: float


class RecognitionAbortedError(Exception):
    """The caller did not want the text any more."""


def always() -> bool:
    """The text is wanted whatever happens meanwhile."""
    return True


def join_texts(texts: Iterable[str], language: str) -> str:
    """The text of consecutive pieces of speech; empty ones, in which nobody spoke, leave no trace."""
    return joint(language).join(text for text in texts if text)


class VoiceDetector(Protocol):
    """Finds speech, so that the model is not asked what was said in a silence."""

    def probabilities(self, samples: NDArray[np.float32], loudness: float = 0.0) -> NDArray[np.float32]:
        """How likely each 32 ms frame of mono audio holds speech.

        `samples` has shape (n,), values in -1..1; the answer has shape (ceil(n / 512),), values in 0..1.
        `loudness` is that of the recording which `samples` are a piece of, where it is known.
        """


class Transcriber(Protocol):
    """A loaded speech model. Used by one thread."""

    def warm_up(self) -> None:
        """Run the model once on silence, so that the first dictation does not pay for it."""

    def transcribe(
        self,
        samples: NDArray[np.float32],
        settings: SpeechSettings,
        loudness: float = 0.0,
        wanted: Callable[[], bool] = always,
    ) -> Transcript:
        """Recognise mono audio at `SAMPLE_RATE_HZ`, shape (n,), values in -1..1; `samples` is left as it was.

        For a piece of a recording, `loudness` is the recording's own so far: what is far below it is
        no speech, but somebody else in the background.

        Empty, very short, very long, clipped or broken (NaN) audio never raises: what holds no
        speech has an empty text. Raises `ModelError` when the model cannot do the settings'
        languages; `RecognitionAbortedError` where `wanted` says no: it is asked before each piece of
        work that cannot be interrupted, which is at most one window of `MAX_SEGMENT_FRAMES`.
        """

    def close(self) -> None:
        """Free the model; calling it again does nothing."""
