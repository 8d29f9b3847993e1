"""Notices that the config file was edited, in whatever way an editor saves."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

from voiceflow_daemon.config.load import load_settings, read_text
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ConfigError

log = logging.getLogger(__name__)

SETTLE_S = 0.1
"""Editors save in several steps: the file is read when nothing has happened for this long."""

PROBLEM_SETTLE_S = 0.2
"""A file that does not load may be half-written: it is read once more before anyone is told."""

POLL_S = 0.25
"""How often folders are compared where the system offers no notification."""

QUIET_EVENTS = frozenset({"opened", "closed_no_write"})
"""Reading the file is no change of it."""


class ConfigWatcher:
    """Watches the config file, what it links to, and the prompt files that it names.

    `on_settings` is called with settings that differ from the last ones, or when a prompt file
    changed; `on_problem` when the file does not load. Both on the watcher's thread.
    """

    def __init__(
        self,
        path: Path,
        on_settings: Callable[[Settings], None],
        on_problem: Callable[[ConfigError], None],
    ) -> None:
        self._path = path
        self._on_settings = on_settings
        self._on_problem = on_problem
        self._touched = threading.Event()
        self._forced = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="config watcher")
        self._observer: BaseObserver | None = None
        self._watched: frozenset[Path] = frozenset()
        self._state = self._read_state(Settings())
        self._settings = self._load_quietly()

    def start(self) -> None:
        """Start to watch; what the file holds now is taken as known."""
        self._state = self._read_state(self._settings)
        self._watch(self._folders())
        self._thread.start()

    def stop(self) -> None:
        """End the thread and the observer."""
        self._stopping.set()
        self._touched.set()
        self._thread.join()
        self._unwatch()

    def reload_now(self) -> None:
        """Read the file again and report its settings or problems, changed or not."""
        self._forced.set()
        self._touched.set()

    # ----------------------------------------------------------------------------------- thread
    def _run(self) -> None:
        while not self._stopping.is_set():
            self._touched.wait()
            self._let_settle()
            if self._stopping.is_set():
                return
            try:
                self._watch(self._folders())
                self._look()
            except Exception:
                log.exception("the config watcher failed")

    def _let_settle(self) -> None:
        """Return when nothing has happened for `SETTLE_S`; a command does not wait."""
        while not self._stopping.is_set() and not self._forced.is_set():
            self._touched.clear()
            if not self._touched.wait(SETTLE_S):
                return
        self._touched.clear()

    def _look(self) -> None:
        forced = self._forced.is_set()
        self._forced.clear()
        state = self._read_state(self._settings)
        if state == self._state and not forced:
            return
        try:
            settings = load_settings(self._path)
        except ConfigError as error:
            if not forced and self._touched.wait(PROBLEM_SETTLE_S):
                return
            if not forced and self._read_state(self._settings) != state:
                self._touched.set()
                return
            self._state = state
            self._on_problem(error)
            return
        self._settings = settings
        self._state = self._read_state(settings)
        self._watch(self._folders())
        self._on_settings(settings)

    def _load_quietly(self) -> Settings:
        try:
            return load_settings(self._path)
        except ConfigError:
            return Settings()

    # --------------------------------------------------------------------------------- content
    def _read_state(self, settings: Settings) -> tuple[str | None, ...]:
        """What the files hold; None for one that cannot be read."""
        return tuple(_content(path) for path in (self._path, *self._prompt_files(settings)))

    def _prompt_files(self, settings: Settings) -> list[Path]:
        named = (context.prompt_file for context in settings.contexts.values())
        return [self._path.parent / Path(name).expanduser() for name in named if name]

    # ----------------------------------------------------------------------------------- folders
    def _folders(self) -> frozenset[Path]:
        """The folders whose events matter: of each file, of each link on the way, of each target."""
        folders: set[Path] = set()
        for path in (self._path, *self._prompt_files(self._settings)):
            for step in _links(path):
                folders.add(_nearest_folder(step.parent))
        return frozenset(folders)

    def _watch(self, folders: frozenset[Path]) -> None:
        alive = self._observer is not None and self._observer.is_alive()
        if folders == self._watched and alive and all(folder.is_dir() for folder in folders):
            return
        self._unwatch()
        self._observer = self._observe(folders)
        self._watched = folders

    def _observe(self, folders: Iterable[Path]) -> BaseObserver:
        try:
            return self._started(Observer(), folders)
        except OSError as error:
            log.warning("the system offers no file notifications (%s): folders are polled", error)
            return self._started(PollingObserver(timeout=POLL_S), folders)

    def _started(self, observer: BaseObserver, folders: Iterable[Path]) -> BaseObserver:
        handler = _Touch(self._touched)
        for folder in folders:
            observer.schedule(handler, str(folder), recursive=False)
        try:
            observer.start()
        except OSError:
            observer.stop()
            raise
        return observer

    def _unwatch(self) -> None:
        if self._observer is not None and self._observer.is_alive():
            self._observer.stop()
            self._observer.join()
        self._observer = None


class _Touch(FileSystemEventHandler):
    """Runs on the observer's thread: only sets the flag."""

    def __init__(self, touched: threading.Event) -> None:
        self._touched = touched

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in QUIET_EVENTS:
            self._touched.set()


def _content(path: Path) -> str | None:
    try:
        return read_text(path)
    except ConfigError as error:
        return f"\0{error.message}"


def _links(path: Path) -> list[Path]:
    """`path`, and where each symlink on the way points, up to the file (or a loop)."""
    steps = [path]
    while steps[-1].is_symlink() and len(steps) < 40:
        steps.append(Path(os.path.normpath(steps[-1].parent / steps[-1].readlink())))
    return steps


def _nearest_folder(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    return folder
