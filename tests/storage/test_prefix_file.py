"""The file of an evaluated prefix: what was written comes back, and nothing else passes for it."""

from __future__ import annotations

import hashlib
import struct
from pathlib import PurePath

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voiceflow_daemon.storage.prefix_file import (
    RefusedFileError,
    StoredPrefix,
    decode_header,
    encode_header,
    file_name,
    header_bytes,
    verify,
)

KEY = "voiceflow prefix\nmodel=a model\ntokens=0123\nlength=7"
CREATED_AT = 1_700_000_000.25

any_text = st.text(st.characters(exclude_categories=[]), max_size=60)
any_bytes = st.binary(max_size=200)


def array(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8)


def encoded(key: str, payload: bytes, created_at: float = CREATED_AT) -> bytes:
    return encode_header(key, array(payload), created_at) + payload


def decoded(content: bytes, key: str) -> StoredPrefix:
    start = header_bytes(key)
    return verify(decode_header(content[:start], key, len(content)), array(content[start:]))


def signed(start: bytes, payload: bytes) -> bytes:
    """A file whose digest is right, whatever it says."""
    return start + hashlib.sha256(start + payload).digest() + payload


def start_of(key: bytes, payload_bytes: int, magic: bytes = b"VFPREFIX", version: int = 1) -> bytes:
    return struct.pack("<8sIIQd", magic, version, len(key), payload_bytes, CREATED_AT) + key


def test_the_layout_is_the_one_described() -> None:
    """Files outlive the program: another layout needs another version."""
    assert encoded(KEY, b"payload") == signed(start_of(KEY.encode(), 7), b"payload")


def test_the_name_is_the_keys_digest() -> None:
    assert file_name(KEY) == hashlib.sha256(KEY.encode()).hexdigest() + ".kv"


@given(key=any_text)
def test_any_key_is_a_plain_file_name(key: str) -> None:
    assert PurePath(file_name(key)).name == file_name(key)


@given(one=any_text, other=any_text)
def test_other_keys_have_other_names(one: str, other: str) -> None:
    assume(one != other)
    assert file_name(one) != file_name(other)


@given(key=any_text, payload=any_bytes, created_at=st.floats(0, 1e11))
def test_what_was_written_comes_back(key: str, payload: bytes, created_at: float) -> None:
    stored = decoded(encoded(key, payload, created_at), key)
    assert stored.payload.tobytes() == payload
    assert stored.created_at == created_at


@given(payload=any_bytes, at=st.integers(min_value=0), flip=st.integers(1, 255))
def test_every_byte_counts(payload: bytes, at: int, flip: int) -> None:
    content = bytearray(encoded(KEY, payload))
    content[at % len(content)] ^= flip
    with pytest.raises(RefusedFileError):
        decoded(bytes(content), KEY)


@given(payload=any_bytes, length=st.integers(min_value=0))
def test_a_part_of_a_file_is_refused(payload: bytes, length: int) -> None:
    content = encoded(KEY, payload)
    with pytest.raises(RefusedFileError):
        decoded(content[: length % len(content)], KEY)


@given(payload=any_bytes, more=st.binary(min_size=1, max_size=20))
def test_more_than_a_file_is_refused(payload: bytes, more: bytes) -> None:
    with pytest.raises(RefusedFileError):
        decoded(encoded(KEY, payload) + more, KEY)


@given(one=any_text, other=any_text, payload=any_bytes)
def test_another_keys_file_is_refused(one: str, other: str, payload: bytes) -> None:
    assume(one != other)
    with pytest.raises(RefusedFileError):
        decoded(encoded(one, payload), other)


@pytest.mark.parametrize(
    ("start", "why"),
    [
        (start_of(KEY.encode(), 7, version=2), "version 2"),
        (start_of(KEY.encode(), 7, version=0), "version 0"),
        (start_of(KEY.encode(), 7, magic=b"VFPREFIY"), "no evaluated prompt"),
        (start_of(KEY.encode()[::-1], 7), "another prompt"),
        (start_of(KEY.encode(), 6), "longer or shorter"),
        (start_of(KEY.encode(), 8), "longer or shorter"),
        (start_of(KEY.encode(), 2**64 - 1), "longer or shorter"),
        (start_of(KEY.encode(), 7).replace(b"\x33\0\0\0", b"\x32\0\0\0", 1), "another prompt"),
    ],
)
def test_a_right_digest_does_not_make_up_for_a_wrong_header(start: bytes, why: str) -> None:
    with pytest.raises(RefusedFileError, match=why):
        decoded(signed(start, b"payload"), KEY)


def test_a_payload_of_another_length_is_refused() -> None:
    content = encoded(KEY, b"payload")
    header = decode_header(content[: header_bytes(KEY)], KEY, len(content))
    with pytest.raises(RefusedFileError):
        verify(header, array(b"payloads"))
