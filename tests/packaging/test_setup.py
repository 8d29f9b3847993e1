"""The decisions of packaging/setup.sh, taken one at a time on made-up machines."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
SCRIPTS = [PACKAGING / "run", PACKAGING / "test", PACKAGING / "setup.sh", ROOT / ".ci" / "run"]
GCC_MACROS = "#define __GNUC__ 12"
CLANG_MACROS = "#define __GNUC__ 4\n#define __clang__ 1"


class Machine:
    """A made-up CPU, compiler, set of installed packages and home."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.cpuinfo = folder / "cpuinfo"
        self.gi = folder / "gi"
        self.environment = os.environ | {
            "HOME": str(folder),
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "VOICEFLOW_CPUINFO": str(self.cpuinfo),
            "VOICEFLOW_DEBIAN_GI": str(self.gi),
        }
        for name in ("CC", "CXX", "CFLAGS", "CXXFLAGS", "CMAKE_ARGS", "XDG_CACHE_HOME"):
            self.environment.pop(name, None)
        self.cpu("sse2 avx avx2")

    def cpu(self, flags: str) -> None:
        self.cpuinfo.write_text(f"processor\t: 0\nmodel name\t: made up\nflags\t\t: {flags}\n\n")

    def program(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def compiler(self, macros: str, *, knows_amx: bool = True) -> None:
        """A `c++` that answers what setup.sh asks it."""
        refuse = "" if knows_amx else 'case "$*" in *-mno-amx*) exit 1;; esac'
        self.program("c++", f'{refuse}\ncase "$*" in *-dM*) echo "{macros}";; *) echo "c++ 12.2";; esac')

    def ask(self, command: str) -> str:
        """What the command prints after setup.sh was sourced, under packaging/run's own `set`."""
        script = f'set -euo pipefail; source "{PACKAGING}/setup.sh"; cd "$ROOT"; {command}'
        done = subprocess.run(
            ["bash", "-c", script],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_parse(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)


@pytest.mark.parametrize("name", ["run", "test"])
def test_help_says_what_would_be_done_and_does_nothing(name: str, tmp_path: Path) -> None:
    environment = os.environ | {"HOME": str(tmp_path)}
    done = subprocess.run(
        [PACKAGING / name, "--help"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.startswith(f"Usage: packaging/{name}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["run", "test"])
def test_package_lists_hold_one_name_a_line(machine: Machine, kind: str) -> None:
    names = machine.ask(f"listed_packages packaging/apt-packages-{kind}.txt").splitlines()
    assert names
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name)] == []


def test_a_package_is_missing_unless_dpkg_calls_it_installed(machine: Machine) -> None:
    machine.program("dpkg-query", "echo 'installed xvfb'; echo 'config-files dunst'; exit 1")
    assert machine.ask("missing_packages xvfb dunst openbox").splitlines() == ["dunst", "openbox"]


def test_amx_is_switched_off_for_gcc_on_a_cpu_that_has_it(machine: Machine) -> None:
    machine.cpu("sse2 avx512f amx_bf16 amx_tile amx_int8")
    machine.compiler(GCC_MACROS)
    assert machine.ask("amx_flags") == "-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"


def test_amx_flags_are_left_out_where_they_do_not_apply(machine: Machine) -> None:
    machine.compiler(GCC_MACROS)
    assert machine.ask("amx_flags") == "", "no AMX in the CPU"
    machine.cpu("sse2 avx512f amx_bf16 amx_tile amx_int8")
    machine.compiler(CLANG_MACROS)
    assert machine.ask("amx_flags") == "", "clang compiles the kernels right"
    machine.compiler(GCC_MACROS, knows_amx=False)
    assert machine.ask("amx_flags") == "", "a GCC without AMX builds no such kernels"


def test_a_wheel_is_kept_for_the_cpu_and_the_flags_that_it_was_built_for(machine: Machine) -> None:
    machine.compiler(GCC_MACROS)
    first = machine.ask("llama_key")
    machine.cpu("avx2 ibpb_exit_to_user avx sse2")
    assert machine.ask("llama_key") == first, "other order, and a flag that is no instruction set"
    machine.cpu("sse2 avx avx2 avx512f")
    other_cpu = machine.ask("llama_key")
    machine.cpu("sse2 avx avx2 avx512f amx_tile")
    amx = machine.ask("llama_key")
    machine.compiler(CLANG_MACROS)
    clang = machine.ask("llama_key")
    machine.environment["CMAKE_ARGS"] = "-DGGML_CUDA=on"
    assert len({first, other_cpu, amx, clang, machine.ask("llama_key")}) == 5


def test_debians_gi_is_linked_only_into_its_own_python(machine: Machine) -> None:
    machine.gi.mkdir()
    (machine.gi / "_gi.cpython-311-x86_64-linux-gnu.so").touch()
    answer = "if debian_gi_fits /x/.venv/lib/python3.{}/site-packages; then echo yes; else echo no; fi"
    assert machine.ask(answer.format(11)) == "yes"
    assert machine.ask(answer.format(12)) == "no"


def test_a_python_of_the_users_own_needs_no_debian_packages(machine: Machine, tmp_path: Path) -> None:
    own = tmp_path / "python3.11"
    own.touch()
    assert machine.ask(f"python_packages {own}") == "", "only Debian splits Python"


def test_a_long_command_shows_the_end_of_its_log_when_it_fails(machine: Machine, tmp_path: Path) -> None:
    log = tmp_path / "log"
    said = machine.ask(f"run_logged {log} sh -c 'seq 100; exit 3' 2>&1 && echo passed || echo status $?")
    assert "Failed after" in said
    assert said.splitlines()[-2:] == ["100", "status 3"]
    assert "\n50\n" not in said


def test_progress_is_the_build_tools_own_count(machine: Machine, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("noise\n  [3/87] Building C object\n  [41/87] Building CXX object a.o\nmore noise\n")
    assert machine.ask(f"build_progress {log}") == "(41 of 87 files)"


def test_the_pinned_version_is_read_from_pyproject(machine: Machine) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", machine.ask("llama_version"))
