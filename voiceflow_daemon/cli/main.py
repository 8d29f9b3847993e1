"""The `voiceflow` command: finds the subcommand, turns errors into messages and exit codes.

Every command's module is light to import and brings in what it needs when it runs, so that
`voiceflow press` stays fast.
"""

from __future__ import annotations

import argparse
import io
import os
import sys

from voiceflow_daemon import __version__
from voiceflow_daemon.cli import (
    autostart,
    bench,
    config,
    control,
    demo,
    doctor,
    history,
    models,
    run,
    transcribe,
)
from voiceflow_daemon.errors import VoiceflowError

DESCRIPTION = (
    "Voice dictation on your own machine: hold a key, speak, let go, finished text stands at your cursor."
)

EPILOG = """\
examples:
  voiceflow run                     start the daemon (tray icon, hotkey)
  voiceflow demo                    see it work without microphone, display or download
  voiceflow models download         fetch the models that fit this machine
  voiceflow context email           choose the context that dictations use
  voiceflow last --copy             the last text onto the clipboard

exit codes:
  0  done                           6  a model is missing or cannot be loaded
  1  failed                         7  a download failed
  2  wrong usage                    8  no microphone
  3  the daemon is not running      9  no display, or the hotkey cannot be had
  4  the config has problems        10 the text could not be delivered
  5  a daemon is running already    130 interrupted (Ctrl-C)
"""

INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A letter that the terminal's encoding lacks must not end the command.
            stream.reconfigure(errors="backslashreplace")
    try:
        _let_openmp_sleep()
        options = parser().parse_args(arguments)
        code = int(options.func(options))
        sys.stdout.flush()
    except VoiceflowError as error:
        return _failed(error.message, error.hint, error.exit_code)
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()  # the reader (head, less) has gone: nobody is left to tell
        return 0
    except OSError as error:
        _drop_output()
        return _failed(f"{error}.", "Is the disk full, or may you not read or write there?", 1)
    return code


def _drop_output() -> None:
    """What cannot be written must not be tried again, with a traceback, when the interpreter ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(message: str, hint: str, code: int) -> int:
    print(f"voiceflow: {message.rstrip()}", file=sys.stderr)
    if hint:
        print(f"  {hint}", file=sys.stderr)
    return code


def _let_openmp_sleep() -> None:
    """Let the models' threads sleep while they wait for each other, instead of spinning.

    Spinning threads keep the cores from the very threads that they wait for as soon as the machine
    has other work: a sentence then took the demo formatter over 4 s instead of 0.4 s (4 cores, 16
    runnable processes). OpenMP reads this when it is loaded, which PortAudio's libraries do before
    any model; so it is set before everything. What the user has set stays.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    command_line = argparse.ArgumentParser(
        prog="voiceflow",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command_line.add_argument("--version", action="version", version=f"voiceflow {__version__}")
    commands = command_line.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (run, demo, control, history, transcribe, models, config, autostart, doctor, bench):
        command.register(commands)
    return command_line
