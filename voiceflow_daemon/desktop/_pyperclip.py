"""The clipboard through pyperclip, where no better adapter exists: text alone, and nothing is proved."""

from __future__ import annotations

import time

import pyperclip

from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.desktop.inserter import Delivery, Outcome
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.errors import DeliveryError, DisplayError

READ_BACK_LIMIT_S = 2.0
"""`pyperclip.copy` returns before the text is there; it reads back within this time or is not there."""

READ_BACK_POLL_S = 0.01


class PyperclipClipboard:
    """The `Clipboard` of a desktop that pyperclip knows."""

    def __init__(self) -> None:
        """Raises `DisplayError` when pyperclip finds no clipboard."""
        # Asked anew: pyperclip remembers what it found at its first use.
        self._copy, self._paste = pyperclip.determine_clipboard()
        if not self._copy:
            raise DisplayError("pyperclip finds no clipboard.", "Install xclip, xsel or wl-clipboard.")

    def copy(self, text: str) -> None:
        """Put `text` on the clipboard and see that it is there. Raises `DeliveryError`."""
        try:
            self._copy(text)
            deadline = time.monotonic() + READ_BACK_LIMIT_S
            while self._paste() != text:
                if time.monotonic() > deadline:
                    raise DeliveryError("The clipboard did not take the text.", "It is in the history.")
                time.sleep(READ_BACK_POLL_S)
        except (pyperclip.PyperclipException, OSError) as error:
            raise DeliveryError(f"The clipboard failed: {error}.", "The text is in the history.") from error


class CopyingInserter:
    """The `Inserter` where no keys can be sent: every text goes to the clipboard."""

    def __init__(self) -> None:
        """Raises `DisplayError` when there is no clipboard either."""
        self._clipboard = PyperclipClipboard()

    def deliver(
        self, text: str, _target: Window | None, settings: DeliverySettings, _so_far: str = ""
    ) -> Delivery:
        """Copy `text`. Raises `DeliveryError`."""
        self._clipboard.copy(text)
        if settings.method == "copy":
            return Delivery(Outcome.COPIED)
        return Delivery(Outcome.KEPT, "this desktop does not let programs paste")

    def close(self) -> None:
        """Nothing is held."""


class UnknownActiveWindow:
    """The `ActiveWindow` of a desktop that does not say."""

    def sample(self) -> Window | None:
        """Nothing is known."""
        return None

    def close(self) -> None:
        """Nothing is held."""
