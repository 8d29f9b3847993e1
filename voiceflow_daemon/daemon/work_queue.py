"""What the worker does next: first what was released, then what is being spoken, then prompts."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from voiceflow_daemon.daemon.orders import Forget, Guess, Hear, Job, Load, MakeHot, Order, Prepare, Unload
from voiceflow_daemon.daemon.preloading import Plan, Step, plan, serves, step_of, turned_to
from voiceflow_daemon.errors import VoiceflowError


@dataclass(frozen=True, eq=False)
class Write:
    """Format the next settled sentence of a dictation that is being spoken."""

    job_id: int


Urgent = Load | Job | Forget
"""In the order in which they came, before everything else."""
Work = Urgent | Guess | Hear | Write | Step | Unload
Present = Guess | Hear | Write | Step | Job
"""Work that gives way to what is more urgent, and can be done later, or done without; of jobs only one
that an earlier daemon left. A segment that is being heard gives way to nothing but its being dropped."""


class WorkQueue:
    """Any thread puts orders in; the worker takes work out.

    While the worker is at something that gives way and something more urgent comes, `interrupt` is
    called, under the lock that the worker needs to leave that work: it can never hit what follows.
    `leave_room` is told, under the same lock, whether what is done now should leave something of the
    machine to the desktop: what is written while one speaks should, and what a release waits for not.
    """

    def __init__(
        self, interrupt: Callable[[], None], leave_room: Callable[[bool], None] = lambda _room: None
    ) -> None:
        self._interrupt = interrupt
        self._leave_room = leave_room
        self._changed = threading.Condition()
        self._urgent: deque[Urgent] = deque()
        self._recovered: deque[Job] = deque()
        self._guess: Guess | None = None
        self._releasing: int | None = None
        """The recording that ends just now: nothing more is begun ahead of its `Job`."""
        self._speaking: int | None = None
        """The recording that goes on, or ends just now."""
        self._segments: deque[Hear] = deque()
        self._to_write: deque[Write] = deque()
        self._plan: Plan | None = None
        self._unload: Unload | None = None
        self._present: Present | None = None
        self._unwanted = threading.Event()
        self._closed = False

    # ------------------------------------------------------------------------------- any thread
    def put(self, order: Order) -> None:
        """Queue it; never waits for the worker, never drops a recording."""
        with self._changed:
            match order:
                case Load():
                    # The prompts of the models that go are of no use; the new ones' are ordered anew.
                    self._urgent.append(order)
                    self._plan = self._unload = None
                case Unload():
                    self._unload = order
                case Job(job_id) if job_id < 0:
                    self._recovered.append(order)
                case Job(job_id) | Forget(job_id):
                    # The whole recording has come, or it never will: its pieces are of no use.
                    self._leave_off(job_id)
                    self._urgent.append(order)
                    if job_id == self._speaking:
                        self._speaking = None
                case Guess():
                    self._leave_off(order.job_id)
                    self._guess, self._releasing = order, order.job_id
                case Hear(job_id):
                    if job_id != self._releasing:
                        self._segments.append(order)
                case Prepare():
                    self._plan = plan(order)
                case MakeHot(job_id=job_id):
                    self._plan = turned_to(self._plan, order)
                    self._speaking = self._speaking if job_id is None else job_id
            if isinstance(self._present, Write) and is_released(self._present, order):
                self._leave_room(False)
            if self._present is not None and not self._goes_on(self._present):
                self._drop_present()
            self._changed.notify()

    def interrupt_step(self) -> None:
        """Have the prompt that is being prepared begun anew."""
        with self._changed:
            if isinstance(self._present, Step):
                self._drop_present()

    def close(self) -> None:
        """Nothing more is taken out."""
        with self._changed:
            self._closed = True
            self._drop_present()
            self._changed.notify()

    # ------------------------------------------------------------------------------- the worker
    def take(self) -> Work | None:
        """Wait for work; None when the queue is closed. What is interruptible must be ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._upcoming() is not None)
            if self._closed:
                return None
            work = self._upcoming()
            match work:
                case Job(job_id) if job_id < 0:
                    self._recovered.popleft()
                case Load() | Job() | Forget():
                    self._urgent.popleft()
                case Guess():
                    self._guess = None
                case Hear():
                    self._segments.popleft()
                case Write():
                    self._to_write.popleft()
                case Unload():
                    self._unload = None
            if isinstance(work, Guess | Hear | Write | Step) or (isinstance(work, Job) and work.job_id < 0):
                self._present = work
                self._unwanted.clear()
            self._leave_room(isinstance(work, Write))
            return work

    def is_wanted(self) -> bool:
        """Whether the present work should still be done."""
        return not self._unwanted.is_set()

    def write(self, job_id: int) -> None:
        """A sentence of this dictation is to be written when nothing more urgent is to be done."""
        with self._changed:
            if job_id != self._releasing:
                self._to_write.append(Write(job_id))

    def end(self) -> None:
        """The present work, if it is no step, is over."""
        with self._changed:
            self._present = None

    def put_back(self, job: Job) -> None:
        """A recording of an earlier daemon has given way, and is to be begun anew."""
        with self._changed:
            self._recovered.appendleft(job)

    def end_step(self, *, ready: bool, error: VoiceflowError | None = None) -> Plan | None:
        """The present step is over: its prompt is `ready`, unusable, or interrupted and still to do.

        Returns the plan when that was the last of it.
        """
        with self._changed:
            step, self._present = self._present, None
            present = self._plan
            if not isinstance(step, Step) or present is None or present.order is not step.order:
                return None
            if error is not None:
                present = present.failed(step.context, error)
            elif ready:
                present = present.prepared(step.context)
            self._plan = present if present.next is not None else None
            return present if present.next is None else None

    def _upcoming(self) -> Work | None:
        if self._urgent:
            return self._urgent[0]
        if self._guess is not None:
            return self._guess
        if self._segments:
            return self._segments[0]
        if self._to_write:
            return self._to_write[0]
        # What an earlier daemon left has waited for long; who speaks now waits for nothing, and a
        # transcription that is begun a release may have to wait for.
        if self._recovered and self._speaking is None:
            return self._recovered[0]
        return step_of(self._plan) or self._unload

    def _goes_on(self, present: Present) -> bool:
        """Whether nothing that waits is more urgent; a `Forget` takes no time, so what follows it counts."""
        if isinstance(present, Job) and self._speaking is not None:
            return False
        for order in self._urgent:
            if not goes_on(present, order):
                return False
            if not isinstance(order, Forget):
                return True
        return goes_on(present, self._upcoming())

    def _leave_off(self, job_id: int) -> None:
        self._segments = deque(each for each in self._segments if each.job_id != job_id)
        self._to_write = deque(each for each in self._to_write if each.job_id != job_id)
        if self._guess is not None and self._guess.job_id == job_id:
            self._guess = None

    def _drop_present(self) -> None:
        if self._present is not None:
            self._unwanted.set()
            self._interrupt()


def is_borne_out(guess: Guess, job: Job) -> bool:
    """Whether nothing was said in the recording after what the guess was made from.

    Measured on 40 utterances of the sample voice, let go at the last word's end, 40 and 80 ms before it:
    whenever a guess was borne out, the whole recording was heard alike (42 of 120; 39 of the first 40).
    """
    if guess.job_id != job.job_id or job.spoken_until is None:
        return False
    return job.spoken_until <= len(guess.samples)


def is_released(present: Write, order: Order) -> bool:
    """Whether `order` is the release of the recording that `present` writes a sentence of."""
    return isinstance(order, Guess | Job) and order.job_id == present.job_id


def goes_on(present: Present, upcoming: Work | None) -> bool:
    """Whether the present work may go on although `upcoming` waits.

    A sentence of the very recording that is released is what its release needs: written anew with what
    comes after it, it would take longer than its rest does.
    """
    match present, upcoming:
        case ((Guess() | Hear() | Write()), Forget(job_id)):
            return job_id != present.job_id
        case (Hear(), _) | (_, Forget()):
            return True
        case Write(), (Guess(job_id) | Job(job_id)) if job_id == present.job_id:
            return True
        case Job(), Hear():
            return False
        case _, Job(job_id) if job_id < 0:
            return True  # recovered
        case Step(), _:
            return serves(present, upcoming)
        case Guess(), Job():
            return is_borne_out(present, upcoming)
        case _, (Load() | Job() | Guess()):
            return False
    return True
