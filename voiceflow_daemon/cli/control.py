"""Commands that ask the running daemon: press, release, toggle, cancel, context, status, last, ..."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from voiceflow_daemon.daemon.control_protocol import Request
from voiceflow_daemon.errors import DaemonNotRunningError, VoiceflowError

if TYPE_CHECKING:
    from voiceflow_daemon.storage.history import HistoryRow

SIMPLE = {
    "press": "start to record, as pressing the hotkey does",
    "release": "end the recording and write its text, as letting go of the hotkey does",
    "toggle": "start to record, or end the recording",
    "cancel": "forget the recording that is being made",
    "reload": "read the config file again",
    "invalidate": "forget all prepared prompts and prepare them again",
    "stop": "end the daemon",
}

KEYS = ("press", "release", "toggle", "cancel")


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    for name, summary in SIMPLE.items():
        where = " (for a key of your desktop's own settings)" if name in KEYS else ""
        simple = commands.add_parser(
            name,
            help=summary,
            description=f"{summary[0].upper()}{summary[1:]}.",
            epilog=f"example: voiceflow {name}{where}",
        )
        simple.set_defaults(func=_simple, command=name)
    context = commands.add_parser(
        "context",
        help="show the contexts, or choose the one that dictations use",
        description="Show the contexts, or choose the one that dictations use.",
        epilog="example: voiceflow context email",
    )
    context.add_argument("name", nargs="?", default="", metavar="NAME")
    context.set_defaults(func=_context)
    status = commands.add_parser(
        "status",
        help="what the daemon is doing, with its timings and counters",
        description="What the daemon is doing, with its timings and counters.",
        epilog="example: voiceflow status --json",
    )
    status.add_argument("--json", action="store_true", help="everything, for programs")
    status.set_defaults(func=_status)
    _register_last(commands)


def _register_last(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    last = commands.add_parser(
        "last",
        help="the last text: print, copy or paste it",
        description="The last text, also one recovered from a recording that was never delivered.",
        epilog="example: voiceflow last --copy",
    )
    how = last.add_mutually_exclusive_group()
    how.add_argument("--copy", action="store_true", help="put it on the clipboard")
    how.add_argument("--paste", action="store_true", help="paste it into the window that has the focus")
    how.add_argument("--raw", action="store_true", help="print what was heard, before formatting")
    last.set_defaults(func=_last)


def _ask(command: str, argument: str = "") -> dict[str, Any]:
    from voiceflow_daemon.daemon.control_client import ask
    from voiceflow_daemon.storage.paths import user_paths

    reply = ask(user_paths().socket_file, Request(command, argument))
    if reply.ok:
        return reply.data
    error = VoiceflowError(reply.message, reply.hint)
    error.exit_code = reply.exit_code
    raise error


def _simple(options: argparse.Namespace) -> int:
    _ask(options.command)
    return 0


def _context(options: argparse.Namespace) -> int:
    answer = _ask("context", options.name)
    if options.name:
        print(answer["context"])
        return 0
    for name in answer["contexts"]:
        print(f"{'*' if name == answer['context'] else ' '} {name}")
    return 0


def _status(options: argparse.Namespace) -> int:
    status = _ask("status")
    if options.json:
        print(json.dumps(status, indent=2, ensure_ascii=False))
        return 0
    hotkey = f"{status['hotkey']} ({status['hotkey_mode']})"
    print(f"{status['activity']}: {status['status']}")
    print(f"context   {status['context']}")
    print(f"hotkey    {hotkey}")
    print(f"speech    {status['speech_model'] or 'none'}")
    print(f"language  {status['language_model'] or 'none (rules format)'}")
    for topic, problem in status["problems"].items():
        print(f"problem   {topic}: {problem}")
    if status["waiting_recordings"]:
        print(f"waiting   {status['waiting_recordings']} recording(s) that could not be written yet")
    if status["release_to_text_ms"] is not None:
        shares = ", ".join(f"{stage} {ms:.0f}" for stage, ms in status["stages_ms"].items())
        print(f"last text {status['release_to_text_ms']:.0f} ms after release ({shares})")
    _print_prompts(status["prompts"], status["prompt_disk_problem"])
    for name, count in sorted(status["counters"].items()):
        print(f"{name:28} {count}")
    for name, timing in sorted(status["timings_ms"].items()):
        print(f"{name:28} median {timing['median']:.1f}, last {timing['last']:.1f}, n {timing['count']}")
    return 0


def _print_prompts(prompts: list[dict[str, Any]], disk_problem: str) -> None:
    """The fastest tier that has each context's evaluated prompt, and what it costs."""
    width = max([len("prompt"), *(len(prompt["context"]) for prompt in prompts)])
    print(f"{'prompt':{width}}  tier  tokens       size      age   hits")
    for prompt in prompts:
        size = f"{prompt['bytes'] / 1e6:.1f} MB"
        age = _age(prompt["age_s"])
        print(
            f"{prompt['context']:{width}}  {prompt['tier']:4}  {prompt['tokens']:6} {size:>10} {age:>8}"
            f" {prompt['hits']:6}"
        )
    if disk_problem:
        print(f"prompts are not kept on disk: {disk_problem}")


def _age(seconds: float | None) -> str:
    """In the largest unit of which there are two or more."""
    if seconds is None:
        return "-"
    for unit, length_s in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length_s:
            return f"{seconds / length_s:.0f} {unit}"
    return f"{seconds:.0f} s"


def _last(options: argparse.Namespace) -> int:
    how = "copy" if options.copy else "paste" if options.paste else ""
    try:
        answer = _ask("last", how)
    except DaemonNotRunningError:
        if options.paste:
            raise
        answer = _from_history()
        if options.copy:
            _copy(answer["text"])
    if not how:
        print(answer["raw" if options.raw else "text"])
    if answer.get("recovered"):
        print("This text was recovered from a recording that was never delivered.", file=sys.stderr)
    return 0


def _copy(text: str) -> None:
    from voiceflow_daemon.desktop.select import open_clipboard

    open_clipboard().copy(text)


def _from_history() -> dict[str, Any]:
    """Without a daemon, the last text is the history's."""
    from voiceflow_daemon.storage.history import History
    from voiceflow_daemon.storage.paths import user_paths

    paths = user_paths()
    row: HistoryRow | None = None
    if paths.history_file.exists():
        row = History(paths.history_file).latest()
    if row is None:
        raise DaemonNotRunningError(
            "The voiceflow daemon is not running, and no text is remembered.",
            "Start it with `voiceflow run`.",
        )
    return {"text": row.text, "raw": row.raw}
