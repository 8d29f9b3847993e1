"""`voiceflow demo`: sample recordings through the real pipeline, with the two small demo models."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voiceflow_daemon.errors import VoiceflowError

if TYPE_CHECKING:
    from rich.console import Console

    from voiceflow_daemon.config.schema import Settings
    from voiceflow_daemon.daemon.dictated import Dictated
    from voiceflow_daemon.daemon.pipeline import Pipeline

SHORT = ("note_short.wav", "email_meeting.wav", "chat_short.wav", "code_define.wav")
"""One recording for each built-in context; `--all` takes every sample."""

DEADLINE_S = 30.0

EXPLANATION = """\
Times are milliseconds on this machine, just now: faster-whisper hears,
llama.cpp writes. "first" includes evaluating the context's prompt; "second" is
the same recording once more, with the prompt in the cache, as when you dictate.

These two small models were made for this demo and know only the sample voice.
For your own voice:
  voiceflow models download   fetch models that fit this machine, no account
  voiceflow run               in a desktop: hold right Ctrl, speak, let go

The recordings are in {folder}
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    demo = commands.add_parser(
        "demo",
        help="see it work: no microphone, display, network or download needed",
        description="Send sample recordings through the real pipeline and show what was heard and written.",
        epilog="example: voiceflow demo --all",
    )
    demo.add_argument("--all", action="store_true", help="all sample recordings, not one a context")
    demo.add_argument("--json", action="store_true", help="the figures, for programs")
    demo.set_defaults(func=_demo)


@dataclass(frozen=True)
class Sample:
    """A recording that ships with the program."""

    path: Path
    context: str
    seconds: float


def samples(folder: Path) -> list[Sample]:
    """The sample recordings of `assets/demo/recordings`."""
    import tomllib

    index = tomllib.loads((folder / "index.toml").read_text(encoding="utf-8"))
    return [
        Sample(folder / entry["file"], entry["context"], entry["seconds"]) for entry in index["recording"]
    ]


@dataclass(frozen=True)
class Shown:
    """A sample and what came of it, the first and the second time."""

    sample: Sample
    first: Dictated
    second: Dictated


def _demo(options: argparse.Namespace) -> int:
    from rich.console import Console

    from voiceflow_daemon.config.schema import LlmSettings, Settings, SpeechSettings
    from voiceflow_daemon.daemon.loading import open_pipeline
    from voiceflow_daemon.storage.paths import assets_dir, user_paths

    # With time enough for the model to write on a slow or busy machine: the table says how long it took.
    llm = LlmSettings(model="demo", deadline_s=DEADLINE_S)
    settings = Settings(speech=SpeechSettings(model="demo"), llm=llm)
    chosen = _chosen(assets_dir() / "demo" / "recordings", everything=options.all)
    console = Console(stderr=options.json)
    with (
        console.status("Loading the demo models …"),
        # Prompts are forgotten on purpose, which those that the daemon has prepared must not be.
        tempfile.TemporaryDirectory() as prefixes_dir,
        open_pipeline(settings, user_paths(), prefixes_dir=Path(prefixes_dir)) as pipeline,
    ):
        shown = [_dictate(pipeline, sample, settings) for sample in chosen]
    if options.json:
        print(json.dumps([_figures(one) for one in shown], indent=2, ensure_ascii=False))
    else:
        _print(Console(), shown)
    return 0


def _chosen(folder: Path, *, everything: bool) -> list[Sample]:
    try:
        known = {sample.path.name: sample for sample in samples(folder)}
    except FileNotFoundError as error:
        raise VoiceflowError(
            "The sample recordings are missing.", "Install voiceflow-daemon again."
        ) from error
    return list(known.values()) if everything else [known[name] for name in SHORT]


def _dictate(pipeline: Pipeline, sample: Sample, settings: Settings) -> Shown:
    from voiceflow_daemon.audio.files import read_audio_file

    recording = read_audio_file(sample.path)
    pipeline.invalidate_prompt_cache(everything=True)
    first = pipeline.process(recording, sample.context, settings)
    return Shown(sample, first, pipeline.process(recording, sample.context, settings))


def _figures(shown: Shown) -> dict[str, object]:
    return {
        "recording": shown.sample.path.name,
        "context": shown.sample.context,
        "seconds": shown.sample.seconds,
        "heard": shown.first.raw,
        "written": shown.first.text,
        "written_by": str(shown.first.rung),
        "first_ms": shown.first.stages_ms,
        "second_ms": shown.second.stages_ms,
    }


def _print(console: Console, shown: list[Shown]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, show_lines=True, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("context", no_wrap=True)
    table.add_column("heard", ratio=1)
    table.add_column("written", ratio=1)
    table.add_column("stage", no_wrap=True)
    for time in ("first", "second"):
        table.add_column(time, justify="right", no_wrap=True)
    for one in shown:
        of = Text(one.sample.context, "bold").append(f"\n{one.sample.seconds:.1f} s", "dim")
        stages = "\n".join(("hear", "write", "both"))
        # As `Text`, for a dictated "[bold]" is no markup.
        heard, written = Text(one.first.raw, "dim"), Text(one.first.text)
        table.add_row(of, heard, written, stages, _ms(one.first), _ms(one.second))
    console.print(table)
    folder = shown[0].sample.path.parent
    console.print(EXPLANATION.format(folder=folder), highlight=False, soft_wrap=True, end="")


def _ms(dictated: Dictated) -> str:
    """Three lines: to hear, to write, both."""
    hear, write = dictated.stages_ms.get("transcribe", 0.0), dictated.stages_ms.get("format", 0.0)
    return f"{hear:.0f}\n{write:.0f}\n{hear + write:.0f}"
