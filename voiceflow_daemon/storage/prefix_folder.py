"""Files of evaluated prefixes in their folder: read one safely, write one whole, list, sweep, remove.

A file is written under a temporary name and renamed when it is whole. Its writer holds a lock on it,
which the kernel drops when that process dies: a temporary file without a lock is litter.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.storage.durable import sync_folder
from voiceflow_daemon.storage.file_lock import lock, try_lock
from voiceflow_daemon.storage.prefix_file import (
    SUFFIX,
    RefusedFileError,
    StoredPrefix,
    decode_header,
    header_bytes,
    verify,
)

TEMPORARY = SUFFIX + ".new"
_NO_SURPRISE = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
"""Of these Windows has the last, all others the first three."""
_READ_FLAGS = os.O_RDONLY | _NO_SURPRISE
_CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_SURPRISE


class PrefixFilesError(VoiceflowError):
    """Files of evaluated prompts are still on disk, though they should not be."""


@dataclass(frozen=True)
class FolderEntry:
    """A file that counts; `used_ns` is when it was last written or read."""

    path: Path
    size_bytes: int
    used_ns: int


def read_file(path: Path, key: str, largest_bytes: int) -> StoredPrefix:
    """Read and verify; raises `RefusedFileError` or OSError (`FileNotFoundError`: not there)."""
    # Looked at before it is opened, too: a pipe could block, a device do anything.
    _check_status(path.lstat(), largest_bytes)
    fd = os.open(path, _READ_FLAGS)
    try:
        status = os.fstat(fd)
        _check_status(status, largest_bytes)
        start = header_bytes(key)
        header = decode_header(os.pread(fd, start, 0), key, status.st_size)
        payload = np.empty(header.payload_bytes, np.uint8)
        _fill(payload, fd, start)
    finally:
        os.close(fd)
    return verify(header, payload)


@contextmanager
def temporary_file(folder: Path, name: str) -> Iterator[tuple[int, Path]]:
    """A new locked file as (fd, path), deleted at the end unless it was renamed. Raises OSError."""
    fd, path = _create_locked(folder, name)
    try:
        yield fd, path
    finally:
        try:
            path.unlink(missing_ok=True)
        finally:
            os.close(fd)


def entries(folder: Path) -> list[FolderEntry]:
    """The regular files among the entries, least recently used first. Raises OSError."""
    found = []
    for path in _paths(folder, SUFFIX):
        # Another process may take a file away between the listing and this.
        with contextlib.suppress(FileNotFoundError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode):
                found.append(FolderEntry(path, status.st_size, status.st_mtime_ns))
    return sorted(found, key=lambda entry: entry.used_ns)


def shrink(folder: Path, limit_bytes: int, needed_bytes: int = 0) -> int:
    """Delete what was not used for longest until so many bytes more fit; returns how many files.

    Raises OSError.
    """
    kept = entries(folder)
    total, evicted = sum(entry.size_bytes for entry in kept), 0
    # What fits in no case goes first, lest it take all others with it.
    for entry in sorted(kept, key=lambda entry: entry.size_bytes <= limit_bytes):
        if total + needed_bytes <= limit_bytes:
            break
        remove(entry.path)
        total -= entry.size_bytes
        evicted += 1
    return evicted


def remove(path: Path) -> None:
    """Delete whatever is there: of a link the link alone, of a folder all in it. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(path.lstat().st_mode):
            shutil.rmtree(path)
        else:
            path.unlink()


def remove_all(folder: Path) -> None:
    """Delete all that is ours, half-written files of living writers too, as many as can be.

    Raises the last OSError.
    """
    failed = None
    for path in _paths(folder, SUFFIX, TEMPORARY):
        try:
            remove(path)
        except OSError as error:
            failed = error
    if failed is not None:
        raise failed
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        sync_folder(folder)


def delete_prefixes(folder: Path) -> None:
    """Delete all that is kept in the folder, also where no store is open.

    Raises `PrefixFilesError` when something is left.
    """
    try:
        remove_all(folder)
    except OSError as error:
        raise PrefixFilesError(
            f"Evaluated prompts cannot be deleted from disk: {error.strerror or error}.",
            f"Delete the files in {folder} yourself: the next start would use them.",
        ) from error


def sweep(folder: Path) -> None:
    """Delete half-written files whose writer died. Raises OSError."""
    for path in _paths(folder, TEMPORARY):
        with contextlib.suppress(FileNotFoundError, BlockingIOError):
            if not stat.S_ISREG(path.lstat().st_mode):
                remove(path)
                continue
            fd = os.open(path, _READ_FLAGS)
            try:
                try_lock(fd)
                path.unlink()
            finally:
                os.close(fd)


def _check_status(status: os.stat_result, largest_bytes: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise RefusedFileError("it is no regular file")
    if status.st_uid != os.getuid():
        raise RefusedFileError("it belongs to another user")
    if stat.S_IMODE(status.st_mode) != 0o600:
        raise RefusedFileError("its permissions were changed")
    if status.st_size > largest_bytes:
        raise RefusedFileError("it is larger than the limit for all of them")


def _fill(payload: NDArray[np.uint8], fd: int, offset: int) -> None:
    rest = payload.data
    while rest:
        count = os.preadv(fd, [rest], offset)
        if count == 0:
            raise RefusedFileError("it became shorter while it was read")
        rest, offset = rest[count:], offset + count


def _create_locked(folder: Path, name: str) -> tuple[int, Path]:
    while True:
        path = folder / f"{name.removesuffix(SUFFIX)}.{os.getpid()}-{time.time_ns()}{TEMPORARY}"
        fd = os.open(path, _CREATE_FLAGS, 0o600)
        try:
            lock(fd)
            # Another process may have swept it away in the moment before it was locked.
            swept = os.fstat(fd).st_nlink == 0
        except OSError:
            os.close(fd)
            path.unlink(missing_ok=True)
            raise
        if not swept:
            return fd, path
        os.close(fd)


def _paths(folder: Path, *suffixes: str) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.name.endswith(suffixes)]
    except (FileNotFoundError, NotADirectoryError):
        return []
