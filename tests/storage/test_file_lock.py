"""Locks on files, as each system has them."""

from __future__ import annotations

import errno
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from voiceflow_daemon.storage import file_lock

HOLD = """
import os, sys
from voiceflow_daemon.storage.file_lock import lock
lock(os.open(sys.argv[1], os.O_RDWR))
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_bytes(b"content")
    return made


@pytest.fixture
def fd(path: Path) -> Iterator[int]:
    opened = os.open(path, os.O_RDWR)
    yield opened
    os.close(opened)


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has the lock."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_lock_is_its_holders_alone_until_that_dies(holder: subprocess.Popen[str], fd: int) -> None:
    with pytest.raises(BlockingIOError):
        file_lock.try_lock(fd)
    holder.kill()
    file_lock.lock(fd)
    file_lock.try_lock(fd)


def test_closing_gives_it_back(path: Path, fd: int) -> None:
    other = os.open(path, os.O_RDWR)
    file_lock.lock(other)
    with pytest.raises(BlockingIOError):
        file_lock.try_lock(fd)
    os.close(other)
    file_lock.try_lock(fd)


IMPORT_ON_WINDOWS = """
import os, sys, types
import numpy, platformdirs
sys.platform = "win32"
sys.modules["fcntl"] = None
sys.modules["msvcrt"] = types.ModuleType("msvcrt")
for name in "O_NOFOLLOW O_NONBLOCK O_CLOEXEC O_DIRECTORY fdatasync pread preadv getuid".split():
    delattr(os, name)
import voiceflow_daemon.storage.download
import voiceflow_daemon.storage.history
import voiceflow_daemon.storage.journal
import voiceflow_daemon.storage.prefixes
import voiceflow_daemon.daemon.lock
"""


def test_no_room_of_files_needs_unix_to_be_imported() -> None:
    subprocess.run([sys.executable, "-c", IMPORT_ON_WINDOWS], cwd=Path(__file__).parents[2], check=True)


class FakeWindows:
    """`msvcrt` with a lock that others hold for some calls; `places` are the bytes that were asked for."""

    LK_NBLCK = 2

    def __init__(self, held_for: int) -> None:
        self.places: list[int] = []
        self._held_for = held_for

    def locking(self, fd: int, mode: int, count: int) -> None:
        assert (mode, count) == (self.LK_NBLCK, 1)
        self.places.append(os.lseek(fd, 0, os.SEEK_CUR))
        if len(self.places) <= self._held_for:
            raise PermissionError(errno.EACCES, "Permission denied")


def on_windows(monkeypatch: pytest.MonkeyPatch, windows: FakeWindows) -> ModuleType:
    """The module as it is there."""
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setattr(sys, "platform", "win32")
    spec = importlib.util.spec_from_file_location("file_lock_on_windows", file_lock.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "time", SimpleNamespace(sleep=lambda _s: time.sleep(0)))
    return module


def test_windows_locks_a_byte_behind_the_content_and_leaves_the_position(
    monkeypatch: pytest.MonkeyPatch, fd: int
) -> None:
    windows = FakeWindows(held_for=1)
    module = on_windows(monkeypatch, windows)
    os.lseek(fd, 3, os.SEEK_SET)
    with pytest.raises(BlockingIOError):
        module.try_lock(fd)
    assert os.lseek(fd, 0, os.SEEK_CUR) == 3
    module.try_lock(fd)
    assert os.lseek(fd, 0, os.SEEK_CUR) == 3
    assert min(windows.places) > 1 << 30
    assert os.fstat(fd).st_size == len(b"content")


def test_waiting_on_windows_is_asking_again(monkeypatch: pytest.MonkeyPatch, fd: int) -> None:
    windows = FakeWindows(held_for=3)
    on_windows(monkeypatch, windows).lock(fd)
    assert len(windows.places) == 4
