"""`voiceflow bench`, and of it `cache`: what the prompt cache is worth on this machine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from voiceflow_daemon.cli import bench_release
from voiceflow_daemon.cli.measuring import (
    bar,
    count,
    demand_writable,
    language_stand_in,
    output_console,
    waiting,
)

if TYPE_CHECKING:
    from rich.console import Console

    from voiceflow_daemon.bench.subject import Subject
    from voiceflow_daemon.config.schema import Settings
    from voiceflow_daemon.storage.paths import Paths

SHAPE_NAMES = ("qwen2.5-0.5b", "qwen2.5-1.5b", "qwen2.5-3b")
DEFAULT_RUNS = 8
STAND_IN_PREFIX_TOKENS = 400
"""The demo formatter's tokens are small: the shipped prompts are 500 of them, and 280 of a real model's."""

_DESCRIPTION = """\
Measure the time to the first token with the prompt cache and without it, against
llama-cpp-python's own caches, on your model or on a stand-in: the demo model widened to a
real model's dimensions, made on the spot and kept for the next time.
"""
_EXAMPLES = """\
examples:
  voiceflow bench cache                          your own model, else a stand-in of 0.5B
  voiceflow bench cache --shape qwen2.5-1.5b     a stand-in of that size
  voiceflow bench cache --json cache.json --plot cache.svg

It takes a few minutes and wants an idle machine; a running daemon should be stopped.
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    bench = commands.add_parser(
        "bench",
        help="measure on this machine",
        description="Measure on this machine.",
        epilog="example: voiceflow bench release",
    )
    subjects = bench.add_subparsers(title="commands", metavar="COMMAND", required=True)
    cache = subjects.add_parser(
        "cache",
        help="what the prompt cache is worth",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    model = cache.add_mutually_exclusive_group()
    model.add_argument("--shape", choices=SHAPE_NAMES, help="a stand-in with this model's dimensions")
    model.add_argument("--model", metavar="NAME", help="an installed model, a GGUF file, or demo")
    cache.add_argument("--runs", type=count, default=DEFAULT_RUNS, help=f"default: {DEFAULT_RUNS}")
    cache.add_argument("--threads", type=count, help="default: as in the config, else the physical cores")
    cache.add_argument("--json", type=Path, metavar="FILE", help="write the figures, for programs")
    cache.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw them")
    cache.set_defaults(func=_cache)
    bench_release.register(subjects, SHAPE_NAMES)


def _cache(options: argparse.Namespace) -> int:
    for file in (options.json, options.plot):
        if file is not None:
            demand_writable(file)
    from rich.console import Console

    from voiceflow_daemon.bench.cache import measure
    from voiceflow_daemon.bench.chart import chart
    from voiceflow_daemon.bench.report import as_json, report
    from voiceflow_daemon.bench.table import show

    progress_console = Console(stderr=True)
    subject, most_prefix_tokens = _subject(options, progress_console)
    with bar(progress_console, "Measuring") as progress:
        samples = measure(subject, options.runs, progress, most_prefix_tokens)
    figures = report(subject.name, options.runs, samples, waiting())
    show(output_console(), figures)
    if options.json is not None:
        options.json.write_text(json.dumps(as_json(figures), indent=2) + "\n", encoding="utf-8")
    if options.plot is not None:
        options.plot.write_text(chart(figures), encoding="utf-8")
    return 0


def _subject(options: argparse.Namespace, console: Console) -> tuple[Subject, int | None]:
    """What to measure, and how long its prompts may be."""
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
        return _of(path.name, path, settings, options, paths), None
    shape = options.shape or SHAPE_NAMES[0]
    if not options.shape:
        why = "no language model of your own is chosen"
        console.print(f"As {why}, a stand-in of {shape}'s shape is measured.")
    path = language_stand_in(shape, paths, console)
    title = f"Stand-in of {shape}'s shape"
    return _of(title, path, Settings(), options, paths), STAND_IN_PREFIX_TOKENS


def _of(name: str, model: Path, settings: Settings, options: argparse.Namespace, paths: Paths) -> Subject:
    from voiceflow_daemon.bench.subject import Subject
    from voiceflow_daemon.storage.paths import assets_dir

    llm = settings.llm
    if options.threads is not None:
        llm = llm.model_copy(update={"threads": options.threads})
    settings = settings.model_copy(update={"llm": llm})
    return Subject(name, model, settings, assets_dir() / "prompts", paths.config_dir, paths.cache_dir)
