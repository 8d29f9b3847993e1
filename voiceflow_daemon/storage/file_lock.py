"""A lock on an open file, which the system drops when the file is closed, also by its holder's death."""

from __future__ import annotations

import os
import sys
import time

if sys.platform == "win32":
    import msvcrt

    _PLACE = 0x7FFF_FFFE
    """Windows locks bytes, and keeps others from reading those: one behind all that is ever written."""
    _AGAIN_S = 0.05

    def try_lock(fd: int) -> None:
        """Lock it for this process alone; raises `BlockingIOError` when another one has it."""
        position = os.lseek(fd, 0, os.SEEK_CUR)
        os.lseek(fd, _PLACE, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(error.errno, "locked by another process") from error
        finally:
            os.lseek(fd, position, os.SEEK_SET)

    def lock(fd: int) -> None:
        """Wait until nobody else has it, and lock it; raises OSError when it cannot be locked at all."""
        while True:
            try:
                try_lock(fd)
            except BlockingIOError:
                time.sleep(_AGAIN_S)
            else:
                return

else:
    import fcntl

    def try_lock(fd: int) -> None:
        """Lock it for this opening alone; raises `BlockingIOError` when another one has it.

        A folder can be locked as well.
        """
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def lock(fd: int) -> None:
        """Wait until nobody else has it, and lock it; raises OSError when it cannot be locked at all."""
        fcntl.flock(fd, fcntl.LOCK_EX)
