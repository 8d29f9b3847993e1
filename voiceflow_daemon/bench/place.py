"""Where the texts of a benchmark go: nowhere, or into the editor that the user clicks into."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from voiceflow_daemon.bench.release_parts import Sink
from voiceflow_daemon.desktop.inserter import Inserter
from voiceflow_daemon.desktop.paste_keys import is_terminal
from voiceflow_daemon.desktop.select import open_active_window, open_inserter
from voiceflow_daemon.desktop.window import ActiveWindow, Window
from voiceflow_daemon.errors import DisplayError

LIMIT_S = 60.0
"""For the user to click into an editor."""
LOOK_S = 0.1
SETTLED_LOOKS = 5
"""So often in a row the same window has the focus: it is meant, and not just passed on the way."""


@dataclass(frozen=True)
class Place:
    """A window, and what delivers into it. `is_desktop` is False where nobody sees the texts."""

    window: Window
    open_inserter: Callable[[], Inserter]
    is_desktop: bool


NOWHERE = Place(Window(1, "Editor"), Sink, is_desktop=False)


def clicked_place(invite: Callable[[], None]) -> Place:
    """The window that gets the focus after the user is invited; raises `DisplayError`, see `await_click`."""
    with closing(open_active_window()) as active:
        window = await_click(active, invite)
    return Place(window, lambda: open_inserter(_nobody_listens), is_desktop=True)


def await_click(
    active: ActiveWindow, invite: Callable[[], None], limit_s: float = LIMIT_S, look_s: float = LOOK_S
) -> Window:
    """The first window that keeps the focus for a moment: not the present one, and no terminal.

    There a line break would run what was dictated. Raises `DisplayError` when there is none in time.
    """
    start = latest = active.sample()
    invite()
    limit, looks = time.monotonic() + limit_s, 0
    while looks < SETTLED_LOOKS:
        if time.monotonic() > limit:
            raise DisplayError(
                "No editor got the focus.",
                "Start again, and click into an empty text, not in a terminal, within a minute.",
            )
        time.sleep(look_s)
        window = active.sample()
        fits = window is not None and window != start and not is_terminal(window.application)
        looks = looks + 1 if fits and window == latest else int(fits)
        latest = window
    assert latest is not None
    return latest


def _nobody_listens(_keycode: int, _pressed: bool) -> None:
    """No hotkey is watched that the paste keys could be taken for."""
