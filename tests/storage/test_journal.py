"""The journal: what was spoken is on the disk, and is found again whatever happened."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import random
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from voiceflow_daemon.storage.file_lock import lock
from voiceflow_daemon.storage.journal import DAMAGED, SUFFIX, Journal, Orphan, read_header

RATE_HZ = 16_000
KILLS = 50
PROMISED_SAMPLES = RATE_HZ // 4
"""250 ms."""

any_folder = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def samples(count: int, first: int = 0) -> NDArray[np.int16]:
    return (np.arange(first, first + count) % 30_000).astype(np.int16)


def write(folder: Path, context: str = "email", count: int = 1600) -> Path:
    """A recording whose writer is gone."""
    entry = Journal(folder).begin(context, RATE_HZ)
    entry.append(samples(count))
    entry.release()
    return entry.path


def found(folder: Path) -> list[Orphan]:
    return Journal(folder).orphans()


def release_all(orphans: list[Orphan]) -> None:
    for orphan in orphans:
        orphan.release()


class TestWriting:
    def test_only_the_user_may_read_it(self, tmp_path: Path) -> None:
        before = os.umask(0)
        try:
            entry = Journal(tmp_path / "state/journal").begin("email", RATE_HZ)
        finally:
            os.umask(before)
        assert stat.S_IMODE(entry.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(entry.path.parent.stat().st_mode) == 0o700
        entry.discard()

    def test_each_block_is_in_the_file_at_once(self, tmp_path: Path) -> None:
        entry = Journal(tmp_path).begin("email", RATE_HZ)
        header = entry.path.stat().st_size
        for number in range(1, 4):
            entry.append(samples(320))
            assert entry.path.stat().st_size == header + number * 640
        entry.discard()

    def test_it_is_synced_within_the_promise(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [100.0]
        synced: list[float] = []
        monkeypatch.setattr("voiceflow_daemon.storage.journal.time.monotonic", lambda: now[0])
        monkeypatch.setattr(os, "fdatasync", lambda fd: synced.append(now[0]))
        entry = Journal(tmp_path).begin("email", RATE_HZ)
        for _ in range(100):
            now[0] += 0.02
            entry.append(samples(320))
        entry.discard()
        gaps = np.diff([100.0, *synced])
        assert gaps.max() <= 0.25
        assert len(synced) <= 10

    def test_a_slow_disk_does_not_hold_up_the_recording(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [100.0]
        synced: list[float] = []

        def half_a_second(fd: int) -> None:
            synced.append(now[0])
            now[0] += 0.5

        monkeypatch.setattr("voiceflow_daemon.storage.journal.time.monotonic", lambda: now[0])
        monkeypatch.setattr(os, "fdatasync", half_a_second)
        entry = Journal(tmp_path).begin("email", RATE_HZ)
        while now[0] < 120:
            now[0] += 0.02
            entry.append(samples(320))
        entry.discard()
        assert len(synced) <= 9

    def test_two_journals_never_take_the_same_name(self, tmp_path: Path) -> None:
        entries = [Journal(tmp_path).begin("email", RATE_HZ) for _ in range(50)]
        assert len({entry.path for entry in entries}) == 50
        for entry in entries:
            entry.discard()
        assert list(tmp_path.iterdir()) == []

    def test_one_that_was_taken_for_an_orphan_before_its_lock_is_begun_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal, looks = Journal(tmp_path), 0

        def late(fd: int) -> None:
            nonlocal looks
            looks += 1
            if looks <= 2:
                assert journal.orphans() == []
            lock(fd)

        monkeypatch.setattr("voiceflow_daemon.storage.journal.lock", late)
        entry = journal.begin("email", RATE_HZ)
        entry.append(samples(320))
        assert (looks, list(tmp_path.iterdir())) == (3, [entry.path])
        entry.discard()

    def test_a_file_that_is_always_deleted_is_an_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal = Journal(tmp_path)
        monkeypatch.setattr("voiceflow_daemon.storage.journal.lock", lambda _: journal.orphans())
        with pytest.raises(FileNotFoundError):
            journal.begin("email", RATE_HZ)

    def test_discard_deletes_even_if_the_file_is_gone(self, tmp_path: Path) -> None:
        entry = Journal(tmp_path).begin("email", RATE_HZ)
        entry.path.unlink()
        entry.discard()
        entry.discard()

    def test_a_full_disk_is_an_error_and_what_was_written_stays(self, tmp_path: Path) -> None:
        entry = Journal(tmp_path).begin("email", RATE_HZ)
        entry.append(samples(1600))
        with file_size_limit(entry.path.stat().st_size + 1001), pytest.raises(OSError) as refused:  # noqa: PT011
            entry.append(samples(1600))
        assert refused.value.errno == errno.EFBIG
        entry.release()
        (orphan,) = found(tmp_path)
        assert np.array_equal(orphan.read()[:1600], samples(1600))
        orphan.discard()

    def test_a_full_disk_at_the_begin_is_an_error(self, tmp_path: Path) -> None:
        with file_size_limit(10), pytest.raises(OSError):  # noqa: PT011
            Journal(tmp_path).begin("email", RATE_HZ)
        assert found(tmp_path) == []

    def test_a_folder_that_is_a_file_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "journal").write_text("")
        with pytest.raises(OSError):  # noqa: PT011
            Journal(tmp_path / "journal").begin("email", RATE_HZ)
        assert found(tmp_path / "journal") == []

    def test_a_deleted_file_is_noticed_at_the_next_sync(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("voiceflow_daemon.storage.journal.SYNC_INTERVAL_S", 0.0)
        entry = Journal(tmp_path).begin("email", RATE_HZ)
        entry.path.unlink()
        with pytest.raises(FileNotFoundError):
            entry.append(samples(320))
        entry.release()


class TestFinding:
    def test_a_recording_whose_text_was_begun_says_so(self, tmp_path: Path) -> None:
        entry = Journal(tmp_path).begin("email", RATE_HZ)
        entry.append(samples(100))
        entry.mark_begun()
        entry.append(samples(100, 100))
        assert found(tmp_path) == []
        entry.release()
        write(tmp_path)
        begun, other = found(tmp_path)
        assert (begun.is_begun, other.is_begun) == (True, False)
        assert list(begun.read()) == list(samples(200))
        begun.discard()
        other.discard()
        assert list(tmp_path.iterdir()) == []

    def test_a_recording_that_is_gone_cannot_be_marked(self, tmp_path: Path) -> None:
        entry = Journal(tmp_path).begin("email", RATE_HZ)
        entry.path.unlink()
        with pytest.raises(FileNotFoundError):
            entry.mark_begun()
        entry.discard()

    def test_what_a_dead_daemon_left(self, tmp_path: Path) -> None:
        write(tmp_path, "email", 1600)
        write(tmp_path, "slack", 3200)
        orphans = found(tmp_path)
        assert [orphan.header.context for orphan in orphans] == ["email", "slack"]
        assert [orphan.duration_s for orphan in orphans] == [0.1, 0.2]
        assert np.array_equal(orphans[1].read(), samples(3200))
        release_all(orphans)

    def test_a_living_writers_recording_is_no_orphan(self, tmp_path: Path) -> None:
        entry = Journal(tmp_path).begin("email", RATE_HZ)
        entry.append(samples(320))
        assert found(tmp_path) == []
        assert entry.path.exists()
        entry.release()
        release_all(found(tmp_path))

    def test_an_orphan_is_found_by_one_only(self, tmp_path: Path) -> None:
        path = write(tmp_path)
        mine = found(tmp_path)
        assert found(tmp_path) == []
        mine[0].release()
        theirs = found(tmp_path)
        theirs[0].discard()
        assert not path.exists()

    def test_no_folder_no_orphans(self, tmp_path: Path) -> None:
        assert found(tmp_path / "journal") == []
        assert not (tmp_path / "journal").exists()

    def test_a_recording_without_a_sample_is_deleted(self, tmp_path: Path) -> None:
        Journal(tmp_path).begin("email", RATE_HZ).release()
        assert found(tmp_path) == []
        assert list(tmp_path.iterdir()) == []

    @any_folder
    @given(cut=st.integers(0, 400))
    def test_a_file_cut_anywhere_gives_what_is_there(
        self, tmp_path_factory: pytest.TempPathFactory, cut: int
    ) -> None:
        folder = tmp_path_factory.mktemp("cut")
        path = write(folder, count=100)
        whole = path.read_bytes()
        header = whole.index(b"\n") + 1
        path.write_bytes(whole[:cut])
        orphans = found(folder)
        expected = max(0, min(cut, len(whole)) - header) // 2
        assert [len(orphan.read()) for orphan in orphans] == ([expected] if expected else [])
        for orphan in orphans:
            assert np.array_equal(orphan.read(), samples(expected))
        release_all(orphans)
        assert Journal(folder).damaged() == []

    @any_folder
    @given(content=st.binary(max_size=300))
    def test_garbage_is_moved_aside_whole(
        self, tmp_path_factory: pytest.TempPathFactory, content: bytes
    ) -> None:
        folder = tmp_path_factory.mktemp("garbage")
        (folder / f"x{SUFFIX}").write_bytes(content)
        good = write(folder)
        orphans = found(folder)
        assert [orphan.path for orphan in orphans] == [good]
        release_all(orphans)
        damaged = Journal(folder).damaged()
        begun = b'{"recording_id": "'
        if content == begun[: len(content)]:
            assert damaged == []
        else:
            assert [path.read_bytes() for path in damaged] == [content]

    @pytest.mark.parametrize(
        "change",
        [
            {"version": 2},
            {"version": None},
            {"recording_id": 5},
            {"context": None},
            {"sample_rate_hz": 0},
            {"sample_rate_hz": 16000.5},
            {"sample_rate_hz": True},
            {"started_at": float("nan")},
            {"started_at": "now"},
            {"extra": 1},
        ],
    )
    def test_a_header_of_another_making_is_refused(self, tmp_path: Path, change: dict[str, object]) -> None:
        path = write(tmp_path)
        line, _, sound = path.read_bytes().partition(b"\n")
        read_header(line)
        path.write_bytes(json.dumps({**json.loads(line), **change}).encode() + b"\n" + sound)
        assert found(tmp_path) == []
        (damaged,) = Journal(tmp_path).damaged()
        assert damaged.name == f"{path.name}{DAMAGED}"

    @given(st.binary(max_size=200) | st.just(b"[" * 4000) | st.just(b'{"version": 1}'))
    def test_reading_a_header_fails_in_one_way_only(self, line: bytes) -> None:
        with pytest.raises(ValueError):  # noqa: PT011
            read_header(line)

    def test_what_is_no_file_is_moved_aside(self, tmp_path: Path) -> None:
        secret = tmp_path / "elsewhere"
        secret.write_text("untouched")
        folder = tmp_path / "journal"
        folder.mkdir()
        (folder / f"folder{SUFFIX}").mkdir()
        (folder / f"link{SUFFIX}").symlink_to(secret)
        os.mkfifo(folder / f"pipe{SUFFIX}")
        with (folder / f"huge{SUFFIX}").open("wb") as huge:
            huge.truncate(1 << 40)
        assert found(folder) == []
        assert len(Journal(folder).damaged()) == 4
        assert secret.read_text() == "untouched"

    @pytest.mark.parametrize("call", ["open", "pread"])
    @pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM, errno.EIO])
    def test_what_cannot_be_read_just_now_is_left_where_it_is(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
    ) -> None:
        path = write(tmp_path)

        def fail(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as failing:
            failing.setattr(os, call, fail)
            assert found(tmp_path) == []
        assert Journal(tmp_path).damaged() == []
        (orphan,) = found(tmp_path)
        assert orphan.path == path
        orphan.release()

    def test_a_name_that_is_taken_is_not_overwritten(self, tmp_path: Path) -> None:
        for content in (b"first", b"second", b"third"):
            (tmp_path / f"x{SUFFIX}").write_bytes(content)
            assert found(tmp_path) == []
        kept = {path.read_bytes() for path in Journal(tmp_path).damaged()}
        assert kept == {b"first", b"second", b"third"}

    def test_many_finders_share_without_doubles(self, tmp_path: Path) -> None:
        for _ in range(20):
            write(tmp_path)
        taken: list[Orphan] = []
        finders = [threading.Thread(target=lambda: taken.extend(found(tmp_path))) for _ in range(4)]
        for finder in finders:
            finder.start()
        for finder in finders:
            finder.join()
        assert len({orphan.path for orphan in taken}) == len(taken) == 20
        release_all(taken)


RECORD_UNTIL_KILLED = """
import os, sys
import numpy as np
from pathlib import Path
from tests.fakes.audio_source import FakeSource
from voiceflow_daemon.audio.recorder import Recorder
from voiceflow_daemon.config.schema import AudioSettings
from voiceflow_daemon.storage.journal import Journal

def record():
    class Reporting:
        appended = 0
        def __init__(self, entry):
            self.entry = entry
        def append(self, samples):
            self.entry.append(samples)
            self.appended += len(samples)
            os.write(1, b"%d\\n" % self.appended)
    source = FakeSource()
    recorder = Recorder(source, print)
    recorder.start()
    journal = Journal(Path(sys.argv[1]))
    recorder.begin(1, AudioSettings(), lambda: Reporting(journal.begin("email", 16000)))
    while not source.streams:
        pass
    sent = 0
    while True:
        values = (np.arange(sent, sent + 320) % 30000).astype(np.float32)
        source.streams[0].send((values / 32767)[:, None])
        sent += 320
        os.read(0, 1)

orders, answers = map(int, sys.argv[2:])
for _ in iter(lambda: os.read(orders, 1), b""):
    child = os.fork()
    if child == 0:
        record()
    os.write(answers, b"%d\\n" % child)
    os.waitpid(child, 0)
    os.write(answers, b"dead\\n")
"""


class TestKilled:
    def test_fifty_times_killed_and_nothing_said_is_lost(self, tmp_path: Path) -> None:
        """Killed at a random moment, the journal holds all that was appended, sample by sample."""
        chance = random.Random(20)
        with _nursery(tmp_path) as nursery:
            for _ in range(KILLS):
                reported = nursery.record_and_kill(blocks=chance.randrange(1, 60), chance=chance)
                orphans = found(tmp_path)
                kept = orphans[0].read() if orphans else samples(0)
                assert len(kept) >= reported
                assert len(kept) <= reported + PROMISED_SAMPLES + 320
                assert np.array_equal(kept, samples(len(kept)))
                for orphan in orphans:
                    orphan.discard()
        assert list(tmp_path.iterdir()) == []


class _Nursery:
    """A process that forks recording children, so that each costs milliseconds."""

    def __init__(self, process: subprocess.Popen[bytes], orders: int, answers: int) -> None:
        self._process = process
        self._orders = orders
        self._answers = os.fdopen(answers, "rb")
        assert process.stdin is not None
        assert process.stdout is not None
        self._pace, self._reports = process.stdin, process.stdout.fileno()
        os.set_blocking(self._reports, False)

    def record_and_kill(self, blocks: int, chance: random.Random) -> int:
        """Let a child send so many blocks, kill it meanwhile; returns the samples it reported as appended."""
        os.write(self._orders, b"!")
        child = int(self._answers.readline())
        self._pace.write(b"." * blocks)
        self._pace.flush()
        threading.Event().wait(chance.random() * 0.03)
        os.kill(child, signal.SIGKILL)
        assert self._answers.readline() == b"dead\n"
        # What the child did not take of its pace must not drive the next one.
        self._drain_pace()
        return max((int(line) for line in self._read_reports().split(b"\n")[:-1]), default=0)

    def _drain_pace(self) -> None:
        fd = os.open(f"/proc/{self._process.pid}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
        try:
            while os.read(fd, 4096):
                pass
        except BlockingIOError:
            pass
        finally:
            os.close(fd)

    def _read_reports(self) -> bytes:
        parts = []
        try:
            while part := os.read(self._reports, 65_536):
                parts.append(part)
        except BlockingIOError:
            pass
        return b"".join(parts)

    def close(self) -> None:
        os.close(self._orders)
        self._answers.close()


@contextmanager
def _nursery(folder: Path) -> Iterator[_Nursery]:
    order_end, orders = os.pipe()
    answers, answer_end = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", RECORD_UNTIL_KILLED, folder, str(order_end), str(answer_end)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(order_end, answer_end),
    )
    os.close(order_end)
    os.close(answer_end)
    with process:
        nursery = _Nursery(process, orders, answers)
        try:
            yield nursery
        finally:
            nursery.close()


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """The nearest thing to a full disk: writes beyond `size` bytes fail."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_the_lock_is_the_kernels(tmp_path: Path) -> None:
    entry = Journal(tmp_path).begin("email", RATE_HZ)
    with entry.path.open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    entry.discard()
