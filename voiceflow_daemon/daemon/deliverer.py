"""The delivery thread: puts texts at the cursor in the order of speaking.

A thread of its own, because a delivery waits for the hotkey to be up and for the target to read the
clipboard, and neither the hotkey nor the models may wait for that.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.worker import Done
from voiceflow_daemon.desktop.inserter import Delivery, Inserter, Outcome
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.errors import DeliveryError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """A text to deliver into the window that had the focus when its key went down."""

    done: Done
    target: Window | None
    settings: Settings


@dataclass(frozen=True)
class Delivered:
    """The end of an order."""

    order: Order
    delivery: Delivery


class Deliverer:
    """Delivers one order after the other."""

    def __init__(
        self,
        open_inserter: Callable[[], Inserter],
        hotkey_is_down: Callable[[], bool],
        emit: Callable[[Delivered], None],
    ) -> None:
        self._open_inserter = open_inserter
        self._hotkey_is_down = hotkey_is_down
        self._emit = emit
        self._queue: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="delivery")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the present delivery."""
        self._stopping.set()
        self._queue.put(None)
        self._thread.join()

    def submit(self, order: Order) -> None:
        """Queue a text."""
        self._queue.put(order)

    def _run(self) -> None:
        inserter = self._open_inserter()
        while (order := self._queue.get()) is not None:
            self._emit(Delivered(order, self._deliver(inserter, order)))
        inserter.close()

    def _deliver(self, inserter: Inserter, order: Order) -> Delivery:
        while self._hotkey_is_down() and not self._stopping.is_set():
            time.sleep(0.01)
        assert order.done.dictated is not None
        try:
            return inserter.deliver(order.done.dictated.text, order.target, order.settings.delivery)
        except DeliveryError as error:
            return Delivery(Outcome.KEPT, str(error))
