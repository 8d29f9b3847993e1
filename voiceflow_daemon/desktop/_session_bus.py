"""The session bus by jeepney, with an end to every wait."""

from __future__ import annotations

import os
import socket
import time
from typing import Any

from jeepney import Message, MessageType
from jeepney.bus import get_bus
from jeepney.io.blocking import DBusConnection, prep_socket
from jeepney.wrappers import DBusErrorResponse


class BusError(Exception):
    """There is no session bus, nobody answers there, or the answer is an error."""


class SessionBus:
    """A connection for one thread. A call that fails leaves it useless: close it and open another."""

    def __init__(self, limit_s: float) -> None:
        """Connect within `limit_s`. Raises `BusError`."""
        deadline = time.monotonic() + limit_s
        try:
            link = prep_socket(get_bus(_address()), timeout=limit_s)
            try:
                self._connection = _Connection(link, deadline)
            except BaseException:
                link.close()
                raise
        except (OSError, ValueError, RuntimeError, DBusErrorResponse) as error:
            raise BusError(f"no session bus: {error}") from error

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def call(self, message: Message, limit_s: float) -> tuple[Any, ...]:
        """The body of the reply. Raises `BusError`."""
        try:
            self._connection.bound(time.monotonic() + limit_s)
            reply = self._connection.send_and_get_reply(message)
        except (OSError, ValueError) as error:
            raise BusError(str(error) or type(error).__name__) from error
        if reply.header.message_type is MessageType.error:
            raise BusError(str(reply.body[0]) if reply.body else "an error without a text")
        return tuple(reply.body)


class _Connection(DBusConnection):  # type: ignore[misc]
    """jeepney's own has no limit for the first word with the bus, nor for sending."""

    def __init__(self, link: socket.socket, deadline: float) -> None:
        self._deadline = deadline
        link.settimeout(max(0.01, deadline - time.monotonic()))
        super().__init__(link)

    def bound(self, deadline: float) -> None:
        """Let everything until the next call of this end at `deadline`."""
        self._deadline = deadline
        self.sock.settimeout(max(0.01, deadline - time.monotonic()))

    def receive(self, *, timeout: float | None = None) -> Message:  # noqa: ARG002
        return super().receive(timeout=max(0.0, self._deadline - time.monotonic()))


def _address() -> str:
    """That of the environment, else where systemd puts it."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return os.environ.get("DBUS_SESSION_BUS_ADDRESS") or f"unix:path={runtime}/bus"
