"""The commands that ask the daemon, against a real control socket with answers of our own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest

from tests.cli.machine import Machine
from voiceflow_daemon.cli.control import _age
from voiceflow_daemon.cli.main import main
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.board import Board
from voiceflow_daemon.daemon.control import ControlServer
from voiceflow_daemon.daemon.control_protocol import Reply, Request
from voiceflow_daemon.daemon.session import Session
from voiceflow_daemon.desktop import select
from voiceflow_daemon.llm.kv_cache import PromptEntry
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.history import History, HistoryRow

ROW = HistoryRow("email", "mousepad", "um hello", "Hello.", "model", "pasted", 412.0, 1.5)


class Daemon:
    """Gives each request the reply that the test set."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.reply = Reply(ok=True)

    def answers(self, **data: Any) -> None:
        self.reply = Reply(ok=True, data=data)

    def answer(self, request: Request) -> Future[Reply]:
        self.asked.append(request)
        given: Future[Reply] = Future()
        given.set_result(self.reply)
        return given


@pytest.fixture
def daemon(own_machine: Machine) -> Iterator[Daemon]:
    running = Daemon()
    server = ControlServer(own_machine.paths.socket_file, running.answer)
    server.start()
    yield running
    server.stop()


@pytest.mark.parametrize("command", ["press", "release", "toggle", "cancel", "reload", "invalidate", "stop"])
def test_simple_commands_ask_and_say_nothing(
    daemon: Daemon, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert main([command]) == 0
    assert daemon.asked == [Request(command)]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("code", [1, 4, 10])
def test_the_daemons_refusal_becomes_the_commands(
    daemon: Daemon, capsys: pytest.CaptureFixture[str], code: int
) -> None:
    daemon.reply = Reply(ok=False, message="It is bad.", hint="Mend it.", exit_code=code)
    assert main(["reload"]) == code
    assert capsys.readouterr() == ("", "voiceflow: It is bad.\n  Mend it.\n")


def test_a_context_is_chosen(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers(context="email", contexts=["default", "email"])
    assert main(["context", "email"]) == 0
    assert daemon.asked == [Request("context", "email")]
    assert capsys.readouterr().out == "email\n"


def test_the_contexts_are_listed(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers(context="email", contexts=["default", "email"])
    assert main(["context"]) == 0
    assert capsys.readouterr().out == "  default\n* email\n"


def status() -> dict[str, Any]:
    """A daemon's own, with something of everything."""
    metrics = Metrics()
    metrics.count("prompt_cache_hits")
    metrics.observe_ms("format_ms", 12.0)
    board = Board(
        contexts=("default", "email", "notes"),
        problems={"hotkey": "It belongs to another program."},
        waiting_recordings=2,
        release_to_text_ms=812.4,
        stages_ms={"transcribe": 500.0, "format": 300.0},
    )
    prompts = (
        PromptEntry("email", "disk", 372, 4_575_600, 3 * 86_400.0, 0),
        PromptEntry("default", "hot", 1372, 16_875_600, 5.4, 12),
    )
    return board.status(Session(), Settings(), metrics, prompts, "the disk is full")


def test_the_status_for_people(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers(**status())
    assert main(["status"]) == 0
    shown = capsys.readouterr().out
    for part in ("ctrl_r (hold)", "speech    none", "hotkey: It belongs", "2 recording(s)", "812 ms after"):
        assert part in shown
    assert "transcribe 500" in shown
    assert "prompt_cache_hits            1" in shown
    assert "median 12.0" in shown
    assert "prompts are not kept on disk: the disk is full" in shown


def test_the_status_has_a_table_of_prompts(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers(**status())
    assert main(["status"]) == 0
    lines = capsys.readouterr().out.splitlines()
    heading = next(number for number, line in enumerate(lines) if line.startswith("prompt "))
    assert [line.split() for line in lines[heading : heading + 4]] == [
        ["prompt", "tier", "tokens", "size", "age", "hits"],
        ["default", "hot", "1372", "16.9", "MB", "5", "s", "12"],
        ["email", "disk", "372", "4.6", "MB", "3", "days", "0"],
        ["notes", "none", "0", "0.0", "MB", "-", "0"],
    ]
    ends = {len(line) for line in lines[heading : heading + 4]}
    assert len(ends) == 1


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "-"), (0.0, "0 s"), (119.0, "119 s"), (120.0, "2 min"), (7200.0, "2 h"), (172_800.0, "2 days")],
)
def test_an_age_is_short(seconds: float | None, shown: str) -> None:
    assert _age(seconds) == shown


def test_the_status_for_programs(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    daemon.answers(**status())
    assert main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == status()


@pytest.mark.parametrize(
    ("options", "argument", "printed"),
    [
        ([], "", "Hello.\n"),
        (["--raw"], "", "um hello\n"),
        (["--copy"], "copy", ""),
        (["--paste"], "paste", ""),
    ],
)
def test_the_last_text(
    daemon: Daemon, capsys: pytest.CaptureFixture[str], options: list[str], argument: str, printed: str
) -> None:
    daemon.answers(text="Hello.", raw="um hello", context="default", recovered=False)
    assert main(["last", *options]) == 0
    assert daemon.asked == [Request("last", argument)]
    assert capsys.readouterr() == (printed, "")


@pytest.mark.parametrize(
    ("options", "printed"), [([], "Hello.\n"), (["--raw"], "um hello\n"), (["--copy"], ""), (["--paste"], "")]
)
def test_a_recovered_text_is_told_apart(
    daemon: Daemon, capsys: pytest.CaptureFixture[str], options: list[str], printed: str
) -> None:
    daemon.answers(text="Hello.", raw="um hello", context="default", recovered=True)
    assert main(["last", *options]) == 0
    shown = capsys.readouterr()
    assert shown.out == printed
    assert "recovered" in shown.err


def test_without_a_daemon_the_history_knows_the_last_text(
    own_machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(own_machine.paths.history_file)
    history.add(replace(ROW, text="Older.", when=1.0))
    history.add(ROW)
    assert main(["last"]) == 0
    assert main(["last", "--raw"]) == 0
    assert capsys.readouterr().out == "Hello.\num hello\n"


class Clipboard:
    def __init__(self) -> None:
        self.texts: list[str] = []

    def copy(self, text: str) -> None:
        self.texts.append(text)


def test_without_a_daemon_the_last_text_can_be_copied(
    own_machine: Machine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clipboard = Clipboard()
    monkeypatch.setattr(select, "open_clipboard", lambda: clipboard)
    History(own_machine.paths.history_file).add(ROW)
    assert main(["last", "--copy"]) == 0
    assert clipboard.texts == ["Hello."]
    assert capsys.readouterr().out == ""


def test_only_a_daemon_can_paste(own_machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    History(own_machine.paths.history_file).add(ROW)
    assert main(["last", "--paste"]) == 3
    assert "voiceflow run" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["last"], ["last", "--copy"], ["status"], ["context"], ["stop"]])
def test_without_a_daemon_and_a_history_the_code_is_3(
    own_machine: Machine, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 3
    assert "voiceflow run" in capsys.readouterr().err
    assert not own_machine.paths.history_file.exists()
