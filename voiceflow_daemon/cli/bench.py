"""`voiceflow bench`, and of it `cache`: what the prompt cache is worth on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from voiceflow_daemon.cli import bench_decode, bench_release, bench_sentences
from voiceflow_daemon.cli.measuring import (
    SHAPE_NAMES,
    add_language_options,
    bar,
    demand_writable,
    language_subject,
    output_console,
    tell_stolen,
    waiting,
    write_json,
)

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
    add_language_options(cache, DEFAULT_RUNS)
    cache.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw them")
    cache.set_defaults(func=_cache)
    bench_release.register(subjects, SHAPE_NAMES)
    bench_decode.register(subjects)
    bench_sentences.register(subjects)


def _cache(options: argparse.Namespace) -> int:
    demand_writable(options.json, options.plot)
    from rich.console import Console

    from voiceflow_daemon.bench.cache import measure
    from voiceflow_daemon.bench.chart import chart
    from voiceflow_daemon.bench.report import as_json, report
    from voiceflow_daemon.bench.stolen import processor_times, stolen_share
    from voiceflow_daemon.bench.table import show

    progress_console = Console(stderr=True)
    subject, is_stand_in = language_subject(options, progress_console)
    most_prefix_tokens = STAND_IN_PREFIX_TOKENS if is_stand_in else None
    began = processor_times()
    with bar(progress_console, "Measuring") as progress:
        samples = measure(subject, options.runs, progress, most_prefix_tokens)
    stolen = stolen_share(began, processor_times())
    figures = report(subject.name, options.runs, samples, waiting())
    show(output_console(), figures)
    tell_stolen(output_console(), stolen)
    write_json(options.json, {**as_json(figures), "stolen_share": round(stolen, 4)})
    if options.plot is not None:
        options.plot.write_text(chart(figures), encoding="utf-8")
    return 0
