"""What the worker does while somebody speaks, and how it gives way when the key is released."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.daemon.bench import LIMIT_S, SETTINGS, WorkerBench, until
from tests.daemon.test_live import TEXT, WORD, Ears, spoken
from voiceflow_daemon.audio.capture_events import SegmentClosed
from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.daemon.gaps import Gaps
from voiceflow_daemon.daemon.orders import (
    Done,
    Fixed,
    Forget,
    Guess,
    Hear,
    Job,
    Load,
    Loaded,
    MakeHot,
    Order,
    Prepare,
)
from voiceflow_daemon.daemon.preloading import Step
from voiceflow_daemon.daemon.work_queue import WorkQueue, Write
from voiceflow_daemon.errors import ModelError

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
        self.leaves_room = False
        self.queue = WorkQueue(self._interrupt, self._leave_room)

    def _leave_room(self, room: bool) -> None:
        self.leaves_room = room

    def taken_with_room(self) -> bool:
        """Whether the next work, which is then over, leaves room to the desktop."""
        self.queue.take()
        return self.leaves_room

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
        (job(5), False),
        (job(5, 2), True),
        (guess(5), False),
        (guess(5, 2), True),
        (Load(SETTINGS), True),
        (Forget(ONE), True),
        (Forget(2), False),
        (segment(5, 9), False),
        (Prepare(("email",), SETTINGS), False),
    ],
)
def test_a_sentence_gives_way_to_the_release_of_another_recording_and_to_little_else(
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


@pytest.mark.parametrize(
    ("order", "interrupts"),
    [
        (Forget(ONE), True),
        (Forget(2), False),
        (job(5), False),
        (job(5, 2), False),
        (guess(5), False),
        (segment(5, 9), False),
        (Load(SETTINGS), False),
    ],
)
def test_a_segment_that_is_heard_is_left_off_only_when_its_recording_is_dropped(
    order: Job | Guess | Load | Forget | Hear, interrupts: bool
) -> None:
    bench = QueueBench()
    bench.queue.put(segment(0, 5))
    bench.queue.take()
    bench.queue.put(order)
    assert bench.interruptions == interrupts
    assert bench.queue.is_wanted() is not interrupts


@pytest.mark.parametrize(
    ("order", "interrupts"),
    [
        (job(5), True),
        (guess(5), True),
        (segment(0, 5), True),
        (Load(SETTINGS), True),
        (MakeHot("email", SETTINGS, ONE), True),
        (MakeHot("email", SETTINGS), False),
        (Prepare(("email",), SETTINGS), False),
        (Forget(ONE), False),
        (job(5, -2), False),
    ],
)
def test_a_recovered_recording_gives_way_to_whoever_speaks(order: Order, interrupts: bool) -> None:
    bench = QueueBench()
    bench.queue.put(recovered := job(9, -1))
    assert bench.queue.take() is recovered
    bench.queue.put(order)
    assert bench.interruptions == interrupts
    assert bench.queue.is_wanted() is not interrupts


def test_a_recovered_recording_is_not_begun_while_one_is_spoken() -> None:
    """A release would have to wait for its transcription."""
    queue = QueueBench().queue
    queue.put(MakeHot("default", SETTINGS, ONE))
    queue.put(recovered := job(9, -1))
    assert isinstance(queue.take(), Step)
    queue.end_step(ready=True)
    queue.put(early := guess(5))
    assert queue.take() is early
    queue.end()
    queue.put(MakeHot("email", SETTINGS))
    assert isinstance(queue.take(), Step)
    queue.end_step(ready=True)
    queue.put(released := job(5))
    assert queue.take() is released
    assert queue.take() is recovered
    queue.end()
    queue.put(job(5, -2))
    queue.put_back(recovered)
    assert queue.take() is recovered


def test_a_cancelled_recording_keeps_no_recovered_one_waiting() -> None:
    queue = QueueBench().queue
    queue.put(recovered := job(9, -1))
    queue.put(MakeHot("default", SETTINGS, ONE))
    queue.put(dropped := Forget(ONE))
    assert queue.take() is dropped
    assert queue.take() is recovered


def test_what_is_written_while_one_speaks_leaves_room_and_what_a_release_waits_for_does_not() -> None:
    bench = QueueBench()
    bench.queue.write(ONE)
    assert bench.taken_with_room()
    for order in (segment(5, 9), guess(5, 2), Forget(2), Prepare(("email",), SETTINGS)):
        bench.queue.put(order)
        assert bench.leaves_room
    bench.queue.put(guess(9))
    assert not bench.leaves_room
    bench.queue.end()
    bench.queue.write(2)
    taken = [bench.taken_with_room() for _ in range(2)]
    assert taken == [False, False], "what was dropped, and the guess"


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
    assert stages_ms == {"wait": 0.0, "transcribe": 0.0, "format": 0.0}


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


def test_a_release_while_its_own_sentence_is_written_uses_that(bench: Speaking) -> None:
    bench.hold(lambda: bench.do(job(10)))
    bench.do(segment(0, 5))
    assert bench.text() == f"{FIRST.upper()}. {SECOND.upper()}."
    assert bench.asked == [FIRST, SECOND]


def test_a_release_while_another_recordings_sentence_is_written_aborts_that(bench: Speaking) -> None:
    aborted = threading.Event()

    def released() -> None:
        bench.do(job(5, 2))
        if bench.model.wait_for_stop(LIMIT_S):
            aborted.set()

    bench.hold(released)
    bench.do(segment(0, 5))
    assert bench.text() == FIRST.upper()
    assert aborted.is_set()
    bench.do(job(10))
    assert bench.await_event(Done, 2).error is None


def test_from_its_release_on_a_sentence_has_the_whole_machine(bench: Speaking) -> None:
    bench.hold(lambda: bench.do(guess(10)))
    bench.do(segment(0, 5))
    bench.do(job(10, tail=2 * WORD))
    bench.text()
    assert bench.model.rooms
    assert not any(bench.model.rooms)


def test_a_sentence_is_written_with_room_for_the_desktop(bench: Speaking) -> None:
    bench.do(segment(0, 5))
    until(lambda: bench.metrics.counter("sentences_finished_while_speaking") == 1)
    assert bench.model.rooms[-1]
    bench.do(job(10))
    bench.text()
    assert not bench.model.rooms[-1]


def test_what_is_dropped_while_it_is_heard_is_heard_no_further(bench: Speaking) -> None:
    bench.ears.before = lambda: bench.do(Forget(ONE))
    bench.do(segment(0, 5))
    bench.do(job(5, 2))
    assert bench.text() == FIRST.upper()
    assert bench.ears.heard == [FIRST], "the second recording's"


def test_the_wait_for_a_transcription_is_a_stage_of_its_own(bench: Speaking) -> None:
    ordered: list[Job] = []

    def released() -> None:
        bench.ears.before = lambda: None
        ordered.append(job(10))
        bench.do(*ordered)
        until(lambda: time.monotonic() > ordered[0].ordered_at)

    bench.ears.before = released
    bench.do(segment(0, 5))
    done = bench.await_event(Done)
    assert done.dictated is not None
    assert done.dictated.stages_ms["wait"] > 0
    assert bench.metrics.timings()["wait_ms"].last == done.dictated.stages_ms["wait"]
    bench.do(job(5, 2))
    assert bench.await_event(Done, 2).dictated is not None
    assert bench.metrics.timings()["wait_ms"].last == 0


def test_a_recovered_recording_is_begun_anew_when_it_had_to_give_way(bench: Speaking) -> None:
    def pressed() -> None:
        bench.ears.before = lambda: None
        bench.do(MakeHot("default", SETTINGS, ONE), job(5))

    bench.ears.before = pressed
    bench.do(job(9, -1))
    bench.await_event(Done, 2)
    assert [done.job.job_id for done in bench.of(Done)] == [ONE, -1]
    assert bench.ears.heard == [FIRST, " ".join(TEXT[:9])]


def test_a_recovered_recording_whose_text_is_being_written_gives_way_too(bench: Speaking) -> None:
    def pressed() -> None:
        bench.do(MakeHot("default", SETTINGS, ONE))
        assert bench.model.wait_for_stop(LIMIT_S)
        bench.do(job(5))

    bench.hold(pressed)
    bench.do(job(9, -1))
    done = bench.await_event(Done, 2)
    assert [done.job.job_id for done in bench.of(Done)] == [ONE, -1]
    assert done.dictated is not None
    assert done.dictated.text == " ".join(TEXT[:9]).upper()


def test_a_recovered_recording_that_fails_is_told_once(bench: Speaking) -> None:
    def fail() -> None:
        bench.ears.before = lambda: None
        bench.do(MakeHot("default", SETTINGS, ONE), job(5))
        raise ModelError("The model is broken.")

    bench.ears.before = fail
    bench.do(job(9, -1))
    bench.await_event(Done, 2)
    assert [done.job.job_id for done in bench.of(Done)] == [-1, ONE]


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


@pytest.mark.parametrize("order", ["job", "guess"])
def test_a_segment_that_nobody_came_to_hear_keeps_the_gap_before_it(bench: Speaking, order: str) -> None:
    first, second = segment(0, 5), segment(5, 10)
    gaps = Gaps(((0, 0), (5 * WORD, 900)))
    guessed, released = dataclasses.replace(guess(10), gaps=gaps), dataclasses.replace(job(10), gaps=gaps)

    def release() -> None:
        bench.ears.before = lambda: None
        bench.do(second, *([guessed] if order == "guess" else []), released)

    bench.ears.before = release
    bench.do(dataclasses.replace(first, segment=dataclasses.replace(first.segment, pause_ms=200)))
    assert bench.text() == f"{FIRST}. {SECOND}".upper()
    assert bench.ears.heard[1:] == [SECOND]


def test_what_other_models_may_hear_otherwise_is_not_fixed(scribe: Speaking) -> None:
    scribe.do(by_sentence(segment(0, 5)), by_sentence(segment(5, 10)))
    scribe.await_event(Fixed)
    scribe.do(Load(SETTINGS))
    scribe.await_event(Loaded, 2)
    assert scribe.of(Fixed)[-1] == Fixed(ONE, "")
