"""`voiceflow transcribe FILE` and `voiceflow format TEXT`: the daemon's pipeline without the daemon."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from voiceflow_daemon.errors import VoiceflowError

if TYPE_CHECKING:
    from voiceflow_daemon.config.schema import Settings

TEXT_LIMIT_BYTES = 1 << 20


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands."""
    transcribe = commands.add_parser(
        "transcribe",
        help="write the text of an audio file",
        description="Recognise and format an audio file (any format that FFmpeg reads).",
        epilog="example: voiceflow transcribe memo.ogg --context email",
    )
    transcribe.add_argument("file", type=Path, metavar="FILE")
    transcribe.add_argument("--context", metavar="NAME", help="format in this context's style")
    transcribe.add_argument("--raw", action="store_true", help="only what was heard, not formatted")
    transcribe.add_argument("--json", action="store_true", help="raw and finished text, and the timings")
    transcribe.set_defaults(func=_transcribe)
    formatting = commands.add_parser(
        "format",
        help="format a raw transcript",
        description="Format a raw transcript as a dictation would be.",
        epilog="example: echo 'um send it on monday no wait tuesday' | voiceflow format -",
    )
    formatting.add_argument("text", nargs="?", default="-", metavar="TEXT", help="- reads standard input")
    formatting.add_argument("--context", metavar="NAME", help="format in this context's style")
    formatting.set_defaults(func=_format)


def _settings(context: str | None) -> Settings:
    from voiceflow_daemon.config.load import load_settings
    from voiceflow_daemon.llm.prompts import context_names
    from voiceflow_daemon.storage.paths import user_paths

    settings = load_settings(user_paths().config_file)
    if context is None:
        return settings
    if context not in context_names(settings):
        known = ", ".join(context_names(settings))
        raise VoiceflowError(f"There is no context {context!r}.", f"There are: {known}.")
    return settings.model_copy(update={"context": context})


def _transcribe(options: argparse.Namespace) -> int:
    from voiceflow_daemon.audio.files import read_audio_file
    from voiceflow_daemon.daemon.loading import open_pipeline
    from voiceflow_daemon.storage.paths import user_paths

    settings = _settings(options.context)
    samples = read_audio_file(options.file)
    with open_pipeline(settings, user_paths(), formats=not options.raw) as pipeline:
        dictated = pipeline.process(samples, settings.context, settings)
    if options.json:
        answer = {
            "raw": dictated.raw,
            "text": dictated.text,
            "written_by": str(dictated.rung),
            "stages_ms": dictated.stages_ms,
        }
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        print(dictated.raw if options.raw else dictated.text)
    return 0


def _format(options: argparse.Namespace) -> int:
    from voiceflow_daemon.daemon.loading import open_formatter
    from voiceflow_daemon.storage.paths import user_paths

    settings = _settings(options.context)
    raw = options.text if options.text != "-" else _standard_input()
    if not raw.strip():
        return 0
    with open_formatter(settings, user_paths()) as formatter:
        text, _ = formatter.format(raw, settings.context, settings)
    print(text)
    return 0


def _standard_input() -> str:
    data = sys.stdin.buffer.read(TEXT_LIMIT_BYTES + 1)
    if len(data) > TEXT_LIMIT_BYTES:
        raise VoiceflowError("The text is longer than 1 MiB.", "Format it in parts.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise VoiceflowError("The text is not UTF-8.", "Convert it first, for example with iconv.") from error
