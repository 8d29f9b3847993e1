"""SIGINT, SIGTERM and SIGHUP end the daemon in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EndingSignals:
    """While entered (on the main thread), the first of `ENDING` calls `quit_daemon`.

    On a thread of its own: a handler runs between any two bytecodes of the main thread, which may
    hold the very lock that ending needs.
    """

    def __init__(self, quit_daemon: Callable[[], None]) -> None:
        self._ending = threading.Thread(target=quit_daemon, name="ending")

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._caught) for number in ENDING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        if self._ending.ident is not None:
            self._ending.join()

    def _caught(self, _number: int, _frame: FrameType | None) -> None:
        if self._ending.ident is None:
            self._ending.start()
