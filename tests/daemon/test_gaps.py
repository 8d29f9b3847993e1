"""Which silence was before what nobody has heard yet."""

from __future__ import annotations

import numpy as np

from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.daemon.gaps import Gaps


def segment(start: int, end: int, gap_ms: int, speech_ms: int = 500) -> SegmentClosed:
    samples = np.ones(end - start, np.int16)
    return SegmentClosed(
        *(1, start, end, samples), speech_ms=speech_ms, pause_ms=300, loudness=0.1, gap_ms=gap_ms
    )


def test_it_is_the_gap_before_the_first_speech_behind_what_was_heard() -> None:
    gaps = Gaps(last_ms=2000)
    assert gaps.before_s(0) == 2.0
    for closed in (segment(0, 100, 0), segment(100, 200, 0, speech_ms=0), segment(200, 300, 900)):
        gaps = gaps.and_then(closed)
    assert [gaps.before_s(sample) for sample in (0, 100, 200, 300)] == [0.0, 0.9, 0.9, 2.0]
