"""What the prompt cache is meant to reach, on 4 cores with a model of half a billion parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """A ratio of this run, and its limit; `at_least` tells on which side of it the ratio should be."""

    name: str
    says: str
    value: float
    limit: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Whether the ratio keeps to the limit."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def goals(
    short: Mapping[str, float],
    median: Mapping[str, float],
    disk_read_ms: float,
    memory_ratio: float,
    restore_ms_per_10mb: float | None,
) -> list[Goal]:
    """By the times to the first token with the suffix alone (`short`) and with 92 characters (`median`)."""
    restart = short["ours_disk_restart"] / (short["ours_hot"] + disk_read_ms)
    found = [
        Goal("hot", "hot: times faster than no reuse", short["no_reuse"] / short["ours_hot"], 25.0, True),
        Goal(
            "hot_92",
            "hot, 92 characters: times faster than no reuse",
            median["no_reuse"] / median["ours_hot"],
            5.0,
            True,
        ),
        Goal(
            "alternating",
            "alternating contexts: times the same context",
            short["ours_alternating"] / short["ours_hot"],
            1.10,
            False,
        ),
        Goal(
            "ram_cache",
            "alternating contexts: times faster than LlamaRAMCache",
            short["ram_cache_alternating"] / short["ours_alternating"],
            3.0,
            True,
        ),
        Goal("memory", "bytes per context: share of LlamaRAMCache's", memory_ratio, 0.05, False),
        Goal("restart", "first after a restart: times hot and reading the file", restart, 1.15, False),
    ]
    if restore_ms_per_10mb is not None:
        found.append(Goal("restore", "restoring 10 MB of state, ms", restore_ms_per_10mb, 1.5, False))
    return found
