"""A hundred thousand wrong files: none is believed, none stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.prefix_mutations import MUTATIONS

FILES = 100_000
AT_ONCE = 4
IN_MEMORY = Path("/dev/shm")


@pytest.fixture
def quick_folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where the system has that, which halves the time."""
    fit = IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK)
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if fit else tmp_path) as folder:
        yield Path(folder)


@pytest.mark.timeout(600)
def test_every_wrong_file_is_refused_deleted_and_made_again(quick_folder: Path) -> None:
    """What must hold for each is in `prefix_mutations`; here, that every kind had its turn."""
    children = []
    for seed in range(AT_ONCE):
        folder = quick_folder / str(seed)
        folder.mkdir()
        program = [sys.executable, "-m", "tests.storage.prefix_mutations", str(folder), str(seed)]
        children.append(
            subprocess.Popen(
                [*program, str(FILES // AT_ONCE)],
                cwd=Path(__file__).parents[2],
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    said = [child.communicate()[0] for child in children]
    assert [child.returncode for child in children] == [0] * AT_ONCE
    made = sum((Counter(json.loads(line)) for line in said), Counter[str]())
    assert made.total() >= FILES
    assert min(made[mutation.__name__] for mutation in MUTATIONS) > FILES // len(MUTATIONS) // 2
