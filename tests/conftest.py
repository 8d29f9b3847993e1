"""What holds for every test: a thread that outlives its test is a defect."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# As the command does at its start: OpenMP's threads must not spin where other tests want the cores.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

# A busy machine makes any example slow; time says nothing about whether the code is right.
settings.register_profile("calm", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("calm")

LIMIT_S = 2.0
"""How long a thread that was told to end may take."""


@pytest.fixture(autouse=True)
def no_leaked_thread() -> Iterator[None]:
    """Fail the test when a thread that it started still lives after it."""
    before = set(threading.enumerate())
    yield
    limit = time.monotonic() + LIMIT_S
    leaked = _alive(before)
    while leaked and time.monotonic() < limit:
        leaked[0].join(0.02)
        leaked = _alive(before)
    assert not leaked, f"threads left behind: {[thread.name for thread in leaked]}"


def _alive(before: set[threading.Thread]) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread not in before and thread.is_alive()]
