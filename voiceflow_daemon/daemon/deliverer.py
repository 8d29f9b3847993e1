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
from dataclasses import dataclass, replace

from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.daemon.pieces import Insert, Keep, Standing, after, next_piece
from voiceflow_daemon.desktop.inserter import Delivery, Inserter, Outcome
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.errors import VoiceflowError

log = logging.getLogger(__name__)

KEY_IS_DOWN = "the hotkey is still held down"
HOTKEY_POLL_S = 0.005
"""Nothing else tells on every desktop that a key is up by what the desktop itself says."""


@dataclass(frozen=True)
class Order:
    """A text for the window that had the focus when its key went down. `order_id` is the sender's.

    A text may come in several orders of the same id, each with all of it so far: then what is new goes
    behind what stands there. None of another dictation may come between them.
    """

    order_id: int
    text: str
    target: Window | None
    settings: DeliverySettings
    is_last: bool = True
    """Whether `text` is the whole text."""
    key_limit_s: float = 305.0
    """For the hotkey to be up: longer than any recording, for the user may be speaking again."""


@dataclass(frozen=True)
class Delivered:
    """The end of an order; `delivery` is None when not even the clipboard took the text.

    Of a text in several orders, the last one's `delivery` tells of the whole text.
    """

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
        self._begun: tuple[int, Standing] | None = None
        """The id of the text in several orders that is not complete, and what stands of it."""
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
        while (order := self._queue.get()) is not None and not self._stopping.is_set():
            try:
                delivered = self._deliver(order)
            except Exception as error:
                log.exception("a delivery failed")
                failure = VoiceflowError(f"The delivery failed ({type(error).__name__}).")
                delivered = Delivered(order, None, failure)
            if delivered is not None:
                self._emit(delivered)
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

    def _deliver(self, order: Order) -> Delivered | None:
        """None when the daemon ends first."""
        standing = self._standing_of(order)
        piece = next_piece(standing, order.text, is_last=order.is_last)
        if isinstance(piece, Insert) and order.settings.method != "copy" and not self._hotkey_is_up(order):
            if self._stopping.is_set():
                return None
            standing = replace(standing, trouble=KEY_IS_DOWN)
            piece = next_piece(standing, order.text, is_last=order.is_last)
        return self._carry_out(order, standing, piece)

    def _standing_of(self, order: Order) -> Standing:
        begun = self._begun
        return begun[1] if begun is not None and begun[0] == order.order_id else Standing()

    def _hotkey_is_up(self, order: Order) -> bool:
        """Wait for it; False when it stays down, or the daemon ends first.

        A grabbed key that is still down would take the paste keys; a held modifier would change them.
        """
        limit = time.monotonic() + order.key_limit_s
        while self._hotkey_is_down():
            if self._stopping.wait(HOTKEY_POLL_S) or time.monotonic() > limit:
                return False
        return True

    def _carry_out(self, order: Order, standing: Standing, piece: Insert | Keep | None) -> Delivered:
        # Whatever fails on the way: what may stand there by then is never put there again.
        self._remember(order, replace(standing, trouble=standing.trouble or "its delivery failed"))
        try:
            match piece:
                case Insert(text):
                    delivery = self._present().deliver(text, order.target, order.settings, order.text)
                    standing = after(standing, piece, delivery)
                case Keep(text, trouble):
                    copying = order.settings.model_copy(update={"method": "copy"})
                    self._present().deliver(text, order.target, copying)
                    standing = replace(standing, trouble=trouble)
        except VoiceflowError as error:
            return Delivered(order, None, error)
        self._remember(order, standing)
        return Delivered(order, standing.delivery)

    def _remember(self, order: Order, standing: Standing) -> None:
        if not order.is_last:
            self._begun = (order.order_id, standing)
        elif self._begun is not None and self._begun[0] == order.order_id:
            self._begun = None

    def _present(self) -> Inserter:
        if self._inserter is None:
            self._inserter = self._open_inserter()
        return self._inserter


def is_at_cursor(delivery: Delivery | None) -> bool:
    """Whether the text stands where it was spoken to."""
    return delivery is not None and delivery.outcome in (Outcome.PASTED, Outcome.TYPED)
