"""The worker's queue, step by step on one thread, held against a simple model of it."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.daemon.orders import job
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.orders import Job, Load, MakeHot, Order, Prepare
from voiceflow_daemon.daemon.preloading import Step
from voiceflow_daemon.daemon.work_queue import WorkQueue
from voiceflow_daemon.errors import ModelError

SETTINGS = Settings()
ALL = ("default", "email", "slack", "code")
CONTEXTS = st.sampled_from(ALL)


class Bench:
    """A queue, and whether the present step has been interrupted."""

    def __init__(self) -> None:
        self.interruptions = 0
        self.queue = WorkQueue(self._interrupt)

    def _interrupt(self) -> None:
        self.interruptions += 1

    def at_step(self, order: Order) -> Step:
        """The step that `order` begins with, taken."""
        self.queue.put(order)
        work = self.queue.take()
        assert isinstance(work, Step)
        return work

    def taken(self) -> str:
        """The next step's context, which is then ready."""
        work = self.queue.take()
        assert isinstance(work, Step)
        self.queue.end_step(ready=True)
        return work.context


def test_a_dictation_in_another_context_interrupts_and_the_step_is_taken_up_again() -> None:
    bench = Bench()
    bench.at_step(Prepare(("email", "slack"), SETTINGS))
    dictation = job("slack")
    bench.queue.put(dictation)
    assert bench.interruptions == 1
    assert not bench.queue.is_wanted()
    assert bench.queue.end_step(ready=False) is None
    assert bench.queue.take() is dictation
    assert [bench.taken() for _ in range(3)] == ["email", "slack", "email"]


def test_a_dictation_in_the_same_context_waits_for_the_prompt_that_it_needs() -> None:
    bench = Bench()
    bench.at_step(Prepare(("email", "slack"), SETTINGS))
    bench.queue.put(job("email"))
    bench.queue.put(job("slack"))
    assert bench.interruptions == 0
    assert bench.queue.is_wanted()


def test_the_same_context_with_another_prompt_is_another_one() -> None:
    bench = Bench()
    bench.at_step(Prepare(("email", "slack"), SETTINGS))
    bench.queue.put(job("email", Settings.model_validate({"contexts": {"email": {"prompt": "Mine."}}})))
    assert bench.interruptions == 1


def test_loading_interrupts_and_drops_the_plan() -> None:
    bench = Bench()
    bench.at_step(Prepare(ALL, SETTINGS))
    order = Load(SETTINGS)
    bench.queue.put(order)
    assert bench.interruptions == 1
    assert bench.queue.end_step(ready=False) is None
    assert bench.queue.take() is order
    bench.queue.put(Prepare(("slack",), SETTINGS))
    assert bench.taken() == "slack"


def test_a_new_plan_that_begins_with_the_same_context_does_not_interrupt() -> None:
    bench = Bench()
    bench.at_step(Prepare(("email", "slack"), SETTINGS))
    bench.queue.put(Prepare(("email", "code"), SETTINGS))
    assert bench.interruptions == 0
    bench.queue.put(Prepare(("slack", "email"), SETTINGS))
    assert bench.interruptions == 1


def test_what_was_prepared_for_an_earlier_plan_is_looked_at_again() -> None:
    """Its result may have been dropped by the invalidation that the new plan followed."""
    bench = Bench()
    bench.at_step(Prepare(("email", "slack"), SETTINGS))
    bench.queue.put(Prepare(("email", "slack"), SETTINGS))
    assert bench.queue.end_step(ready=True) is None
    assert [bench.taken() for _ in range(3)] == ["email", "slack", "email"]


def test_a_key_press_turns_to_its_context_and_the_plan_goes_on() -> None:
    bench = Bench()
    bench.at_step(Prepare(("default", "email", "slack"), SETTINGS))
    bench.queue.put(MakeHot("slack", SETTINGS))
    assert bench.interruptions == 1
    bench.queue.end_step(ready=False)
    assert [bench.taken() for _ in range(4)] == ["slack", "default", "email", "slack"]


def test_a_plan_is_over_with_its_last_step_and_tells_what_failed() -> None:
    bench = Bench()
    order = Prepare(("email", "slack"), SETTINGS)
    error = ModelError("It is too long.")
    bench.at_step(order)
    assert bench.queue.end_step(ready=True) is None
    bench.queue.take()
    assert bench.queue.end_step(ready=False, error=error) is None
    bench.queue.take()
    ended = bench.queue.end_step(ready=True)
    assert ended is not None
    assert ended.order is order
    assert ended.failures == (("slack", error),)


def test_nothing_is_taken_after_the_end() -> None:
    bench = Bench()
    bench.queue.put(job())
    bench.queue.close()
    assert bench.queue.take() is None


def test_the_end_interrupts() -> None:
    bench = Bench()
    bench.at_step(Prepare(ALL, SETTINGS))
    bench.queue.close()
    assert bench.interruptions == 1
    bench.queue.end_step(ready=False)
    assert bench.queue.take() is None


class AnyOrder(RuleBasedStateMachine):
    """The worker takes work, or is at some, whenever orders come."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.waiting: list[Job | Load] = []
        self.at: Step | None = None
        self.wish: str | None = None
        self.interrupted = False

    @rule(context=CONTEXTS)
    def dictate(self, context: str) -> None:
        self.waiting.append(job(context))
        self.put(self.waiting[-1])

    @rule()
    def load(self) -> None:
        self.waiting.append(Load(SETTINGS))
        self.wish = None
        self.put(self.waiting[-1])

    @rule(contexts=st.permutations(ALL))
    def prepare(self, contexts: list[str]) -> None:
        self.wish = contexts[0]
        self.put(Prepare(tuple(contexts), SETTINGS))

    @rule(context=CONTEXTS)
    def press(self, context: str) -> None:
        self.wish = context
        self.put(MakeHot(context, SETTINGS))

    def put(self, order: Order) -> None:
        before = self.bench.interruptions
        self.bench.queue.put(order)
        interrupts = self.bench.interruptions > before
        self.interrupted |= interrupts
        if self.at is not None and not self.interrupted:
            assert self.needed_next() == self.at.context
        if interrupts:
            assert self.at is not None

    def needed_next(self) -> str | None:
        """Whose prompt the next piece of work needs."""
        if not self.waiting:
            return self.wish
        first = self.waiting[0]
        return first.context if isinstance(first, Job) else None

    @precondition(lambda self: self.at is None and (self.waiting or self.wish is not None))
    @rule()
    def take(self) -> None:
        work = self.bench.queue.take()
        if self.waiting:
            assert work is self.waiting.pop(0)
        else:
            assert isinstance(work, Step)
            self.at, self.interrupted = work, False

    @precondition(lambda self: self.at is not None)
    @rule(fails=st.booleans())
    def end(self, fails: bool) -> None:
        error = ModelError("No.") if fails and not self.interrupted else None
        ended = self.bench.queue.end_step(ready=not self.interrupted, error=error)
        if ended is not None:
            self.wish = None
        self.at = None

    @invariant()
    def wanted_unless_interrupted(self) -> None:
        if self.at is not None:
            assert self.bench.queue.is_wanted() != self.interrupted

    def teardown(self) -> None:
        """Everything that was ordered comes out: recordings in their order, then the prompts."""
        if self.at is not None:
            self.bench.queue.end_step(ready=False)
        while self.waiting:
            assert self.bench.queue.take() is self.waiting.pop(0)
        last, ended = None, self.wish is None
        while not ended:
            last = self.bench.queue.take()
            ended = self.bench.queue.end_step(ready=True) is not None
        assert last is None or isinstance(last, Step)


TestAnyOrder = AnyOrder.TestCase
