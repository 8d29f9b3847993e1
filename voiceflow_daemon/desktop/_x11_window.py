"""Which X11 window has the focus."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

from Xlib import X

from voiceflow_daemon.desktop._x11_connection import DISCONNECTED, GONE, open_display
from voiceflow_daemon.desktop.window import Window

log = logging.getLogger(__name__)

_DEPTH_LIMIT = 64
"""No real window lies deeper; a tree that changes while it is climbed must not hold us."""


class X11ActiveWindow:
    """Asks the window manager, and where there is none the X server."""

    def __init__(self) -> None:
        """Raises `DisplayError` without a display."""
        self._display = open_display()
        self._root = self._display.screen().root

    def sample(self) -> Window | None:
        """The window that has the focus now; None when none has, or it or the X server has just gone."""
        try:
            return self._active()
        except DISCONNECTED as problem:
            log.warning("the X server does not answer: %s", problem)
            return None

    def _active(self) -> Window | None:
        while self._display.pending_events():
            self._display.next_event()  # notices to every client, which would pile up unread
        window_id = self._named_by_window_manager() if self._has_window_manager() else self._focused()
        return Window(window_id, self._application(window_id)) if window_id else None

    def has_keyboard(self, window: Window) -> bool:
        """Whether `window` is the active one and the X server too sends keys there."""
        if self._has_window_manager() and self._named_by_window_manager() != window.window_id:
            return False
        return window.window_id in self._with_ancestors(self.keyboard_target())

    def keyboard_target(self) -> int:
        """The window that gets the keys, often an invisible child of the active one; 0 for none."""
        focus = self._display.get_input_focus().focus
        focus_id = int(getattr(focus, "id", focus))
        if focus_id == X.PointerRoot:
            # Without any window manager the keys go where the pointer is.
            child = self._root.query_pointer().child
            return int(getattr(child, "id", child))
        return 0 if focus_id in (X.NONE, self._root.id) else focus_id

    def close(self) -> None:
        """Close the connection, also one that the X server has closed."""
        with suppress(*DISCONNECTED):
            self._display.close()

    def _has_window_manager(self) -> bool:
        """Whether a window manager that follows EWMH runs: its check window names itself."""
        check = self._number(self._root, "_NET_SUPPORTING_WM_CHECK")
        return bool(check) and self._number(self._window(check), "_NET_SUPPORTING_WM_CHECK") == check

    def _named_by_window_manager(self) -> int:
        named = self._number(self._root, "_NET_ACTIVE_WINDOW")
        return named if named and self._exists(named) else 0

    def _focused(self) -> int:
        """The program's window around the focus: marked by a window manager, else the outermost."""
        chain = self._with_ancestors(self.keyboard_target())
        marked = (each for each in chain if self._property(self._window(each), "WM_STATE") is not None)
        return next(marked, chain[-1] if chain else 0)

    def _with_ancestors(self, window_id: int) -> list[int]:
        """The window and what it lies in, innermost first, without the root; empty when it has gone."""
        chain: list[int] = []
        while window_id and window_id != self._root.id and len(chain) < _DEPTH_LIMIT:
            try:
                parent = self._window(window_id).query_tree().parent
            except GONE:
                return []
            chain.append(window_id)
            window_id = int(getattr(parent, "id", parent))
        return chain

    def _application(self, window_id: int) -> str:
        try:
            names = self._window(window_id).get_wm_class()
        except GONE:
            return ""
        return str(names[1]) if names else ""

    def _exists(self, window_id: int) -> bool:
        try:
            self._window(window_id).get_attributes()
        except GONE:
            return False
        return True

    def _number(self, window: Any, name: str) -> int:
        """The first number of a property; 0 where there is none."""
        found = self._property(window, name)
        return int(found.value[0]) if found is not None and found.format == 32 and found.value else 0

    def _property(self, window: Any, name: str) -> Any | None:
        try:
            return window.get_full_property(self._display.intern_atom(name), X.AnyPropertyType)
        except GONE:
            return None

    def _window(self, window_id: int) -> Any:
        return self._display.create_resource_object("window", window_id)
