"""When a segment of speech ends, decided frame by frame while one speaks. Pure.

The segments and what is left after the last one part the recording without a gap: each frame is in
exactly one of them, so no word can fall between two. A cut falls into the middle of a pause. Frames are
32 ms (`FRAME_MS`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

HYSTERESIS = 0.15
"""Speech goes on until the probability falls this far below the threshold (Silero's own advice)."""
SHORT_SPEECH_FRAMES = 47
"""1.5 s. What is shorter waits for more: each segment costs a whole window of the recogniser."""
LONG_PAUSE_FRAMES = 38
"""1.2 s: such a pause ends even a short segment."""
EAGER_FRAMES = 188
"""6 s. Up to here the pause asked for shrinks to the least one. Measured with the demo recogniser: 8 and
11 s gave more word errors, and left more to do at the release."""
LEAST_PAUSE_FRAMES = 8
"""256 ms. Measured: inside words the detector never falls silent for more than 6 frames."""
SILENCE_FRAMES = 94
"""3 s without speech become a segment of their own when speech begins again."""
LEAD_FRAMES = 32
"""1 s of such a silence stays with what follows: soft beginnings lie before the detector's span."""
WORD_GAP_FRAMES = 3
"""Where a cut must be made, a silence of 96 ms is taken for a gap between words."""


@dataclass(frozen=True)
class EndpointRule:
    """What ends a segment of speech: a `pause`, or its being `longest` frames long.

    The longer it is, the shorter is the pause asked for: so little is left to do at any release.
    """

    threshold: float
    pause: int
    longest: int

    def pause_after(self, speech: int) -> int:
        """The pause that ends a segment whose speech, its inner pauses included, lasted `speech` frames."""
        if speech < SHORT_SPEECH_FRAMES:
            return max(self.pause, LONG_PAUSE_FRAMES)
        least = min(self.pause, LEAST_PAUSE_FRAMES)
        share = (speech - SHORT_SPEECH_FRAMES) / (EAGER_FRAMES - SHORT_SPEECH_FRAMES)
        return round(self.pause + (least - self.pause) * min(share, 1.0))


@dataclass(frozen=True)
class Closed:
    """A segment that has ended, frames from `start` up to, but not including, `end`.

    Without any `speech` frames it is a silence. `pause` is how long it had been silent when it was
    closed: 0 where speech that did not pause was cut. `gap` is the whole silence before its speech, back
    to the speech of the segment before; 0 where there is none.
    """

    start: int
    end: int
    speech: int
    pause: int
    gap: int = 0


class _Frame(NamedTuple):
    speaking: bool
    level: float


class Endpointer:
    """One recording's segments."""

    def __init__(self, rule: EndpointRule) -> None:
        self._rule = rule
        self._leave = max(rule.threshold - HYSTERESIS, 0.01)
        self._start = 0
        self._frames: list[_Frame] = []
        """Those since `_start`."""
        self._first: int | None = None
        """The first frame with speech, and behind the last one; counted from `_start`."""
        self._behind = 0
        self._speaking = False
        self._silent_for = 0
        self._spoken_until = 0
        self._closed_speech: int | None = None
        """Behind the last frame with speech of the segments that were closed."""

    @property
    def gap(self) -> int:
        """Silent frames between the segments that were closed and the first speech since; 0 without both."""
        if self._closed_speech is None or self._first is None:
            return 0
        return self._start + self._first - self._closed_speech

    @property
    def spoken_until(self) -> int:
        """Behind the recording's last frame with speech so far; 0 without any."""
        return self._spoken_until

    def hear(self, probability: float, level: float) -> Closed | None:
        """Take the next frame: how likely it holds speech, and how loud it is (in any unit)."""
        silent_for = self._silent_for
        self._speaking = probability >= (self._leave if self._speaking else self._rule.threshold)
        self._silent_for = 0 if self._speaking else silent_for + 1
        self._frames.append(_Frame(self._speaking, level))
        if not self._speaking:
            return self._after_speech()
        before = len(self._frames) - 1
        self._spoken_until = self._start + before + 1
        silence = self._first is None and before > SILENCE_FRAMES
        self._mark(before)
        if silence:
            return self._close(before - LEAD_FRAMES, silent_for)
        return self._too_long()

    def finish(self) -> Closed | None:
        """What is left, if somebody has spoken in the recording, but not since the last segment."""
        if self._start == 0 or self._first is not None or not self._frames:
            return None
        return self._close(len(self._frames), self._silent_for)

    def _after_speech(self) -> Closed | None:
        if self._first is None:
            return None
        pause = len(self._frames) - self._behind
        if pause >= self._rule.pause_after(self._behind - self._first):
            return self._close(self._behind + (pause + 1) // 2, pause)
        return self._too_long()

    def _too_long(self) -> Closed | None:
        assert self._first is not None
        if len(self._frames) - self._first < self._rule.longest:
            return None
        return self._close(self._cut(self._first + self._rule.longest // 2), 0)

    def _cut(self, half: int) -> int:
        """Where to cut speech that did not pause: the later half's longest gap, else its quietest frame."""
        gap = _longest_gap([frame.speaking for frame in self._frames], half)
        if gap.stop - gap.start >= WORD_GAP_FRAMES:
            return (gap.start + gap.stop + 1) // 2
        levels = [frame.level for frame in self._frames]
        return min(range(half, len(levels) - 1), key=lambda at: sum(levels[at - 1 : at + 2]))

    def _close(self, length: int, pause: int) -> Closed:
        ended, self._frames = self._frames[:length], self._frames[length:]
        spoken = [index for index, frame in enumerate(ended) if frame.speaking]
        closed = Closed(self._start, self._start + length, len(spoken), pause, gap=self.gap if spoken else 0)
        if spoken:
            self._closed_speech = self._start + spoken[-1] + 1
        self._start += length
        self._first, self._behind = None, 0
        for index, frame in enumerate(self._frames):
            if frame.speaking:
                self._mark(index)
        return closed

    def _mark(self, index: int) -> None:
        self._first = index if self._first is None else self._first
        self._behind = index + 1


def _longest_gap(speaking: list[bool], first: int) -> range:
    """The longest run of frames without speech from `first` on; an empty one when there is none."""
    longest = range(first, first)
    start = first
    for index in range(first, len(speaking)):
        if speaking[index]:
            start = index + 1
        elif index + 1 - start > len(longest):
            longest = range(start, index + 1)
    return longest
