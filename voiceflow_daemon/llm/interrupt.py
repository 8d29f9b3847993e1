"""Stops the model's present work: at its deadline, or when another thread says so."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from voiceflow_daemon.llm.backend import LanguageModel


class Interrupt:
    """`abort` works from any thread, on the work that is going on and never on the next."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._working = False
        self._timer: threading.Timer | None = None

    @contextmanager
    def work(self) -> Iterator[None]:
        """The model's work that `abort` and `stop_at` end."""
        with self._lock:
            self._working = True
        try:
            yield
        finally:
            self._cancel_timer()
            with self._lock:
                self._working = False
                self._model.resume()

    def stop_at(self, deadline: float) -> None:
        """Abort the present work at `deadline` (`time.monotonic`)."""
        self._cancel_timer()
        delay_s = min(max(0.0, deadline - time.monotonic()), threading.TIMEOUT_MAX)
        self._timer = threading.Timer(delay_s, self.abort)
        self._timer.daemon = True
        self._timer.start()

    def abort(self) -> None:
        """End the present work soon; nothing happens when there is none."""
        with self._lock:
            if self._working:
                self._model.stop()

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            # Were it just about to fire, it must not hit the work that comes next.
            self._timer.join()
            self._timer = None
