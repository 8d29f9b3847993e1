"""The history: past dictations in a private SQLite database.

Each call opens the database for itself, so any thread and any process may call at any time, and a
database that was deleted meanwhile is simply made anew.
"""

from __future__ import annotations

import itertools
import logging
import math
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import astuple, dataclass, field, fields, replace
from pathlib import Path
from typing import TypeVar

from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.storage.paths import private_dir

log = logging.getLogger(__name__)

VERSION = 1
DAMAGED = ".damaged"
WAIT_S = 5.0
"""For another process that is writing."""
DAY_S = 86_400.0

_TABLE = """
CREATE TABLE dictation (
    id INTEGER PRIMARY KEY,
    "when" REAL NOT NULL,
    context TEXT NOT NULL,
    application TEXT NOT NULL,
    raw TEXT NOT NULL,
    text TEXT NOT NULL,
    rung TEXT NOT NULL,
    outcome TEXT NOT NULL,
    release_to_text_ms REAL,
    duration_s REAL NOT NULL
)
"""
_INDEX = 'CREATE INDEX dictation_when ON dictation ("when")'
_DAMAGE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
"""Our statements never change: SQLITE_ERROR means that the tables are not ours."""


class HistoryError(VoiceflowError):
    """The history cannot be read or written; dictation goes on without it."""


@dataclass(frozen=True)
class HistoryRow:
    """One dictation. `when` is seconds since the epoch; `id` is given by the database.

    `raw` is what was heard, `text` what was written; `rung` says who wrote it, `outcome` where it
    went. `release_to_text_ms` is None for a text that nobody waited for.
    """

    context: str
    application: str
    raw: str
    text: str
    rung: str
    outcome: str
    release_to_text_ms: float | None
    duration_s: float
    when: float = field(default_factory=time.time)
    id: int | None = None


T = TypeVar("T")

_COLUMNS = ", ".join(f'"{column.name}"' for column in fields(HistoryRow))
_PLACES = ", ".join("?" for _ in fields(HistoryRow))


def _ignore(_moved_to: Path) -> None:
    """Nobody wants to know."""


class History:
    """The database at `path`; every method raises `HistoryError` when the disk refuses.

    A damaged database is moved aside, `on_damaged` is told where to, and a new one is begun.
    """

    def __init__(self, path: Path, on_damaged: Callable[[Path], None] = _ignore) -> None:
        self._path = path
        self._on_damaged = on_damaged
        self._mending = threading.Lock()
        self._purged = (0, -math.inf)
        """By how many days, and when, old rows were deleted last."""

    def add(self, row: HistoryRow, keep_days: int | None = None, now: float | None = None) -> int:
        """Store a row; returns its id. Once a day rows older than `keep_days` are deleted, too."""
        values = [_storable(value) for value in astuple(replace(row, id=None))]
        now = time.time() if now is None else now

        def insert(database: sqlite3.Connection) -> int:
            done = database.execute(f"INSERT INTO dictation ({_COLUMNS}) VALUES ({_PLACES})", values)  # noqa: S608
            assert done.lastrowid is not None
            if purge_days is not None:
                _delete_old(database, purge_days, now)
            return done.lastrowid

        purge_days = keep_days if self._is_purge_due(keep_days, now) else None
        row_id = self._run(insert)
        if purge_days is not None:
            self._purged = (purge_days, now)
        return row_id

    def recent(self, count: int) -> list[HistoryRow]:
        """The newest rows, newest first."""

        def select(database: sqlite3.Connection) -> list[HistoryRow]:
            rows = database.execute(
                f'SELECT {_COLUMNS} FROM dictation ORDER BY "when" DESC, id DESC LIMIT ?',  # noqa: S608
                (max(0, count),),
            )
            return [HistoryRow(*row) for row in rows]

        return self._run(select)

    def latest(self) -> HistoryRow | None:
        """The newest row."""
        return next(iter(self.recent(1)), None)

    def clear(self) -> int:
        """Delete everything, damaged databases too; returns how many rows there were."""
        for aside in self._path.parent.glob(f"{self._path.name}.*{DAMAGED}*"):
            aside.unlink(missing_ok=True)
        deleted = self._run(lambda database: database.execute("DELETE FROM dictation").rowcount)
        self._run(_vacuum)
        return deleted

    def purge(self, keep_days: int, now: float | None = None) -> int:
        """Delete rows older than `keep_days`; returns how many."""
        now = time.time() if now is None else now
        deleted = self._run(lambda database: _delete_old(database, keep_days, now))
        self._purged = (keep_days, now)
        return deleted

    def _is_purge_due(self, keep_days: int | None, now: float) -> bool:
        by_days, at = self._purged
        # A clock that was put back would else put it off for as long.
        return keep_days is not None and not (by_days == keep_days and 0 <= now - at < DAY_S)

    def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            try:
                return self._attempt(work)
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                return self._attempt_on_new(work)
        except (OSError, sqlite3.Error) as error:
            raise HistoryError(
                f"The history cannot be used: {error}.",
                f"Is there room on the disk, and may you write {self._path}?",
            ) from error

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._database() as database:
            return work(database)

    def _attempt_on_new(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._mending:
            try:
                return self._attempt(work)  # another thread may have mended it
            except sqlite3.DatabaseError as error:
                if not _is_damage(error):
                    raise
                self._move_aside(error)
            return self._attempt(work)

    @contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        """Open, check, and make the table where there is none; one transaction."""
        private_dir(self._path.parent)
        # Made here, for SQLite would make it readable to others; its journal takes over the mode.
        fd = os.open(self._path, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(fd).st_mode & 0o077:
                os.fchmod(fd, 0o600)
        finally:
            os.close(fd)
        with closing(sqlite3.connect(self._path, timeout=WAIT_S)) as database:
            database.execute("PRAGMA secure_delete = ON")
            with database:
                _make_table(database)
            with database:
                yield database

    def _move_aside(self, why: sqlite3.DatabaseError) -> None:
        aside = next(
            path
            for number in itertools.count(1)
            if not (path := self._path.with_name(f"{self._path.name}.{number}{DAMAGED}")).exists()
        )
        self._path.rename(aside)
        # Left behind, it would be rolled back into the new database.
        with suppress(FileNotFoundError):
            self._path.with_name(f"{self._path.name}-journal").rename(f"{aside}-journal")
        log.warning("the history is damaged (%s); it is kept as %s, and a new one begun", why, aside.name)
        self._on_damaged(aside)


def _make_table(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    if version > VERSION:
        raise sqlite3.NotSupportedError("it was written by a newer voiceflow")
    # Another process may be making it, too: look again once it is ours alone.
    database.execute("BEGIN IMMEDIATE")
    if database.execute("PRAGMA user_version").fetchone() == (0,):
        database.execute(_TABLE)
        database.execute(_INDEX)
        database.execute(f"PRAGMA user_version = {VERSION}")


def _delete_old(database: sqlite3.Connection, keep_days: int, now: float) -> int:
    oldest = now - keep_days * DAY_S
    return database.execute('DELETE FROM dictation WHERE "when" < ?', (oldest,)).rowcount


def _vacuum(database: sqlite3.Connection) -> None:
    database.execute("VACUUM")


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF in _DAMAGE


def _storable(value: object) -> object:
    """Text that SQLite takes: half a surrogate pair (a window's odd title) becomes "?"."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
