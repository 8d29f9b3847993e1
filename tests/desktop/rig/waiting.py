"""Waiting for a condition, with a limit and a name."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.01


def until(awaited: str, condition: Callable[[], T], limit_s: float = 10.0) -> T:
    """Return the first truthy value of `condition`.

    Raises:
        TimeoutError: naming what was `awaited` and the last value seen.
    """
    deadline = time.monotonic() + limit_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {limit_s:g} s for {awaited}; last seen: {value!r}")
        time.sleep(POLL_S)
    return value
