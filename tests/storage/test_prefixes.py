"""The disk tier of evaluated prefixes: right bytes or none, within its limit, and gone when asked."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from numpy.typing import NDArray

from tests.storage.test_journal import file_size_limit
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.prefix_file import file_name, header_bytes
from voiceflow_daemon.storage.prefixes import PrefixFilesError, PrefixStore, delete_prefixes

KEY = "voiceflow prefix\nmodel=m\ntokens=0\nlength=3"
OTHER = KEY.replace("tokens=0", "tokens=1")
LIMIT_BYTES = 1 << 20
LONG_S = 60

T = TypeVar("T")


def payload(size: int, fill: int = 7) -> NDArray[np.uint8]:
    return np.full(size, fill, np.uint8)


def limit_for(entries: int, payload_bytes: int) -> int:
    return entries * (header_bytes(KEY) + payload_bytes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache/prefixes"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def store(folder: Path, metrics: Metrics) -> Iterator[PrefixStore]:
    store = PrefixStore(folder, LIMIT_BYTES, metrics)
    yield store
    store.close()


def keep(store: PrefixStore, key: str, content: NDArray[np.uint8]) -> None:
    store.write(key, content, 1.5)
    store.flush()


def holds(store: PrefixStore, key: str, content: NDArray[np.uint8]) -> bool:
    stored = store.read(key)
    return stored is not None and np.array_equal(stored.payload, content)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class Held:
    """Holds the writer at its fsync, when the file is whole but has not got its name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._there, self._go = threading.Event(), threading.Event()
        self._fails = False
        fsync = os.fsync

        def hold(fd: int) -> None:
            if threading.current_thread().name == "prefix-writer":
                self._there.set()
                assert self._go.wait(LONG_S)
                if self._fails:
                    self._fails = False
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
            fsync(fd)

        monkeypatch.setattr(os, "fsync", hold)

    def wait(self) -> None:
        assert self._there.wait(LONG_S)

    def let_go(self, *, fail: bool = False) -> None:
        self._fails = fail
        self._go.set()


class TestEntries:
    def test_what_was_written_is_read_also_by_a_later_start(
        self, store: PrefixStore, folder: Path, metrics: Metrics
    ) -> None:
        keep(store, KEY, payload(100_000))
        for each in (store, PrefixStore(folder, LIMIT_BYTES, Metrics())):
            stored = each.read(KEY)
            assert stored is not None
            assert np.array_equal(stored.payload, payload(100_000))
            assert stored.created_at == 1.5
        assert metrics.timings()["prefix_read_ms"].count == 1
        assert metrics.timings()["prefix_write_ms"].count == 1

    def test_each_read_has_memory_of_its_own(self, store: PrefixStore) -> None:
        keep(store, KEY, payload(10))
        first = store.read(KEY)
        assert first is not None
        first.payload[:] = 0
        assert holds(store, KEY, payload(10))

    def test_what_is_not_there_is_no_refusal(self, store: PrefixStore, metrics: Metrics) -> None:
        assert store.read(KEY) is None
        assert store.size(KEY) is None
        assert metrics.counters() == {}
        assert metrics.timings() == {}

    def test_the_size_is_the_payloads(self, store: PrefixStore) -> None:
        keep(store, KEY, payload(1234))
        assert store.size(KEY) == 1234
        store.discard(KEY)
        assert store.size(KEY) is None

    def test_only_the_user_may_read_it(self, folder: Path, store: PrefixStore) -> None:
        before = os.umask(0)
        try:
            keep(store, KEY, payload(10))
        finally:
            os.umask(before)
        (file,) = folder.iterdir()
        assert file.name == file_name(KEY)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_what_is_there_is_not_written_again(
        self, store: PrefixStore, folder: Path, metrics: Metrics
    ) -> None:
        keep(store, KEY, payload(10))
        before = (folder / file_name(KEY)).stat().st_ino
        keep(store, KEY, payload(10))
        assert (folder / file_name(KEY)).stat().st_ino == before
        assert metrics.timings()["prefix_write_ms"].count == 1

    def test_other_content_takes_the_place_of_the_old(self, store: PrefixStore) -> None:
        keep(store, KEY, payload(10))
        keep(store, KEY, payload(10, fill=8))
        assert holds(store, KEY, payload(10, fill=8))

    def test_a_damaged_file_is_mended_by_a_write(self, store: PrefixStore, folder: Path) -> None:
        keep(store, KEY, payload(10))
        (folder / file_name(KEY)).write_bytes(b"damaged")
        keep(store, KEY, payload(10))
        assert holds(store, KEY, payload(10))

    def test_discarding(self, store: PrefixStore, folder: Path) -> None:
        keep(store, KEY, payload(10))
        keep(store, OTHER, payload(10))
        store.discard(KEY)
        store.discard(KEY)
        assert names(folder) == {file_name(OTHER)}

    def test_a_folder_deleted_meanwhile_is_made_anew(self, store: PrefixStore, folder: Path) -> None:
        shutil.rmtree(folder.parent)
        assert store.read(KEY) is None
        keep(store, KEY, payload(10))
        assert holds(store, KEY, payload(10))
        assert store.problem == ""


class TestWriter:
    def test_writing_does_not_wait(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = Held(monkeypatch)
        for fill in range(5):
            store.write(KEY, payload(10, fill), 1.5)
            store.write(OTHER, payload(10, fill), 1.5)
        held.wait()
        assert store.read(KEY) is None
        held.let_go()
        store.flush()
        assert holds(store, KEY, payload(10, 4))
        assert holds(store, OTHER, payload(10, 4))

    def test_only_the_latest_of_a_key_waits(
        self, store: PrefixStore, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = Held(monkeypatch)
        store.write(OTHER, payload(10), 1.5)
        held.wait()
        for fill in range(50):
            store.write(KEY, payload(10, fill), 1.5)
        held.let_go()
        store.flush()
        assert metrics.timings()["prefix_write_ms"].count == 2

    def test_what_waits_is_bounded_by_the_limit(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        held, metrics = Held(monkeypatch), Metrics()
        store = PrefixStore(folder, limit_for(3, 100), metrics)
        store.write(KEY, payload(100), 1.5)
        held.wait()
        for number in range(10, 30):
            store.write(f"{KEY[:-2]}{number}", payload(100), 1.5)
        held.let_go()
        store.close()
        assert metrics.timings()["prefix_write_ms"].count == 4

    def test_what_waits_is_given_up_with_what_failed(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = Held(monkeypatch)
        store.write(KEY, payload(10), 1.5)
        held.wait()
        store.write(OTHER, payload(10), 1.5)
        held.let_go(fail=True)
        store.flush()
        assert names(folder) == set()
        assert store.problem == "evaluated prompts cannot be kept on disk: Input/output error"

    def test_what_fails_after_a_purge_is_nobodys_problem(
        self, store: PrefixStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = Held(monkeypatch)
        store.write(KEY, payload(10), 1.5)
        held.wait()
        store.purge()
        held.let_go(fail=True)
        store.flush()
        assert store.problem == ""

    def test_the_thread_ends_when_nothing_is_left(self, store: PrefixStore) -> None:
        keep(store, KEY, payload(10))
        for thread in threading.enumerate():
            if thread.name == "prefix-writer":
                thread.join(LONG_S)
                assert not thread.is_alive()

    def test_closing_writes_what_is_queued_and_nothing_later(self, store: PrefixStore, folder: Path) -> None:
        store.write(KEY, payload(10), 1.5)
        store.close()
        assert names(folder) == {file_name(KEY)}
        keep(store, OTHER, payload(10))
        assert names(folder) == {file_name(KEY)}

    def test_a_loss_of_power_finds_a_whole_file_or_none(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The content is synced before the file has its name, the folder after."""
        done: list[str] = []
        fsync, rename = os.fsync, os.rename

        def synced(fd: int) -> None:
            done.append("folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else f"{os.fstat(fd).st_size} bytes")
            fsync(fd)

        def renamed(*names: Path) -> None:
            done.append("rename")
            rename(*names)

        monkeypatch.setattr(os, "fsync", synced)
        monkeypatch.setattr(os, "rename", renamed)
        keep(store, KEY, payload(625_000))
        assert done == [f"{header_bytes(KEY) + 625_000} bytes", "rename", "folder"]

    def test_an_unforeseen_failure_is_told_and_ends_nothing(
        self, store: PrefixStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(fd: int) -> None:
            raise RuntimeError("unforeseen")

        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", fail)
            keep(store, KEY, payload(10))
        assert "writing an evaluated prompt failed" in caplog.text
        assert "unforeseen" in store.problem
        store.set_limit(LIMIT_BYTES)
        keep(store, KEY, payload(10))
        assert holds(store, KEY, payload(10))


class TestLimit:
    def test_the_least_recently_used_goes(self, folder: Path, metrics: Metrics) -> None:
        store = PrefixStore(folder, limit_for(3, 100), metrics)
        keys = [f"{KEY[:-1]}{number}" for number in range(5)]
        for key in keys[:3]:
            keep(store, key, payload(100))
        assert holds(store, keys[0], payload(100))
        keep(store, keys[3], payload(100))
        keep(store, keys[4], payload(100))
        assert names(folder) == {file_name(keys[each]) for each in (0, 3, 4)}
        assert metrics.counter("prefix_evictions_disk") == 2
        store.set_limit(limit_for(1, 100))
        assert names(folder) == {file_name(keys[4])}

    def test_it_never_holds_more_on_the_way(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        store = PrefixStore(folder, limit_for(2, 100), Metrics())
        sizes: list[int] = []
        fsync = os.fsync

        def measure(fd: int) -> None:
            sizes.append(sum(path.stat().st_size for path in folder.iterdir()))
            fsync(fd)

        monkeypatch.setattr(os, "fsync", measure)
        for number in range(5):
            keep(store, f"{KEY[:-1]}{number}", payload(100))
            keep(store, f"{KEY[:-1]}{number}", payload(100, fill=8))
        assert len(sizes) == 20
        assert max(sizes) == limit_for(2, 100)

    def test_what_is_larger_than_the_limit_is_not_stored(self, folder: Path) -> None:
        store = PrefixStore(folder, limit_for(1, 100), Metrics())
        keep(store, KEY, payload(100))
        keep(store, OTHER, payload(101))
        assert names(folder) == {file_name(KEY)}
        assert store.problem == ""

    def test_a_file_larger_than_the_limit_does_not_take_the_others_with_it(
        self, store: PrefixStore, folder: Path
    ) -> None:
        keep(store, KEY, payload(100))
        (folder / file_name("vast")).touch(0o600)
        os.truncate(folder / file_name("vast"), 1 << 40)
        keep(store, OTHER, payload(100))
        assert names(folder) == {file_name(KEY), file_name(OTHER)}

    def test_zero_switches_it_off_and_deletes(self, store: PrefixStore, folder: Path) -> None:
        keep(store, KEY, payload(10))
        store.set_limit(0)
        assert names(folder) == set()
        keep(store, KEY, payload(10))
        assert store.read(KEY) is None
        assert names(folder) == set()
        store.set_limit(LIMIT_BYTES)
        keep(store, KEY, payload(10))
        assert holds(store, KEY, payload(10))
        off = PrefixStore(folder, 0, Metrics())
        assert names(folder) == set()
        assert (off.read(KEY), off.problem) == (None, "")

    def test_switched_off_it_makes_no_folder(self, folder: Path) -> None:
        assert PrefixStore(folder, 0, Metrics()).problem == ""
        assert not folder.exists()

    def test_a_smaller_limit_holds_for_what_is_being_written(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(store, "small", payload(10))
        held = Held(monkeypatch)
        store.write(KEY, payload(1000), 1.5)
        held.wait()
        store.write(OTHER, payload(1000), 1.5)
        store.set_limit(limit_for(1, 999))
        held.let_go()
        store.flush()
        assert names(folder) == {file_name("small")}

    def test_it_holds_for_what_another_process_wrote_meanwhile(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = Held(monkeypatch)
        store = PrefixStore(folder, limit_for(2, 100), Metrics())
        store.write(KEY, payload(100), 1.5)
        held.wait()
        for number in range(2):
            (folder / file_name(str(number))).write_bytes(bytes(limit_for(1, 100)))
        held.let_go()
        store.flush()
        assert len(names(folder)) == 2
        assert holds(store, KEY, payload(100))


class TestRefusals:
    """Each kind once more than in `test_prefixes_mutated`: what only this process can arrange."""

    def test_a_socket_a_pipe_and_a_link_into_nowhere(
        self, store: PrefixStore, folder: Path, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(folder)
        path = Path(file_name(KEY))
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(path))
            assert store.read(KEY) is None
        os.mkfifo(path, 0o600)
        assert store.read(KEY) is None
        path.symlink_to("nowhere")
        assert store.read(KEY) is None
        assert names(folder) == set()
        assert metrics.counter("prefix_refused") == 3

    def test_another_users_file(
        self, store: PrefixStore, folder: Path, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(store, KEY, payload(10))
        with monkeypatch.context() as patched:
            patched.setattr(os, "getuid", lambda: os.geteuid() + 1)
            assert store.read(KEY) is None
        assert names(folder) == set()
        assert metrics.counter("prefix_refused") == 1

    def test_a_file_that_shrinks_while_it_is_read(
        self, store: PrefixStore, folder: Path, metrics: Metrics, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(store, KEY, payload(1000))
        pread = os.pread

        def then_shrink(fd: int, size: int, offset: int) -> bytes:
            os.truncate(folder / file_name(KEY), header_bytes(KEY) + 500)
            return pread(fd, size, offset)

        monkeypatch.setattr(os, "pread", then_shrink)
        assert store.read(KEY) is None
        assert metrics.counter("prefix_refused") == 1

    def test_the_log_says_why_and_nothing_else(
        self, store: PrefixStore, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        keep(store, KEY, payload(10))
        (folder / file_name(KEY)).chmod(0o644)
        assert store.read(KEY) is None
        assert caplog.messages == [
            "an evaluated prompt on disk is deleted and made again: its permissions were changed"
        ]
        assert store.problem == ""


class TestPurge:
    def test_everything_of_ours_goes_and_nothing_else(self, store: PrefixStore, folder: Path) -> None:
        keep(store, KEY, payload(10))
        for name in ("of another version.kv", "half.kv.new", "notes.txt"):
            (folder / name).write_text("")
        (folder / "folder.kv").mkdir()
        (folder / "folder.kv/link").symlink_to(folder.parent)
        (folder / "link.kv").symlink_to(folder / "notes.txt")
        store.purge()
        assert names(folder) == {"notes.txt"}
        keep(store, KEY, payload(10))
        assert holds(store, KEY, payload(10))

    @pytest.mark.parametrize("how", ["purge", "discard", "off"])
    def test_what_was_being_written_never_appears_after(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        held = Held(monkeypatch)
        store.write(KEY, payload(10), 1.5)
        held.wait()
        store.write(KEY, payload(10, fill=8), 1.5)
        match how:
            case "purge":
                store.purge()
                assert names(folder) == set()
            case "discard":
                store.discard(KEY)
            case "off":
                store.set_limit(0)
                assert names(folder) == set()
        held.let_go()
        store.flush()
        assert names(folder) == set()
        assert store.problem == ""

    def test_a_write_after_a_purge_is_not_lost_with_the_one_before(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = Held(monkeypatch)
        store.write(KEY, payload(10), 1.5)
        held.wait()
        store.purge()
        store.write(KEY, payload(10, fill=8), 1.5)
        held.let_go()
        store.flush()
        assert holds(store, KEY, payload(10, fill=8))

    def test_a_purge_by_another_process_takes_what_is_being_written(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = Held(monkeypatch)
        store.write(KEY, payload(10), 1.5)
        held.wait()
        PrefixStore(folder, LIMIT_BYTES, Metrics()).purge()
        held.let_go()
        store.flush()
        assert names(folder) == set()
        assert store.problem == ""


class SlowDisk:
    """Nothing is deleted before the disk is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._there, self._go = threading.Event(), threading.Event()
        unlink = os.unlink

        def slowly(path: Path) -> None:
            self._there.set()
            assert self._go.wait(LONG_S)
            unlink(path)

        monkeypatch.setattr(os, "unlink", slowly)

    def during(self, work: Callable[[], None], meanwhile: Callable[[], T]) -> T:
        """What `meanwhile` returns while `work` waits for the disk."""
        with ThreadPoolExecutor(2) as threads:
            working = threads.submit(work)
            try:
                assert self._there.wait(LONG_S)
                found = threads.submit(meanwhile).result(LONG_S)
                assert not working.done()
            finally:
                self._go.set()
            working.result(LONG_S)
        return found


class TestSlowDisk:
    """A dictation writes, reads and asks for sizes; it must not wait for what others do on the disk."""

    @pytest.mark.parametrize("work", ["purge", "discard", "shrink"])
    def test_it_holds_up_only_who_changes_the_folder(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch, work: str
    ) -> None:
        keep(store, KEY, payload(10))
        keep(store, OTHER, payload(10))
        slow = SlowDisk(monkeypatch)

        def meanwhile() -> tuple[bool, int | None, str]:
            store.write(KEY, payload(20), 1.5)
            return holds(store, OTHER, payload(10)), store.size(OTHER), store.problem

        match work:
            case "purge":
                # What is being deleted is not read any more, be it still there or not.
                assert slow.during(store.purge, meanwhile) == (False, 10, "")
                left = {file_name(KEY)}
            case "discard":
                assert slow.during(lambda: store.discard(KEY), meanwhile) == (True, 10, "")
                left = {file_name(KEY), file_name(OTHER)}
            case "shrink":
                shrink = partial(store.set_limit, limit_for(1, 20))
                assert slow.during(shrink, meanwhile) == (True, 10, "")
                left = {file_name(KEY)}
        store.flush()
        assert names(folder) == left
        assert holds(store, KEY, payload(20))

    def test_a_writer_that_makes_room_holds_up_nobody(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store = PrefixStore(folder, limit_for(2, 100), Metrics())
        keep(store, KEY, payload(100))
        keep(store, OTHER, payload(100))
        slow, third = SlowDisk(monkeypatch), KEY.replace("tokens=0", "tokens=2")

        def write() -> None:
            keep(store, third, payload(100))

        def meanwhile() -> tuple[bool, int | None]:
            store.write(KEY, payload(100), 1.5)
            return holds(store, OTHER, payload(100)), store.size(OTHER)

        assert slow.during(write, meanwhile) == (True, 100)
        store.close()
        assert holds(store, KEY, payload(100))

    def test_a_file_that_is_begun_during_a_purge_is_gone_when_it_returns(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held, create = Held(monkeypatch), os.open
        purging = threading.Thread(target=store.purge)

        def create_late(path: Path, flags: int, mode: int = 0o777) -> int:
            if flags & os.O_CREAT:
                purging.start()
                # A purge that did not wait for this would be over by then.
                purging.join(0.2)
            return create(path, flags, mode)

        monkeypatch.setattr(os, "open", create_late)
        store.write(KEY, payload(10), 1.5)
        held.wait()
        purging.join(LONG_S)
        assert names(folder) == set()
        held.let_go()
        store.flush()
        assert names(folder) == set()


class TestSweep:
    def test_the_dead_are_swept_the_living_are_not(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        held = Held(monkeypatch)
        store.write(KEY, payload(10), 1.5)
        held.wait()
        (living,) = names(folder)
        (folder / "dead.kv.new").write_text("")
        (folder / "link.kv.new").symlink_to(folder / living)
        (folder / "folder.kv.new").mkdir()
        os.mkfifo(folder / "pipe.kv.new")
        assert PrefixStore(folder, LIMIT_BYTES, Metrics()).problem == ""
        assert names(folder) == {living}
        held.let_go()
        store.flush()
        assert names(folder) == {file_name(KEY)}

    def test_swept_before_it_was_locked(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flock = fcntl.flock
        swept: list[Path] = []

        def slow(fd: int, how: int) -> None:
            if not swept:
                swept.extend(folder.iterdir())
                swept[0].unlink()
            flock(fd, how)

        monkeypatch.setattr(fcntl, "flock", slow)
        keep(store, KEY, payload(10))
        assert len(swept) == 1
        assert names(folder) == {file_name(KEY)}


@contextmanager
def mounted(at: Path, options: str) -> Iterator[bool]:
    """A file system of our own, where this process may mount one."""
    at.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(at)]
    done = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield done
    finally:
        if done:
            subprocess.run(["umount", at], check=True)


class TestTrouble:
    def check_one_problem(
        self, store: PrefixStore, folder: Path, caplog: pytest.LogCaptureFixture, why: str
    ) -> None:
        """Writes fail, which is said once; what is there is read."""
        for _ in range(3):
            keep(store, OTHER, payload(200_000))
            keep(store, KEY, payload(200_000))
        assert store.problem == f"evaluated prompts cannot be kept on disk: {why}"
        assert caplog.messages == [store.problem]
        assert [record.levelno for record in caplog.records] == [logging.WARNING]
        assert not any(name.endswith(".new") for name in names(folder))

    def test_a_full_disk(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        with mounted(tmp_path / "small", "size=64k") as really:
            folder = tmp_path / "small/prefixes"
            store = PrefixStore(folder, LIMIT_BYTES, Metrics())
            keep(store, "small", payload(10))
            if really:
                self.check_one_problem(store, folder, caplog, os.strerror(errno.ENOSPC))
            else:
                with file_size_limit(65536):
                    self.check_one_problem(store, folder, caplog, os.strerror(errno.EFBIG))
            assert holds(store, "small", payload(10))
            store.purge()
            assert store.problem == ""
            keep(store, KEY, payload(20_000))
            assert holds(store, KEY, payload(20_000))
            store.close()

    @pytest.mark.parametrize("left", [0, 50, 1000, 199_999])
    def test_a_disk_that_fills_at_any_byte(
        self,
        store: PrefixStore,
        folder: Path,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
        left: int,
    ) -> None:
        write, room = os.write, [left]

        def full(fd: int, content: memoryview) -> int:
            if room[0] == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = write(fd, content[: room[0]])
            room[0] -= written
            return written

        monkeypatch.setattr(os, "write", full)
        self.check_one_problem(store, folder, caplog, "No space left on device")
        assert names(folder) == set()
        room[0] = 1 << 30
        keep(store, KEY, payload(10))
        assert names(folder) == set()
        store.set_limit(LIMIT_BYTES)
        keep(store, KEY, payload(10))
        assert holds(store, KEY, payload(10))
        assert store.problem == ""

    def test_a_read_only_folder(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with mounted(tmp_path / "disk", "size=1m") as really:
            folder = tmp_path / "disk/prefixes"
            keep(PrefixStore(folder, LIMIT_BYTES, Metrics()), "before", payload(10))
            if really:
                subprocess.run(["mount", "-o", "remount,ro", folder.parent], check=True)
            else:
                refuse_writing(monkeypatch)
            store = PrefixStore(folder, LIMIT_BYTES, Metrics())
            assert holds(store, "before", payload(10))
            self.check_one_problem(store, folder, caplog, os.strerror(errno.EROFS))
            assert holds(store, "before", payload(10))
            store.close()

    def test_a_folder_that_is_a_file(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        (tmp_path / "prefixes").write_text("mine")
        store = PrefixStore(tmp_path / "prefixes", LIMIT_BYTES, Metrics())
        keep(store, KEY, payload(10))
        assert store.read(KEY) is None
        assert store.size(KEY) is None
        assert store.problem == f"evaluated prompts cannot be kept on disk: {os.strerror(errno.EEXIST)}"
        assert caplog.messages == [store.problem]
        store.purge()
        store.discard(KEY)
        assert (tmp_path / "prefixes").read_text() == "mine"

    def test_a_folder_of_somebody_else(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder.mkdir(parents=True)
        monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
        store = PrefixStore(folder, LIMIT_BYTES, Metrics())
        assert f"{folder} is not yours" in store.problem
        keep(store, KEY, payload(10))
        assert names(folder) == set()

    def test_a_disk_that_cannot_be_read(
        self,
        store: PrefixStore,
        folder: Path,
        metrics: Metrics,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        keep(store, KEY, payload(10))

        def fail(fd: int, buffers: list[memoryview], offset: int) -> int:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        with monkeypatch.context() as patched:
            patched.setattr(os, "preadv", fail)
            for _ in range(3):
                assert store.read(KEY) is None
        assert store.problem == "evaluated prompts cannot be read from disk: Input/output error"
        assert caplog.messages == [store.problem]
        assert metrics.counter("prefix_refused") == 0
        assert holds(store, KEY, payload(10))

    def test_no_memory_for_an_entry_is_a_miss(
        self, store: PrefixStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(store, KEY, payload(10))

        def fail(*shape: object) -> None:
            raise MemoryError("no room")

        with monkeypatch.context() as patched:
            patched.setattr(np, "empty", fail)
            assert store.read(KEY) is None
        assert "no room" in store.problem

    def test_what_cannot_be_deleted_is_told(
        self, store: PrefixStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(store, KEY, payload(10))
        with monkeypatch.context() as patched:
            refuse_writing(patched)
            store.purge()
            assert store.problem == "evaluated prompts cannot be deleted from disk: Read-only file system"
        store.purge()
        assert store.problem == ""

    def test_deleting_where_no_store_is_open_fails_with_a_hint(
        self, store: PrefixStore, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep(store, KEY, payload(10))
        with monkeypatch.context() as patched:
            refuse_writing(patched)
            with pytest.raises(PrefixFilesError, match="Read-only file system") as caught:
                delete_prefixes(folder)
        assert str(folder) in caught.value.hint
        assert names(folder) == {file_name(KEY)}
        delete_prefixes(folder)
        assert names(folder) == set()

    @pytest.mark.parametrize("what", ["nothing", "a file"])
    def test_where_nothing_of_ours_is_there_is_nothing_to_delete(self, tmp_path: Path, what: str) -> None:
        if what == "a file":
            (tmp_path / "prefixes").write_text("mine")
        delete_prefixes(tmp_path / "prefixes")
        assert names(tmp_path) == ({"prefixes"} if what == "a file" else set())


def refuse_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calls that change a folder fail as on a read-only file system."""
    real_open = os.open

    def refuse(*args: object, **options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    def open_for_reading(path: Path, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT:
            refuse()
        return real_open(path, flags, mode)

    for name in ("unlink", "rename", "utime", "mkdir", "rmdir"):
        monkeypatch.setattr(os, name, refuse)
    monkeypatch.setattr(os, "open", open_for_reading)


def test_any_thread_may_call_anything(folder: Path) -> None:
    metrics = Metrics()
    store = PrefixStore(folder, limit_for(3, 1000), metrics)
    wrong: list[str] = []

    def use(seed: int) -> None:
        for turn in range(200):
            number = (seed * 7 + turn) % 5
            store.write(f"{KEY[:-1]}{number}", payload(1000, number), float(number))
            stored = store.read(f"{KEY[:-1]}{number}")
            if stored is not None and not np.array_equal(stored.payload, payload(1000, number)):
                wrong.append(f"{number} at turn {turn}")
            match turn % 20:
                case 3:
                    store.purge()
                case 7:
                    store.discard(f"{KEY[:-1]}{number}")
                case 11:
                    store.set_limit(limit_for(turn % 4, 1000))
                case 13:
                    store.flush()

    threads = [threading.Thread(target=use, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.set_limit(limit_for(3, 1000))
    store.close()
    assert wrong == []
    assert store.problem == ""
    assert sum(path.stat().st_size for path in folder.iterdir()) <= limit_for(3, 1000)
    assert not any(name.endswith(".new") for name in names(folder))


class Model(RuleBasedStateMachine):
    """The store against a dictionary that knows what is on disk, least recently used first."""

    keys = st.integers(0, 5).map(lambda number: f"{KEY[:-1]}{number}")
    payloads = st.builds(payload, st.integers(0, 300), st.integers(0, 255))

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="prefixes-"))
        self.limit = limit_for(3, 200)
        self.metrics = Metrics()
        self.refused = 0
        self.stored: OrderedDict[str, NDArray[np.uint8]] = OrderedDict()
        self.store = PrefixStore(self.folder, self.limit, self.metrics)

    def size_of(self, content: NDArray[np.uint8]) -> int:
        return header_bytes(KEY) + content.size

    def total(self) -> int:
        return sum(map(self.size_of, self.stored.values()))

    def shrink_to(self, room: int) -> None:
        for key in [key for key, content in self.stored.items() if self.size_of(content) > self.limit]:
            del self.stored[key]
        while self.total() > room:
            self.stored.popitem(last=False)

    @rule(key=keys, content=payloads)
    def write(self, key: str, content: NDArray[np.uint8]) -> None:
        keep(self.store, key, content)
        if self.size_of(content) > self.limit:
            return
        old = self.stored.pop(key, None)
        if old is None or not np.array_equal(old, content):
            self.shrink_to(self.limit - self.size_of(content))
        self.stored[key] = content

    @rule(key=keys)
    def read(self, key: str) -> None:
        found = self.store.read(key)
        assert (found is not None) == (key in self.stored)
        if found is not None:
            assert np.array_equal(found.payload, self.stored[key])
            self.stored.move_to_end(key)

    @rule(key=keys)
    def discard(self, key: str) -> None:
        self.store.discard(key)
        self.stored.pop(key, None)

    @rule(key=keys, content=payloads)
    def write_and_discard_at_once(self, key: str, content: NDArray[np.uint8]) -> None:
        self.store.write(key, content, 1.5)
        self.discard(key)
        self.store.flush()
        # How far the writer came is chance: it may have made room.
        self.stored = OrderedDict(
            (each, self.stored[each]) for each in self.stored if self.store.size(each) is not None
        )

    @rule(key=keys, content=payloads)
    def write_and_purge_at_once(self, key: str, content: NDArray[np.uint8]) -> None:
        self.store.write(key, content, 1.5)
        self.purge()
        self.store.flush()

    @precondition(lambda self: self.stored)
    @rule(data=st.data())
    def damage(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.stored)))
        path = self.folder / file_name(key)
        content = bytearray(path.read_bytes())
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1
        path.write_bytes(content)
        del self.stored[key]
        self.refused += 1
        assert self.store.read(key) is None

    @rule()
    def purge(self) -> None:
        self.store.purge()
        self.stored.clear()

    @rule(entries=st.integers(0, 4), more=st.integers(0, 100))
    def set_limit(self, entries: int, more: int) -> None:
        self.limit = entries and limit_for(entries, 200) + more
        self.store.set_limit(self.limit)
        self.shrink_to(self.limit)

    @rule()
    def reopen(self) -> None:
        self.store.close()
        self.store = PrefixStore(self.folder, self.limit, self.metrics)

    @invariant()
    def the_folder_holds_exactly_that(self) -> None:
        assert names(self.folder) == {file_name(key) for key in self.stored}
        assert sum(path.stat().st_size for path in self.folder.iterdir()) == self.total() <= self.limit
        assert {key: self.store.size(key) for key in self.stored} == {
            key: content.size for key, content in self.stored.items()
        }
        assert self.metrics.counter("prefix_refused") == self.refused
        assert self.store.problem == ""

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
