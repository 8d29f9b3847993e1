"""Sound in.

Since 1.32, importing ONNX Runtime writes a device id into the user's cache and reports to its maker.
It reads the switch while it is imported: so it is set before anything in this room is.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from voiceflow_daemon.audio.sound_system import select

__all__ = ["select"]
