"""Finds out in a child process whether llama.cpp's repacked CPU kernels crash on this machine.

Some builds do: GCC 12 drops stores that AMX needs, and the first evaluation ends the process. Native
code takes the whole process with it, so only a child can try. Its verdict is kept for this build of
llama.cpp, this CPU and this model.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from voiceflow_daemon.config.schema import LlmSettings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm import gguf_file, native_build

log = logging.getLogger(__name__)

PROBE = (sys.executable, "-P", "-m", "voiceflow_daemon.llm.probe")
"""The child's command; model, threads and kernels follow as arguments."""

TIME_LIMIT_S = 120.0
"""Loading from a slow disk and a few tokens; whatever takes longer hangs."""

REBUILD_HINT = (
    "Rebuild llama-cpp-python without AMX:"
    ' CFLAGS="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"'
    ' CXXFLAGS="-mno-amx-tile -mno-amx-int8 -mno-amx-bf16"'
    " pip install --force-reinstall --no-deps --no-binary llama-cpp-python --no-cache-dir llama-cpp-python"
)

_NOT_LOADABLE = ModelError.exit_code
"""The child's exit code when the model itself cannot be loaded: that says nothing about kernels."""

_KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
_KEPT_PREFIXES = (*native_build.KERNEL_PREFIXES, "OMP_", "GOMP_")

_WINDOWS_CRASH = 0x80000000
"""Exit codes from here on are Windows' exceptions, such as an access violation."""

Outcome = Literal["good", "crashed", "failed", "unloadable"]


@dataclass(frozen=True)
class KernelChoice:
    """Whether to use the repacked kernels; `reason` is for `doctor`, empty when all is well."""

    repacked: bool
    reason: str


def kernels_for(
    model_path: Path,
    settings: LlmSettings,
    cache_dir: Path,
    probe: Sequence[str] = PROBE,
    time_limit_s: float = TIME_LIMIT_S,
) -> KernelChoice:
    """The kernels for a model, by the settings, a kept verdict or a probe.

    Raises `ModelError` when there is no such model, and when llama.cpp crashes without the repacked
    kernels too: loading the model would end this process.
    """
    if settings.repacked_kernels != "auto":
        switched = settings.repacked_kernels
        return KernelChoice(switched == "on", f'The config says repacked_kernels = "{switched}".')
    gguf_file.check(model_path)
    verdict_file = cache_dir / f"kernels-{_key(model_path)[:32]}.json"
    kept = _read(verdict_file)
    if kept is None:
        kept = _probe_both(model_path, settings, probe, time_limit_s)
        if kept is None:
            return KernelChoice(True, "")
        _write(verdict_file, kept)
    return _choice(kept)


@dataclass(frozen=True)
class _Verdict:
    repacked: bool
    plain: bool
    died: str
    """How the child with the repacked kernels ended."""


def _choice(verdict: _Verdict) -> KernelChoice:
    if verdict.repacked:
        return KernelChoice(True, "")
    if not verdict.plain:
        raise ModelError(f"llama.cpp as built on this machine crashes ({verdict.died}).", REBUILD_HINT)
    return KernelChoice(
        False,
        f"llama.cpp's fast CPU kernels crash in this build ({verdict.died}); the slow ones are used,"
        f" reading a text takes about four times as long. {REBUILD_HINT}",
    )


def _probe_both(
    model_path: Path, settings: LlmSettings, probe: Sequence[str], time_limit_s: float
) -> _Verdict | None:
    """None when that says nothing about the kernels: the child fails alike with both kinds."""
    outcome, died = _run(model_path, settings, probe, time_limit_s, repacked=True)
    if outcome == "good":
        return _Verdict(True, True, "")
    if outcome == "unloadable":
        return None
    plain, _ = _run(model_path, settings, probe, time_limit_s, repacked=False)
    if outcome == "failed" and plain != "good":
        log.warning("the probe of llama.cpp failed with %s", died)
        return None
    log.warning("llama.cpp's repacked kernels fail with %s: %s", model_path.name, died)
    return _Verdict(False, plain != "crashed", died)


def _run(
    model_path: Path, settings: LlmSettings, probe: Sequence[str], time_limit_s: float, *, repacked: bool
) -> tuple[Outcome, str]:
    """The child's outcome and, when it is not good, how it ended."""
    command = [
        *probe,
        str(model_path),
        f"--threads={settings.threads}",
        f"--gpu-layers={settings.gpu_layers}",
        f"--kernels={'repacked' if repacked else 'plain'}",
    ]
    try:
        child = subprocess.run(
            command,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=time_limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "crashed", f"it hung for {time_limit_s:.0f} s"
    except OSError as error:
        return "failed", str(error)
    if child.returncode == 0:
        return "good", ""
    if child.returncode == _NOT_LOADABLE:
        return "unloadable", ""
    crashed = child.returncode < 0 or child.returncode >= _WINDOWS_CRASH
    return "crashed" if crashed else "failed", _ending(child.returncode)


def _ending(returncode: int) -> str:
    if returncode < 0:
        try:
            return signal.Signals(-returncode).name
        except ValueError:
            return f"signal {-returncode}"
    return f"exit code {returncode}"


def _environment() -> dict[str, str]:
    """Little enough that the child is the same from a terminal and at login; it finds this package."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in _KEPT_ENVIRONMENT or name.startswith(_KEPT_PREFIXES)
    }
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    return environment


def _key(model_path: Path) -> str:
    """Digest of the build of llama.cpp, the CPU's features, the kernel variables and the model file."""
    return hashlib.sha256(f"{gguf_file.identity(model_path)}:{native_build.digest()}".encode()).hexdigest()


def _read(file: Path) -> _Verdict | None:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        verdict = _Verdict(content["repacked"], content["plain"], content["died"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    known = isinstance(verdict.repacked, bool) and isinstance(verdict.plain, bool)
    return verdict if known and isinstance(verdict.died, str) else None


def _write(file: Path, verdict: _Verdict) -> None:
    """A verdict that cannot be kept costs a second at the next start, no more."""
    content = {"repacked": verdict.repacked, "plain": verdict.plain, "died": verdict.died}
    temporary = file.with_suffix(f".{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(file)
    except OSError as error:
        log.warning("the probe's verdict cannot be kept: %s", error)


def main(arguments: Sequence[str] | None = None) -> int:
    """The child: load the model, read a text, write a few tokens."""
    parser = argparse.ArgumentParser(prog="voiceflow_daemon.llm.probe")
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--gpu-layers", type=int, default=0)
    parser.add_argument("--kernels", choices=("repacked", "plain"), default="repacked")
    options = parser.parse_args(arguments)
    if os.name == "posix":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is expected: leave no core file
    from voiceflow_daemon.llm._llama_cpp import LlamaCppModel
    from voiceflow_daemon.llm.budget import measure_speed

    try:
        model = LlamaCppModel(
            options.model,
            context_tokens=512,
            threads=options.threads,
            gpu_layers=options.gpu_layers,
            repacked_kernels=options.kernels == "repacked",
        )
        measure_speed(model)
    except ModelError as error:
        return error.exit_code
    model.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
