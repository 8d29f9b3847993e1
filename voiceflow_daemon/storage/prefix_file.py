"""The format of a file with one evaluated prefix; pure, from bytes to bytes.

    magic          8 bytes
    version        4 bytes, as all numbers little-endian
    key length     4 bytes
    payload length 8 bytes
    created at     8 bytes, a float: seconds since the epoch
    key            UTF-8
    digest         32 bytes: SHA-256 of all of the above and the payload
    payload        the model's own bytes

The name is made of the key, the key stands in the file in full, and nothing of the payload is handed
out before all of it has been checked: native code believes these bytes.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SUFFIX = ".kv"
MAGIC = b"VFPREFIX"
VERSION = 1

_START = struct.Struct("<8sIIQd")
_DIGEST_BYTES = hashlib.sha256().digest_size


class RefusedFileError(Exception):
    """A file is not what its name says; the message says why."""


@dataclass(frozen=True)
class StoredPrefix:
    """A verified entry: `payload` has shape (bytes,), `created_at` is seconds since the epoch."""

    payload: NDArray[np.uint8]
    created_at: float


@dataclass(frozen=True)
class PrefixHeader:
    """What stands before the payload: `signed` is the part that the digest covers."""

    payload_bytes: int
    created_at: float
    signed: bytes
    digest: bytes


def file_name(key: str) -> str:
    """The name of the file for a key."""
    return hashlib.sha256(_encoded(key)).hexdigest() + SUFFIX


def header_bytes(key: str) -> int:
    """How many bytes stand before the payload."""
    return _START.size + len(_encoded(key)) + _DIGEST_BYTES


def encode_header(key: str, payload: NDArray[np.uint8], created_at: float) -> bytes:
    """All that stands before the payload."""
    text = _encoded(key)
    signed = _START.pack(MAGIC, VERSION, len(text), payload.size, created_at) + text
    return signed + _digest(signed, payload)


def decode_header(header: bytes, key: str, file_bytes: int) -> PrefixHeader:
    """Check a file's first `header_bytes(key)` bytes; `file_bytes` is how long the file is.

    Raises `RefusedFileError`. After it, `payload_bytes` is what the file really holds.
    """
    if len(header) != header_bytes(key):
        raise RefusedFileError("it ends within its header")
    magic, version, key_bytes, payload_bytes, created_at = _START.unpack_from(header)
    if magic != MAGIC:
        raise RefusedFileError("it is no evaluated prompt")
    if version != VERSION:
        raise RefusedFileError(f"it has version {version}, not {VERSION}")
    signed = header[:-_DIGEST_BYTES]
    if key_bytes != len(_encoded(key)) or signed[_START.size :] != _encoded(key):
        raise RefusedFileError("it belongs to another prompt or model")
    if file_bytes != len(header) + payload_bytes:
        raise RefusedFileError("it is longer or shorter than it says")
    return PrefixHeader(payload_bytes, created_at, signed, header[-_DIGEST_BYTES:])


def verify(header: PrefixHeader, payload: NDArray[np.uint8]) -> StoredPrefix:
    """Check the digest; raises `RefusedFileError`."""
    if payload.size != header.payload_bytes or _digest(header.signed, payload) != header.digest:
        raise RefusedFileError("its content was changed")
    return StoredPrefix(payload, header.created_at)


def _encoded(key: str) -> bytes:
    # Any text can be a key, half an emoji too.
    return key.encode("utf-8", "surrogatepass")


def _digest(signed: bytes, payload: NDArray[np.uint8]) -> bytes:
    digest = hashlib.sha256(signed)
    digest.update(payload.data)
    return digest.digest()
