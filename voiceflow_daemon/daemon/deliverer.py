"""The delivery thread: puts texts at the cursor in the order of speaking.

A thread of its own, because a delivery waits for the hotkey to be up and for the target to read the
clipboard, and neither the hotkey nor the models may wait for that.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.desktop.inserter import Delivery, Inserter, Outcome
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.errors import VoiceflowError

log = logging.getLogger(__name__)

HOTKEY_POLL_S = 0.005


@dataclass(frozen=True)
class Order:
    """A text for the window that had the focus when its key went down. `order_id` is the sender's."""

    order_id: int
    text: str
    target: Window | None
    settings: DeliverySettings


@dataclass(frozen=True)
class Delivered:
    """The end of an order; `delivery` is None when not even the clipboard took the text."""

    order: Order
    delivery: Delivery | None
    error: VoiceflowError | None = None


class Deliverer:
    """Delivers one order after the other; results go to `emit`."""

    def __init__(
        self,
        open_inserter: Callable[[], Inserter],
        hotkey_is_down: Callable[[], bool],
        emit: Callable[[Delivered], None],
    ) -> None:
        self._open_inserter = open_inserter
        self._hotkey_is_down = hotkey_is_down
        self._emit = emit
        self._inserter: Inserter | None = None
        self._queue: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the present delivery; what waits is not delivered, nor said to be."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join()

    def submit(self, order: Order) -> None:
        """Queue a text."""
        self._queue.put(order)

    def _run(self) -> None:
        self._warm_up()
        while (order := self._queue.get()) is not None and self._may_deliver(order):
            try:
                self._emit(self._deliver(order))
            except Exception as error:
                log.exception("a delivery failed")
                failure = VoiceflowError(f"The delivery failed ({type(error).__name__}).")
                self._emit(Delivered(order, None, failure))
        if self._inserter is not None:
            self._inserter.close()

    def _warm_up(self) -> None:
        """Open the inserter ahead of the first text, which must not wait for it."""
        try:
            self._inserter = self._open_inserter()
        except VoiceflowError as error:
            log.warning("texts cannot be delivered yet: %s", error)
        except Exception:
            log.exception("texts cannot be delivered yet")

    def _may_deliver(self, order: Order) -> bool:
        """Wait until the hotkey is up; False when the daemon ends first.

        A grabbed key that is still down would take the paste keys; a held modifier would change them.
        """
        if order.settings.method != "copy":
            while self._hotkey_is_down() and not self._stopping.wait(HOTKEY_POLL_S):
                pass
        return not self._stopping.is_set()

    def _deliver(self, order: Order) -> Delivered:
        try:
            if self._inserter is None:
                self._inserter = self._open_inserter()
            return Delivered(order, self._inserter.deliver(order.text, order.target, order.settings))
        except VoiceflowError as error:
            return Delivered(order, None, error)


def is_at_cursor(delivery: Delivery | None) -> bool:
    """Whether the text stands where it was spoken to."""
    return delivery is not None and delivery.outcome in (Outcome.PASTED, Outcome.TYPED)
