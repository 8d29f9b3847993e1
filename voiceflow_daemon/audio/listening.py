"""Hears a recording while it is made, and never at its expense."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.audio.segments import SegmentStream, endpoint_rule
from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.audio.voice import VoiceStream
from voiceflow_daemon.config.schema import SpeechSettings

log = logging.getLogger(__name__)

PATIENCE_S = 1.0
BUSY_SHARE = 0.5
"""Listening may take this share of the time that the sound lasts, and `PATIENCE_S`. It takes 0.01."""


class Detector(Protocol):
    """Gives an ear to each recording."""

    def stream(self) -> VoiceStream | None:
        """None while it is not loaded."""


class Listening:
    """One recording's segments, emitted as they close.

    When listening fails or takes too long, it ends: the capture thread has a recording to keep. What
    was not closed by then is recognised after the release.
    """

    def __init__(
        self,
        stream: SegmentStream,
        emit: Callable[[SegmentClosed], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream: SegmentStream | None = stream
        self._emit = emit
        self._clock = clock
        self._heard = 0
        self._busy_s = 0.0

    @property
    def spoken_until(self) -> int | None:
        """Behind the last sample with speech in it; None where listening has ended early."""
        return self._stream.spoken_until if self._stream is not None else None

    @property
    def gap_ms(self) -> int:
        """The silence before what was said since the last segment; 0 where nothing was."""
        return self._stream.gap_ms if self._stream is not None else 0

    def hear(self, samples: NDArray[np.int16]) -> None:
        """Take the recording's next samples, shape (n,)."""
        self._heard += len(samples)
        self._take(lambda stream: stream.add(samples))

    def finish(self, recording: NDArray[np.int16]) -> None:
        """Take the rest of the whole recording, shape (n,), which ends here."""
        self.hear(recording[self._heard :])
        self._take(SegmentStream.finish)

    def _take(self, step: Callable[[SegmentStream], list[SegmentClosed]]) -> None:
        if self._stream is None:
            return
        began = self._clock()
        try:
            closed = step(self._stream)
        except Exception:
            # Not the thread's outermost loop, but what must go on outside is the recording.
            log.exception("listening failed; the recording goes on without it")
            self._stream = None
            return
        self._busy_s += self._clock() - began
        for segment in closed:
            self._emit(segment)
        if self._busy_s > PATIENCE_S + BUSY_SHARE * self._heard / SAMPLE_RATE_HZ:
            log.warning("listening takes too long; the recording goes on without it")
            self._stream = None


def listen(
    detector: Detector | None,
    recording_id: int,
    settings: SpeechSettings | None,
    emit: Callable[[SegmentClosed], None],
) -> Listening | None:
    """Begin to listen; None where nobody wants it, or the detector is not there yet."""
    if detector is None or settings is None or settings.segment_pause_ms == 0:
        return None
    voice = detector.stream()
    if voice is None:
        return None
    return Listening(SegmentStream(recording_id, voice, endpoint_rule(settings)), emit)
