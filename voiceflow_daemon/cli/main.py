"""The `voiceflow` command."""

from __future__ import annotations

import argparse
import logging
import sys

from voiceflow_daemon import __version__
from voiceflow_daemon.errors import VoiceflowError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="voiceflow", description="Voice dictation on your own machine.")
    parser.add_argument("--version", action="version", version=f"voiceflow {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="run the daemon")
    parser.parse_args(arguments)
    try:
        return _run()
    except VoiceflowError as error:
        print(f"voiceflow: {error}", file=sys.stderr)
        return error.exit_code


def _run() -> int:
    from voiceflow_daemon.daemon.app import run
    from voiceflow_daemon.storage.paths import user_paths

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return run(user_paths())
