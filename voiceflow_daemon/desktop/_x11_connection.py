"""One connection to the X server, as this room uses it."""

from __future__ import annotations

import logging
import select
import time
from collections.abc import Callable
from typing import Any

from Xlib import X, Xatom, display, error
from Xlib.ext import res
from Xlib.protocol import request

from voiceflow_daemon.errors import DisplayError

log = logging.getLogger(__name__)

GONE = (error.BadWindow, error.BadDrawable, error.BadMatch)
"""What a request about a window of another program raises when that window has just been closed."""

DISCONNECTED = (error.ConnectionClosedError, OSError)
"""What any request raises once the X server has gone."""


def open_display() -> Any:
    """A connection to the user's X server. Raises `DisplayError`."""
    try:
        connection = display.Display()
    except (error.DisplayError, error.XauthError, error.ConnectionClosedError, OSError) as problem:
        raise DisplayError(f"There is no X display: {problem}.", "Start voiceflow on a desktop.") from problem
    connection.set_error_handler(_note_error)
    return connection


def _note_error(problem: Any, _request: Any) -> None:
    # Windows of other programs come and go while they are asked; the answers are checked where they matter.
    log.debug("X error: %s", problem)


class Wire:
    """An X connection with an invisible window of its own and a clock."""

    def __init__(self, connection: Any, dispatch: Callable[[Any], None]) -> None:
        """`dispatch` gets the events that arrive while another one is waited for."""
        self.display = connection
        self.dispatch = dispatch
        root = connection.screen().root
        self.window = root.create_window(
            -1, -1, 1, 1, 0, X.CopyFromParent, window_class=X.InputOnly, event_mask=X.PropertyChangeMask
        )
        self._clock = self.atom("VOICEFLOW_CLOCK")

    def atom(self, name: str) -> int:
        """The number of a name."""
        return int(self.display.intern_atom(name))

    def name(self, atom: int) -> str:
        """The name of a number."""
        return str(self.display.get_atom_name(atom))

    def wait(self, wanted: Callable[[Any], bool], limit_s: float) -> Any | None:
        """The first event that is `wanted`, all others dispatched; None when none came in time."""
        deadline = time.monotonic() + limit_s
        while True:
            while self.display.pending_events():
                event = self.display.next_event()
                if wanted(event):
                    return event
                self.dispatch(event)
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            select.select([self.display.fileno()], [], [], left)

    def server_time(self) -> int:
        """The X server's time in milliseconds, as it stamps its events."""
        self.window.change_property(self._clock, Xatom.STRING, 8, b"")
        event = self.wait(lambda seen: seen.type == X.PropertyNotify and seen.atom == self._clock, 1.0)
        return int(event.time) if event is not None else X.CurrentTime

    def owner(self, selection: str) -> int:
        """The window that owns `selection`; 0 for none."""
        owner = self.display.get_selection_owner(self.atom(selection))
        return int(getattr(owner, "id", owner))

    def set_owner(self, selection: str, *, owned: bool, server_time: int) -> None:
        """Own `selection`, or leave it without an owner."""
        request.SetSelectionOwner(
            display=self.display.display,
            window=self.window.id if owned else X.NONE,
            selection=self.atom(selection),
            time=server_time,
        )


def same_program(connection: Any, one: int, other: int) -> bool:
    """Whether two windows belong to the same connection, or to two connections of one process."""
    mask = ~int(connection.display.info.resource_id_mask)
    if one & mask == other & mask:
        return True
    pids = {_process_of(connection, window) for window in (one, other)}
    return len(pids) == 1 and 0 not in pids


def _process_of(connection: Any, window: int) -> int:
    """The local process behind a window, as the X server knows it; 0 where it does not say."""
    if not connection.has_extension(res.extname):
        return 0
    try:
        answer = res.query_client_ids(connection, [{"client": window, "mask": res.LocalClientPIDMask}])
    except error.XError:
        return 0
    return next((int(entry.value[0]) for entry in answer.ids if entry.value), 0)
