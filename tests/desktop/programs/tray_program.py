"""A tray alone: shows the views that it is told, and prints what is chosen.

    python tray_program.py FIFO

Each line of FIFO is a view as JSON, or "stop". What is printed: "choice" with the tray's class and the
reason, "ready", each chosen action, "ended", or "gone" with the error that ended the tray.
"""

import json
import sys
import threading
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from voiceflow_daemon.desktop.tray import Activity, Tray, TrayActions, TrayView
from voiceflow_daemon.desktop.tray_choice import choose_tray
from voiceflow_daemon.errors import DisplayError


def say(*words: object) -> None:
    print(json.dumps(words), flush=True)


def view_of(told: dict[str, Any]) -> TrayView:
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in told.items()
    }
    return TrayView(**values | {"activity": Activity(told["activity"])})


def obey(tray: Tray, fifo: Path) -> None:
    with fifo.open() as orders:
        for line in orders:
            order = json.loads(line)
            if order == "stop":
                tray.stop()
            else:
                tray.show(view_of(order))


def main(fifo: Path) -> None:
    def saying(name: str) -> Callable[..., None]:
        return lambda *values: say(name, *values)

    choice = choose_tray(TrayActions(**{field.name: saying(field.name) for field in fields(TrayActions)}))
    say("choice", type(choice.tray).__name__, choice.reason)
    if choice.tray is None:
        return
    threading.Thread(target=obey, args=(choice.tray, fifo), daemon=True).start()
    try:
        choice.tray.run(lambda: say("ready"))
        say("ended")
    except DisplayError as error:
        say("gone", str(error))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
