"""Which tray is taken, and what is said when it is not a whole one. Real: tests/desktop/test_tray.py."""

from __future__ import annotations

import logging

import pytest

from tests.fakes.tray import FakeTray
from voiceflow_daemon.desktop import _pystray, _tray_host, tray_choice
from voiceflow_daemon.desktop.tray import TrayActions
from voiceflow_daemon.desktop.tray_choice import (
    NO_DISPLAY,
    NO_HOST,
    NO_MENU,
    NO_TRAY,
    TrayChoice,
    choose_tray,
)

NOTHING = TrayActions(*[lambda *_: None] * 10)


class Desktop:
    """What of a desktop the choice looks at."""

    def __init__(self) -> None:
        self.backends = {"appindicator", "gtk", "xorg"}
        self.has_panel = True
        self.has_embedding_panel = True
        self.tried: list[str] = []

    def open(self, backend: str, actions: TrayActions) -> FakeTray:
        self.tried.append(backend)
        if backend not in self.backends:
            raise ImportError(f"no {backend}")
        return FakeTray(actions)

    def choose(self) -> TrayChoice:
        return choose_tray(NOTHING)


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> Desktop:
    desktop = Desktop()
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.setattr(tray_choice, "HOST_LIMIT_S", 0.0)
    monkeypatch.setattr(_pystray, "PystrayTray", desktop.open)
    monkeypatch.setattr(_tray_host, "shows_status_notifiers", lambda: desktop.has_panel)
    monkeypatch.setattr(_tray_host, "shows_embedded_icons", lambda: desktop.has_embedding_panel)
    return desktop


def test_all_is_well(desktop: Desktop) -> None:
    choice = desktop.choose()
    assert choice.tray is not None
    assert choice.reason == ""
    assert desktop.tried == ["appindicator"]


def test_gtk_is_as_good(desktop: Desktop) -> None:
    desktop.backends.remove("appindicator")
    assert desktop.choose().reason == ""
    assert desktop.tried == ["appindicator", "gtk"]


def test_an_icon_without_a_menu_is_told(desktop: Desktop, caplog: pytest.LogCaptureFixture) -> None:
    desktop.backends = {"xorg"}
    with caplog.at_level(logging.INFO):
        choice = desktop.choose()
    assert choice.tray is not None
    assert choice.reason == NO_MENU
    assert "apt install python3-gi" in choice.reason
    assert "appindicator passed over: no appindicator" in caplog.text
    assert NO_MENU in caplog.text


def test_an_icon_without_a_menu_needs_a_panel_that_embeds_it(desktop: Desktop) -> None:
    desktop.backends = {"xorg"}
    desktop.has_embedding_panel = False
    assert desktop.choose() == TrayChoice(None, NO_TRAY)
    assert "xorg" not in desktop.tried


def test_nothing_works(desktop: Desktop) -> None:
    desktop.backends = set()
    assert desktop.choose() == TrayChoice(None, NO_TRAY)
    assert desktop.tried == ["appindicator", "gtk", "xorg"]


def test_no_panel_shows_icons(desktop: Desktop) -> None:
    desktop.has_panel = desktop.has_embedding_panel = False
    choice = desktop.choose()
    assert choice.tray is not None
    assert choice.reason == NO_HOST


@pytest.mark.parametrize("attribute", ["has_panel", "has_embedding_panel"])
def test_one_kind_of_panel_is_enough(desktop: Desktop, attribute: str) -> None:
    setattr(desktop, attribute, False)
    assert desktop.choose().reason == ""


def test_without_a_display_nothing_is_tried(desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY")
    assert desktop.choose() == TrayChoice(None, NO_DISPLAY)
    assert desktop.tried == []
