"""Lets a program that uses GTK outlive its X display.

When the connection breaks, libX11 calls the handler of Xlib errors, and GDK's handler ends the process at
once: no thread is joined and no file closed. libX11 1.7 and later can be told to go on instead, with
every further call on that display doing nothing.
"""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

_LIBX11, _LIBGDK = "libX11.so.6", "libgdk-3.so.0"

_IO_ERROR = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
_EXIT = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)

_handlers: list[Any] = []
"""libX11 calls them for as long as the process lives."""


def outlive_display(on_lost: Callable[[], None]) -> None:
    """Call `on_lost` on GTK's thread when its X display has gone; where that cannot be, GDK does as ever."""
    from gi.repository import Gdk

    if "X11" not in type(Gdk.Display.get_default()).__name__:
        return  # Wayland
    try:
        x11, gdk = ctypes.CDLL(_LIBX11), ctypes.CDLL(_LIBGDK)
        tell_exit, tell_error = x11.XSetIOErrorExitHandler, x11.XSetIOErrorHandler
        find_display = gdk.gdk_x11_get_default_xdisplay
    except (OSError, AttributeError) as error:
        log.info("the tray will end with its display: %s", error)
        return

    def lost(_display: int) -> int:
        on_lost()
        return 0

    def go_on(_display: int, _data: int) -> None:
        pass

    _handlers.extend((_IO_ERROR(lost), _EXIT(go_on)))
    find_display.restype = ctypes.c_void_p
    tell_error.argtypes = (_IO_ERROR,)
    tell_exit.argtypes = (ctypes.c_void_p, _EXIT, ctypes.c_void_p)
    tell_error(_handlers[-2])
    tell_exit(find_display(), _handlers[-1], None)
