"""Sound to raw transcript."""

from voiceflow_daemon.speech.select import load_transcriber
from voiceflow_daemon.speech.transcriber import SAMPLE_RATE_HZ, Transcriber, Transcript

__all__ = ["SAMPLE_RATE_HZ", "Transcriber", "Transcript", "load_transcriber"]
