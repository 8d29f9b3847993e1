"""What stands around the daemon while it is measured: a hand on a key, a cursor, a clock."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from typing import Any

from voiceflow_daemon.bench.moments import Moment
from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.desktop.inserter import Delivery, Inserter, Outcome
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.hotkey.listener import EmitHotkey, KeyDown, KeyUp
from voiceflow_daemon.metrics import Metrics


class Hand:
    """The `HotkeyListener` whose key the benchmark presses."""

    def __init__(self, emit: EmitHotkey) -> None:
        self._emit = emit
        self._down = False
        self.released_at = 0.0
        """In `time.perf_counter`."""

    def start(self) -> None:
        """It is always there."""

    def stop(self) -> None:
        """Nothing is held."""

    def watch_cancel(self, watch: bool) -> None:
        """Nobody cancels."""

    def is_down(self) -> bool:
        """Whether it is pressed."""
        return self._down

    def is_alive(self) -> bool:
        """Always."""
        return True

    def press(self) -> None:
        """The key goes down."""
        self._down = True
        self._emit(KeyDown())

    def release(self) -> None:
        """The key goes up, and that is noted."""
        self._down = False
        self.released_at = time.perf_counter()
        self._emit(KeyUp())


class Sink:
    """The `Inserter` of a place that takes every text at once."""

    def deliver(self, *_text: Any, **_more: Any) -> Delivery:
        """Take whatever it is."""
        return Delivery(Outcome.PASTED)

    def close(self) -> None:
        """Nothing is held."""


class Cursor:
    """The `Inserter` that notes when a text stands, and what the process has worked by then."""

    def __init__(self, open_inserter: Callable[[], Inserter]) -> None:
        self._open_inserter = open_inserter
        self._inserter: Inserter = Sink()
        self.delivered_at = 0.0
        """In `time.perf_counter`."""
        self.cpu_s = 0.0

    def open(self) -> Inserter:
        """Itself, ready; raises `DisplayError`. The thread that delivers calls it."""
        self._inserter = self._open_inserter()
        return self

    def deliver(
        self, text: str, target: Window | None, settings: DeliverySettings, so_far: str = ""
    ) -> Delivery:
        """Have it delivered; raises `DeliveryError`."""
        delivery = self._inserter.deliver(text, target, settings, so_far)
        self.delivered_at, self.cpu_s = time.perf_counter(), time.process_time()
        return delivery

    def close(self) -> None:
        """Let go of the desktop."""
        self._inserter.close()


class SameWindow:
    """The `ActiveWindow` in which every dictation is meant for the same window."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def sample(self) -> Window:
        """That window, wherever the focus is: delivery looks for itself, and keeps what is out of place."""
        return self._window

    def close(self) -> None:
        """Nothing is held."""


class LastNote:
    """What the user would be told; the last of it explains why no text came."""

    def __init__(self) -> None:
        self.enabled = True
        self.text = ""

    def __call__(self, topic: str, title: str, body: str = "") -> None:  # noqa: ARG002
        """Keep it."""
        self.text = f"{title} {body}".strip()


class TimedMetrics(Metrics):
    """Keeps each timing with the moment of its end."""

    def __init__(self) -> None:
        super().__init__()
        self._moments: queue.SimpleQueue[Moment] = queue.SimpleQueue()

    def observe_ms(self, name: str, milliseconds: float) -> None:
        """Record one value."""
        super().observe_ms(name, milliseconds)
        self._moments.put(Moment(name.removesuffix("_ms"), time.perf_counter(), milliseconds))

    def take_moments(self) -> list[Moment]:
        """Those since the last call."""
        found = []
        while not self._moments.empty():
            found.append(self._moments.get())
        return found
