"""A tray without a panel: its menu is read and clicked by labels."""

from __future__ import annotations

import threading
from collections.abc import Callable

from voiceflow_daemon.desktop.tray import Activity, TrayActions, TrayView
from voiceflow_daemon.desktop.tray_menu import Entry, menu_due, menu_entries, status_label, title


class FakeTray:
    """The `Tray` of tests. `views` is everything that it was told to show."""

    def __init__(self, actions: TrayActions) -> None:
        self._actions = actions
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._in_menu = TrayView()
        self.views: list[TrayView] = [TrayView()]
        self.menus_made = 1

    def run(self, ready: Callable[[], None]) -> None:
        if not self._stopped.is_set():
            ready()
        self._stopped.wait()

    def show(self, view: TrayView) -> None:
        with self._lock:
            self.views.append(view)
            if menu_due(self._in_menu, view):
                self._in_menu = view
                self.menus_made += 1

    def stop(self) -> None:
        self._stopped.set()

    @property
    def activity(self) -> Activity:
        return self.views[-1].activity

    @property
    def title(self) -> str:
        return title(self.views[-1])

    @property
    def status(self) -> str:
        return status_label(self.views[-1])

    def entries(self, *path: str) -> tuple[Entry, ...]:
        """The entries below `path`. Raises LookupError."""
        with self._lock:
            below = menu_entries(self._in_menu, self._actions)
        for label in path:
            below = _labelled(below, label).children
        return below

    def labels(self, *path: str) -> list[str]:
        return [entry.label for entry in self.entries(*path) if entry.label]

    def checked(self, *path: str) -> list[str]:
        return [entry.label for entry in self.entries(*path) if entry.checked]

    def click(self, *path: str) -> None:
        """Choose an entry. Raises LookupError when it is not there or cannot be chosen."""
        entry = _labelled(self.entries(*path[:-1]), path[-1])
        if entry.action is None:
            raise LookupError(f"{path[-1]!r} cannot be chosen")
        entry.action()


def _labelled(entries: tuple[Entry, ...], label: str) -> Entry:
    for entry in entries:
        if entry.label == label:
            return entry
    raise LookupError(f"no {label!r} among {[entry.label for entry in entries]}")
