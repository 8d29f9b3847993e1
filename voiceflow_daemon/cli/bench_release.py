"""`voiceflow bench release`: how long one waits for the text, against the way of other programs."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from voiceflow_daemon.cli.measuring import (
    add_seconds,
    bar,
    count,
    demand_context,
    demand_writable,
    language_stand_in,
    output_console,
    quiet,
    tell_stolen,
    waiting,
    with_models,
    write_json,
)

if TYPE_CHECKING:
    from rich.console import Console

    from voiceflow_daemon.bench.subject import DictationSubject
    from voiceflow_daemon.config.schema import Settings
    from voiceflow_daemon.storage.paths import Paths

SPEECH_SHAPE_NAMES = ("whisper-tiny", "whisper-base", "whisper-small")
DEMO = "demo"
DEFAULT_SHAPE = "whisper-base+qwen2.5-0.5b"
DEFAULT_SECONDS = (2, 5, 15, 60, 180)
RUNS = {15: 5, 60: 3}
"""Up to this length so many by default, for each is spoken in real time; two of what is longer."""
RUNS_OF_LONGER = 2
DECODE_RUNS = 3
"""Of all the sample recordings; `voiceflow bench decode` has more to say."""

_DESCRIPTION = """\
Measure the time from the release of the key to the text. Sample recordings are joined to
utterances, played in real time through the daemon's own threads, and given to the way that
other programs use: record all, then faster-whisper, then llama-cpp-python. With your models,
or with stand-ins: the demo models widened to real models' dimensions, made on the spot.
"""
_EXAMPLES = f"""\
examples:
  voiceflow bench release                        your own models, else stand-ins ({DEFAULT_SHAPE})
  voiceflow bench release --shape demo           the two demo models
  voiceflow bench release --shape {DEFAULT_SHAPE} --seconds 5,60
  voiceflow bench release --desktop --seconds 5  delivered into a real, empty editor
  voiceflow bench release --json release.json --plot release.svg

It takes 20 minutes, for it listens in real time, and wants an idle machine; a running
daemon should be stopped.
"""
_DURATION = "{minutes} min of speech are played in real time; with all else it takes about twice as long."

_CLICK = "Click into an empty text in an editor, and leave the focus there until the end."


def register(
    subjects: argparse._SubParsersAction[argparse.ArgumentParser], language_shapes: Sequence[str]
) -> None:
    """Add the command."""
    shapes = [f"{speech}+{language}" for speech in SPEECH_SHAPE_NAMES for language in language_shapes]
    release = subjects.add_parser(
        "release",
        help="how long one waits for the text after letting go of the key",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    release.add_argument(
        "--shape",
        choices=[DEMO, *shapes],
        metavar="SHAPES",
        help="stand-ins of a recogniser's and a language model's shape, or demo",
    )
    add_seconds(release, DEFAULT_SECONDS)
    release.add_argument("--runs", type=count, help="of each length; default: fewer of the long ones")
    release.add_argument("--context", metavar="NAME", help="default: as in the config")
    release.add_argument("--threads", type=count, help="default: as in the config, else the physical cores")
    release.add_argument(
        "--desktop", action="store_true", help="put the texts into the editor that you click into"
    )
    release.add_argument("--json", type=Path, metavar="FILE", help="write the figures, for programs")
    release.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw them")
    release.set_defaults(func=_release)


def _release(options: argparse.Namespace) -> int:
    demand_writable(options.json, options.plot)
    from rich.console import Console

    from voiceflow_daemon.bench.line_chart import line_chart
    from voiceflow_daemon.bench.place import NOWHERE, clicked_place
    from voiceflow_daemon.bench.release import (
        measure,
        measure_decoding,
        measure_recognition,
        spoken_seconds,
    )
    from voiceflow_daemon.bench.release_report import as_json, report
    from voiceflow_daemon.bench.release_table import show
    from voiceflow_daemon.bench.stolen import processor_times, stolen_share

    progress_console = Console(stderr=True)
    subject = _subject(options, progress_console)
    runs = {seconds: options.runs or _default_runs(seconds) for seconds in options.seconds}
    minutes = math.ceil(spoken_seconds(runs) / 60)
    progress_console.print(_DURATION.format(minutes=minutes), highlight=False)
    place = NOWHERE
    if options.desktop:
        place = clicked_place(lambda: progress_console.print(_CLICK))
        progress_console.print(f"Delivering into {place.window.application}.")
    began = processor_times()
    with quiet(), bar(progress_console, "Dictating") as progress:
        samples = measure(subject, runs, progress, place)
    with bar(progress_console, "Recognising in other ways") as progress:
        measure_recognition(subject, samples, progress)
    with bar(progress_console, "Writing with and without drafts") as progress:
        decoding = measure_decoding(subject, DECODE_RUNS, progress)
    stolen = stolen_share(began, processor_times())
    figures = report(subject, samples, decoding, waiting())
    show(output_console(), figures)
    tell_stolen(output_console(), stolen)
    write_json(options.json, {**as_json(figures), "stolen_share": round(stolen, 4)})
    if options.plot is not None:
        options.plot.write_text(line_chart(figures), encoding="utf-8")
    return 0


def _default_runs(seconds: int) -> int:
    return next((runs for longest, runs in RUNS.items() if seconds <= longest), RUNS_OF_LONGER)


def _subject(options: argparse.Namespace, console: Console) -> DictationSubject:
    """What is measured, with the context and the threads asked for."""
    from voiceflow_daemon.bench.subject import DictationSubject
    from voiceflow_daemon.config.load import load_settings
    from voiceflow_daemon.config.schema import Settings
    from voiceflow_daemon.storage.paths import user_paths

    paths = user_paths()
    settings = Settings() if options.shape else load_settings(paths.config_file)
    settings = _with_options(settings, options)
    shape = options.shape
    if shape is None and {settings.speech.model, settings.llm.model} & {"", DEMO}:
        shape = DEFAULT_SHAPE
        console.print(f"As no models of your own are chosen, stand-ins of {shape}'s shapes are measured.")
    if shape is None:
        name = f"{settings.speech.model} and {settings.llm.model}"
        return DictationSubject(name, settings, paths, is_stand_in=False)
    if shape == DEMO:
        settings = with_models(settings, DEMO, DEMO)
        return DictationSubject("The demo models", settings, paths, is_stand_in=True)
    speech, language = shape.split("+")
    speech_path = _speech_stand_in(speech, paths, console)
    settings = with_models(settings, str(speech_path), str(language_stand_in(language, paths, console)))
    name = f"Stand-ins of {speech}'s and {language}'s shapes"
    return DictationSubject(name, settings, paths, is_stand_in=True)


def _with_options(settings: Settings, options: argparse.Namespace) -> Settings:
    if options.context is not None:
        demand_context(options.context, settings)
        settings = settings.model_copy(update={"context": options.context})
    if options.threads is None:
        return settings
    threads = {"threads": options.threads}
    return settings.model_copy(
        update={
            "speech": settings.speech.model_copy(update=threads),
            "llm": settings.llm.model_copy(update=threads),
        }
    )


def _speech_stand_in(name: str, paths: Paths, console: Console) -> Path:
    from voiceflow_daemon.bench.speech_stand_in import SPEECH_SHAPES, speech_stand_in
    from voiceflow_daemon.storage.paths import assets_dir

    folder = paths.cache_dir / "bench"
    with console.status(f"Making the recogniser's stand-in in {folder}"):
        return speech_stand_in(SPEECH_SHAPES[name], assets_dir() / "demo" / "speech", folder)
