"""`voiceflow history`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.cli.machine import Machine
from voiceflow_daemon.cli.main import main
from voiceflow_daemon.storage.history import History, HistoryRow

ROW = HistoryRow("email", "mousepad", "um hello", "Hello.", "model", "pasted", 412.0, 1.5)


@pytest.fixture
def history(own_machine: Machine) -> History:
    kept = History(own_machine.paths.history_file)
    for number in range(12):
        kept.add(replace(ROW, text=f"Text {number}.", when=1e9 + number))
    return kept


def test_the_newest_texts_are_shown_newest_last(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "-n", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("Text")] == ["Text 10.", "Text 11."]
    assert lines[0].endswith("· email · mousepad · pasted")
    assert main(["history"]) == 0
    assert capsys.readouterr().out.count("Text ") == 10


def test_programs_get_everything(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "--json", "-n", "1"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["text"], row["raw"], row["release_to_text_ms"]) == ("Text 11.", "um hello", 412.0)


def test_all_is_forgotten(history: History, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "--clear"]) == 0
    assert capsys.readouterr().out.startswith("12 texts deleted")
    assert history.recent(1) == []
    assert main(["history"]) == 0
    assert capsys.readouterr().out == "The history is empty.\n"


def test_no_history_is_made_by_looking(own_machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history"]) == main(["history", "--clear"]) == main(["history", "--json"]) == 0
    assert capsys.readouterr().out == "The history is empty.\nThe history is empty.\n[]\n"
    assert not own_machine.paths.history_file.exists()


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_count_that_is_none_is_refused(count: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["history", "-n", count])
    assert ended.value.code == 2
