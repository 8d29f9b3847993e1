"""Texts go into the window that the user clicks into, and into no other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat

import pytest

from voiceflow_daemon.bench.place import await_click
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.errors import DisplayError

SHELL, EDITOR, OTHER = Window(1, "XTerm"), Window(2, "Mousepad"), Window(3, "Firefox")
OTHER_SHELL = Window(4, "konsole")


class Focus:
    """One window after the other has the focus; the last one keeps it."""

    def __init__(self, windows: Sequence[Window | None]) -> None:
        self._windows = chain(windows, repeat(windows[-1]))

    def sample(self) -> Window | None:
        return next(self._windows)

    def close(self) -> None:
        pass


def clicked(*windows: Window | None, limit_s: float = 60.0) -> Window:
    return await_click(Focus(windows), lambda: None, limit_s=limit_s, look_s=0.001)


def test_the_first_window_that_keeps_the_focus() -> None:
    assert clicked(SHELL, SHELL, EDITOR) == EDITOR
    assert clicked(None, None, EDITOR) == EDITOR
    assert clicked(SHELL, OTHER, OTHER, None, OTHER_SHELL, EDITOR) == EDITOR


@pytest.mark.parametrize("windows", [[SHELL], [EDITOR], [None], [EDITOR, OTHER_SHELL], [EDITOR, OTHER, None]])
def test_not_the_present_one_and_no_terminal(windows: list[Window | None]) -> None:
    with pytest.raises(DisplayError, match="No editor got the focus"):
        clicked(*windows, limit_s=0.2)


def test_the_user_is_invited_when_the_present_one_is_known() -> None:
    focus = Focus([EDITOR, OTHER])
    seen: list[Window | None] = []
    assert await_click(focus, lambda: seen.append(focus.sample()), look_s=0.001) == OTHER
    assert seen == [OTHER]
