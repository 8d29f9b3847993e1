"""What the capture thread tells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.take import Spool
from voiceflow_daemon.errors import MicrophoneError


@dataclass(frozen=True)
class Recorded:
    """A finished recording: mono int16 at 16 kHz, shape (n,). The receiver closes the spool."""

    recording_id: int
    samples: NDArray[np.int16]
    spool: Spool | None
    spoken_until: int | None = None
    """Behind the last sample with speech in it, where somebody has listened to all of it."""
    gap_ms: int = 0
    """The silence between the last segment's speech and what was said after it; 0 where nothing was."""

    @property
    def peak(self) -> float:
        """The loudest sample, 0..1. Exactly 0 is no quiet room, but a muted microphone."""
        return int(np.abs(self.samples.astype(np.int32)).max(initial=0)) / 32768


@dataclass(frozen=True)
class Releasing:
    """The key was released: `samples` are the recording so far, as `Recorded` will have them; the tail
    is still to come."""

    recording_id: int
    samples: NDArray[np.int16]
    gap_ms: int = 0
    """As in `Recorded`."""


@dataclass(frozen=True)
class SegmentClosed:
    """A piece of a recording that goes on: samples `start` up to, but not including, `end`, int16 at 16 kHz.

    Each piece begins where the one before it ends, and what follows the last one is left to the
    release; so nothing is between them. `speech_ms` is 0 for a silence, in which there is nothing to
    recognise. `pause_ms` is how long it had been silent when the piece was closed: 0 where speech
    that did not pause was cut. `gap_ms` is the whole silence between the speech before and its own; 0 for
    the first and for a silence. `loudness` is the level of the recording so far, 0..1, which tells the
    speaker from a faint voice in the background.
    """

    recording_id: int
    start: int
    end: int
    samples: NDArray[np.int16]
    speech_ms: int
    pause_ms: int
    loudness: float
    gap_ms: int = 0


@dataclass(frozen=True)
class CaptureFailed:
    """The microphone could not be opened, or it stopped; `recorded` is what there was till then."""

    recording_id: int
    error: MicrophoneError
    recorded: Recorded | None


@dataclass(frozen=True)
class SpoolFailed:
    """The recording is not (or no longer) on the disk; it goes on in memory. At most one a recording."""

    recording_id: int
    error: OSError


@dataclass(frozen=True)
class MicrophoneReplaced:
    """The chosen microphone is not there, so the default is used; told once until it is back."""

    recording_id: int
    wanted: str


CaptureEvent = SegmentClosed | Releasing | Recorded | CaptureFailed | SpoolFailed | MicrophoneReplaced
