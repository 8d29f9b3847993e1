"""Loading the detector beside everything else."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.fakes.voice import LoudVoice
from voiceflow_daemon.audio import endpointer, take, voice
from voiceflow_daemon.audio.voice import BackgroundDetector, load_voice_detector
from voiceflow_daemon.speech import segments as speech_segments
from voiceflow_daemon.speech import transcriber


class InstantDetector:
    def probabilities(self, samples: NDArray[np.float32], loudness: float = 0.0) -> NDArray[np.float32]:
        return np.zeros(-(-len(samples) // 512), np.float32)

    def stream(self) -> LoudVoice:
        return LoudVoice()


def test_nobody_waits_for_the_loading() -> None:
    may_load = threading.Event()

    def load() -> InstantDetector:
        may_load.wait()
        return InstantDetector()

    detector = BackgroundDetector(load)
    detector.start()
    assert detector.stream() is None
    may_load.set()
    detector.stop()
    assert isinstance(detector.stream(), LoudVoice)


def test_a_detector_that_cannot_be_loaded_is_logged_and_missing(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> InstantDetector:
        raise ImportError("no library")

    detector = BackgroundDetector(broken)
    detector.start()
    detector.stop()
    assert detector.stream() is None
    assert "no voice detector" in caplog.text


def test_the_real_one_loads() -> None:
    detector = BackgroundDetector(load_voice_detector)
    detector.start()
    detector.stop()
    stream = detector.stream()
    assert stream is not None
    assert stream.probability(np.zeros(voice.FRAME_SAMPLES, np.int16)) < 0.5


def test_both_rooms_speak_of_the_same_sound() -> None:
    """They never import each other, so each states it once."""
    assert take.SAMPLE_RATE_HZ == transcriber.SAMPLE_RATE_HZ
    assert endpointer.HYSTERESIS == speech_segments.HYSTERESIS
    assert voice.FRAME_SAMPLES == speech_segments.FRAME_SAMPLES
    assert voice.FRAME_MS * speech_segments.FRAMES_PER_S == 1000
