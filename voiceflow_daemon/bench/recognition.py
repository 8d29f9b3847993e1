"""An utterance heard in three ways: at pauses while it is spoken, clip by clip, and in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.audio.segments import SegmentStream, endpoint_rule
from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.audio.voice import VoiceDetector
from voiceflow_daemon.bench.played_microphone import BLOCK_SAMPLES
from voiceflow_daemon.bench.utterances import Utterance
from voiceflow_daemon.config.schema import SpeechSettings
from voiceflow_daemon.speech import Transcriber, Transcript, join_texts
from voiceflow_daemon.speech.transcriber import always


@dataclass(frozen=True)
class Piece:
    """What is recognised at once: int16 at 16 kHz, shape (n,), and the recording's loudness so far."""

    samples: NDArray[np.int16]
    loudness: float = 0.0


@dataclass(frozen=True)
class Segmented:
    """The segments that the capture thread closes while a recording is made, and what the release finds:
    the silence before what was said since the last of them, 0 where nothing was.
    """

    segments: tuple[SegmentClosed, ...]
    gap_ms: int


def segmented(samples: NDArray[np.int16], detector: VoiceDetector, settings: SpeechSettings) -> Segmented:
    """Hear a recording, int16 at 16 kHz, shape (n,), as if it were made now."""
    stream = SegmentStream(0, detector.stream(), endpoint_rule(settings))
    closed: list[SegmentClosed] = []
    for at in range(0, len(samples), BLOCK_SAMPLES):
        closed += stream.add(samples[at : at + BLOCK_SAMPLES])
    closed += stream.finish()
    return Segmented(tuple(closed), stream.gap_ms)


def streamed_pieces(
    samples: NDArray[np.int16], detector: VoiceDetector, settings: SpeechSettings
) -> list[Piece]:
    """The segments with speech, and at last what is left at the release (perhaps nothing)."""
    closed = segmented(samples, detector, settings).segments
    pieces = [Piece(segment.samples, segment.loudness) for segment in closed if segment.speech_ms]
    end, loudness = (closed[-1].end, closed[-1].loudness) if closed else (0, 0.0)
    return [*pieces, Piece(samples[end:], loudness)]


def clip_pieces(utterance: Utterance) -> list[Piece]:
    """Each clip for itself, with a little silence around it."""
    margin = SAMPLE_RATE_HZ // 4
    return [Piece(np.pad(clip.samples, (margin, margin))) for clip in utterance.clips]


def heard(pieces: Iterable[Piece], transcriber: Transcriber, settings: SpeechSettings) -> str:
    """Recognise one piece after the other, and join the texts. Raises `ModelError`."""
    texts: list[str] = []
    language = settings.languages[0]
    for piece in pieces:
        found = transcriber.transcribe(
            piece.samples.astype(np.float32) / np.float32(32768), settings, piece.loudness
        )
        texts.append(found.text)
        language = found.language if found.text else language
    return join_texts(texts, language)


class Remembering:
    """The `Transcriber` that recognises each piece once: asked again, it answers from memory."""

    def __init__(self, transcriber: Transcriber) -> None:
        self._transcriber = transcriber
        self._known: dict[tuple[bytes, tuple[str, ...], float], Transcript] = {}

    def warm_up(self) -> None:
        """Run the model once."""
        self._transcriber.warm_up()

    def transcribe(
        self,
        samples: NDArray[np.float32],
        settings: SpeechSettings,
        loudness: float = 0.0,
        wanted: Callable[[], bool] = always,
    ) -> Transcript:
        """What the recogniser makes of it; the settings are the same but for their languages."""
        key = blake2b(samples.tobytes()).digest(), tuple(settings.languages), loudness
        if key not in self._known:
            self._known[key] = self._transcriber.transcribe(samples, settings, loudness, wanted)
        return self._known[key]

    def close(self) -> None:
        """Free the model."""
        self._transcriber.close()
