"""Which build of llama.cpp computes here, with which CPU and switches: a digest for what is kept on disk.

llama.cpp itself is not loaded for it: a build that crashes must be told apart before it is.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path

KERNEL_PREFIXES = ("GGML_", "LLAMA_", "CUDA_", "OMP_DYNAMIC", "OMP_THREAD_LIMIT")
"""Environment variables that choose kernels, devices or how work is split among threads."""

_CPUINFO = Path("/proc/cpuinfo")


def digest(
    environment: Mapping[str, str] | None = None, cpuinfo: Path = _CPUINFO, libraries: Path | None = None
) -> str:
    """64 hex digits that change with package, libraries, CPU features or kernel variables.

    Without arguments, of this process.
    """
    parts = [
        importlib.metadata.version("llama-cpp-python"),
        _libraries(libraries or library_folder()),
        cpu_features(cpuinfo),
        *kernel_variables(os.environ if environment is None else environment),
    ]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def library_folder() -> Path:
    """Where llama-cpp-python keeps its libraries; the package is found, not imported."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'llama_cpp'", name="llama_cpp")
    return Path(spec.origin).parent / "lib"


@functools.cache
def _libraries(folder: Path) -> str:
    """Digest of the libraries, once a process: they stay loaded, whatever is installed meanwhile.

    A wheel holds each library under three names, as three copies. Of those one is read (8 MB in
    10 ms instead of 24 in 27); the others count by size and time, which no exchange leaves as they were.
    """
    digest = hashlib.sha256()
    read: set[tuple[str, int]] = set()
    for library in sorted(folder.glob("*")):
        stat = library.stat()
        digest.update(f"{library.name}:{stat.st_size}:{stat.st_mtime_ns}\n".encode())
        copy = (library.name.split(".")[0], stat.st_size)
        if copy not in read:
            read.add(copy)
            with library.open("rb", buffering=0) as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def cpu_features(cpuinfo: Path = _CPUINFO) -> str:
    """The CPU's instruction sets by Linux's /proc/cpuinfo; the platform's name elsewhere."""
    if not cpuinfo.is_file():
        return sys.platform
    lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")


def kernel_variables(environment: Mapping[str, str]) -> list[str]:
    """`NAME=value` of each variable that changes what llama.cpp computes, in order."""
    return sorted(f"{name}={environment[name]}" for name in environment if name.startswith(KERNEL_PREFIXES))
