"""A desktop that consists of one cursor and one clipboard."""

from __future__ import annotations

from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.desktop.inserter import Delivery, Outcome
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.errors import DeliveryError


class FakeInserter:
    """Writes at the cursor of the focused window."""

    def __init__(self, focused: Window | None = None) -> None:
        self.focused = focused
        """The window that has the focus; tests move it."""
        self.written: dict[int, str] = {}
        """Window id -> what stands in that window."""
        self.clipboard = ""
        self.takes_paste = True
        """Whether the focused program reads the clipboard when the paste keys come."""
        self.has_clipboard = True
        self.closed = False

    def deliver(
        self, text: str, target: Window | None, settings: DeliverySettings, so_far: str = ""
    ) -> Delivery:
        if settings.method == "copy":
            return self._put(text, Delivery(Outcome.COPIED))
        if target is None or self.focused != target:
            return self._put(text, Delivery(Outcome.KEPT, "another window has the focus now"))
        if settings.method == "type":
            return self._write(text, target, Outcome.TYPED)
        if not self.takes_paste:
            return self._put(text, Delivery(Outcome.KEPT, "the program did not take the text"))
        if not settings.restore_clipboard:
            self.clipboard = so_far or text
        return self._write(text, target, Outcome.PASTED)

    def close(self) -> None:
        self.closed = True

    def _write(self, text: str, target: Window, outcome: Outcome) -> Delivery:
        self.written[target.window_id] = self.written.get(target.window_id, "") + text
        return Delivery(outcome)

    def _put(self, text: str, delivery: Delivery) -> Delivery:
        if not self.has_clipboard:
            raise DeliveryError("There is no clipboard.")
        self.clipboard = text
        return delivery
