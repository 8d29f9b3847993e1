"""Which window has the focus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


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
