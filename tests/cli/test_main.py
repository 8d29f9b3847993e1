"""The command itself: help, version, exit codes, and how little a key press loads."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.cli.machine import PROGRAM, Machine
from voiceflow_daemon import __version__
from voiceflow_daemon.cli.main import INTERRUPTED, main, parser

HEAVY = {
    *("numpy", "pydantic", "rich", "asyncio", "sqlite3", "tomlkit", "watchdog", "PIL", "Xlib", "pynput"),
    *("pystray", "jeepney", "sounddevice", "soxr", "av", "ctranslate2", "faster_whisper", "llama_cpp"),
    *("onnxruntime", "huggingface_hub", "jinja2", "httpx", "requests", "ssl", "multiprocessing"),
}


def commands() -> list[str]:
    return sorted({words.split()[0] for words in below(parser())})


def below(command: argparse.ArgumentParser, words: str = "") -> list[str]:
    """Each command and part of a command, such as "models" and "models list"."""
    found = []
    for action in command._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, part in action.choices.items():
                found += [f"{words}{name}", *below(part, f"{words}{name} ")]
    return found


def test_all_commands_are_there() -> None:
    wanted = (
        "run demo press release toggle cancel context status last history transcribe format reload"
        " invalidate models config autostart doctor bench stop"
    )
    assert commands() == sorted(wanted.split())
    assert {"models use", "config check"} <= set(below(parser()))


@pytest.mark.parametrize("command", below(parser()))
def test_the_help_of_each_command_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "example" in shown
    assert f"voiceflow {command}" in shown.split("example", 1)[1]


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"voiceflow {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["press", "harder"],
        ["last", "--copy", "--paste"],
        ["last", "--copy", "--raw"],
        ["last", "--paste", "--raw"],
    ],
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["press", "release", "toggle", "cancel"])
def test_a_key_press_loads_nothing_heavy(own_machine: Machine, command: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "voiceflow_daemon", command],
        env=own_machine.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = ended.stderr.splitlines()
    loaded = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert "voiceflow_daemon.daemon.control_client" in loaded  # the list was really read
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
    said = [line for line in lines if not line.startswith("import time:")]
    assert said == ["voiceflow: The voiceflow daemon is not running.", "  Start it with `voiceflow run`."]
    assert ended.returncode == 3


def test_without_a_desktop_run_says_so_and_what_works(own_machine: Machine) -> None:
    ended = own_machine.run("run")
    said = ended.stderr.decode()
    assert ended.returncode == 9
    assert "voiceflow: There is no desktop here.\n" in said
    assert "`voiceflow demo` works without one." in said


def test_a_key_press_says_nothing_more_without_a_runtime_folder(own_machine: Machine) -> None:
    ended = own_machine.run("press", without=("XDG_RUNTIME_DIR",))
    assert b"Warning" not in ended.stderr


def test_ctrl_c_ends_with_130(own_machine: Machine) -> None:
    reader, writer = os.pipe()
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from voiceflow_daemon.cli.main import main; sys.exit(main(['format', '-']))"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], env=own_machine.environment, stdin=reader, stderr=subprocess.PIPE
    )
    with child:
        os.write(writer, b"never finished")
        while unread(reader):
            time.sleep(0.02)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=60)
    os.close(reader)
    os.close(writer)
    assert child.returncode == INTERRUPTED == 130
    assert b"Traceback" not in said


def unread(pipe: int) -> int:
    """Bytes in the pipe that nobody has read yet."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, struct.pack("i", 0)))
    return int(count)


def test_a_reader_that_has_gone_is_no_error(own_machine: Machine) -> None:
    with subprocess.Popen(
        [*PROGRAM, "config", "show"],
        env=own_machine.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.close()
        assert child.stderr.read() == b""
    assert child.returncode == 0


def test_a_full_disk_is_told_without_a_traceback(own_machine: Machine) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [*PROGRAM, "config", "show"],
            env=own_machine.environment,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert ended.returncode == 1
    first, *rest = ended.stderr.decode().splitlines()
    assert first.startswith("voiceflow: [Errno 28]")
    assert len(rest) == 1  # the hint


def test_a_letter_that_the_terminal_lacks_is_no_error(own_machine: Machine) -> None:
    own_machine.write_config('context = "büro"\n[contexts."büro"]\nprompt = "Kurz."\n')
    ended = subprocess.run(
        [*PROGRAM, "config", "show"],
        env=own_machine.environment | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode in (0, 4), ended.stderr
    assert b"Traceback" not in ended.stderr


def test_the_program_runs_as_a_module(own_machine: Machine, tmp_path: Path) -> None:
    assert own_machine.run("config", "path").stdout.decode().strip().startswith(str(tmp_path))
