"""Without a desktop, each candidate says why it was passed over."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from voiceflow_daemon.desktop.select import open_active_window, open_clipboard, open_inserter
from voiceflow_daemon.errors import DisplayError


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "opens", [lambda: open_inserter(lambda _code, _down: None), open_active_window, open_clipboard]
)
def test_without_a_display_every_candidate_is_named(opens: Callable[[], object]) -> None:
    with pytest.raises(DisplayError) as refused:
        opens()
    assert "X11: There is no X display" in refused.value.message
    assert "pyperclip finds no clipboard" in refused.value.message
    assert refused.value.hint


def test_a_display_that_does_not_answer_is_no_display() -> None:
    # In a process of its own: python-xlib leaves its sockets open when it cannot connect.
    opening = "from voiceflow_daemon.desktop.select import open_clipboard; open_clipboard()"
    environment = {"DISPLAY": ":59000", "PATH": ""}
    opened = subprocess.run(
        [sys.executable, "-c", opening], env=environment, capture_output=True, text=True, check=False
    )
    assert opened.returncode == 1
    assert "DisplayError: There is no desktop for the clipboard. X11: There is no X display" in opened.stderr
