"""pystray's GTK icons, made fit for a daemon."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from voiceflow_daemon.desktop._gdk_display_loss import outlive_display
from voiceflow_daemon.desktop.icons import write_icons


def daemon_icon(base: Any) -> Any:
    """A subclass of `base`, which is pystray's `Icon` of its backend `appindicator` or `gtk`.

    pystray's own start gives SIGINT back to the system, which would kill the daemon; and it opens a
    proxy for notifications, which leaves `run` hanging without a session bus, and failing at its end
    without a notification service.
    """
    from gi.repository import GLib

    class DaemonIcon(base):  # type: ignore[misc]
        """Neither notifications nor signals are its business. The first entry of its menu is the status."""

        def set_status(self, text: str) -> None:
            """Change the first entry in place, which leaves an open menu open. Any thread may call it."""

            def change() -> None:
                if self._menu_handle is not None:
                    self._menu_handle.get_children()[0].set_label(text)

            GLib.idle_add(change)

        def _run(self) -> None:
            self._loop = GLib.MainLoop.new(None, False)
            self._has_display = True
            outlive_display(self._lose_display)
            self._mark_ready()
            try:
                self._loop.run()  # PyGObject lets Python's signal handlers run in it
            finally:
                if self._has_display:
                    self._leave_panel()
                self._remove_fs_icon()

        def _lose_display(self) -> None:
            self._has_display = False
            self._loop.quit()

        def _leave_panel(self) -> None:
            """The daemon may take a while to end, and a dead icon should not stay for so long."""
            self.visible = False
            while GLib.MainContext.default().iteration(False):
                pass

    return DaemonIcon


def themed_icon(base: Any) -> Any:
    """`daemon_icon` for the backend `appindicator`: panels choose among all sizes of a drawn icon.

    pystray hands over a single picture, which every panel scales to its own size.
    """

    class ThemedIcon(daemon_icon(base)):  # type: ignore[misc]
        """`icon` is the name of an icon, not a picture."""

        def _run(self) -> None:
            # All are written first: a panel looks for new files in a known folder only now and then.
            with tempfile.TemporaryDirectory(prefix="voiceflow-icons-", dir=_private_folder()) as folder:
                write_icons(Path(folder))
                self._appindicator.set_icon_theme_path(folder)
                super()._run()

        def _update_fs_icon(self) -> None:
            self._icon_path = self.icon
            self._icon_valid = True

        def _remove_fs_icon(self) -> None:
            self._icon_valid = False

    return ThemedIcon


def _private_folder() -> str | None:
    """In memory and gone at logout, where the session has one; None for the usual temporary folder."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    return runtime if os.access(runtime, os.W_OK) else None
