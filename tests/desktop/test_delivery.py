"""Delivery on a real X11 desktop: the right text, the right window, and the clipboard as it was."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from Xlib import X, display

from tests.desktop.rig import Editor, VirtualDesktop, until
from voiceflow_daemon.config.schema import DeliverySettings
from voiceflow_daemon.desktop._x11_connection import open_display
from voiceflow_daemon.desktop._x11_inserter import X11Inserter
from voiceflow_daemon.desktop._x11_keyboard import X11Keyboard
from voiceflow_daemon.desktop._x11_offers import HISTORY_HINT
from voiceflow_daemon.desktop._x11_window import X11ActiveWindow
from voiceflow_daemon.desktop.inserter import Delivery, Inserter, Outcome
from voiceflow_daemon.desktop.keystrokes import Layout
from voiceflow_daemon.desktop.select import open_clipboard
from voiceflow_daemon.desktop.window import Window

PROGRAMS = Path(__file__).parent / "programs"
TEXT = "Schöne Grüße — 漢字, кириллица 😀\n\n\tÉnd."
PASTE = DeliverySettings()
TYPE = DeliverySettings(method="type")
PNG = "image/png"
PICTURE = b"\x89PNG\r\n\x1a\n" + random.Random(1).randbytes(40_000)
LARGE_PICTURE = random.Random(2).randbytes(5_000_000)


class Keys:
    """Hears of each key event before it is sent; tests let something happen at one of them."""

    def __init__(self) -> None:
        self.heard: list[tuple[int, bool]] = []
        self.at_event: Callable[[int], object] = lambda _count: None
        """Called when the so-manieth event is announced."""

    def __call__(self, keycode: int, pressed: bool) -> None:
        self.heard.append((keycode, pressed))
        self.at_event(len(self.heard))


class Bench:
    """An inserter in this process, with its desktop."""

    def __init__(self, desktop: VirtualDesktop) -> None:
        self.desktop = desktop
        self.keys = Keys()
        self.active = X11ActiveWindow()
        self.inserter: Inserter = X11Inserter(self.keys)

    def deliver(self, text: str, settings: DeliverySettings = PASTE) -> Delivery:
        """Into the window that has the focus now."""
        return self.inserter.deliver(text, self.target(), settings)

    def target(self) -> Window:
        sampled = self.active.sample()
        assert sampled is not None
        return sampled

    def keepers(self) -> list[int]:
        """Process ids of this desktop's clipboard keepers."""
        return [pid for pid in self.desktop.processes.living() if "_x11_keeper" in _command_of(pid)]

    def spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        return self.desktop.spawn(program, sys.executable, PROGRAMS / f"{program}.py", *arguments)

    def open_plain_window(self, application: str, *arguments: str) -> Window:
        child = self.spawn("plain_window", application, *arguments)
        log = self.desktop.await_ready("plain_window", child, lambda: self.desktop.log("plain_window"))
        window = Window(int(log.split()[1]), application)
        until(
            "the window to be managed",
            lambda: window.window_id in self.desktop.x.root_property("_NET_CLIENT_LIST"),
        )
        self.desktop.focus(window.window_id)
        return window

    def close(self) -> None:
        self.inserter.close()
        self.active.close()


@pytest.fixture
def bench(bare_desktop: VirtualDesktop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    for name, value in bare_desktop.env.items():
        monkeypatch.setenv(name, value)
    made = Bench(bare_desktop)
    yield made
    made.close()


@pytest.fixture
def editor(bench: Bench) -> Editor:
    return bench.desktop.open_editor()


class TestClipboardIsGivenBack:
    @pytest.mark.parametrize("picture", [PICTURE, LARGE_PICTURE], ids=["small", "in pieces"])
    def test_a_picture(self, bench: Bench, editor: Editor, picture: bytes) -> None:
        bench.desktop.clipboard.put_picture(picture)
        assert bench.deliver(TEXT) == Delivery(Outcome.PASTED)
        assert editor.read() == TEXT
        until("the picture to be back", lambda: bench.desktop.clipboard.targets() == [PNG])
        assert bench.desktop.clipboard.read(PNG) == picture

    def test_every_target_of_an_editors_copy(self, bench: Bench, editor: Editor) -> None:
        source = bench.desktop.open_editor("source.txt", "copied from a program with many targets\n")
        bench.desktop.keyboard.tap("ctrl+a", "ctrl+c")
        source.read()
        clipboard = bench.desktop.clipboard
        before = {target: clipboard.read(target) for target in clipboard.targets()}
        assert len(before) > 4
        bench.desktop.focus(editor)
        assert bench.deliver(TEXT) == Delivery(Outcome.PASTED)
        until("the clipboard to be back", lambda: TEXT not in clipboard.text())
        assert {target: clipboard.read(target) for target in clipboard.targets()} == before

    def test_nothing(self, bench: Bench, editor: Editor) -> None:
        bench.desktop.clipboard.clear()
        assert bench.deliver(TEXT) == Delivery(Outcome.PASTED)
        until("the clipboard to be empty", lambda: not bench.desktop.x.selection_owner("CLIPBOARD"))
        assert editor.read() == TEXT

    def test_a_long_text_is_pasted_whole(self, bench: Bench, editor: Editor) -> None:
        long_text = "zwölf Boxkämpfer 漢字 " * 20_000
        bench.desktop.clipboard.put_text("the user's own")
        assert bench.deliver(long_text) == Delivery(Outcome.PASTED)
        assert editor.read() == long_text
        until("the text to be back", lambda: bench.desktop.clipboard.text() == "the user's own")

    def test_what_the_user_copies_meanwhile_stays(self, bench: Bench, editor: Editor) -> None:
        bench.desktop.clipboard.put_text("older")
        assert bench.deliver("first ") == Delivery(Outcome.PASTED)
        bench.desktop.clipboard.put_text("newer")
        assert bench.deliver("second") == Delivery(Outcome.PASTED)
        until("the newer text to be back", lambda: bench.desktop.clipboard.text() == "newer")
        assert editor.read() == "first second"


class TestFocus:
    def test_a_focus_that_moves_at_the_last_moment(self, bench: Bench, editor: Editor) -> None:
        other = bench.desktop.open_editor("other.txt")
        bench.desktop.focus(editor)
        bench.desktop.clipboard.put_text("the user's own")
        bench.keys.at_event = lambda _count: bench.desktop.focus(other)
        with bench.desktop.hand.holding("Shift_L"):  # its release is the first key, before the last look
            delivery = bench.deliver("meant for the first")
        assert delivery == Delivery(Outcome.KEPT, "another window has the focus now")
        assert len(bench.keys.heard) == 1
        assert bench.desktop.clipboard.text() == "meant for the first"
        assert (editor.read(), other.read()) == ("", "")

    def test_a_window_that_was_closed(self, bench: Bench, editor: Editor) -> None:
        target = bench.target()
        editor.close()
        assert bench.inserter.deliver(TEXT, target, PASTE).outcome is Outcome.KEPT
        assert bench.desktop.clipboard.text() == TEXT
        assert bench.active.sample() is None

    def test_without_a_window_manager(self, bench: Bench, editor: Editor) -> None:
        living = bench.desktop.processes.living()
        os.kill(next(pid for pid, name in living.items() if name == "openbox"), signal.SIGTERM)
        root_names = ("_NET_ACTIVE_WINDOW", "_NET_SUPPORTING_WM_CHECK")
        until("openbox to go", lambda: "openbox" not in bench.desktop.processes.living().values())
        connection = display.Display()
        root = connection.screen().root
        for name in root_names:  # as a desktop that never had one
            root.delete_property(connection.intern_atom(name))
        connection.set_input_focus(editor.window, X.RevertToParent, X.CurrentTime)
        connection.sync()
        assert bench.target() == Window(editor.window, "Mousepad")
        assert bench.deliver(TEXT) == Delivery(Outcome.PASTED)
        bench.desktop.keyboard.tap("ctrl+s")
        until("the text to be saved", lambda: editor.path.read_text() == TEXT)
        connection.set_input_focus(X.NONE, X.RevertToParent, X.CurrentTime)
        connection.sync()
        connection.close()
        until("no window to be sampled", lambda: bench.active.sample() is None)


class TestKeys:
    def test_each_key_is_announced(self, bench: Bench, editor: Editor) -> None:
        assert bench.deliver(TEXT) == Delivery(Outcome.PASTED)
        ctrl, v = bench.desktop.x.keycode("Control_L"), bench.desktop.x.keycode("v")
        assert bench.keys.heard == [(ctrl, True), (v, True), (v, False), (ctrl, False)]
        assert bench.desktop.hand.down() == []

    @pytest.mark.parametrize("keys", [["Shift_L"], ["Alt_L"], ["Super_L"], ["Control_R", "Shift_R"]])
    def test_held_modifiers_are_released_and_not_pressed_again(
        self, bench: Bench, editor: Editor, keys: list[str]
    ) -> None:
        codes = {bench.desktop.x.keycode(key) for key in keys}
        with bench.desktop.hand.holding(*keys):
            assert bench.deliver(TEXT) == Delivery(Outcome.PASTED)
            assert bench.desktop.hand.down() == []
        assert bench.desktop.hand.down() == []
        assert not codes & {code for code, pressed in bench.keys.heard if pressed}
        assert editor.read() == TEXT

    def test_caps_lock_does_not_matter(self, bench: Bench, editor: Editor) -> None:
        bench.desktop.hand.tap("Caps_Lock")
        assert bench.deliver(TEXT) == Delivery(Outcome.PASTED)
        bench.desktop.hand.tap("Caps_Lock")
        assert editor.read() == TEXT

    def test_an_error_between_press_and_release_leaves_no_key_down(
        self, bench: Bench, editor: Editor
    ) -> None:
        bench.desktop.clipboard.put_picture(PICTURE)

        def fail(count: int) -> None:
            if count == 2:
                raise ZeroDivisionError

        bench.keys.at_event = fail
        with pytest.raises(ZeroDivisionError):
            bench.deliver("never seen")
        assert bench.desktop.hand.down() == []
        until("the picture to be back", lambda: bench.desktop.clipboard.targets() == [PNG])
        bench.keys.at_event = lambda _count: None
        assert bench.deliver("and on") == Delivery(Outcome.PASTED)
        assert "and on" in editor.read()

    def test_misspelled_paste_keys_keep_the_text(self, bench: Bench, editor: Editor) -> None:
        delivery = bench.deliver(TEXT, DeliverySettings(paste_keys="ctrl+nonsense"))
        assert delivery.outcome is Outcome.KEPT
        assert "paste_keys" in delivery.reason
        assert bench.desktop.clipboard.text() == TEXT
        assert editor.read() == ""

    def test_an_old_terminal_pastes_primary(self, bench: Bench) -> None:
        bench.open_plain_window("XTerm", "PRIMARY")
        bench.desktop.clipboard.put_text("the user's own")
        assert bench.deliver(TEXT) == Delivery(Outcome.PASTED)
        until("the paste", lambda: f"pasted {json.dumps(TEXT)}" in bench.desktop.log("plain_window"))
        until("PRIMARY to be empty", lambda: not bench.desktop.x.selection_owner("PRIMARY"))
        until("the text to be back", lambda: bench.desktop.clipboard.text() == "the user's own")


class TestProof:
    def test_a_histories_reading_is_no_receipt(self, bench: Bench) -> None:
        history = bench.spawn("clipboard_history")
        bench.desktop.await_ready("history", history, lambda: bench.desktop.log("clipboard_history"))
        bench.open_plain_window("Deaf")
        delivery = bench.deliver(TEXT)
        assert delivery == Delivery(Outcome.KEPT, "the program did not take the text")
        assert bench.desktop.clipboard.text() == TEXT
        seen = until("both copies to be seen", lambda: _seen_as(bench, TEXT, 2))
        assert [HISTORY_HINT in each["targets"] for each in seen] == [True, False]

    def test_a_history_does_not_disturb(self, bench: Bench, editor: Editor) -> None:
        history = bench.spawn("clipboard_history")
        bench.desktop.await_ready("history", history, lambda: bench.desktop.log("clipboard_history"))
        bench.desktop.clipboard.put_text("the user's own")
        assert bench.deliver(TEXT) == Delivery(Outcome.PASTED)
        assert editor.read() == TEXT
        until("the text to be back", lambda: bench.desktop.clipboard.text() == "the user's own")
        assert HISTORY_HINT not in bench.desktop.clipboard.targets()
        assert all(HISTORY_HINT in each["targets"] for each in _seen_as(bench, TEXT, 0))


class TestStuckOwner:
    def test_its_clipboard_is_left_alone_and_the_text_typed(self, bench: Bench, editor: Editor) -> None:
        owner = _own_clipboard(bench, "not to be lost")
        owner.send_signal(signal.SIGSTOP)
        assert bench.deliver("Typed instead: ümläut.") == Delivery(Outcome.TYPED)
        assert editor.read() == "Typed instead: ümläut."
        owner.send_signal(signal.SIGCONT)
        assert bench.desktop.clipboard.text() == "not to be lost"
        assert bench.deliver(" Pasted.") == Delivery(Outcome.PASTED)
        until("the text to be back", lambda: bench.desktop.clipboard.text() == "not to be lost")
        assert editor.read() == "Typed instead: ümläut. Pasted."

    def test_line_breaks_are_not_typed_unasked(self, bench: Bench, editor: Editor) -> None:
        owner = _own_clipboard(bench, "stuck")
        owner.send_signal(signal.SIGSTOP)
        assert bench.deliver("two\nlines").outcome is Outcome.KEPT
        assert bench.desktop.clipboard.text() == "two\nlines"
        owner.send_signal(signal.SIGCONT)
        assert editor.read() == ""


class TestTyping:
    @pytest.mark.parametrize("caps_lock", [False, True])
    def test_any_text(self, bench: Bench, editor: Editor, caps_lock: bool) -> None:
        text = "The QUICK brown: äÖß éÉ, Жж, 漢字 😀 ~^`'\"{}\nline two"
        before = _layout()
        if caps_lock:
            bench.desktop.hand.tap("Caps_Lock")
        assert bench.deliver(text, TYPE) == Delivery(Outcome.TYPED)
        assert _layout() == before
        if caps_lock:
            bench.desktop.hand.tap("Caps_Lock")
            bench.desktop.hand.tap("q")
        assert editor.read() == text + ("q" if caps_lock else "")
        assert bench.desktop.hand.down() == []

    def test_more_characters_than_spare_keys(
        self, bench: Bench, editor: Editor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = X11Keyboard.layout

        def with_two_spare_keys(keyboard: X11Keyboard) -> Layout:
            layout = whole(keyboard)
            return dataclasses.replace(layout, spare=layout.spare[:2])

        monkeypatch.setattr(X11Keyboard, "layout", with_two_spare_keys)
        text = "".join(map(chr, range(0x4E00, 0x4E0A))) + " and ASCII"
        assert bench.deliver(text, TYPE) == Delivery(Outcome.TYPED)
        assert editor.read() == text

    def test_held_modifiers_do_not_change_it(self, bench: Bench, editor: Editor) -> None:
        with bench.desktop.hand.holding("Control_R", "Shift_L"):
            assert bench.deliver("plain text, über all", TYPE) == Delivery(Outcome.TYPED)
        assert editor.read() == "plain text, über all"

    def test_it_stops_when_the_focus_moves(self, bench: Bench, editor: Editor) -> None:
        other = bench.desktop.open_editor("other.txt")
        bench.desktop.focus(editor)
        text = "abcdefghij" * 20

        def move(count: int) -> None:
            if count == 100:
                bench.desktop.focus(other)

        bench.keys.at_event = move
        delivery = bench.deliver(text, TYPE)
        assert delivery.outcome is Outcome.KEPT
        assert "rest" in delivery.reason
        strayed = other.read()
        assert editor.read() + strayed + bench.desktop.clipboard.text() == text
        assert len(strayed) <= 16
        assert delivery.inserted == len(text) - len(bench.desktop.clipboard.text())

    def test_a_line_break_is_not_typed_into_a_terminal(self, bench: Bench) -> None:
        bench.open_plain_window("XTerm")
        assert bench.deliver("rm\n", TYPE).outcome is Outcome.KEPT
        assert bench.keys.heard == []
        assert bench.desktop.clipboard.text() == "rm\n"


class TestKeeper:
    def test_a_killed_daemon_loses_no_picture(self, bench: Bench, editor: Editor) -> None:
        clipboard = bench.desktop.clipboard
        clipboard.put_picture(PICTURE)
        (own,) = bench.keepers()
        daemon = bench.spawn("stalled_delivery", "in passing")
        bench.desktop.await_ready(
            "stalled_delivery", daemon, lambda: "stalled" in bench.desktop.log("stalled_delivery")
        )
        assert clipboard.text() == "in passing"
        assert HISTORY_HINT in clipboard.targets()
        daemon.kill()
        daemon.wait()
        until("the picture to be back", lambda: clipboard.targets() == [PNG])
        assert clipboard.read(PNG) == PICTURE
        assert editor.read() == ""
        (keeper,) = set(bench.keepers()) - {own}
        # Another daemon's keeper takes the picture over; the first has nothing to keep then.
        assert bench.deliver(TEXT) == Delivery(Outcome.PASTED)
        until("the picture to be back", lambda: clipboard.targets() == [PNG])
        assert clipboard.read(PNG) == PICTURE
        until("the first keeper to end", lambda: keeper not in bench.keepers())

    def test_a_copied_text_outlives_its_program(self, bench: Bench) -> None:
        bench.inserter.close()
        until("the inserter's keeper to end", lambda: not bench.keepers())
        open_clipboard().copy(TEXT)
        assert bench.desktop.clipboard.text() == TEXT
        assert HISTORY_HINT not in bench.desktop.clipboard.targets()
        assert len(bench.keepers()) == 1
        bench.desktop.clipboard.put_text("the next")
        until("the keeper to end", lambda: not bench.keepers())

    def test_with_nothing_to_keep_it_ends_with_its_daemon(self, bench: Bench, editor: Editor) -> None:
        assert bench.deliver(TEXT) == Delivery(Outcome.PASTED)
        until("the clipboard to be empty", lambda: not bench.desktop.x.selection_owner("CLIPBOARD"))
        assert len(bench.keepers()) == 1
        bench.inserter.close()
        until("the keeper to end", lambda: not bench.keepers())

    def test_one_that_died_is_replaced(self, bench: Bench, editor: Editor) -> None:
        assert bench.deliver("one ", DeliverySettings(method="copy")) == Delivery(Outcome.COPIED)
        os.kill(bench.keepers()[0], signal.SIGKILL)
        until("the keeper to be dead", lambda: not bench.keepers())
        kept = bench.deliver("two")
        assert kept.outcome is Outcome.KEPT
        assert bench.desktop.clipboard.text() == "two"
        assert bench.deliver("three") == Delivery(Outcome.PASTED)
        assert editor.read() == "three"


def _own_clipboard(bench: Bench, text: str) -> subprocess.Popen[bytes]:
    """A program with `text` on the clipboard, which the test may stop."""
    file = bench.desktop.home / "owned.txt"
    file.write_text(text)
    owner = bench.desktop.spawn("owner", "xclip", "-quiet", "-selection", "clipboard", "-i", file)
    bench.desktop.await_ready("owner", owner, lambda: bench.desktop.x.selection_owner("CLIPBOARD"))
    return owner


def _seen_as(bench: Bench, text: str, at_least: int) -> list[dict[str, list[str]]]:
    """What the history saw of `text`, once it saw it `at_least` so many times; else empty."""
    lines = bench.desktop.log("clipboard_history").splitlines()[1:]
    entries = [entry for entry in map(json.loads, lines) if entry["text"] == text]
    return entries if len(entries) >= at_least else []


def _layout() -> Layout:
    connection = open_display()
    layout = X11Keyboard(connection, lambda _code, _pressed: None).layout()
    connection.close()
    return layout


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
