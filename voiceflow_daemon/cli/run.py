"""`voiceflow run`: the daemon itself."""

from __future__ import annotations

import argparse


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    run = commands.add_parser(
        "run",
        help="run the daemon: tray icon, hotkey, dictation",
        description="Run the daemon until it is stopped by Ctrl-C, the tray's Quit or `voiceflow stop`.",
        epilog="example: voiceflow run --verbose",
    )
    run.add_argument("--verbose", action="store_true", help="log to the terminal as well")
    run.set_defaults(func=_run)


def _run(options: argparse.Namespace) -> int:
    from voiceflow_daemon.daemon.app import run
    from voiceflow_daemon.storage.paths import user_paths

    return run(user_paths(), verbose=options.verbose)
