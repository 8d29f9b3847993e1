"""`voiceflow bench sentences`: whether texts finished while one speaks are those written at once."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from voiceflow_daemon.cli.measuring import (
    add_seconds,
    bar,
    count,
    demand_context,
    demand_writable,
    names,
    output_console,
    quiet,
    with_models,
    write_json,
)

if TYPE_CHECKING:
    from voiceflow_daemon.bench.subject import DictationSubject

DEMO = "demo"
DEFAULT_SECONDS = (5, 15, 30, 60, 180)
DEFAULT_SEEDS = 10

_DESCRIPTION = """\
Compare the texts that are finished sentence by sentence, while somebody speaks, with the same
texts written at once: sample recordings are joined to utterances, cut at pauses, recognised
and written both ways in each context.
"""
_EXAMPLES = """\
examples:
  voiceflow bench sentences                           your own models, else the demo models
  voiceflow bench sentences --demo --differences differences.md
  voiceflow bench sentences --seconds 5 --contexts email,slack --seeds 3

It takes some minutes; nothing is timed, so the machine may be busy.
"""


def register(subjects: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    sentences = subjects.add_parser(
        "sentences",
        help="whether texts finished while one speaks are those written at once",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sentences.add_argument(
        "--demo", action="store_true", help="the demo models and default settings, whatever the config says"
    )
    add_seconds(sentences, DEFAULT_SECONDS)
    sentences.add_argument(
        "--seeds",
        type=count,
        default=DEFAULT_SEEDS,
        help=f"utterances of each length; default: {DEFAULT_SEEDS}",
    )
    sentences.add_argument("--contexts", type=names, metavar="NAMES", help="default: the built-in ones")
    sentences.add_argument("--differences", type=Path, metavar="FILE.md", help="list the texts that differ")
    sentences.add_argument("--json", type=Path, metavar="FILE", help="write the figures, for programs")
    sentences.set_defaults(func=_sentences)


def _sentences(options: argparse.Namespace) -> int:
    demand_writable(options.json, options.differences)
    from rich.console import Console

    from voiceflow_daemon.bench.sentence_report import as_json, differences
    from voiceflow_daemon.bench.sentence_table import show
    from voiceflow_daemon.bench.sentences import measure
    from voiceflow_daemon.llm.prompts import BUILT_IN

    subject = _subject(options)
    for context in options.contexts or ():
        demand_context(context, subject.settings)
    contexts = options.contexts or BUILT_IN
    with quiet(), bar(Console(stderr=True), "Hearing and writing") as progress:
        samples = measure(subject, options.seconds, options.seeds, contexts, progress)
    show(output_console(), subject.name, samples)
    if options.differences is not None:
        options.differences.write_text(differences(subject.name, samples), encoding="utf-8")
    write_json(options.json, as_json(subject.name, samples))
    return 0


def _subject(options: argparse.Namespace) -> DictationSubject:
    """The user's own models and contexts, but the demo models for those that are not chosen."""
    from voiceflow_daemon.bench.subject import DictationSubject
    from voiceflow_daemon.config.load import load_settings
    from voiceflow_daemon.config.schema import Settings
    from voiceflow_daemon.storage.paths import user_paths

    paths = user_paths()
    settings = Settings() if options.demo else load_settings(paths.config_file)
    speech, language = settings.speech.model or DEMO, settings.llm.model or DEMO
    is_demo = speech == language == DEMO
    name = "The demo models" if is_demo else f"{speech} and {language}"
    return DictationSubject(name, with_models(settings, speech, language), paths, is_stand_in=is_demo)
