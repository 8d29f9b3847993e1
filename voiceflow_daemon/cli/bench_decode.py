"""`voiceflow bench decode`: what drafts are worth to the language model that writes."""

from __future__ import annotations

import argparse

from voiceflow_daemon.cli.measuring import (
    add_language_options,
    bar,
    demand_writable,
    language_subject,
    output_console,
    tell_stolen,
    write_json,
)

DEFAULT_RUNS = 3

_DESCRIPTION = """\
Measure how many tokens a second the language model writes: plainly, and as copy-editing with
three kinds of draft, the rules' text, the right one and a wrong one. On your model or on a
stand-in: the demo model widened to a real model's dimensions.
"""
_EXAMPLES = """\
examples:
  voiceflow bench decode                          your own model, else a stand-in of 0.5B
  voiceflow bench decode --shape qwen2.5-1.5b     a stand-in of that size

It takes a few minutes and wants an idle machine; a running daemon should be stopped.
"""


def register(subjects: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    decode = subjects.add_parser(
        "decode",
        help="how fast the language model writes, with drafts and without",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_language_options(decode, DEFAULT_RUNS)
    decode.set_defaults(func=_decode)


def _decode(options: argparse.Namespace) -> int:
    demand_writable(options.json)
    from contextlib import closing

    from rich.console import Console

    from voiceflow_daemon.bench.decode import as_json, demo_dictations, measure
    from voiceflow_daemon.bench.decode_table import show
    from voiceflow_daemon.bench.stolen import processor_times, stolen_share
    from voiceflow_daemon.bench.subject import patient
    from voiceflow_daemon.storage.paths import assets_dir

    progress_console = Console(stderr=True)
    subject, _ = language_subject(options, progress_console)
    dictations = demo_dictations(assets_dir() / "demo" / "recordings")
    began = processor_times()
    with closing(subject.load()) as model, bar(progress_console, "Writing") as progress:
        template = subject.prompts(model).template
        times = measure(model, template, patient(subject.settings), dictations, options.runs, progress)
    stolen = stolen_share(began, processor_times())
    show(output_console(), subject.name, times)
    tell_stolen(output_console(), stolen)
    write_json(options.json, {"model": subject.name, **as_json(times), "stolen_share": round(stolen, 4)})
    return 0
