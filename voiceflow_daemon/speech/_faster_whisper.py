"""faster-whisper (CTranslate2) as the `Transcriber`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.vad import VadOptions, get_speech_timestamps
from numpy.typing import NDArray

from voiceflow_daemon.config.schema import SpeechSettings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.speech.transcriber import SAMPLE_RATE_HZ, Transcript


class FasterWhisperTranscriber:
    """A Whisper model in CTranslate2 form."""

    def __init__(self, path: Path, *, compute_type: str, threads: int) -> None:
        """Load the model folder; raises `ModelError` when it is no such model."""
        try:
            self._model = WhisperModel(
                str(path), device="cpu", compute_type=compute_type, cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(f"The speech model in {path} cannot be loaded: {error}.") from error

    def transcribe(self, samples: NDArray[np.float32], settings: SpeechSettings) -> Transcript:
        """Recognise the audio; an empty text where the voice detector hears nobody."""
        options = VadOptions(threshold=settings.vad_threshold)
        spans = get_speech_timestamps(samples.copy(), options)
        if not spans:
            return Transcript("", settings.languages[0], 0.0)
        segments, info = self._model.transcribe(
            samples,
            language=settings.languages[0],
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        text = " ".join(segment.text.strip() for segment in segments)
        speech_s = sum(span["end"] - span["start"] for span in spans) / SAMPLE_RATE_HZ
        return Transcript(text.strip(), info.language, speech_s)

    def close(self) -> None:
        """Drop the model."""
        self._model.model.unload_model()
