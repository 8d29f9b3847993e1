"""Which window has the focus."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol

from voiceflow_daemon.errors import VoiceflowError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Window:
    """A window of the user's desktop. `window_id` is the platform's; `application` its class name."""

    window_id: int
    application: str


class ActiveWindow(Protocol):
    """Asks the desktop. Used by one thread."""

    def sample(self) -> Window | None:
        """The window that has the focus now; None when there is none or the desktop does not say."""

    def close(self) -> None:
        """Let go of the desktop."""


def focused(desktop: ActiveWindow) -> Window | None:
    """The window that a text is for; None, too, where the desktop fails: that costs no word of the text."""
    try:
        return desktop.sample()
    except (VoiceflowError, OSError) as error:
        log.error("the active window cannot be told: %s", error)
        return None
