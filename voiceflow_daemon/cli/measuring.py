"""What the benchmarks' commands share: counts, files, stand-ins and progress on the terminal."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voiceflow_daemon.errors import VoiceflowError

if TYPE_CHECKING:
    from rich.console import Console

    from voiceflow_daemon.bench.subject import Subject
    from voiceflow_daemon.config.schema import Settings
    from voiceflow_daemon.storage.paths import Paths

SHAPE_NAMES = ("qwen2.5-0.5b", "qwen2.5-1.5b", "qwen2.5-3b")
LONGEST_S = 600
MUCH_STOLEN = 0.02
"""Of the processors' time; times then vary from run to run, and ratios with them."""
_PLAIN_WIDTH = 150


def count(text: str) -> int:
    """A number of an option, 1 at least."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def names(text: str) -> tuple[str, ...]:
    """Names with commas between them, each once."""
    return tuple(dict.fromkeys(each.strip() for each in text.split(",")))


def _seconds(text: str) -> tuple[int, ...]:
    """Whole seconds with commas between them, each once, in order."""
    lengths = sorted({int(each) for each in text.split(",")})
    if lengths[0] < 1 or lengths[-1] > LONGEST_S:
        raise argparse.ArgumentTypeError(f"from 1 to {LONGEST_S} seconds")
    return tuple(lengths)


def add_seconds(command: argparse.ArgumentParser, default: tuple[int, ...]) -> None:
    """How long the utterances are."""
    lengths = ",".join(map(str, default))
    told = f"lengths of the utterances; default: {lengths}"
    command.add_argument("--seconds", type=_seconds, default=default, help=told)


def add_language_options(command: argparse.ArgumentParser, runs: int) -> None:
    """Which language model is measured, how often, and where the figures go."""
    model = command.add_mutually_exclusive_group()
    model.add_argument("--shape", choices=SHAPE_NAMES, help="a stand-in with this model's dimensions")
    model.add_argument("--model", metavar="NAME", help="an installed model, a GGUF file, or demo")
    command.add_argument("--runs", type=count, default=runs, help=f"default: {runs}")
    command.add_argument("--threads", type=count, help="default: as in the config, else the physical cores")
    command.add_argument("--json", type=Path, metavar="FILE", help="write the figures, for programs")


def language_subject(options: argparse.Namespace, console: Console) -> tuple[Subject, bool]:
    """The language model to measure, and whether it is a stand-in; raises `VoiceflowError`."""
    from voiceflow_daemon.config.load import load_settings
    from voiceflow_daemon.config.schema import Settings
    from voiceflow_daemon.storage.catalogue import DEMO
    from voiceflow_daemon.storage.models import ModelKind, resolve
    from voiceflow_daemon.storage.paths import assets_dir, user_paths

    paths = user_paths()
    settings = Settings() if options.shape else load_settings(paths.config_file)
    name = options.model or settings.llm.model
    if not options.shape and (options.model or name not in {"", DEMO}):
        path = resolve(ModelKind.LANGUAGE, name, paths.models_dir, assets_dir())
        return _of(path.name, path, settings, options, paths), False
    shape = options.shape or SHAPE_NAMES[0]
    if not options.shape:
        why = "no language model of your own is chosen"
        console.print(f"As {why}, a stand-in of {shape}'s shape is measured.")
    path = language_stand_in(shape, paths, console)
    title = f"Stand-in of {shape}'s shape"
    return _of(title, path, Settings(), options, paths), True


def _of(name: str, model: Path, settings: Settings, options: argparse.Namespace, paths: Paths) -> Subject:
    from voiceflow_daemon.bench.subject import Subject
    from voiceflow_daemon.storage.paths import assets_dir

    llm = settings.llm
    if options.threads is not None:
        llm = llm.model_copy(update={"threads": options.threads})
    settings = settings.model_copy(update={"llm": llm})
    return Subject(name, model, settings, assets_dir() / "prompts", paths.config_dir, paths.cache_dir)


def language_stand_in(name: str, paths: Paths, console: Console) -> Path:
    """The language model of that shape, made now if it is not there; raises `VoiceflowError`."""
    from voiceflow_daemon.bench.stand_in import SHAPES, stand_in
    from voiceflow_daemon.storage.paths import assets_dir

    folder = paths.cache_dir / "bench"
    with bar(console, f"Making the stand-in in {folder}") as progress:
        return stand_in(SHAPES[name], assets_dir() / "demo" / "formatter.gguf", folder, progress)


def with_models(settings: Settings, speech: str, language: str) -> Settings:
    """The same settings with other models."""
    return settings.model_copy(
        update={
            "speech": settings.speech.model_copy(update={"model": speech}),
            "llm": settings.llm.model_copy(update={"model": language}),
        }
    )


def demand_context(context: str, settings: Settings) -> None:
    """Raises `VoiceflowError` where the settings do not know it."""
    from voiceflow_daemon.llm.prompts import context_names

    if context not in context_names(settings):
        known = ", ".join(context_names(settings))
        raise VoiceflowError(f"There is no context {context!r}.", f"There are: {known}.")


@contextmanager
def bar(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, shown once there is progress, and what moves it.

    It is drawn when it moves, and not by a thread that would run beside what is measured.
    """
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden, auto_refresh=False) as progress:
        task = progress.add_task(what, total=None, visible=False)

        def show(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total, visible=True, refresh=True)

        yield show


def tell_stolen(console: Console, share: float) -> None:
    """Say so where the host of this virtual machine kept much of the processors' time."""
    if share >= MUCH_STOLEN:
        told = f"Mind: of the processor time that was wanted, this machine's host gave {share:.0%} to others."
        console.print(told, highlight=False, soft_wrap=True)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the log's warnings: what they would tell of each text, the report tells of all."""
    log = logging.getLogger("voiceflow_daemon")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


def demand_writable(*files: Path | None) -> None:
    """Those that are named; before minutes of measuring, not after them. Raises `VoiceflowError`."""
    for file in filter(None, files):
        folder = file.absolute().parent
        writable = os.access(file, os.W_OK) if file.exists() else os.access(folder, os.W_OK)
        if file.is_dir() or not folder.is_dir() or not writable:
            raise VoiceflowError(f"{file} cannot be written.", "Name a file in a folder of your own.")


def write_json(file: Path | None, figures: dict[str, Any]) -> None:
    """Into the file, if one is named."""
    if file is not None:
        file.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


def waiting() -> str:
    """How OpenMP's threads wait, which `voiceflow` sets for itself; it is the same for every side."""
    names = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    return ", ".join(f"{name}={os.environ[name]}" for name in names if name in os.environ) or "default"


def output_console() -> Console:
    """Standard output; as wide as the tables need where it is no terminal."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
