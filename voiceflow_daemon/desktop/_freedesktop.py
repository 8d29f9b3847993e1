"""Notifications over the session bus (the Desktop Notifications Specification 1.2)."""

from __future__ import annotations

import logging
import time

from jeepney import DBusAddress, new_method_call
from jeepney.bus_messages import message_bus

from voiceflow_daemon.desktop._session_bus import BusError, SessionBus

log = logging.getLogger(__name__)

NAME = "org.freedesktop.Notifications"
SERVICE = DBusAddress("/org/freedesktop/Notifications", NAME, NAME)

LIMIT_S = 1.0
"""A message that takes longer is given up; the service may still show it."""

APP = "voiceflow"
ICON = "audio-input-microphone"
"""In every icon theme, also where our own icons are not installed."""

NEW = 0
DEFAULT_EXPIRY = -1
URGENCY_NORMAL, URGENCY_CRITICAL = 1, 2
MARKUP = "body-markup"


class FreedesktopNotifier:
    """Connects at the first message, and again after the bus was lost."""

    def __init__(self) -> None:
        self._bus: SessionBus | None = None
        self._owner = ""
        self._reads_markup = False
        self._shown: dict[str, int] = {}
        self._failed = False

    def show(self, title: str, body: str, *, topic: str, urgent: bool = False) -> bool:
        """Show a message; False when the bus or the service is not there."""
        try:
            self._shown[topic] = self._notify(title, body, topic, urgent=urgent)
        except BusError as error:
            if not self._failed:  # once, until it works again
                log.warning("notifications cannot be shown: %s", error)
            self._failed = True
            self.close()
            return False
        self._failed = False
        return True

    def close(self) -> None:
        """Close the connection; the next message opens another."""
        bus, self._bus = self._bus, None
        if bus is not None:
            bus.close()

    def _notify(self, title: str, body: str, topic: str, *, urgent: bool) -> int:
        deadline = time.monotonic() + LIMIT_S
        if self._bus is None:
            self._bus = SessionBus(LIMIT_S)
        self._meet_service(self._bus, deadline)
        said = (_clean(title), _escaped(_clean(body)) if self._reads_markup else _clean(body))
        hints = {
            "urgency": ("y", URGENCY_CRITICAL if urgent else URGENCY_NORMAL),
            "desktop-entry": ("s", APP),
        }
        replaced = self._shown.get(topic, NEW)
        arguments: tuple[object, ...] = (APP, replaced, ICON, *said, [], hints, DEFAULT_EXPIRY)
        message = new_method_call(SERVICE, "Notify", "susssasa{sv}i", arguments)
        (number,) = self._bus.call(message, deadline - time.monotonic())
        return int(number)

    def _meet_service(self, bus: SessionBus, deadline: float) -> None:
        """A service that was started anew counts from the start: our numbers are others' messages there."""
        asking = new_method_call(SERVICE, "GetCapabilities")  # this starts it, too, where it can be started
        (capabilities,) = bus.call(asking, deadline - time.monotonic())
        (owner,) = bus.call(message_bus.GetNameOwner(NAME), deadline - time.monotonic())
        if owner != self._owner:
            self._shown.clear()
        self._owner = owner
        self._reads_markup = MARKUP in capabilities


def _clean(text: str) -> str:
    """D-Bus takes no NUL and no half of a surrogate pair."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _escaped(body: str) -> str:
    """What looks like markup is meant literally."""
    return body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
