"""Hotkeys pressed by a hand on a real X11 desktop: what we hear, and what the focused program hears."""

from __future__ import annotations

import gc
import itertools
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from Xlib import XK, X, Xutil, display
from Xlib.ext import xtest

from tests.desktop.rig import VirtualDesktop, until
from tests.desktop.rig.display_server import start_x_server
from voiceflow_daemon.config.schema import HotkeySettings
from voiceflow_daemon.daemon import session as stage
from voiceflow_daemon.errors import HotkeyError
from voiceflow_daemon.hotkey.echoes import EchoFilter
from voiceflow_daemon.hotkey.keys import parse_hotkey
from voiceflow_daemon.hotkey.listener import (
    CancelPressed,
    EmitHotkey,
    HotkeyEvent,
    HotkeyListener,
    KeyDown,
    KeyUp,
    ListenerFailed,
    OtherInput,
)
from voiceflow_daemon.hotkey.select import open_listener

LIMIT_S = 10.0
DOWN, UP, OTHER, CANCEL = KeyDown(), KeyUp(), OtherInput(), CancelPressed()


# pynput leaves sockets to the garbage collector.
LEAVES_SOCKETS = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
KEYSYM_NAMES = {keysym: name[3:] for name, keysym in vars(XK).items() if name.startswith("XK_")}


class Heard:
    """What a listener says."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[HotkeyEvent] = queue.SimpleQueue()
        self.put = self._queue.put

    def expect(self, *events: HotkeyEvent) -> None:
        """The next events are these."""
        assert [self._queue.get(timeout=LIMIT_S) for _ in events] == list(events)

    def take(self) -> HotkeyEvent:
        return self._queue.get(timeout=LIMIT_S)

    def nothing_more(self) -> bool:
        return self._queue.empty()


class Program:
    """A program with the focus, and the keys that reach it."""

    def __init__(self, x11: VirtualDesktop) -> None:
        self._display = display.Display()
        self._seen: list[str] = []
        window = self._display.screen().root.create_window(
            *(0, 0, 200, 100, 0, X.CopyFromParent), event_mask=X.KeyPressMask | X.FocusChangeMask
        )
        window.set_wm_name("program")
        window.set_wm_hints(flags=Xutil.InputHint, input=1)

        def managed() -> bool:
            # Again and again: a window manager that is just starting may lose a request.
            window.map()
            self._display.sync()
            return window.id in [known.id for known in x11.windows.all()]

        until("the window to be managed", managed)
        x11.focus(window.id)

    def keys(self) -> list[str]:
        """All keys that reached it so far, repeats and modifiers included."""
        while self._display.pending_events():
            event = self._display.next_event()
            if event.type == X.KeyPress:
                self._seen.append(KEYSYM_NAMES[self._display.keycode_to_keysym(event.detail, 0)])
        return self._seen

    def await_key(self, key: str) -> list[str]:
        """The keys up to this one, which the test has just pressed; forgets them."""
        until(f"{key} to reach the program", lambda: key in self.keys())
        seen, self._seen = self._seen, []
        return seen

    def close(self) -> None:
        self._display.close()


@pytest.fixture
def x11(bare_desktop: VirtualDesktop, monkeypatch: pytest.MonkeyPatch) -> VirtualDesktop:
    monkeypatch.setenv("DISPLAY", bare_desktop.env["DISPLAY"])
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("XDG_SESSION_TYPE", "x11")
    return bare_desktop


@pytest.fixture
def program(x11: VirtualDesktop) -> Iterator[Program]:
    program = Program(x11)
    yield program
    program.close()


@contextmanager
def listening(key: str, echoes: EchoFilter | None = None) -> Iterator[tuple[HotkeyListener, Heard]]:
    heard = Heard()
    listener = open_listener(HotkeySettings(key=key), heard.put, echoes or EchoFilter())
    listener.start()
    try:
        yield listener, heard
    finally:
        listener.stop()
    assert heard.nothing_more()


@contextmanager
def other_program() -> Iterator[Any]:
    """A connection of another client, python-xlib's own."""
    connection = display.Display()
    try:
        yield connection
        connection.sync()
    finally:
        connection.close()


def keycode(connection: Any, keysym: str) -> int:
    return int(connection.keysym_to_keycode(XK.string_to_keysym(keysym)))


def grab_by(connection: Any, keysym: str, mask: int) -> None:
    connection.screen().root.grab_key(
        keycode(connection, keysym), mask, False, X.GrabModeAsync, X.GrabModeAsync
    )
    connection.sync()


def send(connection: Any, keysym: str, pressed: bool) -> None:
    """A keystroke of a program, by XTEST."""
    xtest.fake_input(connection, X.KeyPress if pressed else X.KeyRelease, keycode(connection, keysym))
    connection.sync()


# ------------------------------------------------------------------------------ single modifiers
def test_right_control_is_heard_and_still_belongs_to_the_program(
    x11: VirtualDesktop, program: Program
) -> None:
    with listening("ctrl_r") as (listener, heard):
        x11.hand.press("Control_R")
        heard.expect(DOWN)
        assert listener.is_down()
        x11.hand.release("Control_R")
        heard.expect(UP)
        assert not listener.is_down()
        x11.hand.tap("Control_L")
        assert program.await_key("Control_L") == ["Control_R", "Control_L"]


def test_chord_with_the_hotkey_reaches_the_editor_and_is_dropped(x11: VirtualDesktop) -> None:
    editor = x11.open_editor(text="copy me")
    with listening("ctrl_r") as (_, heard):
        with x11.hand.holding("Control_R"):
            x11.hand.tap("a", "c")
        heard.expect(DOWN, OTHER, OTHER, UP)
    until("the editor to have copied", lambda: x11.clipboard.text() == "copy me")
    assert editor.read() == "copy me"

    session, rules = stage.Session(), stage.HotkeyRules()
    session, started = stage.step(session, stage.KeyPressed(), 0.0, rules)
    session, dropped = stage.step(session, stage.OtherInput(), 0.1, rules)
    assert (started, dropped) == ((stage.StartCapture(1),), (stage.DropCapture(1, cancelled=False),))


def test_mouse_button_and_wheel_are_other_input(x11: VirtualDesktop) -> None:
    wheel_up = 4
    with listening("ctrl_r") as (_, heard), other_program() as wheel:
        x11.mouse.press()
        x11.mouse.release()
        x11.hand.press("Control_R")
        heard.expect(DOWN)
        x11.mouse.press()
        x11.mouse.release()
        heard.expect(OTHER)
        # The rig's own mouse has no wheel.
        xtest.fake_input(wheel, X.ButtonPress, wheel_up)
        xtest.fake_input(wheel, X.ButtonRelease, wheel_up)
        wheel.sync()
        heard.expect(OTHER)
        x11.hand.release("Control_R")
        heard.expect(UP)


def test_modifier_pressed_after_another_key_or_button_is_not_alone(x11: VirtualDesktop) -> None:
    with listening("ctrl_r") as (listener, heard):
        listener.watch_cancel(True)
        settle(x11, heard, "Control_R")
        for press, release in holdings(x11):
            press()
            with x11.hand.holding("Control_R"):
                x11.hand.tap("Escape")
                heard.expect(CANCEL)
            release()
            settle(x11, heard, "Control_R")


def holdings(x11: VirtualDesktop) -> list[tuple[Callable[[], None], Callable[[], None]]]:
    """How to hold Shift, and how to hold a mouse button."""
    hand, mouse = x11.hand, x11.mouse
    return [
        (lambda: hand.press("Shift_L"), lambda: hand.release("Shift_L")),
        (lambda: mouse.press(1), lambda: mouse.release(1)),
    ]


@pytest.mark.parametrize(
    ("hotkey", "key"),
    [("ctrl_l", "Control_L"), ("alt_r", "Alt_R"), ("shift_r", "Shift_R"), ("super_l", "Super_L")],
)
def test_other_modifiers(x11: VirtualDesktop, hotkey: str, key: str) -> None:
    with listening(hotkey) as (_, heard):
        x11.hand.tap(key)
        heard.expect(DOWN, UP)


def test_release_is_heard_though_shift_changes_the_name_of_the_key(x11: VirtualDesktop) -> None:
    with listening("alt_r") as (_, heard):
        x11.hand.press("Alt_R", "Shift_L")
        x11.hand.release("Alt_R", "Shift_L")
        heard.expect(DOWN, OTHER, UP)


def test_hand_is_heard_though_a_program_released_the_key_meanwhile(x11: VirtualDesktop) -> None:
    with listening("ctrl_r") as (_, heard), other_program() as program:
        x11.hand.press("Control_R")
        heard.expect(DOWN)
        send(program, "Control_R", pressed=False)
        x11.hand.tap("c")
        heard.expect(OTHER)
        x11.hand.release("Control_R")
        heard.expect(UP)


def test_modifier_is_heard_while_a_menu_has_the_keyboard(x11: VirtualDesktop) -> None:
    with listening("ctrl_r") as (_, heard), other_program() as menu:
        menu.screen().root.grab_keyboard(False, X.GrabModeAsync, X.GrabModeAsync, X.CurrentTime)
        menu.sync()
        x11.hand.tap("Control_R")
        heard.expect(DOWN, UP)


# ---------------------------------------------------------------- ordinary keys and combinations
@LEAVES_SOCKETS
def test_grabbed_key_does_not_leak_and_repeats_collapse(x11: VirtualDesktop, program: Program) -> None:
    with listening("f9") as (listener, heard):
        press_until_it_repeats(x11, "F9")
        assert listener.is_down()
        x11.hand.release("F9")
        heard.expect(DOWN, UP)
        x11.hand.tap("F8")
        assert program.await_key("F8") == ["F8"]
    x11.hand.tap("F9")
    assert program.await_key("F9") == ["F9"], "given back at the end"
    gc.collect()


def press_until_it_repeats(x11: VirtualDesktop, key: str) -> None:
    """As pynput sees it, which reports each repeat."""
    from pynput import keyboard

    presses: list[object] = []
    spy = keyboard.Listener(on_press=presses.append)
    spy.start()
    spy.wait()
    x11.hand.press(key)
    until("auto-repeat", lambda: len(presses) >= 5)
    spy.stop()
    until("pynput to notice that it is to end", lambda: not spy.is_alive())


def test_hotkey_can_be_taken_again_at_once(x11: VirtualDesktop) -> None:
    for _ in range(10):
        with listening("f9") as (_, heard):
            x11.hand.tap("F9")
            heard.expect(DOWN, UP)


def test_key_with_another_modifier_is_not_the_hotkey(x11: VirtualDesktop, program: Program) -> None:
    with listening("f9") as (_, heard):
        with x11.hand.holding("Shift_L"):
            x11.hand.tap("F9")
        assert program.await_key("F9") == ["Shift_L", "F9"]
        x11.hand.tap("F9")
        heard.expect(DOWN, UP)


@pytest.mark.parametrize("leaving", list(itertools.permutations(["Control_L", "Alt_L", "space"])))
def test_fingers_leave_a_combination_in_any_order(
    x11: VirtualDesktop, program: Program, leaving: tuple[str, ...]
) -> None:
    with listening("ctrl+alt+space") as (listener, heard):
        x11.hand.press("Control_L", "Alt_L", "space")
        heard.expect(DOWN)
        for key in leaving:
            assert listener.is_down()
            x11.hand.release(key)
        heard.expect(UP)
        assert not listener.is_down()
        x11.hand.tap("x")
        assert program.await_key("x") == ["Control_L", "Alt_L", "x"]


@pytest.mark.parametrize("locks", [("Caps_Lock",), ("Num_Lock",), ("Caps_Lock", "Num_Lock")])
def test_locks_do_not_matter(x11: VirtualDesktop, program: Program, locks: tuple[str, ...]) -> None:
    with listening("super+d") as (_, heard):
        x11.hand.tap(*locks)
        with x11.hand.holding("Super_R", "d"):
            heard.expect(DOWN)
        heard.expect(UP)
        x11.hand.tap("x")
        assert program.await_key("x") == [*locks, "Super_R", "x"]


def test_modifier_pressed_after_the_key_does_not_make_the_combination(x11: VirtualDesktop) -> None:
    with listening("ctrl+space") as (_, heard):
        with x11.hand.holding("space", "Control_L"):
            pass
        with x11.hand.holding("Control_L", "space"):
            heard.expect(DOWN)
        heard.expect(UP)


def test_hotkey_of_another_program_is_refused_with_a_hint(x11: VirtualDesktop) -> None:
    with other_program() as owner:
        grab_by(owner, "F9", 0)
        listener = open_listener(HotkeySettings(key="f9"), Heard().put, EchoFilter())
        with pytest.raises(HotkeyError) as refused:
            listener.start()
        assert "Another program already holds" in refused.value.message
        assert "[hotkey] key" in refused.value.hint
        assert not listener.is_alive()
        listener.stop()
    with listening("f9") as (_, heard):
        x11.hand.tap("F9")
        heard.expect(DOWN, UP)


def test_key_that_the_keyboard_lacks_is_refused(x11: VirtualDesktop) -> None:
    listener = open_listener(HotkeySettings(key="f24"), Heard().put, EchoFilter())
    with other_program() as layout:
        f24 = keycode(layout, "F24")
        if f24:
            layout.change_keyboard_mapping(f24, [(X.NoSymbol,) * 4])
    with pytest.raises(HotkeyError, match='This keyboard has no key "f24"'):
        listener.start()
    listener.stop()


def test_new_keyboard_layout_is_followed(x11: VirtualDesktop, program: Program) -> None:
    with listening("f9") as (_, heard), other_program() as layout:
        old, new = keycode(layout, "F9"), keycode(layout, "F10")
        f9, f8 = (XK.string_to_keysym(name) for name in ("F9", "F8"))
        layout.change_keyboard_mapping(new, [(f9,) * 4])
        layout.change_keyboard_mapping(old, [(f8,) * 4])
        layout.sync()

        def pressed_where_it_is_now() -> bool:
            x11.hand.tap("x")
            x11.x.device_event(x11.x.device_id("Xvfb keyboard"), 1, new)
            x11.x.device_event(x11.x.device_id("Xvfb keyboard"), 2, new)
            return not heard.nothing_more()

        until("the new key to be heard", pressed_where_it_is_now)
        heard.expect(DOWN, UP)
        while not heard.nothing_more():
            heard.expect(DOWN, UP)


# ------------------------------------------------------------------------------------------ Escape
@pytest.mark.parametrize("held", [(), ("Control_R",), ("Alt_L",)])
def test_escape_is_taken_only_while_watched(
    x11: VirtualDesktop, program: Program, held: tuple[str, ...]
) -> None:
    with listening("f9") as (listener, heard):
        x11.hand.tap("Escape")
        assert program.await_key("Escape") == ["Escape"]
        settle(x11, heard)
        listener.watch_cancel(True)
        settle(x11, heard)
        with x11.hand.holding(*held):
            x11.hand.tap("Escape")
        heard.expect(CANCEL)
        x11.hand.tap("x")
        assert program.await_key("x") == [*held, "x"]
        listener.watch_cancel(False)
        settle(x11, heard)
        x11.hand.tap("Escape")
        assert program.await_key("Escape") == ["Escape"]


def test_escape_held_by_another_program_with_alt_is_taken_without(
    x11: VirtualDesktop, program: Program
) -> None:
    with other_program() as window_manager, listening("f9") as (listener, heard):
        grab_by(window_manager, "Escape", X.Mod1Mask)
        listener.watch_cancel(True)
        settle(x11, heard)
        with x11.hand.holding("Control_R"):
            x11.hand.tap("Escape")
        heard.expect(CANCEL)
        with x11.hand.holding("Alt_L"):
            x11.hand.tap("Escape")
        heard.expect(CANCEL)
        x11.hand.tap("x")
        assert program.await_key("x") == ["Control_R", "Alt_L", "x"]


def settle(x11: VirtualDesktop, heard: Heard, hotkey: str = "F9") -> None:
    """Once this press was heard, earlier orders to the listener are carried out and earlier keys read."""
    x11.hand.tap(hotkey)
    heard.expect(DOWN, UP)


# ---------------------------------------------------------------------------------------- echoes
def test_our_own_keystrokes_are_dropped_and_the_hand_still_counts(x11: VirtualDesktop) -> None:
    echoes = EchoFilter()
    with listening("ctrl_l", echoes) as (_, heard), other_program() as inserter:
        for key, pressed in (("Control_L", True), ("v", True), ("v", False), ("Control_L", False)):
            echoes.announce(keycode(inserter, key), pressed)
            send(inserter, key, pressed)
        x11.hand.tap("Control_L")
        heard.expect(DOWN, UP)

        echoes.announce(keycode(inserter, "Control_L"), True)
        x11.hand.press("Control_L")
        heard.expect(DOWN)
        send(inserter, "Control_L", pressed=True)
        echoes.announce(keycode(inserter, "Control_L"), False)
        send(inserter, "Control_L", pressed=False)
        x11.hand.release("Control_L")
        heard.expect(UP)


def test_paste_during_a_press_is_not_other_input(x11: VirtualDesktop) -> None:
    echoes = EchoFilter()
    with listening("ctrl_r", echoes) as (_, heard), other_program() as inserter:
        x11.hand.press("Control_R")
        for key, pressed in (("Control_L", True), ("v", True), ("v", False), ("Control_L", False)):
            echoes.announce(keycode(inserter, key), pressed)
            send(inserter, key, pressed)
        x11.hand.release("Control_R")
        heard.expect(DOWN, UP)


def test_keystrokes_of_other_programs_count(x11: VirtualDesktop) -> None:
    """A remote desktop's server types by XTEST, too."""
    with listening("ctrl_r") as (_, heard), other_program() as remote:
        send(remote, "Control_R", pressed=True)
        send(remote, "Control_R", pressed=False)
        heard.expect(DOWN, UP)


# ---------------------------------------------------------------------------------- the end of it
def x11_listener(emit: EmitHotkey) -> HotkeyListener:
    from voiceflow_daemon.hotkey._x11 import X11Listener

    return X11Listener(parse_hotkey("f9"), emit, EchoFilter())


def pynput_listener(emit: EmitHotkey) -> HotkeyListener:
    from voiceflow_daemon.hotkey._pynput import PynputListener

    return PynputListener(parse_hotkey("f9"), emit)


@LEAVES_SOCKETS
@pytest.mark.parametrize("make", [x11_listener, pynput_listener])
def test_death_of_the_display_is_said_once(
    x11: VirtualDesktop, monkeypatch: pytest.MonkeyPatch, make: Callable[[EmitHotkey], HotkeyListener]
) -> None:
    before = set(x11.processes.living())
    monkeypatch.setenv("DISPLAY", start_x_server(x11.processes))
    (server,) = set(x11.processes.living()) - before
    threads = threading.active_count()
    outlive_the_display(make, server)
    until("the listener's threads to end", lambda: threading.active_count() == threads)
    gc.collect()


def outlive_the_display(make: Callable[[EmitHotkey], HotkeyListener], server: int) -> None:
    heard = Heard()
    listener = make(heard.put)
    listener.start()
    assert listener.is_alive()
    os.kill(server, signal.SIGKILL)
    failed = heard.take()
    assert isinstance(failed, ListenerFailed)
    assert failed.reason
    until("the listener to be dead", lambda: not listener.is_alive())
    assert not listener.is_down()
    listener.watch_cancel(True)
    listener.stop()
    assert heard.nothing_more()


def test_failing_receiver_ends_the_listener_aloud(
    x11: VirtualDesktop, caplog: pytest.LogCaptureFixture
) -> None:
    heard = Heard()

    def fail_on_down(event: HotkeyEvent) -> None:
        if event == DOWN:
            raise RuntimeError("a mistake of ours")
        heard.put(event)

    listener = open_listener(HotkeySettings(key="f9"), fail_on_down, EchoFilter())
    listener.start()
    x11.hand.tap("F9")
    assert isinstance(heard.take(), ListenerFailed)
    listener.stop()
    assert "a mistake of ours" in caplog.text
