"""The delivery thread: texts in their order, in pieces or whole, and a hotkey that is held."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator

import pytest

from tests.fakes.inserter import FakeInserter
from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.daemon.deliverer import KEY_IS_DOWN, Delivered, Deliverer, Order
from voiceflow_daemon.desktop.inserter import Delivery, Outcome
from voiceflow_daemon.desktop.window import Window

EDITOR, BROWSER = Window(1, "Editor"), Window(2, "Browser")
PASTED = Delivery(Outcome.PASTED)
MOVED = "another window has the focus now"
LIMIT_S = 20.0


class Bench:
    def __init__(self) -> None:
        self.inserter = FakeInserter(EDITOR)
        self.key_is_down: Callable[[], bool] = lambda: False
        self._told: queue.SimpleQueue[Delivered] = queue.SimpleQueue()
        self.deliverer = Deliverer(lambda: self.inserter, self._asked, self._told.put)
        self.deliverer.start()

    def _asked(self) -> bool:
        return self.key_is_down()

    @property
    def written(self) -> str:
        return self.inserter.written.get(EDITOR.window_id, "")

    def deliver(
        self,
        text: str,
        *,
        order_id: int = 1,
        is_last: bool = True,
        settings: DeliverySettings | None = None,
        key_limit_s: float = LIMIT_S,
    ) -> Delivered:
        settings = settings or DeliverySettings()
        self.deliverer.submit(Order(order_id, text, EDITOR, settings, is_last, key_limit_s))
        return self._told.get(timeout=LIMIT_S)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.deliverer.stop()


def test_pieces_stand_behind_each_other(bench: Bench) -> None:
    assert bench.deliver("One.", is_last=False).delivery == PASTED
    assert bench.deliver("One. Two.", is_last=False).delivery == PASTED
    assert bench.deliver("One. Two. Three.").delivery == PASTED
    assert bench.deliver("Next.", order_id=2).delivery == PASTED
    assert bench.written == "One. Two. Three.Next."


def test_a_text_that_is_complete_already_ends_well(bench: Bench) -> None:
    bench.deliver("One.", is_last=False)
    assert bench.deliver("One.").delivery == PASTED
    assert bench.written == "One."


def test_what_cannot_be_put_behind_its_beginning_is_kept_on_its_own(bench: Bench) -> None:
    bench.deliver("One.", is_last=False)
    bench.inserter.focused = BROWSER
    assert bench.deliver("One. Two.", is_last=False).delivery == Delivery(Outcome.KEPT, MOVED, 4)
    bench.inserter.focused = EDITOR
    assert bench.deliver("One. Two. Three.").delivery == Delivery(Outcome.KEPT, MOVED, 4)
    assert (bench.written, bench.inserter.clipboard) == ("One.", " Two. Three.")


def test_a_text_that_came_out_differently_is_not_written_again(bench: Bench) -> None:
    bench.deliver("One.", is_last=False)
    delivered = bench.deliver("Won. Two.")
    assert delivered.delivery is not None
    assert "differently" in delivered.delivery.reason
    assert (bench.written, bench.inserter.clipboard) == ("One.", "Won. Two.")


def test_what_the_user_asks_for_in_between_changes_nothing(bench: Bench) -> None:
    bench.deliver("One.", is_last=False)
    bench.deliver("copied", order_id=0, settings=DeliverySettings(method="copy"))
    bench.deliver("One. Two.")
    assert (bench.written, bench.inserter.clipboard) == ("One. Two.", "copied")


def test_the_clipboard_that_is_not_restored_has_the_whole_text(bench: Bench) -> None:
    keeping = DeliverySettings(restore_clipboard=False)
    for text, is_last in (("One.", False), ("One. Two.", True)):
        bench.deliver(text, is_last=is_last, settings=keeping)
        assert bench.inserter.clipboard == text


def test_what_may_stand_there_is_not_written_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inserter fails when the keys were sent: who knows whether they were obeyed?"""
    whole = bench.inserter.deliver

    def fail_after(
        text: str, target: Window | None, settings: DeliverySettings, so_far: str = ""
    ) -> Delivery:
        whole(text, target, settings, so_far)
        raise ZeroDivisionError

    with monkeypatch.context() as failing:
        failing.setattr(bench.inserter, "deliver", fail_after)
        assert bench.deliver("One.", is_last=False).delivery is None
    delivered = bench.deliver("One. Two.")
    assert delivered.delivery is not None
    assert delivered.delivery.outcome is Outcome.KEPT
    assert (bench.written, bench.inserter.clipboard) == ("One.", "One. Two.")


def test_without_a_clipboard_the_rest_is_undelivered(bench: Bench) -> None:
    bench.deliver("One.", is_last=False)
    bench.inserter.focused, bench.inserter.has_clipboard = BROWSER, False
    assert bench.deliver("One. Two.", is_last=False).delivery is None
    assert bench.deliver("One. Two.").delivery is None
    assert bench.written == "One."


def test_it_waits_for_the_hotkey_to_be_up(bench: Bench) -> None:
    answers = iter([True, True, True, False])
    bench.key_is_down = lambda: next(answers)
    assert bench.deliver("One.").delivery == PASTED
    assert next(answers, None) is None


def test_a_hotkey_that_stays_down_holds_no_text_back_for_ever(bench: Bench) -> None:
    bench.key_is_down = lambda: True
    kept = Delivery(Outcome.KEPT, KEY_IS_DOWN)
    assert bench.deliver("One.", is_last=False, key_limit_s=0.01).delivery == kept
    bench.key_is_down = lambda: False
    assert bench.deliver("One. Two.").delivery == kept
    assert (bench.written, bench.inserter.clipboard) == ("", "One. Two.")


def test_copying_needs_no_key(bench: Bench) -> None:
    bench.key_is_down = lambda: True
    copied = bench.deliver("One.", settings=DeliverySettings(method="copy"))
    assert copied.delivery == Delivery(Outcome.COPIED)


def test_the_end_of_the_daemon_ends_the_wait(bench: Bench) -> None:
    asked = queue.SimpleQueue[bool]()

    def down() -> bool:
        asked.put(True)
        return True

    bench.key_is_down = down
    bench.deliverer.submit(Order(1, "One.", EDITOR, DeliverySettings()))
    asked.get(timeout=LIMIT_S)
    bench.deliverer.stop()
    assert bench.written == ""
