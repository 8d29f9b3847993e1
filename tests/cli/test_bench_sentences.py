"""`voiceflow bench sentences`, with the demo models and short utterances."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.machine import Machine
from voiceflow_daemon.bench.subject import DictationSubject
from voiceflow_daemon.cli import bench_sentences
from voiceflow_daemon.cli.main import main, parser


def test_it_compares_and_lists_the_differences(own_machine: Machine, tmp_path: Path) -> None:
    figures, listed = tmp_path / "figures.json", tmp_path / "differences.md"
    ended = own_machine.run(
        *("bench", "sentences", "--demo", "--seconds", "5", "--contexts", "email", "--seeds", "1"),
        *("--json", str(figures), "--differences", str(listed)),
    )
    assert ended.returncode == 0, ended.stderr
    made = json.loads(figures.read_text())
    assert made["models"] == "The demo models"
    assert made["in_all"]["texts"] == 1
    assert list(made["contexts"]) == ["email"]
    assert f"{1 - made['in_all']['equal']} of 1 texts differ." in listed.read_text()
    assert b"texts equal to those written at once" in ended.stdout


@pytest.mark.parametrize("option", ["--json", "--differences"])
def test_a_file_that_cannot_be_written_is_told_at_once(
    own_machine: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    assert main(["bench", "sentences", "--demo", option, str(tmp_path / "missing/file")]) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.usefixtures("own_machine")
def test_a_context_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "sentences", "--demo", "--contexts", "email,poem"]) == 1
    assert "There is no context 'poem'." in capsys.readouterr().err


@pytest.mark.parametrize("option", [("--seconds", "0"), ("--seconds", "5,x"), ("--seeds", "0")])
def test_numbers_that_cannot_be(option: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["bench", "sentences", *option])


# ------------------------------------------------------------------------------ what is measured
def chosen(*arguments: str) -> DictationSubject:
    return bench_sentences._subject(parser().parse_args(["bench", "sentences", *arguments]))


@pytest.mark.usefixtures("own_machine")
def test_the_demo_models_where_none_are_chosen() -> None:
    assert chosen().name == chosen("--demo").name == "The demo models"
    assert chosen().settings.llm.model == "demo"


def test_the_users_own_models(own_machine: Machine) -> None:
    own_machine.write_config('context = "slack"\n[speech]\nmodel = "small.en"\n[llm]\nmodel = "own.gguf"\n')
    assert chosen().name == "small.en and own.gguf"
    demo = chosen("--demo")
    assert (demo.settings.speech.model, demo.settings.llm.model) == ("demo", "demo")
    assert demo.settings.context == "default"
