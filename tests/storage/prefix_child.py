"""Processes that use the store of evaluated prefixes and may die at any step of it.

`python -m tests.storage.prefix_child mortals FOLDER TURN KILLS` forks so many that are killed, each a
step later than the one before, and checks the folder after each. `... share FOLDER SEED ROUNDS` uses
the folder as others do at the same time. Both print a line of JSON.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import logging
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage import durable
from voiceflow_daemon.storage.prefix_file import file_name, header_bytes
from voiceflow_daemon.storage.prefixes import PrefixStore

KEYS = 6
PIECE_BYTES = 4096
JOBS = ("write", "write", "mend", "write", "purge", "write", "write", "shrink")
FINISHED = "finished"


def key_of(number: int) -> str:
    return f"voiceflow prefix\nmodel=m\ntokens={number:064d}\nlength={number}"


def payload_of(number: int) -> NDArray[np.uint8]:
    """Three pieces and a bit, other bytes for each number."""
    return np.random.default_rng(number).integers(0, 256, 3 * PIECE_BYTES + number, np.uint8)


def created_at_of(number: int) -> float:
    return 1_700_000_000.0 + number


LIMIT_BYTES = 3 * (header_bytes(key_of(0)) + payload_of(KEYS).size)
"""Half of the entries fit, so nearly each write deletes another."""


class _Mortal:
    """Makes the process die by SIGKILL at one point of its calls to the system."""

    CALLS = ("open", "write", "fsync", "rename", "unlink", "rmdir", "utime", "mkdir")

    def __init__(self, dies_at: int, tell: int) -> None:
        self._left = dies_at
        self._tell = tell
        self._write = os.write
        for name in self.CALLS:
            setattr(os, name, self._around(name, getattr(os, name)))
        fcntl.flock = self._around("flock", fcntl.flock)

    def _around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def mortal(*args: Any, **options: Any) -> Any:
            self._point(f"before {name}")
            if name == "write":
                self._point("half of write", lambda: call(args[0], args[1][: len(args[1]) // 2]))
            result = call(*args, **options)
            self._point(f"after {name}")
            return result

        return mortal

    def _point(self, where: str, last_words: Callable[[], object] = lambda: None) -> None:
        self._left -= 1
        if self._left == 0:
            last_words()
            self._write(self._tell, where.encode())
            os.kill(os.getpid(), signal.SIGKILL)


def _do(job: str, number: int, folder: Path) -> None:
    store = PrefixStore(folder, LIMIT_BYTES, Metrics())
    key = key_of(number)
    match job:
        case "write":
            store.write(key, payload_of(number), created_at_of(number))
        case "mend":
            # A damaged file under the entry's name, then the right one.
            for damaged in folder.glob(file_name(key)):
                damaged.write_bytes(b"damaged")
            store.write(key, payload_of(number), created_at_of(number))
        case "shrink":
            store.set_limit(LIMIT_BYTES // 2)
        case "purge":
            store.purge()
    store.close()


def _fork(job: str, number: int, dies_at: int, folder: Path) -> str:
    """Where the child died ("before write", "half of write", "after write"), or `FINISHED`."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _Mortal(dies_at, tell)
            _do(job, number, folder)
            os._exit(0)
        finally:
            os._exit(1)
    os.close(tell)
    _, status = os.waitpid(child, 0)
    where = os.read(told, 100).decode()
    os.close(told)
    assert os.waitstatus_to_exitcode(status) == (-signal.SIGKILL if where else 0), (job, status, where)
    return where or FINISHED


def _check(folder: Path, damaged: bool) -> set[int]:
    """What must hold wherever the last one died; returns the numbers of the entries that are there."""
    metrics = Metrics()
    store = PrefixStore(folder, LIMIT_BYTES, metrics)
    found = {number: store.read(key_of(number)) for number in range(KEYS)}
    there = {number: stored for number, stored in found.items() if stored is not None}
    for number, stored in there.items():
        assert np.array_equal(stored.payload, payload_of(number))
        assert stored.created_at == created_at_of(number)
    sizes = [path.stat().st_size for path in folder.iterdir()]
    assert len(sizes) == len(there), "no litter"
    assert sum(sizes) <= LIMIT_BYTES
    assert store.problem == ""
    assert damaged or metrics.counter("prefix_refused") == 0, "never anything half under a real name"
    store.close()
    return set(there)


def _mortals(folder: Path, turn: int, kills: int) -> None:
    durable.PIECE_BYTES = PIECE_BYTES
    died: Counter[str] = Counter()
    while died.total() - died[FINISHED] < kills:
        job, number = JOBS[turn % len(JOBS)], turn % KEYS
        for dies_at in itertools.count(1):
            where = _fork(job, number, dies_at, folder)
            died[where] += 1
            there = _check(folder, damaged=job == "mend")
            if where == FINISHED:
                break
        assert number in there or job in {"purge", "shrink"}
        turn += 1
    print(json.dumps(died))


def _share(folder: Path, seed: int, rounds: int) -> None:
    chance, metrics = random.Random(seed), Metrics()
    store = PrefixStore(folder, LIMIT_BYTES, metrics)
    for _ in range(rounds):
        number = chance.randrange(KEYS)
        match chance.choice(("read", "read", "write", "write", "flush", "discard", "reopen", "purge")):
            case "read":
                stored = store.read(key_of(number))
                assert stored is None or np.array_equal(stored.payload, payload_of(number))
                metrics.count("hits", by=stored is not None)
            case "write":
                store.write(key_of(number), payload_of(number), time.time())
            case "flush":
                store.flush()
            case "discard":
                store.discard(key_of(number))
            case "reopen":
                store.close()
                assert store.problem == ""
                store = PrefixStore(folder, LIMIT_BYTES, metrics)
            case "purge" if chance.random() < 0.1:
                store.purge()
    store.close()
    assert store.problem == ""
    print(json.dumps(metrics.counters()))


if __name__ == "__main__":
    logging.disable()
    _, mode, folder_text, first, count = sys.argv
    {"share": _share, "mortals": _mortals}[mode](Path(folder_text), int(first), int(count))
