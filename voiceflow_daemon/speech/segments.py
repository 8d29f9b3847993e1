"""Where somebody speaks, and where long audio may be cut: pure functions on speech probabilities.

Frames are 32 ms (`FRAME_SAMPLES`); spans count frames and are half open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.speech.transcriber import SAMPLE_RATE_HZ

FRAME_SAMPLES = 512
FRAMES_PER_S = SAMPLE_RATE_HZ / FRAME_SAMPLES

MIN_SPEECH_FRAMES = 6
"""192 ms. The shortest spoken words measured ("hey", "no") last 9 frames; hum and music reach 5."""
CERTAINTY = 0.25
"""How far above the threshold a span must get at least once. Measured: words reach 0.86 and more,
music and hum that pass the threshold for a few frames stay below 0.7."""
HYSTERESIS = 0.15
"""Speech goes on until the probability falls this far below the threshold (Silero's own advice)."""
MIN_PAUSE_FRAMES = 10
"""320 ms: shorter gaps are between syllables and words."""
PAD_FRAMES = 10
"""320 ms kept on each side: soft consonants and breathed endings lie outside the detector's span."""
LONG_PAUSE_FRAMES = 94
"""3 s: a pause in which Whisper begins to invent, so no window spans it."""
MAX_SEGMENT_FRAMES = 875
"""28 s: a window of Whisper holds 30, and the padding needs some."""


@dataclass(frozen=True)
class Span:
    """Frames from `start` up to, but not including, `end`."""

    start: int
    end: int

    @property
    def frames(self) -> int:
        """How many frames."""
        return self.end - self.start


def speech_spans(probabilities: NDArray[np.float32], threshold: float) -> list[Span]:
    """The spans in which somebody speaks, in order, without overlap, parted by real pauses."""
    merged: list[Span] = []
    for span in _above(probabilities, threshold, max(threshold - HYSTERESIS, 0.01)):
        if merged and span.start - merged[-1].end < MIN_PAUSE_FRAMES:
            merged[-1] = Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    certain = min(threshold + CERTAINTY, 0.95)
    return [
        span
        for span in merged
        if span.frames >= MIN_SPEECH_FRAMES and float(probabilities[span.start : span.end].max()) >= certain
    ]


def _above(probabilities: NDArray[np.float32], enter: float, leave: float) -> list[Span]:
    found: list[Span] = []
    start: int | None = None
    for frame, probability in enumerate(probabilities.tolist()):
        if start is None and probability >= enter:
            start = frame
        elif start is not None and probability < leave:
            found.append(Span(start, frame))
            start = None
    if start is not None:
        found.append(Span(start, len(probabilities)))
    return found


def cut_into_segments(spans: Sequence[Span], probabilities: NDArray[np.float32]) -> list[Span]:
    """What goes to the recogniser, one window each: speech with padding, at most `MAX_SEGMENT_FRAMES`.

    No frame of a span is lost and none is in two segments. A cut falls into the longest pause
    within reach; speech that never pauses is cut where it is least like speech.
    """
    segments: list[Span] = []
    for group in _parted_by_long_pauses(spans):
        rest = Span(group[0].start, group[-1].end)
        while rest.frames > MAX_SEGMENT_FRAMES - 2 * PAD_FRAMES:
            end, start = _cut(rest, group, probabilities)
            segments.append(Span(rest.start, end))
            rest = Span(start, rest.end)
        segments.append(rest)
    return _padded(segments, len(probabilities))


def _parted_by_long_pauses(spans: Sequence[Span]) -> list[list[Span]]:
    groups: list[list[Span]] = []
    for span in spans:
        if groups and span.start - groups[-1][-1].end < LONG_PAUSE_FRAMES:
            groups[-1].append(span)
        else:
            groups.append([span])
    return groups


def _cut(rest: Span, spans: Sequence[Span], probabilities: NDArray[np.float32]) -> tuple[int, int]:
    """End of the piece that goes first and start of what is left: the two edges of the chosen pause."""
    limit = rest.start + MAX_SEGMENT_FRAMES - 2 * PAD_FRAMES
    pauses = [
        Span(before.end, after.start)
        for before, after in pairwise(spans)
        if before.end > rest.start and before.end <= limit and after.start < rest.end
    ]
    half = rest.start + (limit - rest.start) // 2
    # A pause in the later half wins over any earlier one: fewer windows, more context in each.
    if within_reach := [pause for pause in pauses if pause.start >= half] or pauses:
        longest = max(within_reach, key=lambda pause: pause.frames)
        return longest.start, longest.end
    smooth = np.convolve(probabilities[half:limit], np.ones(5) / 5, mode="same")
    least = half + int(np.argmin(smooth))
    return least, least


def _padded(segments: Sequence[Span], frames: int) -> list[Span]:
    """Each segment with `PAD_FRAMES` around it; neighbours share a short pause evenly."""
    starts = [max(0, segment.start - PAD_FRAMES) for segment in segments]
    ends = [min(frames, segment.end + PAD_FRAMES) for segment in segments]
    for left, right in pairwise(range(len(segments))):
        if ends[left] > starts[right]:
            ends[left] = starts[right] = (segments[left].end + segments[right].start) // 2
    return [Span(start, end) for start, end in zip(starts, ends, strict=True)]
