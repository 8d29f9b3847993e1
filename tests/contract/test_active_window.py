"""The active window of a desktop, as the desktop itself names it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.desktop.rig import VirtualDesktop, until
from voiceflow_daemon.desktop._pyperclip import UnknownActiveWindow
from voiceflow_daemon.desktop._x11_window import X11ActiveWindow
from voiceflow_daemon.desktop.window import ActiveWindow, Window


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> Iterator[VirtualDesktop]:
    with VirtualDesktop(panel=False, notifications=False, sound=False) as bare:
        for name, value in bare.env.items():
            monkeypatch.setenv(name, value)
        yield bare


@pytest.fixture
def active(desktop: VirtualDesktop) -> Iterator[ActiveWindow]:
    opened: ActiveWindow = X11ActiveWindow()
    yield opened
    opened.close()


def test_without_a_window_there_is_none(active: ActiveWindow) -> None:
    assert active.sample() is None


def test_the_window_with_the_focus_is_named(active: ActiveWindow, desktop: VirtualDesktop) -> None:
    first = desktop.open_editor("first.txt")
    second = desktop.open_editor("second.txt")
    assert active.sample() == Window(second.window, "Mousepad")
    desktop.focus(first)
    assert active.sample() == Window(first.window, "Mousepad")


def test_a_window_that_has_gone_is_named_no_more(active: ActiveWindow, desktop: VirtualDesktop) -> None:
    editor = desktop.open_editor()
    assert active.sample() == Window(editor.window, "Mousepad")
    editor.close()
    until("the window to be gone", lambda: active.sample() is None)


def test_an_x_server_that_has_gone_has_none(desktop: VirtualDesktop) -> None:
    active = X11ActiveWindow()
    active._display.display.socket.shutdown(socket.SHUT_RDWR)
    assert [active.sample() for _ in range(2)] == [None, None]
    active.close()


def test_a_desktop_that_does_not_say_has_none() -> None:
    unknown: ActiveWindow = UnknownActiveWindow()
    assert unknown.sample() is None
    unknown.close()
