"""The X11 clipboard, for texts that are copied on their own."""

from __future__ import annotations

from voiceflow_daemon.desktop._x11_connection import open_display
from voiceflow_daemon.desktop._x11_keeper_link import KeeperLink


class X11Clipboard:
    """The `Clipboard` of an X11 desktop. Used by any thread: each copy has a keeper of its own."""

    def __init__(self) -> None:
        """Raises `DisplayError` without a display."""
        open_display().close()

    def copy(self, text: str) -> None:
        """Put `text` on the clipboard, where it stays after this process has ended."""
        keeper = KeeperLink()
        try:
            keeper.put(text)
        finally:
            keeper.close()
