"""How many threads a model should compute with."""

from __future__ import annotations

import os
from pathlib import Path

CPU_DIR = Path("/sys/devices/system/cpu")


def model_threads(wanted: int, cpu_dir: Path = CPU_DIR) -> int:
    """`wanted` threads, or for 0 one for each physical core that this process may use.

    Two threads on one core share its arithmetic units, so hyper-threads only add overhead to
    matrix products.
    """
    if wanted > 0:
        return wanted
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return max(1, len({_siblings(cpu_dir, cpu) for cpu in allowed}))


def _siblings(cpu_dir: Path, cpu: int) -> str:
    """The list of logical CPUs on the same core as `cpu`; `cpu` alone where the system does not tell."""
    try:
        return (cpu_dir / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)
