"""`voiceflow history`: past texts, and how to forget them."""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from voiceflow_daemon.storage.history import HistoryRow

SHOWN = 10


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    history = commands.add_parser(
        "history",
        help="show past texts, or forget them all",
        description="Show past texts, newest last, or forget them all."
        " history.enabled = false in the config keeps none from then on.",
        epilog="example: voiceflow history -n 3",
    )
    history.add_argument("-n", type=_count, default=SHOWN, metavar="N", help=f"how many (default {SHOWN})")
    history.add_argument("--json", action="store_true", help="with all that is kept, for programs")
    history.add_argument("--clear", action="store_true", help="delete all of them for good")
    history.set_defaults(func=_history)


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("give a number from 1")
    return count


def _history(options: argparse.Namespace) -> int:
    from voiceflow_daemon.storage.history import History
    from voiceflow_daemon.storage.paths import user_paths

    paths = user_paths()
    if not paths.history_file.exists():
        print("[]" if options.json else "The history is empty.")
        return 0
    history = History(paths.history_file)
    if options.clear:
        count = history.clear()
        print(f"{count} text{'' if count == 1 else 's'} deleted from {paths.history_file}")
        return 0
    rows = history.recent(options.n)
    if options.json:
        print(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(_shown(row) for row in reversed(rows)) or "The history is empty.")
    return 0


def _shown(row: HistoryRow) -> str:
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.when))
    where = f" · {row.application}" if row.application else ""
    return f"{when} · {row.context}{where} · {row.outcome}\n{row.text}"
