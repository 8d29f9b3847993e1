"""How much of a virtual machine's processors its host gave to others while something was measured."""

from __future__ import annotations

from pathlib import Path

_STAT = Path("/proc/stat")
_COUNTED = 8
"""Of a `cpu` line's fields after its name, the last that counts: guests' time is in `user` already."""


def processor_times(stat: Path = _STAT) -> tuple[int, int]:
    """Ticks since the start of all processors together: stolen ones, and all but idle ones.

    Both are 0 where the system does not tell them. The fields are those of `man 5 proc_stat`.
    """
    try:
        line = stat.read_text(encoding="ascii").partition("\n")[0]
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, line.split()[1 : _COUNTED + 1])
    except (OSError, ValueError):
        return 0, 0
    return steal, user + nice + system + irq + softirq + steal


def stolen_share(before: tuple[int, int], after: tuple[int, int]) -> float:
    """Of the time that the processors were wanted, the part that they were not there."""
    wanted = after[1] - before[1]
    return (after[0] - before[0]) / wanted if wanted > 0 else 0.0
