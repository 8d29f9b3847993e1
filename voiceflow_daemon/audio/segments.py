"""A recording's segments while it is made: samples in, closed segments out."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.audio.endpointer import Closed, Endpointer, EndpointRule
from voiceflow_daemon.audio.voice import FRAME_MS, FRAME_SAMPLES, VoiceStream
from voiceflow_daemon.config.schema import SpeechSettings


def endpoint_rule(settings: SpeechSettings) -> EndpointRule:
    """The settings in frames."""
    pause = round(settings.segment_pause_ms / FRAME_MS)
    return EndpointRule(settings.vad_threshold, pause, round(settings.segment_max_s * 1000 / FRAME_MS))


class SegmentStream:
    """Hears one recording; the same segments come out whatever the sizes of its chunks."""

    def __init__(self, recording_id: int, voice: VoiceStream, rule: EndpointRule) -> None:
        self._recording_id = recording_id
        self._voice = voice
        self._endpointer = Endpointer(rule)
        self._start = 0
        self._frames: list[NDArray[np.int16]] = []
        """Heard since the end of the last segment; all but the recording's very last one are whole."""
        self._rest = np.zeros(0, np.int16)
        """Less than a frame."""

    @property
    def spoken_until(self) -> int:
        """Behind the last sample heard so far with speech in it, as the detector's frames part them."""
        return self._endpointer.spoken_until * FRAME_SAMPLES

    @property
    def gap_ms(self) -> int:
        """The silence before what was said since the last segment; 0 where nothing was."""
        return self._endpointer.gap * FRAME_MS

    def add(self, chunk: NDArray[np.int16]) -> list[SegmentClosed]:
        """Take the next samples, shape (n,); returns the segments that they close."""
        samples = np.concatenate([self._rest, chunk])
        whole = len(samples) - len(samples) % FRAME_SAMPLES
        self._rest = samples[whole:]
        segments: list[SegmentClosed] = []
        for at in range(0, whole, FRAME_SAMPLES):
            segments += self._hear(samples[at : at + FRAME_SAMPLES])
        return segments

    def finish(self) -> list[SegmentClosed]:
        """At the recording's end: a silence that is left, if somebody has spoken before it."""
        rest, self._rest = self._rest, np.zeros(0, np.int16)
        segments = self._hear(rest) if len(rest) else []
        return segments + self._cut_off(self._endpointer.finish())

    def _hear(self, frame: NDArray[np.int16]) -> list[SegmentClosed]:
        self._frames.append(frame)
        filled = np.pad(frame, (0, FRAME_SAMPLES - len(frame)))
        mean_square = float(np.mean(np.square(filled, dtype=np.float32)))
        probability = self._voice.probability(filled)
        return self._cut_off(self._endpointer.hear(probability, math.log10(mean_square + 1.0)))

    def _cut_off(self, closed: Closed | None) -> list[SegmentClosed]:
        if closed is None:
            return []
        count = closed.end - closed.start
        samples = np.concatenate(self._frames[:count])
        del self._frames[:count]
        start, self._start = self._start, self._start + len(samples)
        return [
            SegmentClosed(
                self._recording_id,
                start,
                self._start,
                samples,
                speech_ms=closed.speech * FRAME_MS,
                pause_ms=closed.pause * FRAME_MS,
                gap_ms=closed.gap * FRAME_MS,
                loudness=self._voice.loudness,
            )
        ]
