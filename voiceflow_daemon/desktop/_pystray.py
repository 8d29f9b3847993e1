"""The tray icon by pystray."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from Xlib import error as xlib_error

from voiceflow_daemon.desktop.icons import draw_icon, icon_name
from voiceflow_daemon.desktop.tray import TrayActions, TrayView
from voiceflow_daemon.desktop.tray_menu import (
    NAME,
    Entry,
    Kind,
    menu_due,
    menu_entries,
    status_label,
    title,
)
from voiceflow_daemon.errors import DisplayError

PICTURE_PX = 64
"""Where a backend takes one picture for every panel: panels scale it down, never up."""


def load_backend(name: str) -> Any:
    """The module `pystray` with the backend of this name.

    Raises `ImportError` when it cannot be used here. pystray chooses its backend once, when it is
    imported; on its own it would fall back to one without menus and say nothing.
    """
    loaded = sys.modules.get("pystray")
    if loaded is None:
        loaded = _import_pystray(name)
    if loaded.Icon.__module__ != f"pystray._{name}":
        raise ImportError("pystray is in use with another backend")
    return loaded


def _import_pystray(backend: str) -> Any:
    chosen_by_user = os.environ.get("PYSTRAY_BACKEND")
    os.environ["PYSTRAY_BACKEND"] = backend
    try:
        return importlib.import_module("pystray")
    # ValueError: `gi` is there, but not what it needs for this backend.
    except (ValueError, OSError, xlib_error.DisplayError, xlib_error.XauthError) as error:
        raise ImportError(str(error)) from error
    finally:
        del os.environ["PYSTRAY_BACKEND"]
        if chosen_by_user is not None:
            os.environ["PYSTRAY_BACKEND"] = chosen_by_user


class PystrayTray:
    """The `Tray` of every desktop that pystray knows."""

    def __init__(self, backend: str, actions: TrayActions) -> None:
        """`backend` is `appindicator`, `gtk` or `xorg`. Raises `ImportError`."""
        self._pystray = load_backend(backend)
        self._themed = backend == "appindicator"
        self._actions = actions
        self._lock = threading.Lock()
        self._stopped = False
        self._view = self._in_menu = TrayView()
        self._icon = self._icon_class(backend)(
            NAME, self._picture(self._view), title(self._view), self._menu(self._view)
        )

    def run(self, ready: Callable[[], None]) -> None:
        """Show the icon until `stop`. Raises `DisplayError` when it ends by itself."""

        def set_up(icon: Any) -> None:
            with self._lock:
                icon.visible = True
            if self._stopped:
                icon.stop()
            ready()

        if not self._stopped:
            self._icon.run(set_up)
        if not self._stopped:
            raise DisplayError("The tray icon has gone with its display.")

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
            elif status_label(before) != status_label(view) and self._icon.HAS_MENU:
                self._icon.set_status(status_label(view))

    def stop(self) -> None:
        """End `run`, also one that has not begun."""
        self._stopped = True
        self._icon.stop()

    def _icon_class(self, backend: str) -> Any:
        if backend == "xorg":
            return self._pystray.Icon
        from voiceflow_daemon.desktop._gtk_icon import daemon_icon, themed_icon

        return themed_icon(self._pystray.Icon) if self._themed else daemon_icon(self._pystray.Icon)

    def _picture(self, view: TrayView) -> Any:
        if self._themed:
            return icon_name(view.activity, demo=view.demo)
        return draw_icon(view.activity, PICTURE_PX, demo=view.demo)

    def _menu(self, view: TrayView) -> Any:
        return self._pystray.Menu(*(self._item(entry) for entry in menu_entries(view, self._actions)))

    def _item(self, entry: Entry) -> Any:
        item = self._pystray.MenuItem
        match entry.kind:
            case Kind.SEPARATOR:
                return self._pystray.Menu.SEPARATOR
            case Kind.STATUS:
                return item(lambda _item: status_label(self._view), None, enabled=False)
            case Kind.CHECK | Kind.RADIO:
                return item(
                    entry.label,
                    _harmless(entry),
                    checked=lambda _item: entry.checked,
                    radio=entry.kind is Kind.RADIO,
                    enabled=entry.enabled,
                )
            case Kind.ITEM if entry.children:
                return item(entry.label, self._pystray.Menu(*(self._item(child) for child in entry.children)))
            case Kind.ITEM:
                return item(entry.label, _harmless(entry), enabled=entry.enabled)


def _harmless(entry: Entry) -> Callable[[], None]:
    """Over D-Bus even a disabled item can be clicked: one without an action does nothing."""

    def act() -> None:
        if entry.action is not None:
            entry.action()

    return act
