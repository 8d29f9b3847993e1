"""Writing that lasts."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from voiceflow_daemon.storage import durable


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much each call to the system wrote: at most three bytes, as a disk that is nearly full does."""
    counts: list[int] = []
    write = os.write

    def write_some(fd: int, content: memoryview) -> int:
        counts.append(write(fd, content[:3]))
        return counts[-1]

    monkeypatch.setattr(os, "write", write_some)
    return counts


@pytest.mark.parametrize("content", [b"", b"ab", b"abc", b"abcdefgh", memoryview(b"abcdefgh")])
def test_all_is_written_however_little_at_once(
    tmp_path: Path, written: list[int], content: bytes | memoryview
) -> None:
    with (tmp_path / "file").open("wb") as file:
        durable.write_all(file.fileno(), content)
    assert (tmp_path / "file").read_bytes() == bytes(content)
    assert sum(written) == len(content)


def test_content_is_synced_on_systems_with_one_way_to_sync_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.delattr(os, "fdatasync")
    durable.sync_content(7)
    assert synced == [7]


def test_a_folder_is_synced_where_that_can_be_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []

    def refuse(fd: int) -> None:
        synced.append(os.fstat(fd).st_ino)
        assert stat.S_ISDIR(os.fstat(fd).st_mode)
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse)
    durable.sync_folder(tmp_path)
    assert synced == [tmp_path.stat().st_ino]
    with pytest.raises(FileNotFoundError):
        durable.sync_folder(tmp_path / "nowhere")
