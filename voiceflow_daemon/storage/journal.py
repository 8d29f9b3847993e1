"""The journal: a recording is on disk while it is being made, so that nothing spoken is lost.

One file a recording: a line of JSON (version, id, context, sample rate, start), then mono signed
16-bit little-endian samples. The writer holds an exclusive lock on the file while it lives, so a
file without a lock belongs to a daemon that died: `orphans` finds those.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.storage.paths import private_dir

VERSION = 1
SUFFIX = ".recording"
SYNC_INTERVAL_S = 0.25
"""The promise: at most this much speech is not yet on the disk."""


@dataclass(frozen=True)
class RecordingHeader:
    """First line of a journal file. `started_at` is seconds since the epoch."""

    recording_id: str
    context: str
    sample_rate_hz: int
    started_at: float
    version: int = VERSION


class JournalEntry:
    """One open recording. Used by one thread at a time."""

    def __init__(self, path: Path, header: RecordingHeader) -> None:
        self.path = path
        self.header = header
        self._fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        os.write(self._fd, json.dumps(asdict(header)).encode() + b"\n")
        self._synced_at = time.monotonic()

    def append(self, samples: NDArray[np.int16]) -> None:
        """Write samples, shape (n,); raises OSError when the disk is full or gone."""
        os.write(self._fd, samples.astype("<i2", copy=False).tobytes())
        now = time.monotonic()
        if now - self._synced_at >= SYNC_INTERVAL_S:
            os.fdatasync(self._fd)
            self._synced_at = now

    def discard(self) -> None:
        """The text is delivered, or the user cancelled: delete the recording."""
        self.path.unlink(missing_ok=True)
        self.release()

    def release(self) -> None:
        """Close the file and leave it for a later start to find."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class Journal:
    """The folder of recordings."""

    def __init__(self, directory: Path) -> None:
        self._dir = private_dir(directory)

    def begin(self, recording_id: str, context: str, sample_rate_hz: int) -> JournalEntry:
        """Start a recording's file; raises OSError when it cannot be made."""
        header = RecordingHeader(recording_id, context, sample_rate_hz, time.time())
        return JournalEntry(self._dir / f"{recording_id}{SUFFIX}", header)
