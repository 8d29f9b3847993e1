"""A recording that no model could hear and the disk could not keep: it lasts as long as the daemon."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.daemon.open_dictation import Kept, OpenDictation
from voiceflow_daemon.daemon.orders import Job
from voiceflow_daemon.storage.journal import RecordingHeader


@dataclass(frozen=True, eq=False)
class InMemory:
    """Stands where a recording that was found in the journal does. `samples` are int16, shape (n,)."""

    header: RecordingHeader
    samples: NDArray[np.int16]
    is_begun: bool
    """Whether the beginning of its text may stand at the cursor."""
    on_disk: Kept | None
    """The beginning of it, if there is one: better than nothing where the daemon ends."""

    def read(self) -> NDArray[np.int16]:
        """The samples."""
        return self.samples

    def discard(self) -> None:
        """It has served. Raises OSError."""
        if self.on_disk is not None:
            self.on_disk.discard()

    def release(self) -> None:
        """The daemon ends."""
        if self.on_disk is not None:
            self.on_disk.release()


def in_memory(entry: OpenDictation, job: Job) -> InMemory:
    """What is known of a dictation whose `job` failed."""
    if isinstance(entry.orphan, InMemory):
        return entry.orphan
    since_press_s = entry.dictation.since_release_ms / 1000 + entry.duration_s
    header = RecordingHeader("", job.context, SAMPLE_RATE_HZ, time.time() - since_press_s)
    return InMemory(header, job.samples, bool(entry.beginning.ordered), entry.spool)
