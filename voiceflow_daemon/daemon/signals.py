"""SIGINT and SIGTERM end the daemon, also while the tray's native main loop holds the main thread."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndingSignals:
    """While entered, each of `ENDING` calls `quit_daemon` on a thread of its own.

    Python runs its own handlers between bytecodes of the main thread, which a native loop may not
    reach for long; the wake-up descriptor is written by the C handler at once.
    """

    def __init__(self, quit_daemon: Callable[[], None]) -> None:
        self._quit = quit_daemon
        self._thread = threading.Thread(target=self._run, name="signals")

    def __enter__(self) -> Self:
        self._ours, self._theirs = socket.socketpair()
        self._theirs.setblocking(False)
        self._previous = {number: signal.signal(number, _wake) for number in ENDING}
        self._previous_fd = signal.set_wakeup_fd(self._theirs.fileno(), warn_on_full_buffer=False)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.set_wakeup_fd(self._previous_fd)
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._theirs.close()
        self._thread.join()
        self._ours.close()

    def _run(self) -> None:
        while received := self._ours.recv(16):
            if set(received) & set(ENDING):
                self._quit()


def _wake(_number: int, _frame: FrameType | None) -> None:
    """The descriptor has been written already; Python only must not die of the signal."""
