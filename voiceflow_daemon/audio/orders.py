"""What the capture thread is told, and the recording that it works on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.capture_events import Recorded, Releasing
from voiceflow_daemon.audio.line import Block
from voiceflow_daemon.audio.listening import Listening
from voiceflow_daemon.audio.opening import Opening
from voiceflow_daemon.audio.take import Spool, Take
from voiceflow_daemon.config.schema import AudioSettings, SpeechSettings


@dataclass(frozen=True)
class Begin:
    """Record. Without `speech` nobody listens while it is recorded."""

    recording_id: int
    settings: AudioSettings
    open_spool: Callable[[], Spool]
    speech: SpeechSettings | None
    opening: Opening


@dataclass(frozen=True)
class Finish:
    """The key is released."""

    recording_id: int


@dataclass(frozen=True)
class Drop:
    """The recording is not wanted."""

    recording_id: int


@dataclass(frozen=True)
class Prepare:
    """The settings between two recordings."""

    settings: AudioSettings


@dataclass(frozen=True)
class Tick:
    """A time has come, and the queue is empty: so nothing that would change it is on its way."""


Message = Begin | Finish | Drop | Prepare | Tick | Block


@dataclass
class OpenRecording:
    """The recording being made; the release sets when it ends."""

    recording_id: int
    tail_s: float
    take: Take
    listening: Listening | None
    ends_at_frame: int | None = None
    """In recorded time."""
    ends_by: float | None = None
    """On the clock, for a microphone that has died."""

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take a block, shape (frames, channels)."""
        resampled = self.take.add(samples)
        if self.listening is not None:
            self.listening.hear(resampled)

    def so_far(self) -> Releasing:
        """What is recorded and resampled."""
        gap_ms = self.listening.gap_ms if self.listening is not None else 0
        return Releasing(self.recording_id, self.take.samples, gap_ms)

    def finish(self) -> Recorded:
        """Take what the resampler still holds; the last segments are emitted."""
        samples, listening = self.take.finish(), self.listening
        if listening is None:
            return Recorded(self.recording_id, samples, self.take.spool)
        listening.finish(samples)
        return Recorded(self.recording_id, samples, self.take.spool, listening.spoken_until, listening.gap_ms)
