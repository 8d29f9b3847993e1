"""The disk tier of the prompt cache: evaluated prefixes that outlive the program.

Reading never raises: whatever is wrong with a file, the prefix is then evaluated again. Writing never
waits: a thread of its own does it, which lives only while there is something to write.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.durable import sync_folder, write_all
from voiceflow_daemon.storage.paths import private_dir
from voiceflow_daemon.storage.prefix_file import (
    RefusedFileError,
    StoredPrefix,
    encode_header,
    file_name,
    header_bytes,
)
from voiceflow_daemon.storage.prefix_folder import (
    PrefixFilesError,
    delete_prefixes,
    read_file,
    remove,
    remove_all,
    shrink,
    sweep,
    temporary_file,
)

__all__ = ["PrefixFilesError", "PrefixStore", "StoredPrefix", "delete_prefixes"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class _Write:
    """What is to be written; compared by identity, for the same key may be queued again."""

    key: str
    payload: NDArray[np.uint8]
    created_at: float

    @property
    def size_bytes(self) -> int:
        return header_bytes(self.key) + self.payload.size


class PrefixStore:
    """A folder of files, bounded by bytes; any thread may call anything, and processes may share it.

    `limit_bytes` is for the whole folder; 0 switches the tier off and deletes what is there.

    Two locks, so that `write`, `read` and `size` never wait for what another thread does on the disk:
    `_changing` is held by whoever changes the folder, for as long as that takes, `_lock` for moments by
    whoever looks at the state. Where both are needed, `_changing` is taken first.
    """

    def __init__(self, folder: Path, limit_bytes: int, metrics: Metrics) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._metrics = metrics
        self._changing = threading.Lock()
        self._lock = threading.Condition()
        self._queued: dict[str, _Write] = {}
        self._current: _Write | None = None
        self._writer: threading.Thread | None = None
        self._closed = False
        self._last_use_ns = 0
        self._is_void = False
        """Whether what is on disk was to be deleted, and is not yet, or could not be."""
        self._problem = ""
        self._keep_to_limit()

    @property
    def problem(self) -> str:
        """Why nothing is kept on disk now, as a sentence without its full stop; "" when all is well.

        Nothing is written until `purge`, `set_limit` or another start; what is there is still read.
        """
        return self._problem

    def read(self, key: str) -> StoredPrefix | None:
        """The verified entry in fresh memory; what does not check out is deleted. Never raises."""
        if self._limit_bytes == 0 or self._is_void:
            return None
        began = time.perf_counter()
        stored = self._verified(key)
        if stored is not None:
            self._touch(self._path(key))
            self._metrics.observe_ms("prefix_read_ms", (time.perf_counter() - began) * 1e3)
        return stored

    def write(self, key: str, payload: NDArray[np.uint8], created_at: float) -> None:
        """Store an entry soon. `payload`, shape (bytes,), must not be changed any more."""
        job = _Write(key, payload, created_at)
        with self._lock:
            if self._closed or self._problem or job.size_bytes > self._limit_bytes:
                return
            self._queued.pop(key, None)
            self._queued[key] = job
            while sum(each.size_bytes for each in self._queued.values()) > self._limit_bytes:
                del self._queued[next(iter(self._queued))]
            if self._writer is None:
                writer = threading.Thread(target=self._write_queued, name="prefix-writer")
                writer.start()
                self._writer = writer

    def discard(self, key: str) -> None:
        """Delete an entry, also one that is still to be written."""
        with self._changing:
            with self._lock:
                self._queued.pop(key, None)
                if self._current is not None and self._current.key == key:
                    self._current = None
            with self._reporting("deleted from disk"):
                remove(self._path(key))

    def size(self, key: str) -> int | None:
        """How many payload bytes are on disk, unverified; None when there is no such file."""
        try:
            return max(0, self._path(key).lstat().st_size - header_bytes(key))
        except OSError:
            return None

    def purge(self) -> None:
        """Delete everything; what was being written before never appears after.

        What is written meanwhile is kept. Where something cannot be deleted, nothing is read any more.
        """
        with self._changing:
            with self._lock:
                self._queued.clear()
                self._current = None
                self._problem, self._is_void = "", True
            with self._reporting("deleted from disk"):
                remove_all(self._folder)
                self._is_void = False

    def set_limit(self, limit_bytes: int) -> None:
        """Change the limit, and try again if there was a problem."""
        with self._changing:
            with self._lock:
                self._limit_bytes = limit_bytes
                self._problem = ""
                for job in [job for job in self._queued.values() if job.size_bytes > limit_bytes]:
                    del self._queued[job.key]
                if self._current is not None and self._current.size_bytes > limit_bytes:
                    self._current = None
            self._keep_to_limit()

    def flush(self) -> None:
        """Wait until all that was queued is on disk, or given up."""
        with self._lock:
            self._lock.wait_for(lambda: self._writer is None)

    def close(self) -> None:
        """Write what is queued and end the thread; later writes do nothing."""
        with self._lock:
            self._closed = True
            writer = self._writer
        if writer is not None:
            writer.join()

    def _path(self, key: str) -> Path:
        return self._folder / file_name(key)

    def _verified(self, key: str) -> StoredPrefix | None:
        with self._reporting("read from disk"), suppress(FileNotFoundError):
            try:
                return read_file(self._path(key), key, self._limit_bytes)
            except RefusedFileError as error:
                self._metrics.count("prefix_refused")
                log.warning("an evaluated prompt on disk is deleted and made again: %s", error)
                remove(self._path(key))
        return None

    def _write_queued(self) -> None:
        while (job := self._next()) is not None:
            try:
                self._write(job)
            except Exception as error:
                if not isinstance(error, OSError):
                    log.exception("writing an evaluated prompt failed")
                with self._lock:
                    if self._current is job:
                        self._report("kept on disk", error)

    def _next(self) -> _Write | None:
        """The next write; None, and there is no writer any more, when nothing is to be written."""
        with self._lock:
            self._current = None
            if self._queued:
                self._current = self._queued.pop(next(iter(self._queued)))
            else:
                self._writer = None
                self._lock.notify_all()
            return self._current

    def _write(self, job: _Write) -> None:
        with ExitStack() as written:
            with self._changing:
                private_dir(self._folder)
                name = self._path(job.key).name
                if self._is_stored(job) or not self._begin(job):
                    return
                fd, whole = written.enter_context(temporary_file(self._folder, name))
            with self._metrics.timed("prefix_write_ms"):
                write_all(fd, encode_header(job.key, job.payload, job.created_at))
                write_all(fd, job.payload.data)
                os.fsync(fd)
                self._publish(job, whole)

    def _begin(self, job: _Write) -> bool:
        """Make room, unless it is not wanted any more; `_changing` is held. Raises OSError."""
        if not self._is_wanted(job):
            return False
        remove(self._path(job.key))
        self._make_room(job.size_bytes)
        return True

    def _is_wanted(self, job: _Write) -> bool:
        """Not when it was purged, discarded or too large meanwhile."""
        with self._lock:
            return self._current is job

    def _is_stored(self, job: _Write) -> bool:
        stored = self._verified(job.key)
        if stored is None or not np.array_equal(stored.payload, job.payload):
            return False
        self._touch(self._path(job.key))
        return True

    def _publish(self, job: _Write, whole: Path) -> None:
        with self._changing:
            if not self._is_wanted(job):
                return
            path = self._path(job.key)
            # Another process may have purged the folder: then it is gone, as it should be.
            with suppress(FileNotFoundError):
                whole.rename(path)
                self._touch(path)
                self._make_room(0)
        sync_folder(self._folder)

    def _keep_to_limit(self) -> None:
        """What is there, by a new limit; `_changing` is held."""
        with self._reporting("kept on disk"):
            if self._limit_bytes == 0:
                remove_all(self._folder)
            else:
                private_dir(self._folder)
                sweep(self._folder)
                self._make_room(0)

    def _make_room(self, needed_bytes: int) -> None:
        evicted = shrink(self._folder, self._limit_bytes, needed_bytes)
        if evicted:
            self._metrics.count("prefix_evictions_disk", evicted)

    def _touch(self, path: Path) -> None:
        """Mark as used now, later than every other; without it, it is only deleted sooner."""
        with self._lock:
            self._last_use_ns = max(time.time_ns(), self._last_use_ns + 1)
            now_ns = self._last_use_ns
        with suppress(OSError):
            os.utime(path, ns=(now_ns, now_ns), follow_symlinks=False)

    @contextmanager
    def _reporting(self, what: str) -> Iterator[None]:
        try:
            yield
        except (OSError, MemoryError) as error:
            self._report(what, error)

    def _report(self, what: str, error: Exception) -> None:
        """Say it once, and write no more; a later problem is no news as long as the first one stands."""
        if isinstance(error, VoiceflowError):
            why = error.message.rstrip(".")
        else:
            why = getattr(error, "strerror", None) or str(error)
        with self._lock:
            self._queued.clear()
            if not self._problem:
                self._problem = f"evaluated prompts cannot be {what}: {why}"
                log.warning("%s", self._problem)
