"""The notification service (dunst), and what it was given to show."""

import json
from dataclasses import dataclass

from tests.desktop.rig.processes import Processes
from tests.desktop.rig.session_bus import SessionBus
from tests.desktop.rig.waiting import until

SERVICE = "org.freedesktop.Notifications"


@dataclass(frozen=True, slots=True)
class Notification:
    app: str
    summary: str
    body: str


def start_notification_service(processes: Processes, bus: SessionBus) -> None:
    dunst = processes.spawn("dunst", "dunst")
    processes.await_ready("dunst", dunst, lambda: bus.is_owned(SERVICE))


class Notifications:
    """What dunst shows and has shown."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def shown_now(self) -> int:
        """How many are on the screen."""
        return int(self._dunstctl("count", "displayed"))

    def close_all(self) -> None:
        self._dunstctl("close-all")
        until("notifications to close", lambda: self.shown_now() == 0)

    def act(self) -> None:
        """Choose the default action of the latest one on the screen, as a click on it does."""
        self._dunstctl("action")

    def history(self) -> list[Notification]:
        """Those no longer on the screen, oldest first."""
        (entries,) = json.loads(self._dunstctl("history"))["data"]
        told = [
            Notification(*(str(e[field]["data"]) for field in ("appname", "summary", "body")))
            for e in entries
        ]
        return told[::-1]

    def all(self) -> list[Notification]:
        """Every one so far, oldest first; those on the screen are closed to be read."""
        if self.shown_now():
            self.close_all()
        return self.history()

    def await_containing(self, words: str, limit_s: float = 10.0) -> Notification:
        """Wait for one whose summary or body contains `words`, and return it."""

        def found() -> list[Notification]:
            return [n for n in self.all() if words in f"{n.summary}\n{n.body}"]

        try:
            return until(f"a notification with {words!r}", found, limit_s)[-1]
        except TimeoutError as late:
            raise TimeoutError(f"{late}; there were {self.history()}") from late

    def _dunstctl(self, *words: str) -> str:
        return self._processes.run("dunstctl", *words).stdout.decode()
