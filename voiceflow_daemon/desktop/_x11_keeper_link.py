"""The daemon's end of the line to the clipboard's keeper."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys

from voiceflow_daemon.desktop.keeper_messages import (
    CLIPBOARD,
    Answer,
    Command,
    Lines,
    MessageError,
    Put,
    decode_answer,
    encode,
)
from voiceflow_daemon.errors import DeliveryError

log = logging.getLogger(__name__)

ANSWER_LIMIT_S = 5.0
"""Beyond every limit of the keeper's own: a keeper that takes longer is broken."""

_HINT = "The text is in the history: voiceflow last."


class KeeperLink:
    """One keeper, started when first needed and again when it died. Used by one thread."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._lines = Lines()

    def warm_up(self) -> None:
        """Start the keeper ahead of the first text. Where that fails, the first text tries again."""
        try:
            self._start()
        except DeliveryError as error:
            log.warning("%s", error)

    def ask(self, command: Command, limit_s: float = ANSWER_LIMIT_S) -> Answer:
        """Send `command` and wait for its answer. Raises `DeliveryError`."""
        if self._socket is None:
            self._start()
        try:
            return self._exchange(command, limit_s)
        except _KeeperLost as error:
            self.close()
            log.warning("The clipboard's keeper has gone: %s", error)
            raise DeliveryError("The clipboard's keeper does not answer.", _HINT) from error

    def put(self, text: str, selections: tuple[str, ...] = (CLIPBOARD,)) -> None:
        """Put `text` on the clipboard to stay, by a new keeper if need be. Raises `DeliveryError`."""
        try:
            answer = self.ask(Put(text, selections))
        except DeliveryError:
            answer = self.ask(Put(text, selections))
        if answer is not Answer.DONE:
            raise DeliveryError("The desktop does not let the clipboard be taken.", _HINT)

    def close(self) -> None:
        """Hang up. The keeper gives back what is only borrowed and lives on while it owns something."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._lines = Lines()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        module = "voiceflow_daemon.desktop._x11_keeper"
        try:
            subprocess.run(
                [sys.executable, "-P", "-m", module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                check=False,
            )
        except OSError as error:
            ours.close()
            raise DeliveryError(f"The clipboard's keeper cannot be started: {error}.", _HINT) from error
        finally:
            theirs.close()
        self._socket = ours
        try:
            self._receive(ANSWER_LIMIT_S)
        except _KeeperLost as error:
            self.close()
            raise DeliveryError("The clipboard's keeper did not start.", _HINT) from error

    def _exchange(self, command: Command, limit_s: float) -> Answer:
        assert self._socket is not None
        try:
            line = encode(command)
        except MessageError as error:
            raise DeliveryError("The text is too long for the clipboard.", _HINT) from error
        try:
            self._socket.settimeout(limit_s)
            self._socket.sendall(line)
        except OSError as error:
            raise _KeeperLost(type(error).__name__) from error
        return self._receive(limit_s)

    def _receive(self, limit_s: float) -> Answer:
        assert self._socket is not None
        self._socket.settimeout(limit_s)
        try:
            while True:
                received = self._socket.recv(4096)
                if not received:
                    raise _KeeperLost("it hung up")
                for line in self._lines.feed(received):
                    return decode_answer(line)
        except (OSError, MessageError) as error:
            raise _KeeperLost(type(error).__name__) from error


class _KeeperLost(Exception):  # noqa: N818  # never leaves this module
    """The keeper is dead or broken."""
