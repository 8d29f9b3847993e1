"""`voiceflow transcribe` and `voiceflow format`, with the demo models and real sound files."""

from __future__ import annotations

import io
import json
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from tests.cli.machine import DEMO, Machine
from voiceflow_daemon.cli.main import main
from voiceflow_daemon.cli.transcribe import TEXT_LIMIT_BYTES
from voiceflow_daemon.storage.paths import assets_dir

RECORDINGS = assets_dir() / "demo" / "recordings"
NOTE = RECORDINGS / "note_short.wav"
HEARD, WRITTEN = "remember to call my sister tonight", "Remember to call my sister tonight."

Said = pytest.CaptureFixture[str]


@pytest.fixture
def demo_machine(own_machine: Machine) -> Machine:
    own_machine.write_config(DEMO)
    return own_machine


def encode(target: Path, codec: str, rate: int) -> None:
    """`NOTE` in another format, by PyAV."""
    with wave.open(str(NOTE)) as source:
        samples = np.frombuffer(source.readframes(source.getnframes()), "<i2").reshape(1, -1)
        own_rate = source.getframerate()
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate = own_rate
    with av.open(str(target), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.AudioStream)
        stream.layout = "mono"
        resampler = av.AudioResampler(stream.format, "mono", rate, stream.frame_size or None)
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [("a.flac", "flac", 44_100), ("b c.ogg", "libopus", 48_000), ("d.mp3", "mp3", 44_100)],
)
def test_any_format_is_heard(demo_machine: Machine, tmp_path: Path, name: str, codec: str, rate: int) -> None:
    encode(tmp_path / name, codec, rate)
    ended = demo_machine.run("transcribe", str(tmp_path / name), "--raw")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{HEARD}\n".encode(), b"")


def test_programs_get_both_texts_and_the_times(demo_machine: Machine) -> None:
    ended = demo_machine.run("transcribe", str(RECORDINGS / "code_define.wav"), "--context", "code", "--json")
    answer = json.loads(ended.stdout)
    assert answer["raw"] == "define a function called parse config that returns a list"
    assert answer["text"] == "Define a function called `parse_config` that returns a list."
    assert answer["written_by"] == "model"
    assert set(answer["stages_ms"]) == {"transcribe", "format"}


def test_the_text_alone_is_printed(demo_machine: Machine) -> None:
    ended = demo_machine.run("transcribe", str(NOTE))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{WRITTEN}\n".encode(), b"")


def test_silence_is_no_text(demo_machine: Machine, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "silence.wav"), "wb") as silence:
        silence.setnchannels(1)
        silence.setsampwidth(2)
        silence.setframerate(16_000)
        silence.writeframes(bytes(32_000))
    ended = demo_machine.run("transcribe", str(tmp_path / "silence.wav"), "--raw")
    assert (ended.returncode, ended.stdout) == (0, b"\n")


@pytest.mark.parametrize("command", [["transcribe", str(NOTE)], ["format", "hello"]])
def test_an_unknown_context_names_those_there_are(
    demo_machine: Machine, capsys: Said, command: list[str]
) -> None:
    assert main([*command, "--context", "emial"]) == 1
    said = capsys.readouterr().err
    assert "'emial'" in said
    assert "default, email, slack, code" in said


def test_without_a_speech_model_the_code_is_6(own_machine: Machine, capsys: Said) -> None:
    assert main(["transcribe", str(NOTE)]) == 6
    assert "voiceflow models download" in capsys.readouterr().err


def test_a_model_that_is_not_here_says_how_to_get_it(own_machine: Machine, capsys: Said) -> None:
    own_machine.write_config('[speech]\nmodel = "demo"\n[llm]\nmodel = "qwen2.5-0.5b-instruct"\n')
    assert main(["format", "hello"]) == 6
    assert "models download qwen2.5-0.5b-instruct" in capsys.readouterr().err


def test_a_bad_config_ends_with_4(own_machine: Machine, capsys: Said) -> None:
    own_machine.write_config('contxt = "email"\n')
    assert main(["format", "hello"]) == 4
    assert "contxt" in capsys.readouterr().err


@pytest.mark.parametrize(
    "make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_text("no sound")]
)
def test_what_is_no_sound_file_ends_with_1(
    demo_machine: Machine, tmp_path: Path, capsys: Said, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "x.wav")
    assert main(["transcribe", str(tmp_path / "x.wav")]) == 1
    message, hint = capsys.readouterr().err.splitlines()
    assert "x.wav" in message
    assert hint.strip()


# --- format


def test_a_text_is_formatted_by_the_model(demo_machine: Machine) -> None:
    ended = demo_machine.run("format", HEARD)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{WRITTEN}\n".encode(), b"")


def stdin_of(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.mark.parametrize("arguments", [["-"], []])
def test_a_text_is_read_from_stdin_and_formatted_by_rules_without_a_model(
    own_machine: Machine, capsys: Said, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    stdin_of("um café at three thirty pm\n".encode(), monkeypatch)
    assert main(["format", *arguments]) == 0
    assert capsys.readouterr().out == "Café at 3:30 PM.\n"


@pytest.mark.parametrize("content", [b"", b" \n"])
def test_no_text_is_no_text(
    own_machine: Machine, capsys: Said, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    stdin_of(content, monkeypatch)
    assert main(["format", "-"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("content", "part"),
    [(b"a " * (TEXT_LIMIT_BYTES // 2) + b"b", "1 MiB"), (b"caf\xe9", "UTF-8")],
)
def test_what_is_no_text_is_refused(
    own_machine: Machine, capsys: Said, monkeypatch: pytest.MonkeyPatch, content: bytes, part: str
) -> None:
    stdin_of(content, monkeypatch)
    assert main(["format", "-"]) == 1
    said = capsys.readouterr().err
    assert part in said
    assert "Traceback" not in said
