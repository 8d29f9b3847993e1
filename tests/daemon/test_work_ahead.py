"""What the worker does while somebody speaks, and how it gives way when the key is released."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.daemon.bench import LIMIT_S, SETTINGS, WorkerBench, until
from tests.daemon.test_live import TEXT, WORD, Ears, spoken
from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.daemon.orders import Done, Fixed, Forget, Guess, Hear, Job, Load, Loaded, Prepare
from voiceflow_daemon.daemon.work_queue import WorkQueue, Write

ONE = 1


def segment(first: int, last: int, job_id: int = ONE) -> Hear:
    samples = spoken(first, last)
    closed = SegmentClosed(
        job_id, first * WORD, last * WORD, samples, speech_ms=100, pause_ms=900, loudness=0.1
    )
    return Hear(job_id, closed, "default", SETTINGS)


def guess(last: int, job_id: int = ONE) -> Guess:
    return Guess(job_id, spoken(0, last), "default", SETTINGS)


def job(last: int, job_id: int = ONE, *, tail: int = WORD, spoken_until: int | None = None) -> Job:
    """A recording of so many words, and a silent tail."""
    samples = np.concatenate([spoken(0, last), np.zeros(tail, np.int16)])
    until_sample = last * WORD if spoken_until is None else spoken_until
    return Job(job_id, samples, "default", SETTINGS, until_sample)


# ------------------------------------------------------------------------------------ the queue
class QueueBench:
    def __init__(self) -> None:
        self.interruptions = 0
        self.queue = WorkQueue(self._interrupt)

    def _interrupt(self) -> None:
        self.interruptions += 1


def test_what_was_released_comes_first_then_the_guess_segments_sentences_and_prompts() -> None:
    queue = QueueBench().queue
    prompts = Prepare(("email",), SETTINGS)
    heard, guessed, released = segment(0, 5, 3), guess(5, 2), job(5, 1)
    queue.put(prompts)
    queue.write(4)
    for order in (heard, guessed, released):
        queue.put(order)
    assert [queue.take() for _ in range(3)] == [released, guessed, heard]
    queue.end()
    write = queue.take()
    assert isinstance(write, Write)
    assert write.job_id == 4


@pytest.mark.parametrize("order", [job(5), guess(5), Forget(ONE)])
def test_pieces_of_a_recording_that_was_released_or_dropped_are_left_off(order: Job | Guess | Forget) -> None:
    queue = QueueBench().queue
    other = segment(0, 5, 2)
    for early in (segment(0, 5), guess(3), other):
        queue.put(early)
    queue.write(ONE)
    queue.put(order)
    assert queue.take() is order
    assert queue.take() is other
    queue.end()
    queue.put(end := Forget(9))
    assert queue.take() is end


@pytest.mark.parametrize(
    ("order", "interrupts"),
    [
        (job(5), True),
        (job(5, 2), True),
        (guess(5), True),
        (Load(SETTINGS), True),
        (Forget(ONE), True),
        (Forget(2), False),
        (segment(5, 9), False),
        (Prepare(("email",), SETTINGS), False),
    ],
)
def test_a_sentence_gives_way_to_a_release_and_to_little_else(
    order: Job | Guess | Load | Forget | Hear | Prepare, interrupts: bool
) -> None:
    bench = QueueBench()
    bench.queue.write(ONE)
    bench.queue.take()
    bench.queue.put(order)
    assert bench.interruptions == interrupts
    assert bench.queue.is_wanted() is not interrupts


@pytest.mark.parametrize(
    ("order", "interrupts"),
    [
        (job(5), False),
        (job(5, spoken_until=4 * WORD), False),
        (job(5, spoken_until=5 * WORD + 1), True),
        (Job(ONE, spoken(0, 5), "default", SETTINGS), True),
        (job(5, 2), True),
        (Forget(ONE), True),
        (Forget(2), False),
        (segment(5, 6), False),
    ],
)
def test_a_guess_that_is_borne_out_goes_on(order: Job | Forget | Hear, interrupts: bool) -> None:
    bench = QueueBench()
    bench.queue.put(guess(5))
    bench.queue.take()
    bench.queue.put(order)
    assert bench.interruptions == interrupts


def test_nothing_more_is_begun_once_the_recording_is_ending() -> None:
    queue = QueueBench().queue
    queue.put(early := guess(5))
    queue.put(segment(0, 5))
    assert queue.take() is early
    queue.write(ONE)
    queue.put(segment(5, 6))
    queue.end()
    queue.put(released := job(5))
    assert queue.take() is released
    queue.put(other := segment(0, 5, 2))
    assert queue.take() is other


def test_a_release_behind_a_cancelled_recording_interrupts_all_the_same() -> None:
    bench = QueueBench()
    bench.queue.put(guess(5))
    bench.queue.take()
    bench.queue.put(Forget(2))
    assert bench.interruptions == 0
    bench.queue.put(job(9))
    assert bench.interruptions == 1


def test_a_tap_of_the_key_does_not_interrupt_the_preparing() -> None:
    bench = QueueBench()
    bench.queue.put(Prepare(("email",), SETTINGS))
    bench.queue.take()
    bench.queue.put(Forget(ONE))
    assert bench.interruptions == 0


def test_a_recovered_recording_waits_for_whoever_speaks_now() -> None:
    bench = QueueBench()
    recovered, heard, released = job(5, -1), segment(0, 5), job(9)
    for order in (recovered, heard, Prepare(("email",), SETTINGS)):
        bench.queue.put(order)
    assert bench.queue.take() is heard
    bench.queue.put(early := guess(9))
    assert bench.queue.take() is early
    bench.queue.put(job(7, -2))
    assert bench.interruptions == 0
    bench.queue.end()
    bench.queue.put(released)
    assert bench.queue.take() is released
    assert bench.queue.take() is recovered


# ----------------------------------------------------------------------------------- the worker
class Speaking(WorkerBench):
    """A worker whose recogniser hears `spoken`, and whose model writes in capitals."""

    def __init__(self, answer: Callable[[str], str] = str.upper) -> None:
        super().__init__(answer=answer)
        self.ears = Ears()
        self.transcriber = self.ears  # type: ignore[assignment]

    @property
    def asked(self) -> list[str]:
        """What the model was given, by evaluations of more than one token."""
        pieces = [bytes(token for token in tokens if token < 256) for tokens in self.model.evaluated]
        return [
            piece.decode().removesuffix("assistant\n") for piece in pieces if piece.endswith(b"assistant\n")
        ]

    def text(self) -> str:
        done = self.await_event(Done)
        assert done.dictated is not None
        return done.dictated.text

    def hold(self, act: Callable[[], None]) -> None:
        """Run `act` at the model's next evaluation, once."""

        def before() -> None:
            self.model.before_evaluation = lambda: None
            act()

        self.model.before_evaluation = before


@pytest.fixture
def bench() -> Iterator[Speaking]:
    with Speaking() as speaking:
        yield speaking


FIRST, SECOND = " ".join(TEXT[:5]), " ".join(TEXT[5:10])


def test_a_sentence_is_written_while_the_next_one_is_spoken(bench: Speaking) -> None:
    bench.do(segment(0, 5))
    until(lambda: bench.metrics.counter("sentences_finished_while_speaking") == 1)
    bench.do(job(10))
    assert bench.text() == f"{FIRST.upper()}. {SECOND.upper()}."
    assert bench.asked == [FIRST, SECOND]
    assert bench.ears.heard[0] == FIRST


def test_a_guess_that_is_borne_out_leaves_nothing_to_do(bench: Speaking) -> None:
    bench.do(guess(5))
    until(lambda: bench.metrics.counter("tokens_written") > 0)
    bench.do(job(5))
    assert bench.text() == FIRST.upper()
    assert bench.asked == [FIRST]
    assert len(bench.ears.heard) == 1
    done = bench.await_event(Done)
    assert done.dictated is not None
    stages_ms = done.dictated.stages_ms
    assert stages_ms.pop("guess") > 0
    assert stages_ms == {"transcribe": 0.0, "format": 0.0}


def test_a_wrong_guess_costs_no_word(bench: Speaking) -> None:
    bench.do(guess(5), job(10))
    assert bench.text() == f"{FIRST} {SECOND}".upper()


@pytest.mark.parametrize("end", [job(5), job(10), Forget(ONE)], ids=["guessed", "released", "cancelled"])
def test_nothing_dictated_stays_in_the_model(bench: Speaking, end: Job | Forget) -> None:
    bench.do(guess(5))
    until(lambda: FIRST.upper() in bench.model.reads)
    bench.do(end)
    until(lambda: FIRST not in bench.model.reads.lower())
    assert bench.model.length() > 0


def test_a_release_while_a_sentence_is_written_aborts_that(bench: Speaking) -> None:
    aborted = threading.Event()

    def released() -> None:
        bench.do(job(10))
        if bench.model.wait_for_stop(LIMIT_S):
            aborted.set()

    bench.hold(released)
    bench.do(segment(0, 5))
    assert bench.text() == f"{FIRST}. {SECOND}".upper()
    assert aborted.is_set()


def test_what_was_cancelled_is_neither_written_nor_remembered(bench: Speaking) -> None:
    aborted = threading.Event()

    def cancelled() -> None:
        bench.do(Forget(ONE))
        if bench.model.wait_for_stop(LIMIT_S):
            aborted.set()

    bench.hold(cancelled)
    bench.do(segment(0, 5))
    assert aborted.wait(LIMIT_S)
    bench.do(job(10))
    assert bench.text() == f"{FIRST} {SECOND}".upper()
    assert bench.ears.heard == [FIRST, f"{FIRST} {SECOND}"]


def test_new_models_hear_a_recording_from_its_beginning(bench: Speaking) -> None:
    bench.do(segment(0, 5))
    until(lambda: bench.metrics.counter("sentences_finished_while_speaking") == 1)
    bench.do(Load(SETTINGS), segment(5, 7), job(10))
    assert bench.text() == f"{FIRST} {SECOND}".upper()


def test_a_recogniser_that_fails_early_fails_no_dictation(bench: Speaking) -> None:
    closed = segment(0, 5)
    broken = Hear(ONE, closed.segment, "default", SETTINGS.model_copy(update={"speech": None}))
    bench.do(broken, guess(5), job(5))
    assert bench.text() == FIRST.upper()


def test_without_models_segments_are_no_error() -> None:
    with WorkerBench(loads=False) as bench:
        bench.do(segment(0, 5), guess(5), job(5))
        assert bench.await_event(Done).error is not None


BY_SENTENCE = SETTINGS.model_copy(update={"delivery": DeliverySettings(by_sentence=True)})


def by_sentence(order: Hear) -> Hear:
    return dataclasses.replace(order, settings=BY_SENTENCE)


@pytest.fixture
def scribe() -> Iterator[Speaking]:
    with Speaking(lambda text: f"{text.upper()}.") as speaking:
        yield speaking


def test_what_is_fixed_is_told_while_one_speaks(scribe: Speaking) -> None:
    scribe.do(by_sentence(segment(0, 5)), by_sentence(segment(5, 10)))
    assert scribe.await_event(Fixed) == Fixed(ONE, f"{FIRST.upper()}.")
    scribe.do(job(10))
    assert scribe.text() == f"{FIRST.upper()}. {SECOND.upper()}."


def test_what_other_models_may_hear_otherwise_is_not_fixed(scribe: Speaking) -> None:
    scribe.do(by_sentence(segment(0, 5)), by_sentence(segment(5, 10)))
    scribe.await_event(Fixed)
    scribe.do(Load(SETTINGS))
    scribe.await_event(Loaded, 2)
    assert scribe.of(Fixed)[-1] == Fixed(ONE, "")
