"""Observes the folders of files, however links lead to them and whether they exist yet or not."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver
from watchdog.observers.polling import PollingObserver

log = logging.getLogger(__name__)

POLL_S = 0.25
"""How often folders are compared where the system offers no notification."""

QUIET_EVENTS = frozenset({"opened", "closed_no_write"})
"""Reading the file is no change of it."""

LINK_LIMIT = 40
"""As many links may lead from one to the next as on Linux."""


class Folders:
    """Observes the folders of some paths and sets a flag when anything happens to one of the paths."""

    def __init__(self, touched: threading.Event) -> None:
        self._touched = touched
        self._observer: BaseObserver | None = None
        self._paths: frozenset[Path] = frozenset()
        self._observed: frozenset[Path] = frozenset()
        self._gone = threading.Event()

    def watch(self, find_paths: Callable[[], frozenset[Path]]) -> None:
        """Observe the folders of what `find_paths` gives, until nothing has moved meanwhile."""
        for _ in range(10):
            paths = find_paths()
            folders = frozenset(_nearest_folder(path.parent) for path in paths)
            if (paths, folders) == (self._paths, self._observed) and not self._gone.is_set():
                return
            self.release()
            self._gone.clear()
            self._paths, self._observed = paths, folders
            try:
                self._observer = self._observing()
            except (FileNotFoundError, NotADirectoryError):
                self._gone.set()

    def release(self) -> None:
        """End the observer."""
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
        self._observer = None

    def _observing(self) -> BaseObserver:
        try:
            return self._started(Observer())
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            log.warning("the system offers no file notifications (%s): folders are polled", error)
            return self._started(PollingObserver(timeout=POLL_S))

    def _started(self, observer: BaseObserver) -> BaseObserver:
        handler = _Touch(self._paths, self._observed, self._touched, self._gone)
        for folder in self._observed:
            observer.schedule(handler, str(folder), recursive=False)
        try:
            observer.start()
        except OSError:
            observer.stop()
            raise
        return observer


class _Touch(FileSystemEventHandler):
    """Runs on the observer's thread: only sets flags, and only for the paths that matter.

    A prompt file may lie in a folder where much else happens.
    """

    def __init__(
        self,
        paths: frozenset[Path],
        folders: frozenset[Path],
        touched: threading.Event,
        gone: threading.Event,
    ) -> None:
        self._paths = {str(above) for path in paths for above in (path, *path.parents)}
        self._folders = {str(folder) for folder in folders}
        self._touched = touched
        self._gone = gone

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type in QUIET_EVENTS:
            return
        if event.is_directory and event.event_type == "modified":
            # Said of a folder whenever anything in it comes or goes.
            return
        concerned = {os.fsdecode(event.src_path), os.fsdecode(event.dest_path)}
        if concerned & self._folders:
            # The observer holds on to the folder that was: a new one of its name needs a new observer.
            self._gone.set()
        if concerned & self._paths:
            self._touched.set()


def trail(paths: Iterable[Path]) -> Iterator[Path]:
    """What the meaning of each path hangs on: the links on the way, the file at their end, its folder.

    Each is given by its real folder, since an observer of a link would not see what it points to.
    """
    for path in paths:
        here = path
        for _ in range(LINK_LIMIT):
            link = next((part for part in (*reversed(here.parents), here) if os.path.islink(part)), None)  # noqa: PTH114
            if link is None:
                break
            yield link
            here = Path(os.path.normpath(link.parent / _target(link))) / here.relative_to(link)
        yield here
        yield here.parent


def _target(link: Path) -> Path:
    try:
        return link.readlink()
    except OSError:
        return Path(link.name)


def _nearest_folder(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists and can be observed."""
    while folder != folder.parent and not (os.path.isdir(folder) and os.access(folder, os.R_OK | os.X_OK)):  # noqa: PTH112
        folder = folder.parent
    return folder
