"""`voiceflow models`, as a user runs it: own processes, a hub on the loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.hub_server import HubServer

BASE = "Systran/faster-whisper-base.en"
WEIGHTS = os.urandom(24_000_000)
WHISPER = {"config.json": b"{}", "model.bin": WEIGHTS, "tokenizer.json": b"{}", "vocabulary.txt": b"a\n"}
QWEN = {
    size: (f"Qwen/Qwen2.5-{size.upper()}-Instruct-GGUF", f"qwen2.5-{size}-instruct-q4_k_m.gguf")
    for size in ("0.5b", "1.5b", "3b")
}
RUN = """
import argparse, os, sys
from voiceflow_daemon.cli import models
from voiceflow_daemon.errors import VoiceflowError
parser = argparse.ArgumentParser()
models.register(parser.add_subparsers())
options = parser.parse_args(["models", *sys.argv[1:]])
try:
    code = options.func(options)
except VoiceflowError as error:
    print(f"{error.message}\\n{error.hint}", file=sys.stderr)
    code = error.exit_code
heavy = {"ctranslate2", "faster_whisper", "llama_cpp", "onnxruntime", "numpy", "huggingface_hub", "av"}
print("heavy:", sorted(heavy & set(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


class Machine:
    """A user's home, and the command."""

    def __init__(self, home: Path, hub: HubServer) -> None:
        self.config = home / "config" / "voiceflow" / "config.toml"
        self.models_dir = home / "data" / "voiceflow" / "models"
        self._environment = {
            **os.environ,
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_RUNTIME_DIR": str(home / "run"),
            "HF_HOME": str(home / "hf"),
            "HF_ENDPOINT": hub.url,
            "NO_PROXY": "127.0.0.1",
        }
        (home / "run").mkdir()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", RUN, *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        with self.start(*arguments) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def settings(self) -> dict[str, dict[str, str]]:
        return tomllib.loads(self.config.read_text())

    def write_config(self, text: str) -> None:
        self.config.parent.mkdir(parents=True)
        self.config.write_text(text)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    repositories = {repository: {file: b"GGUF"} for repository, file in QWEN.values()}
    qwen3 = {"unsloth/Qwen3-4B-Instruct-2507-GGUF": {"Qwen3-4B-Instruct-2507-Q4_K_M.gguf": b"GGUF"}}
    small = {name: {**WHISPER, "model.bin": b"x"} for name in ("Systran/faster-whisper-small.en",)}
    with HubServer({BASE: WHISPER, **repositories, **qwen3, **small}) as server:
        yield server


@pytest.fixture
def machine(tmp_path: Path, hub: HubServer) -> Machine:
    return Machine(tmp_path, hub)


def line_with(text: str, word: str) -> str:
    return next(line for line in text.splitlines() if word in line)


def test_the_list_is_light_and_shows_what_each_model_needs(machine: Machine) -> None:
    code, out, err = machine.run("list")
    assert code == 0
    assert "heavy: []" in err
    assert "2.1 GB" in line_with(out, "qwen2.5-3b-instruct")
    assert "Qwen Research" in line_with(out, "qwen2.5-3b-instruct")
    assert line_with(out, " small.en").split()[:2] == ["small.en", "speech"]
    assert str(machine.models_dir) in out


def test_models_without_a_command_lists(machine: Machine) -> None:
    assert machine.run()[1] == machine.run("list")[1]


def test_a_download_is_listed_chosen_and_then_in_use(machine: Machine) -> None:
    code, out, _ = machine.run("download", "base.en", "qwen2.5-0.5b-instruct")
    assert code == 0
    assert "base.en is complete" in out
    assert "voiceflow models use base.en" in out
    assert line_with(machine.run("list")[1], "base.en").startswith("here")

    assert machine.run("use", "base.en")[0] == 0
    assert machine.settings()["speech"]["model"] == "base.en"
    assert line_with(machine.run("list")[1], "base.en").startswith("in use")
    assert "is here already" in machine.run("download", "base.en")[1]


def test_without_a_name_the_pair_that_fits_is_fetched_explained_and_chosen(machine: Machine) -> None:
    code, out, _ = machine.run("download")
    assert code == 0
    assert "GB of memory" in out
    chosen = machine.settings()
    assert chosen["speech"]["model"] in {"base.en", "small.en"}
    assert chosen["llm"]["model"].startswith("qwen")


def test_a_choice_that_was_made_is_kept(machine: Machine) -> None:
    machine.write_config('# mine\n[speech]\nmodel = "demo" # for now\n')
    code, out, _ = machine.run("download")
    assert code == 0
    assert "The config keeps demo" in out
    assert '[speech]\nmodel = "demo" # for now\n' in machine.config.read_text()
    assert machine.config.read_text().startswith("# mine\n")


def await_arrived(models_dir: Path, size_bytes: int) -> None:
    limit = time.monotonic() + 60
    while not any(file.stat().st_size >= size_bytes for file in models_dir.glob("*.partial/*")):
        assert time.monotonic() < limit
        time.sleep(0.02)


def test_ctrl_c_keeps_what_has_arrived_and_says_so(machine: Machine, hub: HubServer) -> None:
    hub.behaviour.stall_after_bytes = 15_000_000
    with machine.start("download", "base.en") as process:
        assert hub.stalled.wait(60)
        # What was sent need not have been written yet.
        await_arrived(machine.models_dir, 10_000_000)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "`voiceflow models download base.en` goes on from there" in err
    assert "Traceback" not in err
    assert not line_with(machine.run("list")[1], "base.en").startswith("here")

    hub.behaviour.stall_after_bytes = None
    hub.requests.clear()
    assert machine.run("download", "base.en")[0] == 0
    [asked] = hub.ranges("model.bin")
    assert asked is not None
    assert int(asked.removeprefix("bytes=").rstrip("-")) >= 10_000_000
    [weights] = machine.models_dir.glob("*/model.bin")
    assert weights.read_bytes() == WEIGHTS


def test_a_hub_with_a_problem_is_one_line_and_a_hint(machine: Machine, hub: HubServer) -> None:
    hub.behaviour.info_status = 500
    code, _, err = machine.run("download", "base.en")
    assert code == 7
    assert "problem of its own (500)" in err
    assert "Traceback" not in err


def test_an_unknown_name_is_refused_with_a_guess(machine: Machine) -> None:
    code, _, err = machine.run("download", "base-en")
    assert code == 6
    assert "Did you mean base.en?" in err


def test_a_model_that_is_not_here_is_not_chosen(machine: Machine) -> None:
    for name in ("small", "qwen2.5-3b-instruct", "org/repo"):
        code, _, err = machine.run("use", name)
        assert code == 6
        assert f"`voiceflow models download {name}`" in err
    assert not machine.config.exists()


def test_demo_chooses_both(machine: Machine) -> None:
    assert machine.run("use", "demo")[0] == 0
    settings = machine.settings()
    assert (settings["speech"]["model"], settings["llm"]["model"]) == ("demo", "demo")


def test_models_of_the_users_own_are_chosen_by_path(machine: Machine, tmp_path: Path) -> None:
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF and more")
    folder = tmp_path / "whisper"
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"x")
    assert machine.run("use", str(own))[0] == 0
    assert machine.run("use", str(folder))[0] == 0
    settings = machine.settings()
    assert (settings["speech"]["model"], settings["llm"]["model"]) == (str(folder), str(own))
    assert line_with(machine.run("list")[1], str(own)[:40]).startswith("in use")


@pytest.mark.parametrize("content", [b"PK\x03\x04", b""])
def test_a_file_that_is_no_model_is_refused(machine: Machine, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "picture.gguf").write_bytes(content)
    code, _, err = machine.run("use", str(tmp_path / "picture.gguf"))
    assert code == 6
    assert "is no model" in err


def test_a_path_that_does_not_exist_is_refused(machine: Machine, tmp_path: Path) -> None:
    code, _, err = machine.run("use", str(tmp_path / "nothing.gguf"))
    assert code == 6
    assert "There is no GGUF file" in err


def test_the_licence_that_forbids_commercial_use_is_told(machine: Machine) -> None:
    assert "Qwen Research" in machine.run("download", "qwen2.5-3b-instruct")[1]


def test_a_broken_config_does_not_hide_the_list(machine: Machine) -> None:
    machine.write_config("speech = 3\n")
    code, out, err = machine.run("list")
    assert code == 0
    assert "base.en" in out
    assert "what is in use is unknown" in err
