"""One daemon a user: a lock on a file, which the system lets go of when the process dies."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Self

from voiceflow_daemon.errors import AlreadyRunningError
from voiceflow_daemon.storage.file_lock import try_lock
from voiceflow_daemon.storage.paths import private_dir


class DaemonLock:
    """Held while the daemon runs (a context manager)."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        """Take the lock; raises `AlreadyRunningError` when another daemon holds it."""
        private_dir(self._path.parent)
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try_lock(self._fd)
        except BlockingIOError as error:
            os.close(self._fd)
            raise AlreadyRunningError(
                "A voiceflow daemon is running already.", "See `voiceflow status`; `voiceflow stop` ends it."
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)
