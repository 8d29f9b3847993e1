"""The probe with children that really crash, hang, fail or succeed."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from voiceflow_daemon.config.schema import LlmSettings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.probe import KernelChoice, kernels_for, main
from voiceflow_daemon.llm.select import load_language_model

DEMO = Path(__file__).parents[2] / "assets/demo/formatter.gguf"
AUTO = LlmSettings(threads=1)
GOOD = KernelChoice(True, "")

SEGFAULT = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
CRASH_REPACKED = f"import sys\nif '--kernels=repacked' in sys.argv: {SEGFAULT}"


class Child:
    """A stand-in for the probe's child: runs `code`, and notes each start's arguments."""

    def __init__(self, folder: Path, code: str) -> None:
        self._log = folder / "starts"
        note = f"import sys; open({str(self._log)!r}, 'a').write(repr(sys.argv[1:]) + '\\n')\n"
        self.command: Sequence[str] = (sys.executable, "-c", note + code)

    @property
    def starts(self) -> list[str]:
        return self._log.read_text().splitlines() if self._log.exists() else []


def choose(folder: Path, child: Child, settings: LlmSettings = AUTO, limit_s: float = 60) -> KernelChoice:
    return kernels_for(DEMO, settings, folder / "cache", child.command, limit_s)


def test_a_good_build_is_probed_once(tmp_path: Path) -> None:
    child = Child(tmp_path, "")
    assert choose(tmp_path, child) == GOOD
    assert choose(tmp_path, child) == GOOD
    assert child.starts == [repr([str(DEMO), "--threads=1", "--gpu-layers=0", "--kernels=repacked"])]


def test_a_real_segmentation_fault_switches_the_kernels_off_for_good(tmp_path: Path) -> None:
    child = Child(tmp_path, CRASH_REPACKED)
    for _ in range(2):
        choice = choose(tmp_path, child)
        assert not choice.repacked
        assert "SIGSEGV" in choice.reason
        assert "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16" in choice.reason
    assert ["repacked" in start for start in child.starts] == [True, False]


def test_a_build_that_crashes_with_all_kernels_is_never_loaded_here(tmp_path: Path) -> None:
    child = Child(tmp_path, SEGFAULT)
    for _ in range(2):
        with pytest.raises(ModelError, match=r"crashes \(SIGSEGV\)") as caught:
            choose(tmp_path, child)
        assert "CFLAGS" in caught.value.hint
    assert len(child.starts) == 2


def test_a_hanging_child_is_ended_and_counts_as_a_crash(tmp_path: Path) -> None:
    child = Child(tmp_path, "import time\nif '--kernels=repacked' in sys.argv: time.sleep(600)")
    choice = choose(tmp_path, child, limit_s=3)
    assert not choice.repacked
    assert "hung for 3 s" in choice.reason


def test_a_wrong_exit_code_counts_as_a_crash(tmp_path: Path) -> None:
    choice = choose(tmp_path, Child(tmp_path, "if '--kernels=repacked' in sys.argv: sys.exit(3)"))
    assert not choice.repacked
    assert "exit code 3" in choice.reason


def test_a_model_that_cannot_be_loaded_says_nothing_about_kernels(tmp_path: Path) -> None:
    child = Child(tmp_path, f"sys.exit({ModelError.exit_code})")
    assert choose(tmp_path, child) == GOOD
    assert choose(tmp_path, child) == GOOD
    assert len(child.starts) == 2, "no verdict is kept"


def test_a_child_that_fails_alike_with_both_kernels_says_nothing_about_them(tmp_path: Path) -> None:
    child = Child(tmp_path, "raise RuntimeError")
    assert choose(tmp_path, child) == GOOD
    assert choose(tmp_path, child) == GOOD
    assert len(child.starts) == 4, "no verdict is kept"


def test_a_child_that_cannot_be_started_leaves_things_as_they_are(tmp_path: Path) -> None:
    assert kernels_for(DEMO, AUTO, tmp_path, [str(tmp_path / "missing")]) == GOOD


@pytest.mark.parametrize("switch", ["on", "off"])
def test_the_config_overrides(tmp_path: Path, switch: str) -> None:
    child = Child(tmp_path, SEGFAULT)
    choice = choose(tmp_path, child, LlmSettings.model_validate({"repacked_kernels": switch}))
    assert choice.repacked == (switch == "on")
    assert "repacked_kernels" in choice.reason
    assert child.starts == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"repacked": true}',
        b'{"repacked": 1, "plain": 1, "died": ""}',
        b'{"repacked": true, "plain": true, "died": 5}',
    ],
)
def test_a_corrupt_verdict_is_found_again(tmp_path: Path, content: bytes) -> None:
    child = Child(tmp_path, CRASH_REPACKED)
    choose(tmp_path, child)
    (verdict,) = (tmp_path / "cache").iterdir()
    verdict.write_bytes(content)
    assert not choose(tmp_path, child).repacked
    assert len(child.starts) == 4
    assert json.loads(verdict.read_text())["died"] == "SIGSEGV"


def test_another_model_is_probed_on_its_own(tmp_path: Path) -> None:
    child = Child(tmp_path, "")
    choose(tmp_path, child)
    other = tmp_path / "other.gguf"
    other.write_bytes(DEMO.read_bytes())
    kernels_for(other, AUTO, tmp_path / "cache", child.command)
    assert len(child.starts) == 2


def test_a_changed_kernel_variable_is_probed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = Child(tmp_path, "")
    choose(tmp_path, child)
    monkeypatch.setenv("GGML_SOMETHING", "1")
    choose(tmp_path, child)
    assert len(child.starts) == 2


def test_a_cache_that_cannot_be_written_costs_only_another_probe(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    child = Child(tmp_path, "")
    assert choose(tmp_path, child) == GOOD
    assert choose(tmp_path, child) == GOOD
    assert len(child.starts) == 2


def test_a_missing_model_is_told_before_anything_starts(tmp_path: Path) -> None:
    child = Child(tmp_path, "")
    with pytest.raises(ModelError, match="no model file"):
        kernels_for(tmp_path / "missing.gguf", AUTO, tmp_path, child.command)
    assert child.starts == []


def test_the_child_sees_little_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "secret")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    seen = tmp_path / "seen"
    code = f"import json, os; json.dump(dict(os.environ), open({str(seen)!r}, 'w'))"
    choose(tmp_path, Child(tmp_path, code))
    environment = json.loads(seen.read_text())
    assert "SOME_TOKEN" not in environment
    assert environment["OMP_NUM_THREADS"] == "2"


# ------------------------------------------------------------------------ the real child
def test_the_real_child_likes_the_demo_model_and_it_loads(tmp_path: Path) -> None:
    assert kernels_for(DEMO, AUTO, tmp_path) == GOOD
    (verdict,) = tmp_path.iterdir()
    assert json.loads(verdict.read_text()) == {"repacked": True, "plain": True, "died": ""}
    model = load_language_model(DEMO, AUTO, tmp_path)
    assert model.context_tokens == 2048
    model.close()


def test_the_real_child_tells_a_damaged_model_from_a_crash(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(DEMO.read_bytes()[:100_000])
    assert kernels_for(damaged, AUTO, tmp_path / "cache") == GOOD
    assert not (tmp_path / "cache").exists()
    with pytest.raises(ModelError, match="damaged"):
        load_language_model(damaged, AUTO, tmp_path / "cache")


def test_the_childs_program_runs_both_kinds_of_kernels() -> None:
    assert main([str(DEMO), "--threads=1", "--kernels=plain"]) == 0
    assert main([str(DEMO.with_name("missing.gguf"))]) == ModelError.exit_code
