"""The X11 adapters under the names that the composition root imports."""

from voiceflow_daemon.desktop._x11_inserter import X11Inserter
from voiceflow_daemon.desktop._x11_window import X11ActiveWindow

__all__ = ["X11ActiveWindow", "X11Inserter"]
