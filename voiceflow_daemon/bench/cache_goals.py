"""What the prompt cache is meant to reach, on 4 cores with a model of half a billion parameters."""

from __future__ import annotations

from collections.abc import Mapping

from voiceflow_daemon.bench.goals import Goal, at_least, at_most


def cache_goals(
    short: Mapping[str, float],
    median: Mapping[str, float],
    disk_read_ms: float,
    memory_ratio: float,
    restore_ms_per_10mb: float | None,
) -> list[Goal]:
    """By the times to the first token with the suffix alone (`short`) and with 92 characters (`median`)."""
    hot = short["no_reuse"] / short["ours_hot"]
    hot_92 = median["no_reuse"] / median["ours_hot"]
    alternating = short["ours_alternating"] / short["ours_hot"]
    ram_cache = short["ram_cache_alternating"] / short["ours_alternating"]
    restart = short["ours_disk_restart"] / (short["ours_hot"] + disk_read_ms)
    found = [
        at_least(25.0, "hot", "hot: times faster than no reuse", hot),
        at_least(5.0, "hot_92", "hot, 92 characters: times faster than no reuse", hot_92),
        at_most(1.10, "alternating", "alternating contexts: times the same context", alternating),
        at_least(3.0, "ram_cache", "alternating contexts: times faster than LlamaRAMCache", ram_cache),
        at_most(0.05, "memory", "bytes per context: share of LlamaRAMCache's", memory_ratio),
        at_most(1.15, "restart", "first after a restart: times hot and reading the file", restart),
    ]
    if restore_ms_per_10mb is not None:
        found.append(at_most(1.5, "restore", "restoring 10 MB of state, ms", restore_ms_per_10mb))
    return found
