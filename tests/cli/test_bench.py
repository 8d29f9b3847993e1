"""`voiceflow bench cache`, with the demo model and one run."""

from __future__ import annotations

import io
import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.machine import Machine
from voiceflow_daemon.bench import stand_in
from voiceflow_daemon.bench.cache import SIDES
from voiceflow_daemon.bench.restart import STAGES
from voiceflow_daemon.cli import measuring
from voiceflow_daemon.cli.main import main, parser
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.storage.paths import user_paths


def test_it_measures_draws_and_leaves_nothing_behind(own_machine: Machine, tmp_path: Path) -> None:
    figures, picture = tmp_path / "figures.json", tmp_path / "picture.svg"
    command = ("bench", "cache", "--model", "demo", "--runs", "1", "--threads", "1")
    ended = own_machine.run(*command, "--json", str(figures), "--plot", str(picture))
    assert ended.returncode == 0, ended.stderr
    made = json.loads(figures.read_text())
    assert made["runs"] == 1
    assert 0.0 <= made["stolen_share"] < 1.0
    assert made["waiting"].endswith(("GOMP_SPINCOUNT=1000", f"GOMP_SPINCOUNT={os.environ['GOMP_SPINCOUNT']}"))
    for key in ("ttft_ms", "ttft_ms_92", "ttft_ms_411"):
        assert set(made[key]) == set(SIDES)
        assert all(ms > 0 for ms in made[key].values())
    assert made["tiers"] == {
        "ours_hot": ["hot"],
        "ours_alternating": ["ram"],
        "ours_ram": ["ram"],
        "ours_disk_restart": ["disk"],
        "ours_after_ttl": ["hot"],
    }
    assert set(made["restart_stages_ms"]) == set(STAGES)
    assert made["bytes_per_context"]["ours"] < made["bytes_per_context"]["ram_cache"]
    assert b"voiceflow, after a restart" in ended.stdout
    ET.fromstring(picture.read_text())
    assert list((own_machine.paths.cache_dir / "bench").iterdir()) == []
    assert not (own_machine.paths.cache_dir / "prefixes").exists()
    assert not own_machine.paths.config_dir.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--shape", "qwen9-100b"],
        ["--runs", "0"],
        ["--runs", "many"],
        ["--shape", "qwen2.5-3b", "--model", "demo"],
    ],
)
def test_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["bench", "cache", *wrong])
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--json", "--plot"])
@pytest.mark.parametrize("file", ["missing/figures.json", "."])
def test_files_that_cannot_be_written_are_told_at_once(
    own_machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, file: str
) -> None:
    assert main(["bench", "cache", "--model", "demo", option, str(tmp_path / file)]) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert not own_machine.paths.cache_dir.exists()


def test_a_model_that_is_not_there(own_machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "cache", "--model", "/nowhere/model.gguf"]) == 6
    assert "/nowhere/model.gguf" in capsys.readouterr().err


def test_the_shapes_are_those_that_can_be_made() -> None:
    assert tuple(stand_in.SHAPES) == measuring.SHAPE_NAMES


def chosen(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[str, Path, bool]:
    """What the command would measure, with stand-ins that are only named."""
    from rich.console import Console

    monkeypatch.setattr(stand_in, "stand_in", lambda shape, _small, folder, _step: folder / shape.name)
    options = parser().parse_args(["bench", "cache", *arguments])
    subject, is_stand_in = measuring.language_subject(options, Console(stderr=True))
    return subject.name, subject.model, is_stand_in


def test_what_is_measured(
    own_machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made_in = user_paths().cache_dir / "bench"
    stand_in_of = "Stand-in of qwen2.5-{}b's shape"
    assert chosen(monkeypatch) == (stand_in_of.format("0.5"), made_in / "qwen2.5-0.5b", True)
    assert "no language model of your own" in capsys.readouterr().err
    own = own_machine.home / "own.gguf"
    own.write_bytes(b"GGUF")
    own_machine.write_config(f'[llm]\nmodel = "{own}"\n')
    assert chosen(monkeypatch) == ("own.gguf", own, False)
    assert chosen(monkeypatch, "--shape", "qwen2.5-3b")[0] == stand_in_of.format("3")
    assert chosen(monkeypatch, "--model", "demo")[1].name == "formatter.gguf"
    assert capsys.readouterr().err == ""


def test_a_disk_without_room(
    own_machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_arguments: object) -> Path:
        raise VoiceflowError("The stand-in model needs 450 MB.", "Make room.")

    monkeypatch.setattr(stand_in, "stand_in", refuse)
    assert main(["bench", "cache"]) == 1
    assert "needs 450 MB.\n  Make room." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("share", "told"), [(0.004, ""), (0.374, "Mind: of the processor time that was wanted, .* 37% to others")]
)
def test_a_busy_host_is_told_of(share: float, told: str) -> None:
    console = Console(file=io.StringIO())
    measuring.tell_stolen(console, share)
    assert isinstance(console.file, io.StringIO)
    assert re.fullmatch(f"{told}[.]?\n?", console.file.getvalue())
