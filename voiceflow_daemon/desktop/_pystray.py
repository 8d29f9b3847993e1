"""The tray icon by pystray."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from voiceflow_daemon.desktop.icons import draw_icon
from voiceflow_daemon.desktop.tray import TrayActions, TrayView
from voiceflow_daemon.desktop.tray_menu import NAME, Entry, Kind, menu_due, menu_entries, title

ICON_PX = 64


def load_backend(name: str) -> Any:
    """The module `pystray` with the backend of this name.

    Raises `ImportError` when the backend cannot be used here, which is the case without a display.
    """
    if "pystray" in sys.modules and sys.modules["pystray"].Icon.__module__ == f"pystray._{name}":
        return sys.modules["pystray"]
    before = os.environ.get("PYSTRAY_BACKEND")
    os.environ["PYSTRAY_BACKEND"] = name
    try:
        return importlib.import_module("pystray")
    except (ImportError, ValueError) as error:  # ValueError: gi is there, its typelib is not
        raise ImportError(str(error)) from error
    finally:
        if before is None:
            del os.environ["PYSTRAY_BACKEND"]
        else:
            os.environ["PYSTRAY_BACKEND"] = before


class PystrayTray:
    """The `Tray` of every desktop that pystray knows."""

    def __init__(self, pystray: Any, actions: TrayActions) -> None:
        """`pystray` comes from `load_backend`."""
        self._pystray = pystray
        self._actions = actions
        self._lock = threading.Lock()
        self._stopped = False
        self._view = self._in_menu = TrayView()
        kind = _quiet(pystray.Icon) if hasattr(pystray.Icon, "_finalize") else pystray.Icon
        self._icon = kind(NAME, self._picture(self._view), title(self._view), self._menu(self._view))

    def run(self, ready: Callable[[], None]) -> None:
        """Show the icon until `stop`."""

        def set_up(icon: Any) -> None:
            with self._lock:
                icon.visible = True
            if self._stopped:
                icon.stop()
            ready()

        if not self._stopped:
            self._icon.run(set_up)

    def show(self, view: TrayView) -> None:
        """Show `view` from now on; any thread may call it."""
        with self._lock:
            before, self._view = self._view, view
            if (before.activity, before.demo) != (view.activity, view.demo):
                self._icon.icon = self._picture(view)
            self._icon.title = title(view)
            if menu_due(self._in_menu, view):
                self._in_menu = view
                self._icon.menu = self._menu(view)

    def stop(self) -> None:
        """End `run`, also one that has not begun."""
        self._stopped = True
        self._icon.stop()

    def _picture(self, view: TrayView) -> Any:
        return draw_icon(view.activity, ICON_PX, demo=view.demo)

    def _menu(self, view: TrayView) -> Any:
        return self._pystray.Menu(*(self._item(entry) for entry in menu_entries(view, self._actions)))

    def _item(self, entry: Entry) -> Any:
        if entry.kind is Kind.SEPARATOR:
            return self._pystray.Menu.SEPARATOR
        if entry.children:
            return self._pystray.MenuItem(
                entry.label, self._pystray.Menu(*(self._item(child) for child in entry.children))
            )
        # Over D-Bus even a disabled item can be clicked: one without an action does nothing.
        action = entry.action or (lambda: None)
        marked = entry.kind in (Kind.CHECK, Kind.RADIO)
        return self._pystray.MenuItem(
            entry.label,
            lambda: action(),  # noqa: PLW0108  # pystray counts the arguments of what it is given
            checked=(lambda _item: entry.checked) if marked else None,
            radio=entry.kind is Kind.RADIO,
            enabled=entry.enabled,
        )


def _quiet(icon_class: Any) -> Any:
    """pystray's GTK icon without its notifications, and without its hands on the SIGINT handler.

    Its own start opens a proxy for notifications, which fails where nobody offers them (without a
    session bus it never returns), and gives SIGINT back to the system, which would kill the daemon.
    """

    class QuietIcon(icon_class):  # type: ignore[misc]
        def _initialize(self) -> None:
            self._mark_ready()

        def _finalize(self) -> None:
            self._remove_fs_icon()

    return QuietIcon
