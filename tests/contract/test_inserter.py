"""One suite over the fake inserter and the X11 one with a real editor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pytest

from tests.desktop.rig import VirtualDesktop, until
from tests.fakes.inserter import FakeInserter
from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.desktop._x11_inserter import X11Inserter
from voiceflow_daemon.desktop._x11_window import X11ActiveWindow
from voiceflow_daemon.desktop.inserter import Delivery, Inserter, Outcome
from voiceflow_daemon.desktop.window import Window

TEXT = "Grüße aus Köln: 漢字 😀\n\nSecond line."


class Bench(Protocol):
    """An inserter and the desktop that it writes to."""

    inserter: Inserter
    target: Window

    def written(self) -> str:
        """What stands in the target."""

    def clipboard(self) -> str: ...

    def put_clipboard(self, text: str) -> None: ...

    def move_focus_away(self) -> None: ...


class FakeBench:
    def __init__(self) -> None:
        self.target = Window(7, "Editor")
        self.fake = FakeInserter(self.target)
        self.inserter: Inserter = self.fake

    def written(self) -> str:
        return self.fake.written.get(self.target.window_id, "")

    def clipboard(self) -> str:
        return self.fake.clipboard

    def put_clipboard(self, text: str) -> None:
        self.fake.clipboard = text

    def move_focus_away(self) -> None:
        self.fake.focused = Window(8, "Other")


class X11Bench:
    def __init__(self, desktop: VirtualDesktop) -> None:
        self.desktop = desktop
        self.other = desktop.open_editor("other.txt")
        self.editor = desktop.open_editor()
        active = X11ActiveWindow()
        sampled = active.sample()
        active.close()
        assert sampled is not None
        self.target = sampled
        self.inserter: Inserter = X11Inserter()

    def written(self) -> str:
        return self.editor.read()

    def clipboard(self) -> str:
        return self.desktop.clipboard.text()

    def put_clipboard(self, text: str) -> None:
        self.desktop.clipboard.put_text(text)

    def move_focus_away(self) -> None:
        self.desktop.focus(self.other)


@pytest.fixture(params=["fake", "x11"])
def bench(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    if request.param == "fake":
        yield FakeBench()
        return
    with VirtualDesktop(panel=False, notifications=False, sound=False) as desktop:
        for name, value in desktop.env.items():
            monkeypatch.setenv(name, value)
        made = X11Bench(desktop)
        yield made
        made.inserter.close()


def test_pasting_gives_the_clipboard_back(bench: Bench) -> None:
    bench.put_clipboard("the user's own")
    assert bench.inserter.deliver(TEXT, bench.target, DeliverySettings()) == Delivery(Outcome.PASTED)
    assert bench.written() == TEXT
    until("the clipboard to be given back", lambda: bench.clipboard() == "the user's own")


def test_two_deliveries_stand_in_their_order(bench: Bench) -> None:
    bench.put_clipboard("the user's own")
    for text in ("one ", "two"):
        assert bench.inserter.deliver(text, bench.target, DeliverySettings()).outcome is Outcome.PASTED
    assert bench.written() == "one two"
    until("the clipboard to be given back", lambda: bench.clipboard() == "the user's own")


def test_without_restoring_the_text_stays_on_the_clipboard(bench: Bench) -> None:
    bench.put_clipboard("the user's own")
    settings = DeliverySettings(restore_clipboard=False)
    assert bench.inserter.deliver(TEXT, bench.target, settings) == Delivery(Outcome.PASTED)
    assert bench.written() == TEXT
    assert bench.clipboard() == TEXT


def test_behind_a_last_piece_the_whole_text_stays_on_the_clipboard(bench: Bench) -> None:
    settings = DeliverySettings(restore_clipboard=False)
    for piece, so_far in (("One.", "One."), (" Two.", "One. Two.")):
        assert bench.inserter.deliver(piece, bench.target, settings, so_far) == Delivery(Outcome.PASTED)
    until("the whole text to be there", lambda: bench.clipboard() == "One. Two.")
    assert bench.written() == "One. Two."


def test_typing_leaves_the_clipboard_alone(bench: Bench) -> None:
    bench.put_clipboard("the user's own")
    typed = bench.inserter.deliver(TEXT, bench.target, DeliverySettings(method="type"))
    assert typed == Delivery(Outcome.TYPED)
    assert bench.written() == TEXT
    assert bench.clipboard() == "the user's own"


def test_copying_writes_nothing(bench: Bench) -> None:
    copied = bench.inserter.deliver(TEXT, bench.target, DeliverySettings(method="copy"))
    assert copied == Delivery(Outcome.COPIED)
    assert bench.clipboard() == TEXT
    assert bench.written() == ""


@pytest.mark.parametrize("method", ["paste", "type"])
def test_a_window_that_lost_the_focus_gets_nothing(bench: Bench, method: str) -> None:
    bench.move_focus_away()
    settings = DeliverySettings.model_validate({"method": method})
    kept = bench.inserter.deliver(TEXT, bench.target, settings)
    assert kept == Delivery(Outcome.KEPT, "another window has the focus now")
    assert bench.clipboard() == TEXT
    assert bench.written() == ""


def test_without_a_target_the_text_is_kept(bench: Bench) -> None:
    kept = bench.inserter.deliver(TEXT, None, DeliverySettings())
    assert kept.outcome is Outcome.KEPT
    assert kept.reason
    assert bench.clipboard() == TEXT
