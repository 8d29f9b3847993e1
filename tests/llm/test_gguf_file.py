"""A model's file before llama.cpp sees it."""

import os
from pathlib import Path

import pytest

from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm import gguf_file


@pytest.mark.parametrize("content", [b"", b"GGU", b"PK\x03\x04 a zip"])
def test_what_is_no_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(ModelError, match="is no GGUF file"):
        gguf_file.check(tmp_path / "m.gguf")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.gguf", tmp_path):
        with pytest.raises(ModelError, match="no model file") as caught:
            gguf_file.check(path)
        assert caught.value.hint


@pytest.mark.parametrize("place", [0, 100_000, 3_000_000, 4_999_999])
def test_identity_changes_with_the_content(tmp_path: Path, place: int) -> None:
    path = tmp_path / "m.gguf"
    content = bytearray(5_000_000)
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    before = gguf_file.identity(path)
    assert gguf_file.identity(path) == before
    content[place : place + 400_000] = b"\1" * len(content[place : place + 400_000])
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    assert gguf_file.identity(path) != before


def test_identity_changes_with_size_and_time(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + bytes(100))
    os.utime(path, ns=(1, 1))
    identities = {gguf_file.identity(path)}
    os.utime(path, ns=(2, 2))
    identities.add(gguf_file.identity(path))
    path.write_bytes(b"GGUF" + bytes(101))
    os.utime(path, ns=(1, 1))
    identities.add(gguf_file.identity(path))
    assert len(identities) == 3
