"""The one hotkey listener that is open, and its exchange when the settings change."""

from __future__ import annotations

import logging
from collections.abc import Callable

from voiceflow_daemon.config.schema import HotkeySettings
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.hotkey.listener import HotkeyListener

log = logging.getLogger(__name__)

OpenListener = Callable[[HotkeySettings], HotkeyListener]
"""Makes a listener that is not started yet; raises `HotkeyError` or `DisplayError`."""


class HotkeyHost:
    """Holds the listener. `take` and `let_go` by one thread at a time, the rest by any."""

    def __init__(self, open_listener: OpenListener) -> None:
        self._open = open_listener
        self._listener: HotkeyListener | None = None

    def take(self, settings: HotkeySettings) -> None:
        """Let go of the present hotkey and take the one in `settings`.

        Raises `HotkeyError` or `DisplayError`; then there is no hotkey until the next `take`.
        """
        self.let_go()
        listener = self._open(settings)
        listener.start()
        self._listener = listener

    def let_go(self) -> None:
        """Stop listening."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.stop()

    def watch_cancel(self, watch: bool) -> None:
        """Take Escape, or give it back."""
        if self._listener is not None:
            try:
                self._listener.watch_cancel(watch)
            except VoiceflowError as error:
                log.warning("%s", error)

    def is_down(self) -> bool:
        """Whether a key of the hotkey is physically down."""
        listener = self._listener
        return listener is not None and listener.is_alive() and listener.is_down()

    def is_alive(self) -> bool:
        """Whether presses are heard."""
        listener = self._listener
        return listener is not None and listener.is_alive()
