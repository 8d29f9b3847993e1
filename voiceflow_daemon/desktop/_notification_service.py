"""Asks the session's notification service who it is; nothing is shown."""

from __future__ import annotations

from jeepney import new_method_call

from voiceflow_daemon.desktop._freedesktop import SERVICE
from voiceflow_daemon.desktop._session_bus import BusError, SessionBus
from voiceflow_daemon.errors import DisplayError

LIMIT_S = 2.0
"""To connect, and again for the answer: a service that is not running is started by the question."""


def service_name() -> str:
    """What the service calls itself. Raises `DisplayError` when there is no bus or no service."""
    try:
        bus = SessionBus(LIMIT_S)
        try:
            name, *_ = bus.call(new_method_call(SERVICE, "GetServerInformation"), LIMIT_S)
        finally:
            bus.close()
    except BusError as error:
        raise DisplayError(
            f"No notification service answers: {error}.", "Install one, for example dunst."
        ) from error
    return str(name)
