"""Everything that can be wrong with a file of an evaluated prefix, made at random.

`python -m tests.storage.prefix_mutations FOLDER SEED COUNT` puts so many wrong files into a store and
checks that each is refused and deleted, and that the right one can be stored and read again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import random
import struct
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.prefix_file import encode_header, file_name, header_bytes
from voiceflow_daemon.storage.prefixes import PrefixStore

KEYS = tuple(
    f"voiceflow prefix\nmodel={model}\ntokens={prompt}\nlength=9" for model in "ab" for prompt in "xy"
)
PAYLOADS = {key: np.frombuffer(hashlib.sha512(key.encode()).digest() * 2, np.uint8) for key in KEYS}
GOOD = {key: encode_header(key, PAYLOADS[key], 1.5) + PAYLOADS[key].tobytes() for key in KEYS}
LIMIT_BYTES = 1 << 20

Mutation = Callable[[Path, str, random.Random], None]


def put(path: Path, content: bytes | bytearray, mode: int = 0o600) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(fd, content)
    os.fchmod(fd, mode)
    os.close(fd)


def flipped_bit(path: Path, key: str, chance: random.Random) -> None:
    content = bytearray(GOOD[key])
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    put(path, content)


def flipped_byte(path: Path, key: str, chance: random.Random) -> None:
    content = bytearray(GOOD[key])
    content[chance.randrange(len(content))] ^= chance.randint(1, 255)
    put(path, content)


def flipped_in_the_header(path: Path, key: str, chance: random.Random) -> None:
    content = bytearray(GOOD[key])
    content[chance.randrange(header_bytes(key))] ^= chance.randint(1, 255)
    put(path, content)


def truncated(path: Path, key: str, chance: random.Random) -> None:
    put(path, GOOD[key][: chance.randrange(1, len(GOOD[key]))])


def empty(path: Path, key: str, chance: random.Random) -> None:
    put(path, b"")


def extended(path: Path, key: str, chance: random.Random) -> None:
    put(path, GOOD[key] + chance.randbytes(chance.randint(1, 64)))


def with_a_hole(path: Path, key: str, chance: random.Random) -> None:
    """As after a loss of power: the length is right, the content never came."""
    put(path, GOOD[key][: chance.randrange(len(GOOD[key]))])
    os.truncate(path, len(GOOD[key]))


def vast(path: Path, key: str, chance: random.Random) -> None:
    """Consistent in itself, and far larger than anything that should be read into memory."""
    size = 1 << chance.randint(21, 42)
    put(path, GOOD[key][:16] + struct.pack("<Q", size) + GOOD[key][24 : header_bytes(key)])
    os.truncate(path, header_bytes(key) + size)


def swapped(path: Path, key: str, chance: random.Random) -> None:
    put(path, GOOD[chance.choice([other for other in KEYS if other != key])])


def of_another_version(path: Path, key: str, chance: random.Random) -> None:
    """Whole and with a right digest."""
    head = GOOD[key][: header_bytes(key) - 32]
    head = head[:8] + struct.pack("<I", chance.randint(2, 1 << 31)) + head[12:]
    payload = PAYLOADS[key].tobytes()
    put(path, head + hashlib.sha256(head + payload).digest() + payload)


def with_other_permissions(path: Path, key: str, chance: random.Random) -> None:
    put(path, GOOD[key], chance.choice([mode for mode in range(0o1000) if mode != 0o600]))


def symlink(path: Path, key: str, chance: random.Random) -> None:
    """To a good file, to itself, to nowhere, to a folder."""
    beside = path.parent.parent
    path.symlink_to(chance.choice([beside / file_name(key), path, beside / "nowhere", beside]))


def directory(path: Path, key: str, chance: random.Random) -> None:
    path.mkdir()
    if chance.random() < 0.5:
        (path / "link").symlink_to(path.parent.parent)
        put(path / path.name, GOOD[key])


def pipe(path: Path, key: str, chance: random.Random) -> None:
    os.mkfifo(path, 0o600)


MUTATIONS: tuple[Mutation, ...] = (
    *(flipped_bit, flipped_byte, flipped_in_the_header, truncated, empty, extended, with_a_hole, vast),
    *(swapped, of_another_version, with_other_permissions, symlink, directory, pipe),
)


def check(folder: Path, seed: int, count: int) -> Counter[str]:
    """Make `count` wrong files, one for each key at a time; returns how many of each kind."""
    for key in KEYS:
        put(folder / file_name(key), GOOD[key])
    chance, metrics, made = random.Random(seed), Metrics(), Counter[str]()
    store = PrefixStore(folder / "prefixes", LIMIT_BYTES, metrics)
    for _ in range(0, count, len(KEYS)):
        for key in KEYS:
            path = folder / "prefixes" / file_name(key)
            path.unlink(missing_ok=True)
            mutation = chance.choice(MUTATIONS)
            mutation(path, key, chance)
            made[mutation.__name__] += 1
            assert store.read(key) is None, mutation
            assert not os.path.lexists(path), mutation
        for key in KEYS:
            store.write(key, PAYLOADS[key], 1.5)
        store.flush()
        for key in KEYS:
            stored = store.read(key)
            assert stored is not None
            assert np.array_equal(stored.payload, PAYLOADS[key])
    store.close()
    assert store.problem == ""
    assert metrics.counter("prefix_refused") == made.total()
    # Whatever the links led to is as it was.
    assert {path.name for path in folder.iterdir()} == {"prefixes", *map(file_name, KEYS)}
    assert all((folder / file_name(key)).read_bytes() == GOOD[key] for key in KEYS)
    return made


if __name__ == "__main__":
    logging.disable()
    # No power is lost here, and a hundred thousand syncs wear the disk of whoever runs the tests.
    os.fsync = lambda fd: None
    _, folder_text, seed_text, count_text = sys.argv
    print(json.dumps(check(Path(folder_text), int(seed_text), int(count_text))))
