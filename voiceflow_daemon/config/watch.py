"""Notices that the config file was edited, in whatever way an editor saves."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from voiceflow_daemon.config.folders import Folders, trail
from voiceflow_daemon.config.load import load_settings, read_text
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ConfigError

log = logging.getLogger(__name__)

SETTLE_S = 0.1
"""Editors save in several steps: the file is read when nothing has happened for this long."""

PROBLEM_SETTLE_S = 0.2
"""A file that does not load may be half-written: it is read once more before anyone is told."""

SETTLE_LIMIT_S = 0.3
"""A file that is written without a pause is read after this time all the same."""


@dataclass(frozen=True)
class _Seen:
    """What the files hold: text, None where there is no file, or why it cannot be read."""

    config: str | ConfigError | None
    prompts: tuple[str | None, ...]

    def is_like(self, other: _Seen) -> bool:
        return self.prompts == other.prompts and _told(self.config) == _told(other.config)

    def may_be_half_saved(self) -> bool:
        """Editors empty or remove the file before they write it: all defaults are seldom meant."""
        return not isinstance(self.config, str) or not self.config.strip()


class ConfigWatcher:
    """Watches the config file, the links that lead to it, and the prompt files that it names.

    `on_settings` is called whenever the file's text or that of a prompt file has changed and the
    settings are good; `on_problem` when they are not. Both on the watcher's thread. `known` are the
    settings that the caller already has: if the file says anything else at the start, it is told.
    `load` reads the file and may look into the prompt files as well; it raises `ConfigError`.
    """

    def __init__(
        self,
        path: Path,
        on_settings: Callable[[Settings], None],
        on_problem: Callable[[ConfigError], None],
        known: Settings | None = None,
        load: Callable[[Path], Settings] = load_settings,
    ) -> None:
        self._path = path.absolute()
        self._on_settings = on_settings
        self._on_problem = on_problem
        self._load = load
        self._touched = threading.Event()
        self._forced = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="config watcher")
        self._folders = Folders(self._touched)
        self._prompt_files: tuple[Path, ...] = ()
        self._find_prompt_files()
        self._seen: _Seen | None = self._read()
        if known is not None and known != self._loaded_or_defaults():
            self._seen = None

    def start(self) -> None:
        """Start to watch; a change since this watcher was made is told at once."""
        self._watch()
        self._touched.set()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and the observer."""
        self._stopping.set()
        self._touched.set()
        if self._thread.is_alive():
            self._thread.join()
        self._folders.release()

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
                self._watch()
                self._look()
            except Exception:
                log.exception("the config watcher failed")

    def _let_settle(self) -> None:
        """Return when nothing has happened for `SETTLE_S`; a command does not wait."""
        limit = time.monotonic() + SETTLE_LIMIT_S
        while not self._stopping.is_set() and not self._forced.is_set() and time.monotonic() < limit:
            self._touched.clear()
            if not self._touched.wait(SETTLE_S):
                return
        self._touched.clear()

    def _look(self) -> None:
        forced = self._forced.is_set()
        self._forced.clear()
        seen = self._read()
        if not forced and self._seen is not None and seen.is_like(self._seen):
            return
        found = self._loaded()
        if not self._read().is_like(seen):
            # Saved again while it was read: what was found may belong to neither state.
            self._touched.set()
            if forced:
                self._forced.set()
            return
        if isinstance(found, ConfigError):
            if forced or self._has_settled(seen):
                self._seen = seen
                self._on_problem(found)
        elif forced or not seen.may_be_half_saved() or self._has_settled(seen):
            self._seen = seen
            self._on_settings(found)

    def _has_settled(self, seen: _Seen) -> bool:
        """Whether nothing more happens for a while; else the next look sees what."""
        if self._touched.wait(PROBLEM_SETTLE_S):
            return False
        if self._read().is_like(seen):
            return True
        self._touched.set()
        return False

    # --------------------------------------------------------------------------------- content
    def _loaded(self) -> Settings | ConfigError:
        try:
            return self._load(self._path)
        except ConfigError as error:
            return error

    def _loaded_or_defaults(self) -> Settings:
        found = self._loaded()
        return Settings() if isinstance(found, ConfigError) else found

    def _read(self) -> _Seen:
        try:
            config: str | ConfigError | None = read_text(self._path)
        except ConfigError as error:
            config = error
        return _Seen(config, tuple(_prompt_text(path) for path in self._prompt_files))

    def _find_prompt_files(self) -> None:
        """Those that the file names, also when `load` refuses it: writing a missing one mends it."""
        try:
            contexts = load_settings(self._path).contexts.values()
        except ConfigError:
            return
        named = (context.prompt_file for context in contexts)
        self._prompt_files = tuple(self._path.parent / Path(name).expanduser() for name in named if name)

    def _watch(self) -> None:
        self._find_prompt_files()
        self._folders.watch(lambda: frozenset(trail([self._path, *self._prompt_files])))


def _told(config: str | ConfigError | None) -> object:
    return (config.message,) if isinstance(config, ConfigError) else config


def _prompt_text(path: Path) -> str | None:
    try:
        return read_text(path)
    except ConfigError as error:
        return f"\0{error.message}"
