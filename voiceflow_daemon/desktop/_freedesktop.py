"""Notifications over the session bus (the Desktop Notifications Specification 1.2), by jeepney."""

from __future__ import annotations

import logging

from jeepney import DBusAddress, MessageType, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

log = logging.getLogger(__name__)

SERVICE = DBusAddress(
    "/org/freedesktop/Notifications", "org.freedesktop.Notifications", "org.freedesktop.Notifications"
)
NAME = "voiceflow"
LIMIT_S = 1.0
DEFAULT_EXPIRY = -1
URGENCY_NORMAL, URGENCY_CRITICAL = 1, 2


class FreedesktopNotifier:
    """Connects at the first message, and again after the bus or the service was lost."""

    def __init__(self) -> None:
        self._connection: DBusConnection | None = None
        self._shown: dict[str, int] = {}
        self._failed = False

    def show(self, title: str, body: str, *, topic: str, urgent: bool = False) -> bool:
        """Show a message; False when the bus or the service is not there."""
        try:
            self._shown[topic] = self._notify(title, body, self._shown.get(topic, 0), urgent=urgent)
        except (OSError, ValueError, RuntimeError) as error:
            if not self._failed:
                log.warning("notifications cannot be shown: %s", error)
            self._failed = True
            self.close()
            return False
        self._failed = False
        return True

    def close(self) -> None:
        """Close the connection; the next message opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _notify(self, title: str, body: str, replaces: int, *, urgent: bool) -> int:
        if self._connection is None:
            self._connection = open_dbus_connection(bus="SESSION")
        hints = {
            "urgency": ("y", URGENCY_CRITICAL if urgent else URGENCY_NORMAL),
            "desktop-entry": ("s", NAME),
        }
        arguments: tuple[object, ...] = (
            NAME,
            replaces,
            NAME,
            title,
            _escaped(body),
            [],
            hints,
            DEFAULT_EXPIRY,
        )
        message = new_method_call(SERVICE, "Notify", "susssasa{sv}i", arguments)
        reply = self._connection.send_and_get_reply(message, timeout=LIMIT_S)
        if reply.header.message_type is MessageType.error:
            raise RuntimeError(str(reply.body[0]) if reply.body else "the service refused the message")
        return int(reply.body[0])


def service_name() -> str:
    """What the session's notification service calls itself; asking shows nothing.

    Raises OSError, ValueError or RuntimeError when there is no bus or no service.
    """
    connection = open_dbus_connection(bus="SESSION")
    try:
        reply = connection.send_and_get_reply(
            new_method_call(SERVICE, "GetServerInformation"), timeout=LIMIT_S
        )
    finally:
        connection.close()
    if reply.header.message_type is MessageType.error:
        raise RuntimeError(str(reply.body[0]) if reply.body else "there is no such service")
    return str(reply.body[0])


def _escaped(body: str) -> str:
    """The specification lets a body carry markup: what looks like it is meant literally."""
    return body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
