"""What the worker does next: dictations and loading in their order, prompts when nothing else waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from voiceflow_daemon.daemon.orders import Job, Load, MakeHot, Order, Prepare
from voiceflow_daemon.daemon.preloading import Plan, Step, plan, serves, step_of, turned_to
from voiceflow_daemon.errors import VoiceflowError


class WorkQueue:
    """Any thread puts orders in; the worker takes work out.

    While the worker is at a `Step` and something more urgent comes, `interrupt` is called, under the
    lock that the worker needs to leave the step: it can never hit the work that follows.
    """

    def __init__(self, interrupt: Callable[[], None]) -> None:
        self._interrupt = interrupt
        self._changed = threading.Condition()
        self._orders: deque[Load | Job] = deque()
        self._plan: Plan | None = None
        self._step: Step | None = None
        self._unwanted = threading.Event()
        self._closed = False

    # ------------------------------------------------------------------------------- any thread
    def put(self, order: Order) -> None:
        """Queue it; never waits for the worker, never drops a recording."""
        with self._changed:
            match order:
                case Load():
                    # The prompts of the models that go are of no use; the new ones' are ordered anew.
                    self._orders.append(order)
                    self._plan = None
                case Job():
                    self._orders.append(order)
                case Prepare():
                    self._plan = plan(order)
                case MakeHot():
                    self._plan = turned_to(self._plan, order)
            if self._step is not None and not serves(self._step, self._upcoming()):
                self._drop_step()
            self._changed.notify()

    def interrupt_step(self) -> None:
        """Have the prompt that is being prepared begun anew."""
        with self._changed:
            self._drop_step()

    def close(self) -> None:
        """Nothing more is taken out."""
        with self._changed:
            self._closed = True
            self._drop_step()
            self._changed.notify()

    # ------------------------------------------------------------------------------- the worker
    def take(self) -> Load | Job | Step | None:
        """Wait for work; None when the queue is closed. A `Step` must be ended by `end_step`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._upcoming() is not None)
            if self._closed:
                return None
            work = self._upcoming()
            if isinstance(work, Step):
                self._step = work
                self._unwanted.clear()
            else:
                self._orders.popleft()
            return work

    def is_wanted(self) -> bool:
        """Whether the present step should still be done."""
        return not self._unwanted.is_set()

    def end_step(self, *, ready: bool, error: VoiceflowError | None = None) -> Plan | None:
        """The present step is over: its prompt is `ready`, unusable, or interrupted and still to do.

        Returns the plan when that was the last of it.
        """
        with self._changed:
            step, self._step = self._step, None
            present = self._plan
            if step is None or present is None or present.order is not step.order:
                return None
            if error is not None:
                present = present.failed(step.context, error)
            elif ready:
                present = present.prepared(step.context)
            self._plan = present if present.next is not None else None
            return present if present.next is None else None

    def _upcoming(self) -> Load | Job | Step | None:
        return self._orders[0] if self._orders else step_of(self._plan)

    def _drop_step(self) -> None:
        if self._step is not None:
            self._unwanted.set()
            self._interrupt()
