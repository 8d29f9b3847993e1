"""A private session bus, and plain calls on it."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jeepney import (  # type: ignore[import-untyped,unused-ignore]
    DBusAddress,
    MessageType,
    new_method_call,
)
from jeepney.io.blocking import (  # type: ignore[import-untyped,unused-ignore]
    DBusConnection,
    open_dbus_connection,
)

from tests.desktop.rig.processes import Processes

CALL_LIMIT_S = 5.0
SERVICES = Path("/usr/share/dbus-1/services")


class BusError(RuntimeError):
    """A call on the session bus was answered with an error."""


class SessionBus:
    """A connection to the desktop's bus."""

    def __init__(self, address: str) -> None:
        self._connection: DBusConnection = open_dbus_connection(bus=address)

    def close(self) -> None:
        self._connection.close()

    def call(
        self,
        service: str,
        path: str,
        interface: str,
        method: str,
        signature: str | None = None,
        body: tuple[Any, ...] = (),
    ) -> tuple[Any, ...]:
        """Call a method and return the body of its reply.

        Raises:
            BusError: if the service answers with an error.
        """
        address = DBusAddress(path, service, interface)
        message = new_method_call(address, method, signature, body)
        reply = self._connection.send_and_get_reply(message, timeout=CALL_LIMIT_S)
        if reply.header.message_type is MessageType.error:
            raise BusError(f"{service} {interface}.{method}: {reply.body}")
        return tuple(reply.body)

    def properties(self, service: str, path: str, interface: str) -> dict[str, Any]:
        """All properties of an interface, without their variant wrapping."""
        (found,) = self.call(service, path, "org.freedesktop.DBus.Properties", "GetAll", "s", (interface,))
        return {name: value for name, (_, value) in found.items()}

    def is_owned(self, name: str) -> bool:
        (owned,) = self.call(
            "org.freedesktop.DBus",
            "/org/freedesktop/DBus",
            "org.freedesktop.DBus",
            "NameHasOwner",
            "s",
            (name,),
        )
        return bool(owned)


def start_session_bus(
    processes: Processes, folder: Path, address: str, activatable: Iterable[str]
) -> SessionBus:
    """Start a bus that starts only the services named in `activatable`, and connect to it.

    With Debian's full list a notification service that a test left out would be started on demand.
    """
    services = folder / "services"
    services.mkdir()
    for name in activatable:
        shutil.copy(SERVICES / f"{name}.service", services)
    config = folder / "bus.xml"
    config.write_text(BUS_CONFIG.format(address=address, services=services))
    daemon = processes.spawn("bus", "dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile")

    def connect() -> SessionBus | None:
        try:
            return SessionBus(address)
        except (FileNotFoundError, ConnectionRefusedError):
            return None  # no socket yet, or one that nobody listens at

    bus = processes.await_ready("bus", daemon, connect)
    assert bus is not None
    return bus


BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>{address}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
