"""A folder of the benchmark's own, which is gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ABANDONED_S = 3600.0


@contextmanager
def own_folder(parent: Path) -> Iterator[Path]:
    """A folder that is gone afterwards; what a killed run has left goes as well."""
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in parent.glob("run-*"):
        if time.time() - left.stat().st_mtime > ABANDONED_S:
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=parent) as folder:
        yield Path(folder)
