"""The journal: a recording is on disk while it is being made, so that nothing spoken is lost.

One file a recording: a line of JSON (version, id, context, sample rate, start), then mono signed
16-bit little-endian samples. Whoever works on a recording holds an exclusive lock on its file, and
the kernel drops the lock when that process dies: a file without a lock is an orphan.
"""

from __future__ import annotations

import errno
import itertools
import json
import logging
import os
import stat
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.storage.durable import sync_content, sync_folder, write_all
from voiceflow_daemon.storage.file_lock import lock, try_lock
from voiceflow_daemon.storage.paths import private_dir

log = logging.getLogger(__name__)

VERSION = 1
SUFFIX = ".recording"
BEGUN = f".begun{SUFFIX}"
"""Of a recording the beginning of whose text stands at the cursor already."""
DAMAGED = ".damaged"
SYNC_INTERVAL_S = 0.2
"""The promise is 250 ms for a loss of power, of which the sync itself takes some."""
SYNC_SHARE = 0.2
"""Of the capture thread's time: on a disk that takes longer, recording goes before syncing."""
LONGEST_HEADER_BYTES = 4096
BEGINNINGS = 5
NO_RECORDING = {errno.ELOOP, errno.EISDIR, errno.ENXIO}
"""What opening a link, a folder or a socket fails with."""
LARGEST_BYTES = 1 << 30
"""Nine hours; a larger file is none of ours."""


@dataclass(frozen=True)
class RecordingHeader:
    """First line of a journal file. `started_at` is seconds since the epoch."""

    recording_id: str
    context: str
    sample_rate_hz: int
    started_at: float
    version: int = VERSION


class JournalEntry:
    """One locked recording. Used by one thread at a time."""

    def __init__(self, path: Path, header: RecordingHeader, fd: int) -> None:
        self.path = path
        self.header = header
        self._fd = fd
        self._next_sync = time.monotonic() + SYNC_INTERVAL_S

    def append(self, samples: NDArray[np.int16]) -> None:
        """Write samples, shape (n,); raises OSError when the disk is full or the file is gone."""
        write_all(self._fd, samples.astype("<i2", copy=False).tobytes())
        if time.monotonic() >= self._next_sync:
            self._sync()

    def mark_begun(self) -> None:
        """The beginning of its text is about to be delivered: whoever finds it later must know.

        Raises OSError. Any thread may call it, while another one appends. Not synced: with the power, the
        window that the text stands in goes too.
        """
        self.path = self.path.rename(self.path.with_name(self.path.name.removesuffix(SUFFIX) + BEGUN))

    def discard(self) -> None:
        """The text is delivered, or the user cancelled: delete the recording."""
        try:
            self.path.unlink(missing_ok=True)
        finally:
            self.release()

    def release(self) -> None:
        """Close the file and leave it for a later start to find."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _sync(self) -> None:
        began = time.monotonic()
        sync_content(self._fd)
        if os.fstat(self._fd).st_nlink == 0:
            raise FileNotFoundError(f"{self.path.name} was deleted while it was being written")
        took = time.monotonic() - began
        self._next_sync = began + max(SYNC_INTERVAL_S, took / SYNC_SHARE)


class Orphan(JournalEntry):
    """A recording whose writer died; ours now, by its lock."""

    def __init__(self, path: Path, header: RecordingHeader, fd: int, samples_at: int) -> None:
        super().__init__(path, header, fd)
        self._samples_at = samples_at

    @property
    def is_begun(self) -> bool:
        """Whether the beginning of its text may stand at the cursor."""
        return self.path.name.endswith(BEGUN)

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return (os.fstat(self._fd).st_size - self._samples_at) // 2 / self.header.sample_rate_hz

    def read(self) -> NDArray[np.int16]:
        """The samples, shape (n,); half a sample at the end is left out. Raises OSError."""
        size = os.fstat(self._fd).st_size - self._samples_at
        raw = _read_at(self._fd, self._samples_at, size)
        return np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(np.int16)


class Journal:
    """The folder of recordings."""

    def __init__(self, directory: Path) -> None:
        self._dir = directory
        self._numbers = itertools.count(1)

    def begin(self, context: str, sample_rate_hz: int) -> JournalEntry:
        """Start a recording's file; raises OSError when it cannot be made."""
        private_dir(self._dir)
        for _ in range(BEGINNINGS):
            entry = self._begin(context, sample_rate_hz)
            if entry is not None:
                return entry
            log.info("a recording's file was taken for an orphan; another is begun")
        raise FileNotFoundError("the recording's file is deleted whenever it is made")

    def _begin(self, context: str, sample_rate_hz: int) -> JournalEntry | None:
        """None where `orphans` found the file between its making and its lock, and deleted it."""
        started_at = time.time()
        # A process id may come again, in a container even at each start; the time makes it unique.
        recording_id = f"{int(started_at * 1e6)}-{os.getpid()}-{next(self._numbers)}"
        header = RecordingHeader(recording_id, context, sample_rate_hz, started_at)
        path = self._dir / f"{recording_id}{SUFFIX}"
        fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            lock(fd)
            if os.fstat(fd).st_nlink == 0:
                os.close(fd)
                return None
            write_all(fd, json.dumps(asdict(header)).encode() + b"\n")
            sync_folder(self._dir)
        except OSError:
            os.close(fd)
            raise
        return JournalEntry(path, header, fd)

    def orphans(self) -> list[Orphan]:
        """Lock and return the recordings whose writer died, oldest first.

        Never raises. Files in which nothing was spoken are deleted; what is no recording is moved
        aside (see `damaged`). What the system fails to read now is left where it is: that may be a living
        writer's, whose lock was not asked for yet.
        """
        found = []
        for path in self._files(SUFFIX):
            try:
                orphan = _adopt(path)
            except BlockingIOError:
                continue  # its writer lives
            except FileNotFoundError:
                continue  # its writer has just finished with it
            except (OSError, ValueError) as error:
                if isinstance(error, ValueError) or error.errno in NO_RECORDING:
                    _move_aside(path, error)
                else:
                    log.warning("the journal's %s is left for the next start: %s", path.name, error)
                continue
            if orphan is not None:
                found.append(orphan)
        return sorted(found, key=lambda orphan: orphan.header.started_at)

    def damaged(self) -> list[Path]:
        """Files that were moved aside because they could not be read."""
        return self._files(DAMAGED)

    def _files(self, suffix: str) -> list[Path]:
        try:
            return sorted(path for path in self._dir.iterdir() if path.name.endswith(suffix))
        except OSError:
            return []


def read_header(first_line: bytes) -> RecordingHeader:
    """Parse the first line without its end; raises ValueError when it is no header of ours."""
    try:
        fields = json.loads(first_line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(fields, dict) or fields.get("version") != VERSION:
        raise ValueError("no journal file of this version")
    try:
        header = RecordingHeader(**fields)
    except TypeError as error:
        raise ValueError("fields are missing or unknown") from error
    sound = (
        isinstance(header.recording_id, str)
        and isinstance(header.context, str)
        and type(header.sample_rate_hz) is int
        and 1 <= header.sample_rate_hz <= 1_000_000
        and type(header.started_at) is float
        and 0 <= header.started_at < 1e11
    )
    if not sound:
        raise ValueError("a field is impossible")
    return header


def _adopt(path: Path) -> Orphan | None:
    """Lock and check a file; None when nothing was spoken in it."""
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    adopted = False
    try:
        try_lock(fd)
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_BYTES:
            raise ValueError("not a recording")
        if status.st_nlink == 0:
            return None
        start = _read_at(fd, 0, LONGEST_HEADER_BYTES)
        line, end_of_line, _ = start.partition(b"\n")
        if not end_of_line and len(start) < LONGEST_HEADER_BYTES and _begins_a_header(start):
            path.unlink()
            return None
        orphan = Orphan(path, read_header(line), fd, len(line) + 1)
        if status.st_size < len(line) + 3:
            path.unlink()
            return None
        adopted = True
        return orphan
    finally:
        if not adopted:
            os.close(fd)


def _begins_a_header(start: bytes) -> bool:
    """Whether the writer died before its first line was whole."""
    known = b'{"recording_id": "'
    return start[: len(known)] == known[: len(start)]


def _move_aside(path: Path, why: Exception) -> None:
    aside = path.with_name(f"{path.name}{DAMAGED}")
    for number in itertools.count(2):
        if not os.path.lexists(aside):
            break
        aside = path.with_name(f"{path.name}.{number}{DAMAGED}")
    try:
        path.rename(aside)
    except OSError as error:
        log.warning("the journal's %s cannot be read (%s) nor moved aside (%s)", path.name, why, error)
    else:
        log.warning("the journal's %s cannot be read (%s); it is kept as %s", path.name, why, aside.name)


def _read_at(fd: int, offset: int, size: int) -> bytes:
    parts = []
    while size > 0 and (part := os.pread(fd, min(size, 1 << 24), offset)):
        parts.append(part)
        offset += len(part)
        size -= len(part)
    return b"".join(parts)
