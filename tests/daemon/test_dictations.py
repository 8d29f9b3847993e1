"""Dictations delivered in pieces: any order of events, against a model of what the user must find."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.fakes.inserter import FakeInserter
from voiceflow_daemon.audio.capture_events import Recorded, Releasing, SegmentClosed, SpoolFailed
from voiceflow_daemon.audio.take import Spool
from voiceflow_daemon.config.schema import DeliverySettings, HistorySettings, Settings
from voiceflow_daemon.daemon.beginning import Beginning
from voiceflow_daemon.daemon.board import Board
from voiceflow_daemon.daemon.deliverer import Delivered, Deliverer, Order
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.dictation import Dictation
from voiceflow_daemon.daemon.dictations import Dictations
from voiceflow_daemon.daemon.formatting import Rung
from voiceflow_daemon.daemon.gaps import Gaps
from voiceflow_daemon.daemon.orders import Done, Fixed, Guess, Job
from voiceflow_daemon.daemon.orders import Order as WorkOrder
from voiceflow_daemon.daemon.parts import Parts
from voiceflow_daemon.desktop.inserter import Delivery, Outcome
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.errors import DeliveryError, DisplayError, ModelError
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.history import HistoryRow
from voiceflow_daemon.storage.journal import Journal

EDITOR, BROWSER = Window(1, "Editor"), Window(2, "Browser")
BY_SENTENCE = Settings(delivery=DeliverySettings(by_sentence=True))
SOUND = np.ones(160, np.int16)


class Recorder:
    """Opens a recording's file at once, as the capture thread does."""

    def __init__(self) -> None:
        self.spools: dict[int, Spool] = {}

    def begin(
        self, recording_id: int, audio: object, open_spool: Callable[[], Spool], speech: object
    ) -> None:
        self.spools[recording_id] = open_spool()
        self.spools[recording_id].append(SOUND)

    def finish(self, recording_id: int) -> None:
        """The test hands it over."""

    def drop(self, recording_id: int) -> None:
        self.spools.pop(recording_id).discard()


class Bench:
    """The real dictations and delivery; recorder, models and desktop are the test's."""

    def __init__(self, folder: Path, settings: Settings = BY_SENTENCE) -> None:
        self.settings = settings
        self.journal = Journal(folder)
        self.recorder = Recorder()
        self.inserter = FakeInserter(EDITOR)
        self.orders: list[Order] = []
        self.work: list[WorkOrder] = []
        self.rows: list[HistoryRow] = []
        self.notes: list[str] = []
        self.board = Board()
        self.metrics = Metrics()
        self.deliverer = Deliverer(lambda: self.inserter, lambda: False, lambda _: None)
        nobody: Any = None
        self.dictations = Dictations(
            Parts(
                recorder=cast(Any, self.recorder),
                worker=cast(Any, self),
                deliverer=cast(Any, self),
                hotkeys=nobody,
                active_window=cast(Any, self),
                journal=self.journal,
                history=cast(Any, self),
                metrics=self.metrics,
                notify=cast(Any, lambda topic, title, body="": self.notes.append(f"{title} {body}")),
                show=nobody,
                context_names=nobody,
                list_microphones=nobody,
                write_setting=nobody,
                reload_config=nobody,
                download_models=nobody,
                quit=nobody,
                chores=cast(Any, self),
            ),
            self.board,
            lambda: self.settings,
        )

    def submit(self, what: Any, *arguments: Any) -> None:
        """As worker, deliverer and chores' executor."""
        if isinstance(what, Order):
            self.orders.append(what)
        elif callable(what):
            what(*arguments)
        else:
            self.work.append(what)

    def sample(self) -> Window:
        return EDITOR

    def add(self, row: HistoryRow, _keep_days: int | None = None) -> int:
        self.rows.append(row)
        return len(self.rows)

    @property
    def written(self) -> str:
        return self.inserter.written.get(EDITOR.window_id, "")

    def record(self, number: int) -> None:
        self.dictations.begin(number)
        self.dictations.finish(number, time.monotonic())
        self.dictations.recorded(Recorded(number, SOUND, self.recorder.spools.pop(number)))

    def done(self, number: int, text: str | None) -> bool:
        dictated = None if text is None else Dictated(text.lower(), text, Rung.MODEL, {})
        job = Job(number, SOUND, "default", self.settings)
        return self.dictations.done(Done(job, dictated, ModelError("It fails.") if text is None else None))

    def deliver_next(self) -> tuple[Order, str]:
        """Carry out an order; returns it and what it added at the cursor."""
        order, before = self.orders.pop(0), self.written
        try:
            delivered = self.deliverer._deliver(order)
        except ZeroDivisionError:
            delivered = None
        assert delivered is not None
        self.dictations.delivered(delivered)
        assert self.written.startswith(before)
        return order, self.written[len(before) :]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_nothing_is_ordered_before_the_release(bench: Bench) -> None:
    bench.dictations.begin(1)
    bench.dictations.fixed(Fixed(1, "One."))
    assert bench.orders == []
    bench.dictations.finish(1, time.monotonic())
    assert [(order.text, order.is_last) for order in bench.orders] == [("One.", False)]


def test_the_whole_text_is_one_row_of_the_history(bench: Bench) -> None:
    bench.record(1)
    bench.dictations.fixed(Fixed(1, "One."))
    bench.dictations.fixed(Fixed(1, "One. Two."))
    bench.deliver_next()
    bench.deliver_next()
    assert bench.metrics.timings()["release_to_beginning_ms"].count == 1
    assert bench.rows == []
    bench.done(1, "One. Two. Three.")
    bench.deliver_next()
    assert bench.written == "One. Two. Three."
    assert [(row.text, row.outcome) for row in bench.rows] == [("One. Two. Three.", "pasted")]
    assert bench.journal.orphans() == []
    assert bench.notes == []


def test_the_focus_that_moved_keeps_the_rest_alone_on_the_clipboard(bench: Bench) -> None:
    bench.record(1)
    bench.dictations.fixed(Fixed(1, "One."))
    bench.deliver_next()
    bench.inserter.focused = BROWSER
    bench.done(1, "One. Two.")
    bench.deliver_next()
    assert (bench.written, bench.inserter.clipboard) == ("One.", " Two.")
    assert [(row.text, row.outcome) for row in bench.rows] == [("One. Two.", "kept")]
    assert "The rest of your text is on the clipboard" in bench.notes[0]


def test_a_later_dictation_waits_for_its_turn(bench: Bench) -> None:
    bench.record(1)
    bench.record(2)
    bench.dictations.fixed(Fixed(2, "Two."))
    assert bench.orders == []
    bench.done(1, "One.")
    bench.deliver_next()
    assert [order.text for order in bench.orders] == ["Two."]


def test_nothing_is_ordered_behind_the_whole_text(bench: Bench) -> None:
    bench.record(1)
    bench.done(1, "One. Two.")
    bench.dictations.fixed(Fixed(1, "One."))
    assert [order.is_last for order in bench.orders] == [True]


@pytest.mark.parametrize("delivery", [DeliverySettings(), DeliverySettings(by_sentence=True, method="copy")])
def test_all_at_once_where_nothing_else_was_asked_for(tmp_path: Path, delivery: DeliverySettings) -> None:
    bench = Bench(tmp_path, Settings(delivery=delivery))
    bench.record(1)
    bench.dictations.fixed(Fixed(1, "One."))
    assert bench.orders == []


def test_a_recording_that_cannot_be_marked_is_delivered_all_at_once(bench: Bench, tmp_path: Path) -> None:
    bench.record(1)
    next(tmp_path.iterdir()).unlink()
    bench.dictations.fixed(Fixed(1, "One."))
    assert bench.orders == []


def test_without_a_file_there_is_nothing_to_mark() -> None:
    beginning = Beginning("One.")
    dictation = Dictation(1, "default", BY_SENTENCE, EDITOR)
    assert beginning.take(dictation) == ""
    dictation.released(1.0)
    assert beginning.take(dictation) == "One."
    assert beginning.take(dictation) == ""


def test_what_is_recovered_between_the_pieces_says_so(tmp_path: Path) -> None:
    first = Bench(tmp_path)
    for number in (1, 2):
        first.record(number)
    first.dictations.fixed(Fixed(1, "One."))
    first.deliver_next()
    first.dictations.release_all()

    second = Bench(tmp_path)
    for orphan in second.journal.orphans():
        second.dictations.recover(orphan)
    second.done(-1, "One. Two.")
    second.done(-2, "Three.")
    begun, whole = second.notes
    assert "Its beginning may stand" in begun
    assert "It was never delivered." in whole
    assert [row.text for row in second.rows] == ["One. Two.", "Three."]
    assert second.orders == []


def test_what_was_closed_goes_with_the_recording(bench: Bench) -> None:
    bench.dictations.begin(1)
    for start, gap_ms in ((0, 0), (160, 900)):
        bench.dictations.ahead(
            SegmentClosed(1, start, start + 160, SOUND, speech_ms=10, pause_ms=0, loudness=0.1, gap_ms=gap_ms)
        )
    bench.dictations.ahead(Releasing(1, SOUND, 400))
    bench.dictations.finish(1, time.monotonic())
    bench.dictations.recorded(Recorded(1, SOUND, bench.recorder.spools.pop(1), None, 500))
    gaps = [work.gaps for work in bench.work if isinstance(work, Guess | Job)]
    assert gaps == [Gaps(((0, 0), (160, 900)), last_ms) for last_ms in (400, 500)]


def test_a_recording_of_which_a_part_is_on_disk_is_kept_whole_as_long_as_the_daemon_lasts(
    bench: Bench,
) -> None:
    for number in (1, 2):
        bench.dictations.begin(number)
        bench.dictations.spool_failed(SpoolFailed(number, OSError(28, "No space left on device")))
        bench.dictations.finish(number, time.monotonic())
        bench.dictations.recorded(Recorded(number, 2 * SOUND, bench.recorder.spools.pop(number)))
        bench.done(number, None)
    assert bench.journal.orphans() == []
    bench.dictations.models_loaded()
    bench.done(-1, "One.")
    bench.done(-2, None)
    assert bench.rows[0].text == "One."
    bench.dictations.models_loaded()
    assert [len(work.samples) for work in bench.work if isinstance(work, Job) and work.job_id < 0] == [
        160
    ] * 3
    bench.done(-3, None)
    bench.dictations.release_all()
    (orphan,) = bench.journal.orphans()
    assert len(orphan.read()) == 160
    orphan.release()


def test_what_was_neither_delivered_nor_stored_is_said_to_wait(tmp_path: Path) -> None:
    bench = Bench(tmp_path, Settings(history=HistorySettings(enabled=False)))
    bench.record(1)
    bench.done(1, "One.")
    bench.dictations.delivered(Delivered(bench.orders[0], None, DeliveryError("It fails.")))
    assert bench.board.waiting_recordings == 1
    (orphan,) = bench.journal.orphans()
    orphan.release()


@pytest.mark.parametrize("problem", [DisplayError("It has gone."), OSError("It has gone.")])
def test_a_window_that_cannot_be_told_costs_no_word(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    def gone() -> Window:
        raise problem

    monkeypatch.setattr(bench, "sample", gone)
    bench.record(1)
    bench.done(1, "One.")
    assert [(order.text, order.target) for order in bench.orders] == [("One.", None)]


def test_only_a_dropped_recording_is_deleted(bench: Bench) -> None:
    dropped, unknown = (bench.journal.begin("default", 16_000) for _ in range(2))
    for entry in (dropped, unknown):
        entry.append(SOUND)
    bench.dictations.begin(1)
    bench.dictations.drop(1)
    bench.dictations.recorded(Recorded(1, SOUND, dropped))
    bench.dictations.recorded(Recorded(2, SOUND, unknown))
    (orphan,) = bench.journal.orphans()
    assert orphan.path == unknown.path
    orphan.release()


@dataclass
class Spoken:
    """What the test knows of a dictation."""

    text: str
    fixed: int = 0
    released: bool = False
    recorded: bool = False
    done: bool = False
    over: bool = False
    complete: bool = False
    heard_anew: bool = False
    at_cursor: str = ""
    pieces: list[str] = field(default_factory=list)


TEXTS = st.text(alphabet="ab. \n", min_size=1, max_size=12).filter(str.strip)


class AnyOrder(RuleBasedStateMachine):
    """Keys, models, focus and failures as they may come."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.bench = Bench(self.folder)
        self.spoken: dict[int, Spoken] = {}
        self.recording: int | None = None
        self.cursor: list[int] = []
        """Whose texts stand there, in order."""

    def teardown(self) -> None:
        if hasattr(self, "bench"):
            self.bench.dictations.release_all()
            shutil.rmtree(self.folder)

    @rule(text=TEXTS)
    @precondition(lambda self: self.recording is None)
    def press(self, text: str) -> None:
        self.recording = len(self.spoken) + 1
        self.spoken[self.recording] = Spoken(text)
        self.bench.dictations.begin(self.recording)

    @rule(grown=st.integers(0, 6))
    def more_is_certain(self, grown: int) -> None:
        for number, spoken in self.spoken.items():
            if not spoken.over:
                spoken.fixed += grown
                self.bench.dictations.fixed(Fixed(number, spoken.text[: spoken.fixed]))
                return

    @rule(text=TEXTS)
    def other_models_hear_it(self, text: str) -> None:
        for number, spoken in self.spoken.items():
            if not spoken.done:
                self.bench.dictations.fixed(Fixed(number, ""))
                spoken.text, spoken.fixed, spoken.heard_anew = text, 0, True

    @rule()
    @precondition(lambda self: self.recording is not None)
    def release(self) -> None:
        assert self.recording is not None
        assert self.recording not in {order.order_id for order in self.bench.orders}
        self.spoken[self.recording].released = True
        self.bench.dictations.finish(self.recording, time.monotonic())
        self.recording = None

    @rule()
    @precondition(lambda self: self.recording is not None)
    def cancel(self) -> None:
        assert self.recording is not None
        spoken = self.spoken[self.recording]
        spoken.done = spoken.over = True
        self.bench.dictations.drop(self.recording)
        self.recording = None

    @rule()
    def tail_is_recorded(self) -> None:
        for number, spoken in self.spoken.items():
            if spoken.released and not spoken.recorded:
                spoken.recorded = True
                spool = self.bench.recorder.spools.pop(number)
                self.bench.dictations.recorded(Recorded(number, SOUND, spool))

    @rule(works=st.sampled_from([True, True, True, False]))
    def worker_is_through(self, works: bool) -> None:
        for number, spoken in self.spoken.items():
            if spoken.recorded and not spoken.done:
                spoken.done = True
                spoken.over = self.bench.done(number, spoken.text if works else None)
                assert spoken.over != works
                return

    @rule()
    @precondition(lambda self: self.bench.orders)
    def deliver(self) -> None:
        order, added = self.bench.deliver_next()
        spoken = self.spoken[order.order_id]
        assert spoken.released
        assert not spoken.complete
        if added:
            self.cursor.append(order.order_id)
            spoken.at_cursor += added
        if order.is_last:
            self.check_the_end(order, spoken)

    def check_the_end(self, order: Order, spoken: Spoken) -> None:
        (row,) = self.bench.rows
        self.bench.rows.clear()
        assert row.text == spoken.text == order.text
        if row.outcome == Outcome.KEPT:
            kept = self.bench.inserter.clipboard
            assert spoken.at_cursor + kept == spoken.text or (spoken.heard_anew and kept == spoken.text)
        else:
            assert spoken.at_cursor == spoken.text
        spoken.over = spoken.complete = True

    @rule(window=st.sampled_from([EDITOR, EDITOR, BROWSER]))
    def focus(self, window: Window) -> None:
        self.bench.inserter.focused = window

    @invariant()
    def texts_stand_in_the_order_of_speaking(self) -> None:
        if hasattr(self, "cursor"):
            assert self.cursor == sorted(self.cursor)

    @invariant()
    def a_crash_now_would_not_deny_what_stands(self) -> None:
        for number, spoken in getattr(self, "spoken", {}).items():
            begun = spoken.at_cursor and not spoken.over
            entry = self.bench.dictations._open.get(number)
            if begun and entry is not None:
                recording = entry.beginning.recording
                assert recording is not None
                assert recording.path.exists()
                assert recording.path.name.endswith(".begun.recording")

    @invariant()
    def only_dictations_that_are_not_over_are_kept(self) -> None:
        if hasattr(self, "spoken"):
            open_ones = {number for number, spoken in self.spoken.items() if not spoken.over}
            assert set(self.bench.dictations._open) == open_ones


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = hypothesis_settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_piece_without_a_proof_counts_as_standing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that was typed in part is offered from there on."""
    bench.record(1)
    bench.dictations.fixed(Fixed(1, "One."))
    kept = Delivery(Outcome.KEPT, "another window got the focus", inserted=2)
    with monkeypatch.context() as moved:
        moved.setattr(bench.inserter, "deliver", lambda *_: kept)
        bench.deliver_next()
    bench.done(1, "One. Two.")
    bench.deliver_next()
    assert (bench.written, bench.inserter.clipboard) == ("", "e. Two.")
