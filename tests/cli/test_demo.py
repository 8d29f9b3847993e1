"""`voiceflow demo`, as it runs where there is nothing: no desktop, no config, no network."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.machine import Machine
from voiceflow_daemon.cli import demo
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.formatting import Rung
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.storage.paths import assets_dir

RECORDINGS = assets_dir() / "demo" / "recordings"


def test_it_runs_with_nothing_but_the_package(own_machine: Machine) -> None:
    """And leaves the daemon's prepared prompts as they are."""
    prepared = own_machine.home / "cache/voiceflow/prefixes/prepared.kv"
    prepared.parent.mkdir(parents=True)
    prepared.touch()
    ended = own_machine.run("demo", "--json", without=("XDG_RUNTIME_DIR",))
    assert ended.returncode == 0, ended.stderr
    shown = json.loads(ended.stdout)
    assert [one["context"] for one in shown] == ["default", "email", "slack", "code"]
    index = tomllib.loads((RECORDINGS / "index.toml").read_text())
    heard = {entry["file"]: entry["heard"] for entry in index["recording"]}
    for one in shown:
        assert one["heard"] == heard[one["recording"]]
        assert one["written_by"] == "model"
        assert set(one["first_ms"]) == set(one["second_ms"]) == {"transcribe", "format"}
    assert shown[0]["written"] == "Remember to call my sister tonight."
    assert shown[3]["written"] == "Define a function called `parse_config` that returns a list."
    assert not (own_machine.home / "config").exists()
    assert list(prepared.parent.iterdir()) == [prepared]


def shown_in(columns: int) -> str:
    sample = demo.Sample(RECORDINGS / "email_meeting.wav", "email", 11.93)
    words = "dear david could we meet on tuesday"
    first = Dictated(
        words, "Dear David,\n\nCould we [bold] meet?", Rung.MODEL, {"transcribe": 259.4, "format": 559}
    )
    second = Dictated(words, first.text, Rung.MODEL, {"transcribe": 256, "format": 356})
    console = Console(file=io.StringIO(), width=columns)
    demo._print(console, [demo.Shown(sample, first, second)])
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("columns", [80, 120])
def test_the_table_fits_and_says_everything(columns: int) -> None:
    shown = shown_in(columns)
    folder = str(RECORDINGS)
    assert max(len(line) for line in shown.splitlines() if folder not in line) <= columns
    for part in ("email", "11.9 s", "dear david", "Dear David,", "[bold]", "know only the sample voice"):
        assert part in shown
    for row in ("hear 259 256", "write 559 356", "both 818 612"):
        assert any(line.split()[-3:] == row.split() for line in shown.splitlines())
    for command in ("voiceflow models download", "voiceflow run"):
        assert command in shown


def test_every_sample_is_listed_and_there() -> None:
    found = demo.samples(RECORDINGS)
    assert {sample.path.name for sample in found} == {path.name for path in RECORDINGS.glob("*.wav")}
    assert all(sample.seconds > 1 for sample in found)


def test_missing_recordings_are_told(tmp_path: Path) -> None:
    with pytest.raises(VoiceflowError, match="missing"):
        demo._chosen(tmp_path, everything=True)
