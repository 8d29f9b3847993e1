"""A machine of its own for each test of a command."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machine import DESKTOP, Machine


@pytest.fixture
def own_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """Its variables hold in this process, too, so that `main` can be called here."""
    machine = Machine(tmp_path)
    for name in DESKTOP:
        monkeypatch.delenv(name, raising=False)
    for name, value in machine.variables.items():
        monkeypatch.setenv(name, value)
    yield machine
    shutil.rmtree(machine.runtime)
