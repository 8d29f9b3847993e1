"""The child processes of one desktop, from start to the last orphan."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tests.desktop.rig.waiting import until

T = TypeVar("T")

PR_SET_CHILD_SUBREAPER = 36
LOG_TAIL_LINES = 25
POLITE_S = 3.0
DYING_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")


class ChildError(RuntimeError):
    """A child process ended or kept silent; the message holds the tail of its log."""


class Processes:
    """Starts children with a log each, and ends them in reverse.

    A process belongs to the desktop if its environment names the desktop's folder. So whatever a
    child leaves behind (xclip, xfconfd, a keeper) is found too, and no other test's children are.
    """

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self.folder = folder
        self.env = env
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._sessions: set[int] = set()
        # Orphans become ours instead of init's, so that we can see them end.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def spawn(
        self,
        name: str,
        *argv: str | Path,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> subprocess.Popen[bytes]:
        """Start `argv` in the background; stdout and stderr go to its log. `env` adds to the desktop's.

        It ends with the thread that starts it, which is therefore the main one: a test run that is
        killed leaves no desktop behind.
        """
        with self._log_path(name).open("ab") as log:
            child = subprocess.Popen(
                [*DYING_WITH_US, *(str(a) for a in argv)],
                env={**self.env, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=tuple(pass_fds),
            )
        self._children.append((name, child))
        self._sessions.add(child.pid)
        return child

    def run(
        self, *argv: str | Path, stdin: bytes = b"", limit_s: float = 20.0, check: bool = True
    ) -> subprocess.CompletedProcess[bytes]:
        """Run `argv` to its end.

        Raises:
            ChildError: on an exit status other than 0, unless `check` is false.
        """
        done = subprocess.run(
            [str(a) for a in argv],
            env=dict(self.env),
            input=stdin,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
        if check and done.returncode != 0:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise ChildError(f"{argv[0]} ended with status {done.returncode}:\n{said}")
        return done

    def log(self, name: str) -> str:
        path = self._log_path(name)
        return path.read_text(errors="replace") if path.exists() else ""

    def log_tail(self, name: str) -> str:
        lines = self.log(name).splitlines()[-LOG_TAIL_LINES:]
        return "\n".join([f"--- end of {name}'s log", *lines])

    def await_ready(
        self, name: str, child: subprocess.Popen[bytes], ready: Callable[[], T], limit_s: float = 10.0
    ) -> T:
        """Return the first truthy value of `ready`.

        Raises:
            ChildError: with the tail of the log, if the child ends or takes longer than `limit_s`.
        """

        def look() -> T:
            if child.poll() is not None:
                raise ChildError(f"{name} ended with status {child.returncode}\n{self.log_tail(name)}")
            return ready()

        try:
            return until(f"{name} to be ready", look, limit_s)
        except TimeoutError as late:
            raise ChildError(f"{late}\n{self.log_tail(name)}") from late

    def stop(self, child: subprocess.Popen[bytes]) -> None:
        """End one child, politely first."""
        if child.poll() is None:
            child.terminate()
        try:
            child.wait(POLITE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def stop_all(self) -> None:
        """End the children in reverse order of their start, then whatever they left behind."""
        # Seen before anything ends: an ending process has no environment by which to know it.
        seen = set(self.living())
        while self._children:
            self.stop(self._children.pop()[1])
        self._end_leftovers(seen)

    def living(self) -> dict[int, str]:
        """Process id and command name of everything alive that belongs to this desktop."""
        mark = os.fsencode(f"={self.folder}/")
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    if mark in (entry / "environ").read_bytes():
                        found[int(entry.name)] = (entry / "comm").read_text().strip()
                except OSError:
                    continue  # gone meanwhile, or another user's
        return found

    def _end_leftovers(self, seen: set[int]) -> None:
        """End what is left of the processes `seen` and of those that have come since."""

        def left() -> set[int]:
            seen.update(self.living(), self._orphans())
            seen.difference_update([pid for pid in seen if _is_reaped(pid)])
            return seen

        for sig in (signal.SIGTERM, signal.SIGKILL):
            for pid in left():
                _send(pid, sig)
            try:
                until("orphans to end", lambda: not left(), POLITE_S)
                return
            except TimeoutError:
                continue
        raise ChildError(f"these do not end: {self.living()}")

    def _orphans(self) -> set[int]:
        """Our children by adoption, in a session that one of our own began."""
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue  # gone meanwhile
                parent, session = int(fields[1]), int(fields[3])
                if parent == os.getpid() and session in self._sessions:
                    found.add(int(entry.name))
        return found

    def _log_path(self, name: str) -> Path:
        return self.folder / f"{name}.log"


def _send(pid: int, sig: signal.Signals) -> None:
    try:
        os.kill(pid, sig)
    except ProcessLookupError:
        return


def _is_reaped(pid: int) -> bool:
    """Reap the process if it is ours and has ended."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return not Path(f"/proc/{pid}").exists()
