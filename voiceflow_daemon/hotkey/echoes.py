"""Our own keystrokes coming back: announced by the inserter, dropped by the listener."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

LIFETIME_S = 0.5
"""How long an announced keystroke may take to come back. One that never does must not hide the user's."""


class EchoFilter:
    """The keystrokes that we are about to send. Any thread may announce, another may ask.

    `clock` gives seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._expected: deque[tuple[int, bool, float]] = deque()

    def announce(self, keycode: int, pressed: bool) -> None:
        """Call right before sending: the next press (or release) of that key by a program is ours."""
        with self._lock:
            self._expected.append((keycode, pressed, self._clock() + LIFETIME_S))

    def takes(self, keycode: int, pressed: bool) -> bool:
        """Whether this keystroke is an announced one. Each is taken once, and a key's in their order.

        One that is skipped did not come back, for its key's later one is here: it is forgotten.
        """
        with self._lock:
            now = self._clock()
            while self._expected and self._expected[0][2] <= now:
                self._expected.popleft()
            same_key = [entry for entry in self._expected if entry[0] == keycode]
            for index, entry in enumerate(same_key):
                if entry[1] == pressed:
                    self._forget(same_key[: index + 1])
                    return True
            return False

    def _forget(self, entries: list[tuple[int, bool, float]]) -> None:
        for entry in entries:
            self._expected.remove(entry)
