"""`voiceflow bench decode`, with the demo model and one run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.machine import Machine
from voiceflow_daemon.bench.decode import SIDES
from voiceflow_daemon.bench.decode_table import TITLES
from voiceflow_daemon.cli.main import main


def test_it_measures_every_kind_of_draft(own_machine: Machine, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    command = ("bench", "decode", "--model", "demo", "--runs", "1", "--threads", "1")
    ended = own_machine.run(*command, "--json", str(figures))
    assert ended.returncode == 0, ended.stderr
    made = json.loads(figures.read_text())
    assert made["model"] == "formatter.gguf"
    assert set(made["decode_tokens_per_s"]) == set(SIDES) == set(TITLES)
    assert all(speed > 0 for speed in made["decode_tokens_per_s"].values())
    assert all(tokens >= 1 for tokens in made["tokens_per_step"].values())
    for title in TITLES.values():
        assert title.encode() in ended.stdout


def test_a_file_that_cannot_be_written_is_told_at_once(
    own_machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "decode", "--model", "demo", "--json", str(tmp_path / "missing/figures.json")]) == 1
    assert "cannot be written" in capsys.readouterr().err
