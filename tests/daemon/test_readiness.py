"""What the worker is ordered to do, and what its answers make of the board."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.flow.world import SETTINGS, RecordedNotes
from voiceflow_daemon.config.schema import ModelsSettings, Settings
from voiceflow_daemon.daemon.board import Board
from voiceflow_daemon.daemon.control_protocol import Request
from voiceflow_daemon.daemon.downloads import DownloadEnded
from voiceflow_daemon.daemon.events import Asked, EventQueue, OrphansFound, PromptsPurged
from voiceflow_daemon.daemon.orders import (
    Load,
    Loaded,
    LoadFailed,
    MakeHot,
    Order,
    Prepare,
    Prepared,
    Preparing,
    Unload,
    Unloaded,
)
from voiceflow_daemon.daemon.parts import Parts
from voiceflow_daemon.daemon.readiness import Readiness
from voiceflow_daemon.daemon.session import Session
from voiceflow_daemon.errors import ConfigError, ModelError
from voiceflow_daemon.storage.journal import Journal
from voiceflow_daemon.storage.prefixes import PrefixFilesError

CONTEXTS = ("default", "email", "slack", "code")
GONE = ConfigError("The prompt_file x.txt of the context 'email' is not there.", "Create it.")
LONG = ModelError("The prompt of the context 'code' is longer than the window.", "Shorten it.")


class RecordingWorker:
    """Takes orders and does nothing."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.purges = 0
        self.disk_problem = ""
        self.purge_error: Exception | None = None

    def submit(self, order: Order) -> None:
        self.orders.append(order)

    def invalidate_prompts(self, *, everything: bool = False) -> None:
        self.purges += everything
        if self.purge_error is not None:
            raise self.purge_error

    def prompt_entries(self) -> tuple[()]:
        return ()

    def prompt_problem(self) -> str:
        return self.disk_problem


class Bench:
    """A `Readiness` whose chores are done when `chores` is left."""

    def __init__(self, folder: Path, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.worker = RecordingWorker()
        self.notes = RecordedNotes()
        self.board = Board(contexts=CONTEXTS)
        self.incoming = EventQueue()
        self.chores = ThreadPoolExecutor(1)
        parts = SimpleNamespace(
            worker=self.worker, notify=self.notes, journal=Journal(folder), chores=self.chores
        )
        self.readiness = Readiness(cast(Parts, parts), self.board, self.incoming)

    def tell(self, event: Loaded | Unloaded | LoadFailed | Preparing | Prepared) -> None:
        self.readiness.worker_event(event, self.settings)

    def prepare(self) -> Prepare:
        self.readiness.prepare(self.settings)
        order = self.worker.orders[-1]
        assert isinstance(order, Prepare)
        return order

    def loaded(self) -> None:
        """The models are loaded, and all prompts prepared."""
        self.readiness.load(self.settings)
        self.tell(Loaded(self.settings, ()))
        order = self.worker.orders[-1]
        assert isinstance(order, Prepare)
        self.tell(Prepared(order))

    def rest(self, *, busy: bool = False) -> bool:
        """Whether the models are told to be freed at this look."""
        count = self.worker.orders.count(Unload())
        self.readiness.rest(self.settings, busy=busy)
        return self.worker.orders.count(Unload()) > count

    def await_rest(self) -> None:
        self.loaded()
        limit = time.monotonic() + 20
        while not self.rest():
            assert time.monotonic() < limit


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_when_the_models_are_loaded_all_prompts_are_prepared(bench: Bench) -> None:
    bench.readiness.load(SETTINGS)
    assert bench.worker.orders == [Load(SETTINGS)]
    assert bench.board.status_line(Session()) == "Loading models …"
    bench.tell(Loaded(SETTINGS, ()))
    assert bench.board.status_line(Session()) == "Preparing prompts 1 of 4 …"
    order = bench.worker.orders[-1]
    assert isinstance(order, Prepare)
    assert order.contexts == CONTEXTS
    bench.chores.shutdown()
    assert bench.incoming.next(0) == OrphansFound(())


def test_an_earlier_loads_end_means_nothing(bench: Bench) -> None:
    bench.readiness.load(SETTINGS)
    bench.tell(LoadFailed(Settings(), ModelError("It is damaged.")))
    bench.tell(Loaded(Settings(), ()))
    assert bench.board.loading
    assert bench.worker.orders == [Load(SETTINGS)]


def test_models_that_cannot_be_loaded_end_the_preparing_of_the_old_ones(bench: Bench) -> None:
    old = bench.prepare()
    bench.readiness.load(SETTINGS)
    bench.tell(Preparing(old, 2, 4))
    bench.tell(LoadFailed(SETTINGS, ModelError("It is damaged.", "Load it again.")))
    assert bench.board.preparing is None
    assert bench.board.problems == {"models": "It is damaged."}
    bench.chores.shutdown()


def test_models_are_loaded_again_only_where_that_may_help(bench: Bench) -> None:
    def orders(*, is_wish: bool) -> list[type[Order]]:
        del bench.worker.orders[:]
        bench.readiness.reload(SETTINGS, models_changed=False, is_wish=is_wish)
        return [type(order) for order in bench.worker.orders]

    bench.loaded()
    assert orders(is_wish=True) == [Prepare]
    bench.tell(Loaded(SETTINGS, ("Texts are formatted by rules only.",)))
    assert orders(is_wish=False) == [Prepare]
    assert bench.board.problems != {}
    assert orders(is_wish=True) == [Load]
    bench.tell(LoadFailed(SETTINGS, ModelError("It is damaged.")))
    assert orders(is_wish=False) == [Load]
    bench.chores.shutdown()


def test_the_active_context_comes_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path, SETTINGS.model_copy(update={"context": "slack"}))
    assert bench.prepare().contexts == ("slack", "default", "email", "code")
    bench.readiness.make_hot(bench.settings)
    hot = bench.worker.orders[-1]
    assert isinstance(hot, MakeHot)
    assert (hot.context, hot.settings) == ("slack", bench.settings)


def test_progress_is_that_of_the_latest_order(bench: Bench) -> None:
    first, second = bench.prepare(), bench.prepare()
    bench.tell(Preparing(first, 3, 4))
    assert bench.board.preparing == (1, 4)
    bench.tell(Preparing(second, 2, 4))
    assert bench.board.preparing == (2, 4)
    bench.tell(Prepared(first))
    assert bench.board.preparing == (2, 4)
    bench.tell(Prepared(second))
    assert bench.board.preparing is None


def test_all_unusable_prompts_are_told_and_a_good_preparation_clears_them(bench: Bench) -> None:
    bench.tell(Prepared(bench.prepare(), (("email", GONE), ("code", LONG))))
    problem = bench.board.problems["prompts"]
    assert "email, code" in problem
    assert GONE.message in problem
    assert LONG.message in problem
    ((topic, title, body),) = bench.notes.shown
    assert topic == "prompts"
    assert "email, code" in title
    assert "Create it." in body
    assert "Shorten it." in body

    bench.tell(Prepared(bench.prepare(), (("code", LONG),)))
    assert "email" not in bench.board.problems["prompts"]
    bench.tell(Prepared(bench.prepare()))
    assert bench.board.problems == {}
    assert len(bench.notes.shown) == 1


def test_a_key_press_tells_about_its_own_context_alone_and_only_once(bench: Bench) -> None:
    bench.tell(Prepared(bench.prepare(), (("email", GONE),)))
    bench.tell(Prepared(MakeHot("default", SETTINGS)))
    assert "email" in bench.board.problems["prompts"]
    for _ in range(3):
        bench.tell(Prepared(MakeHot("email", SETTINGS), (("email", GONE),)))
    assert len(bench.notes.shown) == 1
    bench.tell(Prepared(MakeHot("email", SETTINGS)))
    assert bench.board.problems == {}
    bench.tell(Prepared(MakeHot("email", SETTINGS), (("email", GONE),)))
    assert len(bench.notes.shown) == 2


def test_a_disk_that_keeps_nothing_is_told_once_and_is_no_error(bench: Bench) -> None:
    bench.worker.disk_problem = "the disk is full"
    for _ in range(3):
        bench.tell(Prepared(bench.prepare()))
    assert [(topic, body) for topic, _, body in bench.notes.shown] == [("prompt disk", "The disk is full.")]
    assert bench.board.problems == {}


@pytest.mark.parametrize("asked", [None, Asked(Request("invalidate"))])
@pytest.mark.parametrize("error", [None, PrefixFilesError("It is read only.", "Delete it."), OSError()])
def test_a_purge_is_told_when_it_is_done(bench: Bench, asked: Asked | None, error: Exception | None) -> None:
    bench.worker.purge_error = error
    bench.readiness.purge(asked)
    bench.chores.shutdown()
    assert bench.worker.purges == 1
    event = bench.incoming.next(0)
    assert isinstance(event, PromptsPurged)
    assert event.asked is asked
    if error is None or isinstance(error, PrefixFilesError):
        assert event.error is error
    else:
        assert event.error is not None
        assert event.error.hint == "See the log."


def test_what_a_purge_left_is_shown_where_nobody_waits_and_else_answered(bench: Bench) -> None:
    left = PrefixFilesError("They cannot be deleted.", "Delete them yourself.")
    done, failed = Asked(Request("invalidate")), Asked(Request("invalidate"))
    bench.readiness.purged(PromptsPurged(done), SETTINGS)
    bench.readiness.purged(PromptsPurged(failed, left), SETTINGS)
    bench.readiness.purged(PromptsPurged(None), SETTINGS)
    assert bench.notes.shown == []
    assert done.reply.result(0).ok
    refused = failed.reply.result(0)
    assert (refused.ok, refused.message, refused.hint, refused.exit_code) == (False, *left.args, left.hint, 1)
    bench.readiness.purged(PromptsPurged(None, left), SETTINGS)
    assert bench.notes.shown == [("invalidate", left.message, left.hint)]
    assert len([order for order in bench.worker.orders if isinstance(order, Prepare)]) == 4


# ------------------------------------------------------------------------------------------ rest
AT_ONCE = SETTINGS.model_copy(update={"models": ModelsSettings(unload_after_min=1e-9)})
ANOTHER = SETTINGS.speech.model_copy(update={"model": "another"})


@pytest.fixture
def resting(tmp_path: Path) -> Bench:
    """A bench whose models are freed at the first look after the one that found nothing to do."""
    return Bench(tmp_path, AT_ONCE)


def test_models_are_freed_only_when_nothing_needs_them(resting: Bench) -> None:
    assert not resting.rest()
    resting.readiness.load(AT_ONCE)
    assert not resting.rest()
    resting.tell(Loaded(AT_ONCE, ()))
    assert not resting.rest()  # the prompts are being prepared
    assert resting.readiness.unload_due(AT_ONCE) is None
    order = resting.worker.orders[-1]
    assert isinstance(order, Prepare)
    resting.tell(Prepared(order))
    assert not resting.rest(busy=True)
    assert resting.readiness.unload_due(AT_ONCE) is None
    assert not resting.rest()
    assert resting.readiness.unload_due(AT_ONCE) is not None
    assert resting.rest()
    assert not resting.rest()  # once is enough
    assert resting.board.models == "loaded"
    resting.tell(Unloaded())
    assert resting.board.models == "unloaded"
    assert resting.readiness.unload_due(AT_ONCE) is None
    resting.chores.shutdown()


def test_models_that_failed_or_are_missing_are_not_freed(resting: Bench) -> None:
    resting.readiness.load(AT_ONCE)
    resting.tell(LoadFailed(AT_ONCE, ModelError("It is damaged.")))
    assert not any(resting.rest() for _ in range(3))
    resting.settings = Settings()
    resting.readiness.load(resting.settings)
    resting.settings = AT_ONCE
    assert not any(resting.rest() for _ in range(3))
    resting.chores.shutdown()


def test_a_change_of_the_context_begins_the_time_anew(resting: Bench) -> None:
    resting.loaded()
    assert not resting.rest()
    resting.readiness.make_hot(AT_ONCE)
    assert not resting.rest()
    assert resting.rest()
    resting.chores.shutdown()


def test_while_they_are_freed_prompts_are_left_alone(resting: Bench) -> None:
    resting.await_rest()
    told = len(resting.worker.orders)
    resting.tell(Unloaded())
    resting.readiness.prepare(AT_ONCE)
    resting.readiness.make_hot(AT_ONCE)
    resting.readiness.reload(AT_ONCE.model_copy(update={"speech": ANOTHER}), models_changed=True)
    assert len(resting.worker.orders) == told
    assert resting.board.status_line(Session()).startswith("Unloaded")
    resting.chores.shutdown()


def test_a_press_loads_them_once_also_while_they_are_being_freed(resting: Bench) -> None:
    resting.await_rest()
    resting.readiness.wake(AT_ONCE)
    resting.readiness.wake(AT_ONCE)
    resting.tell(Unloaded())
    assert not resting.board.unloaded
    assert resting.board.loading
    assert resting.worker.orders[-2:] == [Unload(), Load(AT_ONCE)]
    resting.chores.shutdown()


def test_a_press_changes_nothing_where_they_are_loaded(resting: Bench) -> None:
    resting.loaded()
    told = len(resting.worker.orders)
    resting.readiness.wake(AT_ONCE)
    assert len(resting.worker.orders) == told
    resting.chores.shutdown()


def test_a_failed_load_is_tried_again_only_where_models_come_and_go(bench: Bench) -> None:
    bench.readiness.load(SETTINGS)
    bench.tell(LoadFailed(SETTINGS, ModelError("It is damaged.")))
    bench.readiness.wake(SETTINGS)
    assert bench.board.load_failed
    bench.readiness.wake(AT_ONCE)
    assert bench.worker.orders == [Load(SETTINGS), Load(AT_ONCE)]
    bench.chores.shutdown()


def test_a_download_tells_when_its_models_are_loaded(resting: Bench) -> None:
    def nothing_found(_: object) -> None:
        raise AssertionError

    resting.loaded()
    resting.readiness.found(DownloadEnded(None), AT_ONCE, nothing_found)
    resting.await_rest()
    resting.readiness.found(DownloadEnded(None), AT_ONCE, nothing_found)
    assert [body for *_, body in resting.notes.shown] == [
        "They are loaded now.",
        "They are loaded at the next dictation.",
    ]
    resting.chores.shutdown()
