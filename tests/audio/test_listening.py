"""Listening never harms the recording."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from tests.fakes.voice import FakeDetector, LoudVoice
from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.audio.listening import PATIENCE_S, Listening, listen
from voiceflow_daemon.audio.segments import SegmentStream, endpoint_rule
from voiceflow_daemon.audio.voice import FRAME_SAMPLES
from voiceflow_daemon.config.schema import SpeechSettings

SPOKEN = np.full(100 * FRAME_SAMPLES, 9000, np.int16)
QUIET = np.zeros(50 * FRAME_SAMPLES, np.int16)
DEFECT = np.full(FRAME_SAMPLES, -32768, np.int16)


class Clock:
    """Time passes only where a test says so: with each look at it."""

    def __init__(self, step_s: float) -> None:
        self.now = 0.0
        self.step_s = step_s

    def __call__(self) -> float:
        self.now += self.step_s
        return self.now


def listening(emitted: list[SegmentClosed], step_s: float = 0.0) -> Listening:
    stream = SegmentStream(1, LoudVoice(), endpoint_rule(SpeechSettings()))
    return Listening(stream, emitted.append, Clock(step_s))


def test_segments_are_emitted_as_they_close() -> None:
    emitted: list[SegmentClosed] = []
    one = listening(emitted)
    one.hear(SPOKEN)
    assert emitted == []
    one.hear(QUIET)
    assert len(emitted) == 1


def test_the_end_takes_what_has_not_been_heard() -> None:
    emitted: list[SegmentClosed] = []
    one = listening(emitted)
    one.hear(SPOKEN)
    one.finish(np.concatenate([SPOKEN, QUIET]))
    assert [segment.speech_ms for segment in emitted] == [3200, 0]
    assert emitted[-1].end == len(SPOKEN) + len(QUIET)


def test_a_defect_ends_the_listening_alone(caplog: pytest.LogCaptureFixture) -> None:
    emitted: list[SegmentClosed] = []
    one = listening(emitted)
    one.hear(np.concatenate([SPOKEN, QUIET]))
    one.hear(DEFECT)
    one.hear(np.concatenate([SPOKEN, QUIET]))
    one.finish(np.concatenate([SPOKEN, QUIET, DEFECT, SPOKEN, QUIET]))
    assert len(emitted) == 1
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_detector_that_is_too_slow_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    emitted: list[SegmentClosed] = []
    one = listening(emitted, step_s=PATIENCE_S * 2)
    one.hear(SPOKEN[:FRAME_SAMPLES])
    one.hear(np.concatenate([SPOKEN, QUIET]))
    assert emitted == []
    assert "too long" in caplog.text


def test_nobody_listens_without_a_wish_or_a_detector() -> None:
    emitted: list[SegmentClosed] = []
    wanted, unwanted = SpeechSettings(), SpeechSettings(segment_pause_ms=0)
    assert listen(None, 1, wanted, emitted.append) is None
    assert listen(FakeDetector(), 1, None, emitted.append) is None
    assert listen(FakeDetector(), 1, unwanted, emitted.append) is None
    assert listen(FakeDetector(loaded=False), 1, wanted, emitted.append) is None
    assert listen(FakeDetector(), 1, wanted, emitted.append) is not None
