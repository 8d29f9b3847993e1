"""Which listener is chosen, and what is said where there is none."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.desktop.rig import VirtualDesktop
from voiceflow_daemon.config.schema import HotkeySettings
from voiceflow_daemon.errors import DisplayError, HotkeyError
from voiceflow_daemon.hotkey.echoes import EchoFilter
from voiceflow_daemon.hotkey.listener import HotkeyListener
from voiceflow_daemon.hotkey.select import open_listener


def opened(key: str = "ctrl_r") -> HotkeyListener:
    return open_listener(HotkeySettings(key=key), lambda _event: None, EchoFilter())


@pytest.fixture(autouse=True)
def no_desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "XDG_SESSION_TYPE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of an X server's display, which the environment names as well."""
    with VirtualDesktop(panel=False, notifications=False, sound=False) as desktop:
        monkeypatch.setenv("DISPLAY", desktop.env["DISPLAY"])
        yield desktop.env["DISPLAY"]


def test_hotkey_that_cannot_be_read_is_said_first() -> None:
    with pytest.raises(HotkeyError, match="Did you mean"):
        opened("ctlr_r")


def test_no_display() -> None:
    with pytest.raises(DisplayError, match="DISPLAY is not set"):
        opened()


@pytest.mark.parametrize("variable", [("XDG_SESSION_TYPE", "wayland"), ("WAYLAND_DISPLAY", "wayland-0")])
def test_wayland_without_x(monkeypatch: pytest.MonkeyPatch, variable: tuple[str, str]) -> None:
    monkeypatch.setenv(*variable)
    with pytest.raises(DisplayError, match="voiceflow press") as raised:
        opened()
    assert "Wayland" in raised.value.message


# python-xlib leaves the socket of a connection that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", [":987", "nonsense", "nowhere.invalid:0"])
def test_display_that_is_not_there(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DISPLAY", name)
    with pytest.raises(DisplayError, match="cannot be opened"):
        opened()
    gc.collect()


def test_x11_has_the_listener_of_its_own(display: str) -> None:
    assert type(opened()).__name__ == "X11Listener"


def test_x_server_without_xinput_is_left_to_pynput(
    display: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from voiceflow_daemon.hotkey import _x11

    monkeypatch.setattr(_x11, "RAW_EVENTS_ANYWHERE", (9, 9))
    assert type(opened()).__name__ == "PynputListener"
    assert "lacks XInput 2.1" in caplog.text
    with pytest.raises(HotkeyError, match="single key"):
        opened("ctrl+alt+space")


def test_wayland_with_xwayland_warns(
    display: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    opened()
    assert "only while an X11 program has the focus" in caplog.text
