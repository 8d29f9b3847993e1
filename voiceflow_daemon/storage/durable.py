"""Writing that lasts through a loss of power."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

PIECE_BYTES = 1 << 20
"""Written at once."""


def write_all(fd: int, content: bytes | memoryview) -> None:
    """Write all of it; raises OSError."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(fd, rest[:PIECE_BYTES]) :]


def sync_content(fd: int) -> None:
    """Make the file's content last, its times perhaps not; raises OSError."""
    if hasattr(os, "fdatasync"):
        os.fdatasync(fd)
    else:
        os.fsync(fd)


def sync_folder(folder: Path) -> None:
    """Make what was created, renamed and deleted in it last; raises OSError when it cannot be opened.

    Not all file systems can. On Windows no folder can be synced, and NTFS keeps a log of its own.
    """
    if sys.platform != "win32":
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            with contextlib.suppress(OSError):
                os.fsync(fd)
        finally:
            os.close(fd)
