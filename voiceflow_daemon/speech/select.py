"""Which recogniser serves a model folder."""

from __future__ import annotations

from pathlib import Path

from voiceflow_daemon.config.schema import SpeechSettings
from voiceflow_daemon.speech.processors import model_threads
from voiceflow_daemon.speech.transcriber import Transcriber, VoiceDetector


def load_transcriber(path: Path, settings: SpeechSettings, detector: VoiceDetector) -> Transcriber:
    """Load the model folder, to hear what `detector` finds.

    Raises `ModelError` when it is missing, damaged or no such model.
    faster-whisper is the only candidate so far. Its import takes a second, so it happens here.
    """
    from voiceflow_daemon.speech._faster_whisper import FasterWhisperTranscriber

    return FasterWhisperTranscriber(
        path, detector, compute_type=settings.compute_type, threads=model_threads(settings.threads)
    )
