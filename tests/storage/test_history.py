"""The history: private, thread-safe, and never in the way of a dictation."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.storage.test_journal import file_size_limit
from voiceflow_daemon.storage.history import DAMAGED, History, HistoryError, HistoryRow

DAY_S = 86_400.0


def row(text: str = "Good morning.", when: float = 1_000_000.0) -> HistoryRow:
    return HistoryRow("email", "Thunderbird", "good morning", text, "model", "pasted", 412.5, 1.75, when)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state/history.sqlite3"


@pytest.fixture
def history(path: Path) -> History:
    return History(path)


class TestRows:
    def test_a_row_comes_back_as_it_was(self, history: History) -> None:
        row_id = history.add(row())
        assert history.latest() == replace(row(), id=row_id)

    def test_nothing_yet(self, history: History) -> None:
        assert history.latest() is None
        assert history.recent(5) == []
        assert history.clear() == 0
        assert history.purge(30) == 0

    def test_the_newest_come_first(self, history: History) -> None:
        for text, when in (("b", 2.0), ("d", 4.0), ("a", 1.0), ("c", 3.0)):
            history.add(row(text, when))
        assert [past.text for past in history.recent(3)] == ["d", "c", "b"]
        assert [past.text for past in history.recent(0)] == []
        assert len(history.recent(100)) == 4

    def test_at_the_same_time_the_later_row_is_newer(self, history: History) -> None:
        history.add(row("first"))
        history.add(row("second"))
        assert [past.text for past in history.recent(2)] == ["second", "first"]

    def test_a_text_that_nobody_waited_for(self, history: History) -> None:
        history.add(replace(row(), release_to_text_ms=None))
        latest = history.latest()
        assert latest is not None
        assert latest.release_to_text_ms is None

    def test_purge_deletes_what_is_too_old(self, history: History) -> None:
        for days in (1, 29, 31, 400):
            history.add(row(str(days), when=1000 * DAY_S - days * DAY_S))
        assert history.purge(30, now=1000 * DAY_S) == 2
        assert [past.text for past in history.recent(10)] == ["1", "29"]

    def test_a_daemon_that_runs_for_days_purges_once_a_day(self, history: History) -> None:
        history.purge(30, now=1000 * DAY_S)
        left = []
        for days in (0.0, 0.9, 1.1, 2.0, 2.2):
            history.add(row("old", when=900 * DAY_S), keep_days=30, now=(1000 + days) * DAY_S)
            left.append(len(history.recent(10)))
        assert left == [1, 2, 0, 1, 0]

    def test_rows_are_kept_for_as_long_as_the_settings_say_now(self, history: History) -> None:
        history.purge(30, now=1000 * DAY_S)
        history.add(row("old", when=980 * DAY_S), keep_days=30, now=1000 * DAY_S)
        history.add(row("new", when=1000 * DAY_S), keep_days=7, now=1000 * DAY_S)
        assert [past.text for past in history.recent(10)] == ["new"]

    def test_a_clock_that_is_put_back_puts_off_no_purge(self, history: History) -> None:
        history.purge(30, now=4000 * DAY_S)
        history.add(row("old", when=900 * DAY_S), keep_days=30, now=1000 * DAY_S)
        assert history.recent(10) == []

    def test_a_purge_that_failed_is_made_up_for(self, history: History, path: Path) -> None:
        history.add(row("old", when=900 * DAY_S))
        with sqlite3.connect(path) as database:
            database.execute(
                "CREATE TRIGGER refuse BEFORE DELETE ON dictation BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        database.close()
        with pytest.raises(HistoryError):
            history.add(row("new", when=1000 * DAY_S), keep_days=30, now=1000 * DAY_S)
        with sqlite3.connect(path) as database:
            database.execute("DROP TRIGGER refuse")
        database.close()
        history.add(row("new", when=1000 * DAY_S), keep_days=30, now=1000 * DAY_S)
        assert [past.text for past in history.recent(10)] == ["new"]

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(texts=st.lists(st.text(st.characters(exclude_categories=[]), max_size=20), max_size=5))
    def test_any_text_is_kept(self, tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
        history = History(tmp_path_factory.mktemp("any") / "history.sqlite3")
        for number, text in enumerate(texts):
            history.add(replace(row(text, when=float(number)), application=text))
        kept = [past.text for past in reversed(history.recent(10))]
        assert kept == [text.encode("utf-8", "replace").decode() for text in texts]


class TestPrivacy:
    def test_only_the_user_may_read_it_and_its_side_files(
        self, history: History, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = os.umask(0)
        try:
            history.add(row())
            with sqlite3.connect(path) as database:
                database.execute("DELETE FROM dictation")
                modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
            database.close()
        finally:
            os.umask(before)
        assert modes == {"history.sqlite3": 0o600, "history.sqlite3-journal": 0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700

    def test_a_readable_file_is_closed_to_others(self, history: History, path: Path) -> None:
        history.add(row())
        path.chmod(0o644)
        history.latest()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    @pytest.mark.parametrize("how", ["clear", "purge"])
    def test_deleted_words_are_not_left_in_the_file(self, history: History, path: Path, how: str) -> None:
        for number in range(50):
            history.add(row(f"secret words {number} " * 50))
        assert b"secret words" in path.read_bytes()
        assert (history.clear() if how == "clear" else history.purge(1)) == 50
        assert b"secret words" not in path.read_bytes()
        assert [each.name for each in path.parent.iterdir()] == [path.name]

    def test_clear_gives_the_room_back(self, history: History, path: Path) -> None:
        for _ in range(50):
            history.add(row("x" * 10_000))
        history.clear()
        assert path.stat().st_size < 50_000

    def test_clear_deletes_damaged_databases_too(self, history: History, path: Path) -> None:
        history.add(row())
        path.write_bytes(b"garbage" * 1000)
        history.latest()
        assert len(list(path.parent.iterdir())) == 2
        history.clear()
        assert [each.name for each in path.parent.iterdir()] == [path.name]


class TestTrouble:
    @pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
    def test_a_damaged_file_is_moved_aside_and_told(self, path: Path, content: bytes) -> None:
        path.parent.mkdir()
        path.write_bytes(content)
        told: list[Path] = []
        history = History(path, told.append)
        history.add(row("after"))
        assert [past.text for past in history.recent(5)] == ["after"]
        (aside,) = told
        assert aside.name == f"{path.name}.1{DAMAGED}"
        assert aside.read_bytes() == content

    def test_a_page_damaged_later_is_found(self, history: History, path: Path) -> None:
        for _ in range(200):
            history.add(row("x" * 500))
        content = bytearray(path.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        path.write_bytes(content)
        assert history.recent(300) == []
        history.add(row("after"))
        assert len(history.recent(5)) == 1

    def test_tables_of_another_making_are_moved_aside(self, history: History, path: Path) -> None:
        path.parent.mkdir()
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE dictation (something)")
        database.close()
        history.add(row())
        assert len(history.recent(5)) == 1

    def test_a_newer_programs_database_is_left_alone(self, history: History, path: Path) -> None:
        history.add(row())
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 2")
        database.close()
        before = path.read_bytes()
        with pytest.raises(HistoryError, match="newer"):
            history.add(row())
        assert path.read_bytes() == before

    def test_a_full_disk(self, history: History, path: Path) -> None:
        history.add(row())
        with file_size_limit(path.stat().st_size), pytest.raises(HistoryError):
            history.add(row("x" * 100_000))
        assert [past.text for past in history.recent(5)] == [row().text]
        history.add(row("after"))

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "state").write_text("")
        with pytest.raises(HistoryError, match="history"):
            History(tmp_path / "state/history.sqlite3").add(row())

    def test_a_database_deleted_meanwhile_is_made_anew(self, history: History, path: Path) -> None:
        history.add(row("before"))
        path.unlink()
        history.add(row("after"))
        assert [past.text for past in history.recent(5)] == ["after"]


def test_many_threads_write_and_none_loses_a_row(history: History) -> None:
    def write(writer: int) -> None:
        for number in range(10):
            history.add(row(f"{writer}/{number}"))

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len({past.text for past in history.recent(100)}) == 50


def test_many_threads_meet_a_damaged_file_and_move_it_aside_once(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"garbage" * 1000)
    told: list[Path] = []
    history = History(path, told.append)
    start = threading.Barrier(4)

    def write() -> None:
        start.wait()
        history.add(row())

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(told) == 1
    assert len(history.recent(10)) == 4
