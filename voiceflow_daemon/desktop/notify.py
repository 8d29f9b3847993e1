"""Messages to the user that go away by themselves."""

from __future__ import annotations

import logging
import os
from typing import Protocol

from voiceflow_daemon.errors import DisplayError

log = logging.getLogger(__name__)


class Notifier(Protocol):
    """Shows notifications. Used by one thread; never raises."""

    def show(self, title: str, body: str, *, topic: str, urgent: bool = False) -> bool:
        """Show a message in place of the last one of the same topic; False when nobody shows it.

        Returns within a second.
        """

    def close(self) -> None:
        """Let go of the service."""


class SilentNotifier:
    """Where there is no notification service: the log has to do."""

    def show(self, title: str, body: str, *, topic: str, urgent: bool = False) -> bool:  # noqa: ARG002
        """Show nothing."""
        return False

    def close(self) -> None:
        """Nothing is held."""


def notification_service() -> str:
    """The name of what would show notifications; raises `DisplayError` when nothing would."""
    if not _has_session_bus():
        raise DisplayError("There is no session bus.", "Run it in a desktop session.")
    from voiceflow_daemon.desktop._notification_service import service_name

    return service_name()


def _has_session_bus() -> bool:
    return bool(os.environ.get("DBUS_SESSION_BUS_ADDRESS") or os.environ.get("XDG_RUNTIME_DIR"))


def open_notifier() -> Notifier:
    """The desktop's notifications, or silence where there is no session bus."""
    if not _has_session_bus():
        log.info("no notifications: there is no session bus")
        return SilentNotifier()
    from voiceflow_daemon.desktop._freedesktop import FreedesktopNotifier

    return FreedesktopNotifier()
