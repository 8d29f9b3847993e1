"""One suite over the fake listener and the real ones: what the coordinator may rely on."""

from __future__ import annotations

import gc
import queue
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.desktop.rig import VirtualDesktop, until
from tests.fakes.hotkey_listener import FakeListener
from voiceflow_daemon.hotkey.echoes import EchoFilter
from voiceflow_daemon.hotkey.keys import parse_hotkey
from voiceflow_daemon.hotkey.listener import (
    CancelPressed,
    EmitHotkey,
    HotkeyEvent,
    HotkeyListener,
    KeyDown,
    KeyUp,
    OtherInput,
)

LIMIT_S = 10.0
DOWN, UP, OTHER, CANCEL = KeyDown(), KeyUp(), OtherInput(), CancelPressed()


@dataclass
class Desk:
    """A started listener, the hand before it, and what it said."""

    listener: HotkeyListener
    said: queue.SimpleQueue[HotkeyEvent]
    press: Callable[[], None]
    release: Callable[[], None]
    tap_other: Callable[[], None]
    tap_escape: Callable[[], None]
    clicks: Callable[[], None]
    takes_effect: Callable[[], None]
    """Wait until what was ordered of the listener is done."""

    def expect(self, *events: HotkeyEvent) -> None:
        """The next events are these; `silence` checks that no more follow."""
        assert [self.said.get(timeout=LIMIT_S) for _ in events] == list(events)

    def silence(self) -> None:
        """Nothing was said: a press right after is the next thing heard."""
        self.press()
        self.release()
        self.expect(DOWN, UP)


@pytest.fixture(scope="module")
def keyboard_desktop() -> Iterator[VirtualDesktop]:
    with VirtualDesktop(panel=False, notifications=False, sound=False) as desktop:
        yield desktop


def fake_desk() -> Iterator[Desk]:
    said: queue.SimpleQueue[HotkeyEvent] = queue.SimpleQueue()
    listener = FakeListener(said.put)
    listener.start()
    yield Desk(
        listener,
        said,
        press=listener.press,
        release=listener.release,
        tap_other=listener.press_other,
        tap_escape=listener.press_escape,
        clicks=listener.press_other,
        takes_effect=lambda: None,
    )
    listener.stop()


def x11(key: str) -> Callable[[EmitHotkey], HotkeyListener]:
    def make(emit: EmitHotkey) -> HotkeyListener:
        from voiceflow_daemon.hotkey._x11 import X11Listener

        return X11Listener(parse_hotkey(key), emit, EchoFilter())

    return make


def pynput(emit: EmitHotkey) -> HotkeyListener:
    from voiceflow_daemon.hotkey._pynput import PynputListener

    return PynputListener(parse_hotkey("ctrl_r"), emit)


def real_desk(
    desktop: VirtualDesktop, make: Callable[[EmitHotkey], HotkeyListener], keys: tuple[str, ...]
) -> Iterator[Desk]:
    said: queue.SimpleQueue[HotkeyEvent] = queue.SimpleQueue()
    listener = make(said.put)
    listener.start()

    def click() -> None:
        desktop.mouse.press()
        desktop.mouse.release()

    desk = Desk(
        listener,
        said,
        press=lambda: desktop.hand.press(*keys),
        release=lambda: desktop.hand.release(*reversed(keys)),
        tap_other=lambda: desktop.hand.tap("c"),
        tap_escape=lambda: desktop.hand.tap("Escape"),
        clicks=click,
        takes_effect=lambda: _round_trip(desktop, said, keys),
    )
    _await_both_devices(desk)
    yield desk
    listener.stop()
    # pynput's threads end at their next event, and may leave sockets behind.
    desktop.hand.tap("c")
    click()
    gc.collect()


def _await_both_devices(desk: Desk) -> None:
    """Wait until keys and buttons are heard: pynput says that it is ready a little too early."""

    def hears(act: Callable[[], None], event: HotkeyEvent) -> bool:
        act()
        try:
            return desk.said.get(timeout=1) == event
        except queue.Empty:
            return False

    while not hears(desk.press, DOWN):
        desk.release()
    while not hears(desk.clicks, OTHER):
        pass
    desk.release()
    while desk.said.get(timeout=LIMIT_S) != UP:
        pass


def _round_trip(desktop: VirtualDesktop, said: queue.SimpleQueue[HotkeyEvent], keys: tuple[str, ...]) -> None:
    """Orders are obeyed before the next event is read, so that a press that was heard proves it."""
    with desktop.hand.holding(*keys):
        assert said.get(timeout=LIMIT_S) == DOWN
    assert said.get(timeout=LIMIT_S) == UP


REAL = {
    "observed": (x11("ctrl_r"), ("Control_R",)),
    "grabbed": (x11("f9"), ("F9",)),
    "combination": (x11("ctrl+alt+space"), ("Control_L", "Alt_L", "space")),
    "pynput": (pynput, ("Control_R",)),
}


LEAVES_SOCKETS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(
    params=["fake", "observed", "grabbed", "combination", pytest.param("pynput", marks=LEAVES_SOCKETS)]
)
def desk(
    request: pytest.FixtureRequest, keyboard_desktop: VirtualDesktop, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    if request.param == "fake":
        yield from fake_desk()
        return
    monkeypatch.setenv("DISPLAY", keyboard_desktop.env["DISPLAY"])
    yield from real_desk(keyboard_desktop, *REAL[request.param])


def test_press_and_release(desk: Desk) -> None:
    for _ in range(3):
        desk.press()
        desk.expect(DOWN)
        desk.release()
        desk.expect(UP)
    desk.silence()


def test_other_key_and_button_while_the_hotkey_is_held(desk: Desk) -> None:
    desk.tap_other()
    desk.press()
    desk.tap_other()
    desk.expect(DOWN, OTHER)
    desk.clicks()
    desk.expect(OTHER)
    desk.release()
    desk.expect(UP)
    desk.silence()


def test_escape_cancels_only_while_watched(desk: Desk) -> None:
    desk.tap_escape()
    desk.silence()
    desk.listener.watch_cancel(True)
    desk.takes_effect()
    desk.tap_escape()
    desk.expect(CANCEL)
    desk.listener.watch_cancel(False)
    desk.takes_effect()
    desk.tap_escape()
    desk.silence()


def test_escape_cancels_while_the_hotkey_is_held(desk: Desk) -> None:
    desk.listener.watch_cancel(True)
    desk.press()
    desk.expect(DOWN)
    desk.tap_escape()
    desk.expect(CANCEL)
    desk.release()
    desk.expect(UP)


def test_is_down_follows_the_hand(desk: Desk) -> None:
    assert not desk.listener.is_down()
    desk.press()
    until("the hotkey to be down", desk.listener.is_down)
    desk.release()
    until("the hotkey to be up", lambda: not desk.listener.is_down())


def test_stopped_listener_is_not_alive_and_says_nothing(desk: Desk) -> None:
    assert desk.listener.is_alive()
    desk.listener.stop()
    assert not desk.listener.is_alive()
    desk.press()
    desk.release()
    desk.listener.watch_cancel(True)
    desk.tap_escape()
    assert desk.said.empty()


def test_stopping_twice_is_harmless(desk: Desk) -> None:
    desk.listener.stop()
    desk.listener.stop()
    assert not desk.listener.is_alive()
