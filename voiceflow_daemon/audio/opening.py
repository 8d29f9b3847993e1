"""The time that a microphone has to open: a sound server that is frozen blocks the capture thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from voiceflow_daemon.audio.capture_events import CaptureFailed
from voiceflow_daemon.errors import MicrophoneError

HINT = "Nothing is recorded. Is the sound server frozen, or the headset out of reach?"


class Opening:
    """One recording's: it fails when the time is over, unless it was opened by then."""

    def __init__(self, recording_id: int, limit_s: float, emit: Callable[[CaptureFailed], None]) -> None:
        self._recording_id = recording_id
        self._emit = emit
        self._lock = threading.Lock()
        self._is_over = self._failed = False
        self._timer = threading.Timer(limit_s, self._fail)
        self._timer.name = "microphone opening"
        self._timer.daemon = True
        self._timer.start()

    @property
    def failed(self) -> bool:
        """Whether it took too long, and was told to have."""
        return self._failed

    def end(self) -> bool:
        """It was opened, or refused; False when that is too late. Any number of times."""
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            return not self._failed

    def _fail(self) -> None:
        with self._lock:
            if not self._is_over:
                self._failed = True
                error = MicrophoneError("The microphone does not answer.", HINT)
                self._emit(CaptureFailed(self._recording_id, error, None))
