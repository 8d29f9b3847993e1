"""An utterance heard in three ways: at pauses while it is spoken, clip by clip, and in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.audio.segments import SegmentStream, endpoint_rule
from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.audio.voice import VoiceDetector
from voiceflow_daemon.bench.utterances import Utterance
from voiceflow_daemon.config.schema import SpeechSettings
from voiceflow_daemon.speech import Transcriber, join_texts

BLOCK_SAMPLES = SAMPLE_RATE_HZ // 50
"""20 ms, as a microphone sends them."""


@dataclass(frozen=True)
class Piece:
    """What is recognised at once: int16 at 16 kHz, shape (n,), and the recording's loudness so far."""

    samples: NDArray[np.int16]
    loudness: float = 0.0


def closed_segments(
    samples: NDArray[np.int16], detector: VoiceDetector, settings: SpeechSettings
) -> list[SegmentClosed]:
    """The segments that the capture thread closes while a recording of these samples is made."""
    stream = SegmentStream(0, detector.stream(), endpoint_rule(settings))
    closed: list[SegmentClosed] = []
    for at in range(0, len(samples), BLOCK_SAMPLES):
        closed += stream.add(samples[at : at + BLOCK_SAMPLES])
    return closed + stream.finish()


def streamed_pieces(
    samples: NDArray[np.int16], detector: VoiceDetector, settings: SpeechSettings
) -> list[Piece]:
    """The segments with speech, and at last what is left at the release (perhaps nothing)."""
    closed = closed_segments(samples, detector, settings)
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
