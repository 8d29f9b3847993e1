"""The silences between the spoken pieces of one recording. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from voiceflow_daemon.audio.capture_events import SegmentClosed


@dataclass(frozen=True)
class Gaps:
    """Known from the segments that were closed, whether or not anybody came to hear them."""

    closed: tuple[tuple[int, int], ...] = ()
    """For each segment with speech in it: its first sample, and the silence before its speech in ms."""
    last_ms: int = 0
    """The silence before what was said after the last of them; 0 where nothing was."""

    def and_then(self, segment: SegmentClosed) -> Gaps:
        """With one more segment."""
        if not segment.speech_ms:
            return self
        return replace(self, closed=(*self.closed, (segment.start, segment.gap_ms)))

    def before_s(self, sample: int) -> float:
        """The silence before the first speech that begins at or behind `sample`, in seconds.

        `sample` is where a segment ends, or 0.
        """
        return next((gap_ms for start, gap_ms in self.closed if start >= sample), self.last_ms) / 1000
