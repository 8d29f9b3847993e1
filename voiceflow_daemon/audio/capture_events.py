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

    @property
    def peak(self) -> float:
        """The loudest sample, 0..1. Exactly 0 is no quiet room, but a muted microphone."""
        return int(np.abs(self.samples.astype(np.int32)).max(initial=0)) / 32768


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


CaptureEvent = Recorded | CaptureFailed | SpoolFailed | MicrophoneReplaced
