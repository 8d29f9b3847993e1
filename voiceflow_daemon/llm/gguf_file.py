"""A model's file before llama.cpp sees it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from voiceflow_daemon.errors import ModelError

_MAGIC = b"GGUF"
_HEAD_BYTES = 1 << 20
_SAMPLES, _SAMPLE_BYTES = 16, 1 << 16


def check(path: Path) -> None:
    """Raise `ModelError` for what is plainly no model; llama.cpp's own messages do not reach the user."""
    if not path.is_file():
        raise ModelError(f"There is no model file {path}.", "See `voiceflow models list`.")
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}.", "Check its rights.") from error
    if magic != _MAGIC:
        raise ModelError(f"{path} is no GGUF file.", "Choose a model in GGUF form.")


def identity(path: Path) -> str:
    """Digest of place, size, time, the first MiB (metadata, vocabulary) and samples of the rest.

    Hashing gigabytes at each start would cost seconds; a file that was exchanged differs in these.
    """
    stat = path.stat()
    digest = hashlib.sha256(f"{path.resolve()}:{stat.st_size}:{stat.st_mtime_ns}".encode())
    with path.open("rb") as file:
        digest.update(file.read(_HEAD_BYTES))
        for sample in range(1, _SAMPLES + 1):
            file.seek(max(0, stat.st_size * sample // _SAMPLES - _SAMPLE_BYTES))
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()
