"""Samples in, segments out: every sample in exactly one of them or in what is left."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.fakes.voice import LoudVoice, ScriptedVoice
from tests.speech.recordings import recording
from voiceflow_daemon.audio._silero import SileroDetector
from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.audio.endpointer import LEAST_PAUSE_FRAMES, EndpointRule
from voiceflow_daemon.audio.segments import SegmentStream, endpoint_rule
from voiceflow_daemon.audio.voice import FRAME_SAMPLES, VoiceStream
from voiceflow_daemon.config.schema import LEAST_SEGMENT_PAUSE_MS, SpeechSettings

RULE = endpoint_rule(SpeechSettings())


def heard(
    voice: VoiceStream, samples: NDArray[np.int16], cuts: list[int], rule: EndpointRule = RULE
) -> list[SegmentClosed]:
    """The segments of a recording that comes in chunks with these ends."""
    stream = SegmentStream(7, voice, rule)
    found: list[SegmentClosed] = []
    for chunk in np.split(samples, cuts):
        found += stream.add(chunk)
    return found + stream.finish()


def as_values(segments: list[SegmentClosed]) -> list[tuple[object, ...]]:
    return [
        (one.start, one.end, one.samples.tobytes(), one.speech_ms, one.pause_ms, one.loudness)
        for one in segments
    ]


def test_the_settings_become_frames() -> None:
    rule = endpoint_rule(SpeechSettings(vad_threshold=0.7, segment_pause_ms=640, segment_max_s=16.0))
    assert rule == EndpointRule(0.7, 20, 500)
    assert endpoint_rule(SpeechSettings(segment_pause_ms=LEAST_SEGMENT_PAUSE_MS)).pause == LEAST_PAUSE_FRAMES


def test_a_segment_carries_its_samples_and_times() -> None:
    speech = np.full(100 * FRAME_SAMPLES, 9000, np.int16)
    quiet = np.full(60 * FRAME_SAMPLES + 13, 5, np.int16)
    first, silence = heard(LoudVoice(), np.concatenate([speech, quiet]), [])
    pause = RULE.pause_after(100)
    assert (first.recording_id, first.start, first.end) == (7, 0, (100 + (pause + 1) // 2) * FRAME_SAMPLES)
    assert (first.speech_ms, first.pause_ms, first.loudness) == (3200, pause * 32, 0.25)
    assert np.array_equal(first.samples, np.concatenate([speech, quiet])[: first.end])
    assert (silence.start, silence.end, silence.speech_ms) == (first.end, len(speech) + len(quiet), 0)


def test_the_callers_chunk_may_change_afterwards() -> None:
    stream = SegmentStream(1, LoudVoice(), RULE)
    block = np.full(FRAME_SAMPLES, 9000, np.int16)
    segments = []
    for level in [9000] * 100 + [5] * 40:
        block[:] = level
        segments += stream.add(block)
    assert set(segments[0].samples[: 100 * FRAME_SAMPLES].tolist()) == {9000}


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.4, 0.99]), st.integers(1, 120)), max_size=12),
    st.integers(0, FRAME_SAMPLES - 1),
    st.data(),
)
def test_any_chunks_give_the_same_segments(
    runs: list[tuple[float, int]], rest: int, data: st.DataObject
) -> None:
    course = [probability for probability, times in runs for _ in range(times)]
    samples = (np.arange(len(course) * FRAME_SAMPLES + rest) % 30_011).astype(np.int16)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(samples)), max_size=30)))
    whole = heard(ScriptedVoice(course), samples, [])
    assert as_values(heard(ScriptedVoice(course), samples, cuts)) == as_values(whole)
    assert all(left.end == right.start for left, right in pairwise(whole))
    joined = np.concatenate([np.zeros(0, np.int16), *(segment.samples for segment in whole)])
    assert np.array_equal(joined, samples[: len(joined)])
    assert len(joined) == (whole[-1].end if whole else 0)


@pytest.fixture(scope="module")
def detector() -> SileroDetector:
    return SileroDetector()


@pytest.mark.parametrize("chunk", [320, 511, 7000])
def test_the_real_detector_gives_the_same_segments_for_any_chunks(
    detector: SileroDetector, chunk: int
) -> None:
    spoken = (recording("email_meeting").samples() * 32767).astype(np.int16)
    samples = np.concatenate([spoken, np.zeros(20_000, np.int16), spoken])
    whole = heard(detector.stream(), samples, [])
    assert len(whole) >= 3
    cuts = list(range(chunk, len(samples), chunk))
    assert as_values(heard(detector.stream(), samples, cuts)) == as_values(whole)
