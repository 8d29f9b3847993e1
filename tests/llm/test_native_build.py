"""The digest of llama.cpp's build: nothing that changes its results leaves it unchanged."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from voiceflow_daemon.llm import native_build
from voiceflow_daemon.llm.native_build import cpu_features, digest, kernel_variables, library_folder

CPUINFO = "processor\t: 0\ncpu MHz\t\t: 2800.0\nflags\t\t: fpu sse2 avx2\n\nprocessor\t: 1\nflags\t\t: fpu\n"


@pytest.fixture(autouse=True)
def read_libraries_again() -> Iterator[None]:
    native_build._libraries.cache_clear()
    yield
    native_build._libraries.cache_clear()


class Machine:
    """A folder of libraries, a CPU and an environment to be changed one by one."""

    def __init__(self, folder: Path) -> None:
        self.libraries = folder / "lib"
        self.libraries.mkdir()
        for name in ("libllama.so", "libggml.so", "libggml.so.0"):
            (self.libraries / name).write_bytes(name.split(".")[0].encode() * 1000)
        self.cpuinfo = folder / "cpuinfo"
        self.cpuinfo.write_text(CPUINFO)
        self.environment = {"HOME": "/home/someone", "GGML_LEVEL": "1"}

    def digest(self) -> str:
        native_build._libraries.cache_clear()
        return digest(self.environment, self.cpuinfo, self.libraries)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_it_is_the_same_in_each_process() -> None:
    code = (
        "import sys\n"
        "from voiceflow_daemon.llm.native_build import digest\n"
        "print(digest())\n"
        "assert 'llama_cpp' not in sys.modules, 'a build that crashes must not be loaded for it'\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert child.stdout.strip() == digest()
    assert len(digest()) == 64
    assert int(digest(), 16)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.environment.update(GGML_LEVEL="2"),
        lambda m: m.environment.update(GGML_OTHER="1"),
        lambda m: m.environment.update(LLAMA_ARG="1"),
        lambda m: m.environment.update(CUDA_VISIBLE_DEVICES="1"),
        lambda m: m.environment.update(OMP_THREAD_LIMIT="2"),
        lambda m: m.environment.pop("GGML_LEVEL"),
        lambda m: m.cpuinfo.write_text(CPUINFO.replace("avx2", "avx512f")),
        lambda m: m.cpuinfo.write_text(CPUINFO.replace("flags", "Features")),
        lambda m: m.cpuinfo.unlink(),
        lambda m: (m.libraries / "libggml-cpu.so").write_bytes(b"new"),
        lambda m: (m.libraries / "libggml.so.0").unlink(),
        lambda m: (m.libraries / "libggml.so.0").rename(m.libraries / "libggml.so.1"),
        lambda m: (m.libraries / "libllama.so").write_bytes(b"longer" * 1000),
    ],
)
def test_each_part_changes_it(machine: Machine, change: object) -> None:
    before = machine.digest()
    assert machine.digest() == before
    assert callable(change)
    change(machine)
    assert machine.digest() != before


def test_an_exchanged_library_of_the_same_size_and_time_changes_it(machine: Machine) -> None:
    before, library = machine.digest(), machine.libraries / "libllama.so"
    stat = library.stat()
    content = bytearray(library.read_bytes())
    content[len(content) // 2] ^= 1
    library.write_bytes(content)
    os.utime(library, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert machine.digest() != before


def test_an_exchanged_copy_changes_it_by_its_time(machine: Machine) -> None:
    before, copy = machine.digest(), machine.libraries / "libggml.so.0"
    stat = copy.stat()
    copy.write_bytes(b"x" * stat.st_size)
    os.utime(copy, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert machine.digest() != before


def test_another_version_of_the_package_changes_it(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    before = machine.digest()
    monkeypatch.setattr("importlib.metadata.version", lambda _name: "0.0.0")
    assert machine.digest() != before


def test_what_does_not_matter_leaves_it(machine: Machine) -> None:
    before = machine.digest()
    machine.environment.update(HOME="/home/other", GOMP_SPINCOUNT="7", MY_GGML_="1")
    machine.cpuinfo.write_text(CPUINFO.replace("2800.0", "800.0"))
    moved = machine.libraries.with_name("moved")
    shutil.move(machine.libraries, moved)
    machine.libraries = moved
    assert machine.digest() == before


def test_loaded_libraries_are_read_once_a_process(machine: Machine) -> None:
    before = machine.digest()
    (machine.libraries / "libllama.so").write_bytes(b"installed while the program runs")
    assert digest(machine.environment, machine.cpuinfo, machine.libraries) == before
    assert machine.digest() != before


def test_features_are_those_of_the_first_core(tmp_path: Path) -> None:
    (tmp_path / "x86").write_text(CPUINFO)
    assert cpu_features(tmp_path / "x86") == "flags\t\t: fpu sse2 avx2"
    assert cpu_features(tmp_path / "none") == sys.platform
    (tmp_path / "empty").write_text("")
    assert cpu_features(tmp_path / "empty") == ""


def test_variables_come_in_order() -> None:
    assert kernel_variables({"LLAMA_B": "2", "GGML_A": "1", "PATH": "x"}) == ["GGML_A=1", "LLAMA_B=2"]


def test_the_package_has_libraries() -> None:
    assert any("llama" in library.name for library in library_folder().iterdir())


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(ModuleNotFoundError, match="llama_cpp"):
        library_folder()
