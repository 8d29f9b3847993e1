"""`voiceflow bench release`, with the demo models and one run."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from rich.console import Console

from tests.cli.machine import Machine
from voiceflow_daemon.bench import speech_stand_in, stand_in
from voiceflow_daemon.bench.subject import DictationSubject
from voiceflow_daemon.cli import bench_release
from voiceflow_daemon.cli.main import main, parser
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.storage.paths import user_paths


def test_it_measures_draws_and_leaves_nothing_behind(own_machine: Machine, tmp_path: Path) -> None:
    figures, picture = tmp_path / "figures.json", tmp_path / "picture.svg"
    command = ("bench", "release", "--shape", "demo", "--seconds", "2", "--runs", "1")
    options = ("--context", "email", "--threads", "1")
    ended = own_machine.run(*command, *options, "--json", str(figures), "--plot", str(picture))
    assert ended.returncode == 0, ended.stderr
    made = json.loads(figures.read_text())
    assert set(made["release_ms"]) == {"2"}
    assert {"ours", "sequential", "sequential_tuned"} <= set(made["release_ms"]["2"])
    assert set(made["decode_tokens_per_s"]) == {
        "plain",
        "copy_edit",
        "copy_edit_right_draft",
        "copy_edit_wrong_draft",
    }
    assert {"ours", "sequential"} <= set(made["cpu_s_per_speech_s"])
    assert {"streamed", "one_pass"} <= set(made["word_error_rate"])
    assert set(made["stages_ms"]["2"]["ours"]) >= {
        "grace",
        "tail",
        "queue",
        "transcribe",
        "format",
        "delivery",
    }
    assert made["context"] == "email"
    assert made["texts_by_rules"] == 0
    assert b"release to text, seconds" in ended.stdout
    ET.fromstring(picture.read_text())
    assert list((own_machine.paths.cache_dir / "bench").iterdir()) == []
    assert not (own_machine.paths.cache_dir / "prefixes").exists()
    assert not own_machine.paths.config_dir.exists()
    assert not own_machine.paths.state_dir.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        ["--shape", "whisper-base"],
        ["--shape", "whisper-base+gpt-9"],
        ["--seconds", "0,5"],
        ["--seconds", "5,,2"],
        ["--seconds", "5,3600"],
        ["--runs", "0"],
        ["--threads", "none"],
    ],
)
def test_wrong_usage(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["bench", "release", *wrong])
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_lengths_come_once_and_in_order() -> None:
    assert parser().parse_args(["bench", "release", "--seconds", "60,5,60"]).seconds == (5, 60)
    assert parser().parse_args(["bench", "release"]).seconds == (2, 5, 15, 60, 180)


def test_long_utterances_are_spoken_less_often() -> None:
    assert [bench_release._default_runs(seconds) for seconds in (2, 15, 16, 60, 180)] == [5, 5, 3, 3, 2]


@pytest.mark.usefixtures("own_machine")
@pytest.mark.parametrize("option", ["--json", "--plot"])
def test_files_that_cannot_be_written_are_told_at_once(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "release", "--shape", "demo", option, str(tmp_path / "missing" / "file")]) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.usefixtures("own_machine")
def test_a_context_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "release", "--shape", "demo", "--context", "poem"]) == 1
    assert "There is no context 'poem'.\n  There are: default, email, slack, code." in capsys.readouterr().err


def test_a_model_that_is_not_there(own_machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    own_machine.write_config('[speech]\nmodel = "/nowhere/speech"\n[llm]\nmodel = "/nowhere/llm.gguf"\n')
    assert main(["bench", "release", "--seconds", "2", "--runs", "1"]) == 6
    assert "/nowhere" in capsys.readouterr().err


# ------------------------------------------------------------------------------ what is measured
def chosen(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> DictationSubject:
    """What the command would measure, with stand-ins that are only named."""
    monkeypatch.setattr(stand_in, "stand_in", lambda shape, _small, folder, _step: folder / shape.name)
    monkeypatch.setattr(speech_stand_in, "speech_stand_in", lambda shape, _small, folder: folder / shape.name)
    options = parser().parse_args(["bench", "release", *arguments])
    return bench_release._subject(options, Console(stderr=True))


@pytest.mark.usefixtures("own_machine")
def test_stand_ins_where_there_are_no_models_of_the_users_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = chosen(monkeypatch)
    made_in = user_paths().cache_dir / "bench"
    assert subject.settings.speech.model == str(made_in / "whisper-base")
    assert subject.settings.llm.model == str(made_in / "qwen2.5-0.5b")
    assert subject.is_stand_in
    assert "no models of your own" in capsys.readouterr().err


@pytest.mark.usefixtures("own_machine")
def test_shapes_and_the_demo_models_by_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    subject = chosen(monkeypatch, "--shape", "whisper-small+qwen2.5-1.5b", "--threads", "3")
    assert subject.name == "Stand-ins of whisper-small's and qwen2.5-1.5b's shapes"
    assert Path(subject.settings.speech.model).name == "whisper-small"
    assert (subject.settings.speech.threads, subject.settings.llm.threads) == (3, 3)
    demo = chosen(monkeypatch, "--shape", "demo", "--context", "code")
    assert (demo.settings.speech.model, demo.settings.llm.model) == ("demo", "demo")
    assert demo.settings.context == "code"
    assert demo.is_stand_in
    assert capsys.readouterr().err == ""


def test_the_users_own_models(own_machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    own_machine.write_config(
        'context = "slack"\n[speech]\nmodel = "small.en"\n[llm]\nmodel = "own.gguf"\n[audio]\ntail_ms = 80\n'
    )
    subject = chosen(monkeypatch)
    assert subject.name == "small.en and own.gguf"
    assert (subject.settings.context, subject.settings.audio.tail_ms) == ("slack", 80)
    assert not subject.is_stand_in


def test_the_shapes_are_those_that_can_be_made() -> None:
    assert tuple(speech_stand_in.SPEECH_SHAPES) == bench_release.SPEECH_SHAPE_NAMES


@pytest.mark.usefixtures("own_machine")
def test_a_disk_without_room(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(*_arguments: object) -> Path:
        raise VoiceflowError("The stand-in model needs 450 MB.", "Make room.")

    monkeypatch.setattr(speech_stand_in, "speech_stand_in", lambda *_: Path("speech"))
    monkeypatch.setattr(stand_in, "stand_in", refuse)
    assert main(["bench", "release", "--shape", "whisper-base+qwen2.5-0.5b"]) == 1
    assert "needs 450 MB.\n  Make room." in capsys.readouterr().err
