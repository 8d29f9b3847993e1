"""Sound to raw transcript.

Since 1.32, importing ONNX Runtime writes a device id into the user's cache and reports to its maker.
It reads the switch while it is imported, and faster-whisper imports it: so it is set before anything
in this room is.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from voiceflow_daemon.speech.select import load_transcriber
from voiceflow_daemon.speech.transcriber import SAMPLE_RATE_HZ, Transcriber, Transcript, join_texts

__all__ = ["SAMPLE_RATE_HZ", "Transcriber", "Transcript", "join_texts", "load_transcriber"]
