"""Windows by id: which is active, giving one the focus, finding one by its title."""

from dataclasses import dataclass

from tests.desktop.rig.waiting import until
from tests.desktop.rig.x_connection import XConnection

SOURCE_PAGER = 2
# _NET_MOVERESIZE_WINDOW: the inner area's corner stays where it is told; x, y, width, height are given.
STATIC_GRAVITY_ALL_GIVEN = 10 | 0b1111 << 8 | SOURCE_PAGER << 12


@dataclass(frozen=True, slots=True)
class Window:
    id: int
    title: str


class Windows:
    """The windows that the window manager manages."""

    def __init__(self, x: XConnection) -> None:
        self._x = x

    def all(self) -> list[Window]:
        return [self._described(w) for w in self._x.root_property("_NET_CLIENT_LIST")]

    def of_process(self, pid: int) -> list[Window]:
        """Windows that name `pid` as theirs."""
        return [w for w in self.all() if self._x.window_property(w.id, "_NET_WM_PID") == [pid]]

    def active(self) -> Window | None:
        """The active window; None where nothing is active."""
        named = self._x.root_property("_NET_ACTIVE_WINDOW")
        return self._described(named[0]) if named and named[0] else None

    def has_keyboard(self, window: int) -> bool:
        """True once both the window manager and the X server give the window the focus."""
        named = self._x.root_property("_NET_ACTIVE_WINDOW")
        return named == [window] and self._x.top_level_of(self._x.input_focus()) == window

    def focus(self, window: int) -> None:
        """Give the window the focus and wait until it has it for good.

        A program that is told to take the focus takes it once more by itself, a little later. So
        whoever has the focus must have done that before another is given it.
        """
        self._let_focus_settle()
        if not self.has_keyboard(window):
            self._x.ask_root("_NET_ACTIVE_WINDOW", window, [SOURCE_PAGER])
            until(f"window {window:#x} to have the focus", lambda: self.has_keyboard(window))
            self._let_focus_settle()

    def place(self, window: int, left: int, top: int, width: int, height: int) -> None:
        """Move and resize a window's inner area, and wait until it is so."""
        wanted = (left, top, width, height)
        self._x.ask_root("_NET_MOVERESIZE_WINDOW", window, [STATIC_GRAVITY_ALL_GIVEN, *wanted])
        until(f"window {window:#x} to be at {wanted}", lambda: self._x.geometry(window) == wanted)

    def centre(self, window: int) -> tuple[int, int]:
        """Where to click to hit the middle of the window; others may lie above it."""
        left, top, width, height = self._x.geometry(window)
        return left + width // 2, top + height // 2

    def settle(self, window: int) -> None:
        """Wait until the window's program has handled the keys sent to it so far."""
        self._x.await_program_of(window)

    def _let_focus_settle(self) -> None:
        self._x.await_window_manager()
        if (active := self.active()) is not None:
            self._x.await_program_of(active.id)

    def _described(self, window: int) -> Window:
        return Window(window, self._x.window_text(window, "_NET_WM_NAME"))
