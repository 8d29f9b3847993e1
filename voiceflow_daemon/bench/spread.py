"""A median and how far the values lie around it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """Half of the values lie between the quartiles `low` and `high`."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Of one value at least."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(median, low, high)


def medians(times: Mapping[str, Spread]) -> dict[str, float]:
    """Of each."""
    return {name: each.median for name, each in times.items()}


def quartiles(times: Mapping[str, Spread]) -> dict[str, list[float]]:
    """Of each, the lower one first."""
    return {name: [each.low, each.high] for name, each in times.items()}


def rounded(value: Any) -> Any:
    """For JSON: numbers have four places, also in lists and mappings, whose keys become text."""
    if isinstance(value, Mapping):
        return {str(key): rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return round(value, 4) if isinstance(value, float) else value
