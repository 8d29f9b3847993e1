"""How many threads pay: one for each physical core that this process may use, but for tiny models."""

from __future__ import annotations

import os
import re
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")


TINY_MODEL_BYTES = 64_000_000
"""A smaller model's layers are done sooner than threads can meet: with the demo formatter (3 MB) on 4
cores beside two other processes a sentence took 45 ms by one thread and 200 to 500 ms by four."""


def default_threads(model_bytes: int) -> int:
    """Threads for a model file of that size."""
    return 1 if model_bytes < TINY_MODEL_BYTES else usable_cores()


def threads_with_room(threads: int, cores: int) -> int:
    """How many of a model's threads compute while the user speaks, and uses the desktop: a quarter of the
    machine's cores, one at least, is left to it.

    Measured with a 0.5B model on 4 busy cores: with all four, a program that wakes every 5 ms was late by
    9 ms (the 99th percentile; 6 without us), with three by 7, and a sentence took 3% longer. Linux's batch
    class instead made such programs wait for 1.5 ms each time.
    """
    return max(1, min(threads, cores - max(1, cores // 4)))


def physical_cores(cpuinfo: str, allowed: frozenset[int]) -> int:
    """Physical cores among the logical CPUs `allowed`, by the text of Linux's /proc/cpuinfo.

    Hyper-threads of one core share its arithmetic units: a second thread there only makes the
    others wait. Where the text does not tell cores apart (ARM, other systems), each counts as one.
    """
    cores: set[tuple[str, str]] = set()
    for block in cpuinfo.split("\n\n"):
        fields = dict(re.findall(r"^([^\t:]+?)\s*:\s*(.*)$", block, re.MULTILINE))
        logical = fields.get("processor", "")
        if logical.isdigit() and int(logical) in allowed:
            cores.add((fields.get("physical id", "0"), fields.get("core id", f"logical {logical}")))
    return len(cores) or max(1, len(allowed))


def usable_cores() -> int:
    """Physical cores that this process may run on."""
    count = os.cpu_count() or 1
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(count)
    cpuinfo = _CPUINFO.read_text(encoding="utf-8", errors="replace") if _CPUINFO.is_file() else ""
    return physical_cores(cpuinfo, frozenset(allowed))
