"""A hundred thousand wrong files: none is believed, none stays."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.storage.prefix_mutations import MUTATIONS

FILES = 100_000
AT_ONCE = 4


@pytest.mark.timeout(600)
def test_every_wrong_file_is_refused_deleted_and_made_again(tmp_path: Path) -> None:
    """What must hold for each is in `prefix_mutations`; here, that every kind had its turn."""
    children = []
    for seed in range(AT_ONCE):
        folder = tmp_path / str(seed)
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
