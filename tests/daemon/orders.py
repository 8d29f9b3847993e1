"""Orders for the worker, without a recording's weight."""

from __future__ import annotations

import itertools

import numpy as np

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.orders import Job

_numbers = itertools.count(1)


def job(context: str = "default", settings: Settings | None = None, sample: int = 9_000) -> Job:
    """A short recording; `sample` is its every value."""
    samples = np.full(1_600, sample, np.int16)
    return Job(next(_numbers), samples, context, settings or Settings())
