"""CTranslate2's model file (`model.bin`, binary version 6), read and written.

version          u32, as all numbers little-endian
specification    a text: u16 bytes with the final 0, then the bytes
revision         u32
variables        u32 count, then each: name (a text), u8 rank, u32 dimensions, u8 kind, u32 bytes, data
aliases          u32 count, then each: alias (a text), name (a text)
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.errors import ModelError

VERSION = 6

_KINDS: dict[int, np.dtype[Any]] = {
    0: np.dtype("<f4"),
    1: np.dtype("i1"),
    2: np.dtype("<i2"),
    3: np.dtype("<i4"),
    4: np.dtype("<f2"),
}
_NUMBERS = {kind: number for number, kind in _KINDS.items()}

Array = NDArray[Any]


@dataclass(frozen=True)
class ModelFile:
    """What stands in the file; `variables` and `aliases` in its order."""

    specification: str
    revision: int
    variables: dict[str, Array]
    aliases: tuple[tuple[str, str], ...]


def read(path: Path) -> ModelFile:
    """Raises `ModelError` for a file of another version or kind, OSError when it cannot be read."""
    source = _Source(path.read_bytes())
    if source.number("I") != VERSION:
        raise ModelError(f"{path} is no CTranslate2 model of version {VERSION}.")
    specification, revision = source.text(), source.number("I")
    variables = dict(source.variable() for _ in range(source.number("I")))
    aliases = tuple((source.text(), source.text()) for _ in range(source.number("I")))
    return ModelFile(specification, revision, variables, aliases)


def write(path: Path, file: ModelFile) -> None:
    """Raises OSError."""
    with path.open("wb") as out:
        out.write(struct.pack("<I", VERSION) + _text(file.specification) + struct.pack("<I", file.revision))
        out.write(struct.pack("<I", len(file.variables)))
        for name, variable in file.variables.items():
            out.write(_text(name) + struct.pack(f"<B{variable.ndim}I", variable.ndim, *variable.shape))
            out.write(struct.pack("<BI", _NUMBERS[variable.dtype], variable.nbytes))
            out.write(np.ascontiguousarray(variable).data)
        out.write(struct.pack("<I", len(file.aliases)))
        out.writelines(_text(text) for alias in file.aliases for text in alias)


class _Source:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def number(self, kind: str) -> int:
        (value,) = struct.unpack("<" + kind, self._take(struct.calcsize("<" + kind)))
        return int(value)

    def text(self) -> str:
        return self._take(self.number("H")).rstrip(b"\0").decode()

    def variable(self) -> tuple[str, Array]:
        name = self.text()
        shape = tuple(self._dimensions(self.number("B")))
        kind = _KINDS[self.number("B")]
        return name, np.frombuffer(self._take(self.number("I")), kind).reshape(shape)

    def _dimensions(self, rank: int) -> Iterator[int]:
        for _ in range(rank):
            yield self.number("I")

    def _take(self, count: int) -> bytes:
        taken = self._content[self._at : self._at + count]
        self._at += count
        return taken


def _text(text: str) -> bytes:
    content = text.encode() + b"\0"
    return struct.pack("<H", len(content)) + content
