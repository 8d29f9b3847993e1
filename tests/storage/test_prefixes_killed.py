"""The store of evaluated prefixes when its process is killed at any step, and when two share it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.storage.prefix_child import FINISHED, LIMIT_BYTES

KILLS = 1000
AT_ONCE = 4


def _child(mode: str, folder: Path, first: int, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.storage.prefix_child", mode, folder, str(first), str(count)],
        cwd=Path(__file__).parents[2],
        # Each fork would wait for the threads of numpy's library.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )


def _reports(children: list[subprocess.Popen[str]]) -> list[dict[str, int]]:
    said = [child.communicate()[0] for child in children]
    assert [child.returncode for child in children] == [0] * len(children)
    return [json.loads(line) for line in said]


@pytest.mark.timeout(400)
def test_killed_at_every_step_a_thousand_times(tmp_path: Path) -> None:
    """What must hold after each kill is in `prefix_child`; here, that every step had its turn."""
    children = [
        _child("mortals", tmp_path / str(number), 2 * number, KILLS // AT_ONCE) for number in range(AT_ONCE)
    ]
    died = sum(map(Counter, _reports(children)), Counter[str]())
    assert died.total() - died.pop(FINISHED) >= KILLS
    steps = {"open", "flock", "write", "fsync", "rename", "unlink", "utime"}
    expected = {f"{when} {step}" for when in ("before", "after") for step in steps}
    # A folder that is there already is not made, so there is no "after".
    assert set(died) - {"after mkdir"} == expected | {"half of write", "before mkdir"}


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    children = [_child("share", tmp_path, seed, 400) for seed in (1, 2)]
    for report in _reports(children):
        assert report["hits"] > 0
        assert "prefix_refused" not in report
    entries = list(tmp_path.iterdir())
    assert all(path.suffix == ".kv" for path in entries)
    assert sum(path.stat().st_size for path in entries) <= LIMIT_BYTES
