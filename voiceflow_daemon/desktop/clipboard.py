"""The clipboard, for texts that are copied on their own ("copy last text")."""

from __future__ import annotations

from typing import Protocol


class Clipboard(Protocol):
    """Puts texts on the user's clipboard. Used by any thread."""

    def copy(self, text: str) -> None:
        """Put `text` there to stay, also after this process has ended. Raises `DeliveryError`."""
