"""faster-whisper (CTranslate2) as the `Transcriber`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.config.schema import SpeechSettings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.speech._whisper_model import Decoded, Encoded, WindowedWhisper, window_frames
from voiceflow_daemon.speech.hint import hint_tokens
from voiceflow_daemon.speech.inventions import Evidence, is_invented, is_loop, without_loops
from voiceflow_daemon.speech.segments import (
    FRAME_SAMPLES,
    FRAMES_PER_S,
    Span,
    cut_into_segments,
    speech_spans,
)
from voiceflow_daemon.speech.transcriber import (
    SAMPLE_RATE_HZ,
    RecognitionAbortedError,
    Transcript,
    VoiceDetector,
    always,
    join_texts,
)


@dataclass
class _Dictation:
    """One call of `transcribe` on its way through the segments."""

    settings: SpeechSettings
    candidates: list[str]
    hint: list[int]
    wanted: Callable[[], bool]
    texts: list[str] = field(default_factory=list)

    @property
    def language(self) -> str:
        """Settled when one candidate is left."""
        return self.candidates[0]

    def check_wanted(self) -> None:
        """CTranslate2 cannot be interrupted inside a call, so this stands before each; raises
        `RecognitionAbortedError`."""
        if not self.wanted():
            raise RecognitionAbortedError


class FasterWhisperTranscriber:
    """A Whisper model in CTranslate2 form, behind a voice detector."""

    def __init__(self, path: Path, detector: VoiceDetector, *, compute_type: str, threads: int) -> None:
        """Load the model folder; raises `ModelError` when it is missing, damaged or no such model."""
        self._whisper: WindowedWhisper | None = WindowedWhisper(
            path, compute_type=compute_type, threads=threads
        )
        self._vad = detector

    def warm_up(self) -> None:
        """Run the detector and the model once on silence."""
        whisper = self._loaded()
        silence = np.zeros(SAMPLE_RATE_HZ, dtype=np.float32)
        self._vad.probabilities(silence)
        encoded = whisper.encode(silence, window_frames(len(silence), 10.0, 2.0))
        whisper.decode(encoded, whisper.languages[0], (), 1.0)

    def transcribe(
        self,
        samples: NDArray[np.float32],
        settings: SpeechSettings,
        loudness: float = 0.0,
        wanted: Callable[[], bool] = always,
    ) -> Transcript:
        """Recognise the audio; an empty text where the voice detector hears nobody."""
        whisper = self._loaded()
        dictation = _Dictation(
            settings,
            _languages(whisper.languages, settings.languages),
            hint_tokens(settings.vocabulary, whisper.hint_encoder),
            wanted,
        )
        audio = _sound(samples)
        probabilities = self._vad.probabilities(audio, loudness)
        spans = speech_spans(probabilities, settings.vad_threshold)
        for segment in cut_into_segments(spans, probabilities):
            inside = [span for span in spans if span.start < segment.end and span.end > segment.start]
            self._hear(whisper, dictation, audio, probabilities, segment, inside)
        speech_s = sum(span.frames for span in spans) / FRAMES_PER_S
        return Transcript(join_texts(dictation.texts, dictation.language), dictation.language, speech_s)

    def close(self) -> None:
        """Free the model."""
        if self._whisper is not None:
            self._whisper.close()
            self._whisper = None

    def _loaded(self) -> WindowedWhisper:
        if self._whisper is None:
            raise ModelError("The speech model was closed.", "Restart with `voiceflow run`.")
        return self._whisper

    def _hear(
        self,
        whisper: WindowedWhisper,
        dictation: _Dictation,
        audio: NDArray[np.float32],
        probabilities: NDArray[np.float32],
        segment: Span,
        inside: list[Span],
    ) -> None:
        piece = audio[segment.start * FRAME_SAMPLES : segment.end * FRAME_SAMPLES]
        settings = dictation.settings
        dictation.check_wanted()
        encoded = whisper.encode(
            piece, window_frames(len(piece), settings.window_floor_s, settings.window_padding_s)
        )
        if len(dictation.candidates) > 1:
            dictation.candidates = [whisper.most_likely_language(encoded, dictation.candidates)]
        decoded = _decode(whisper, encoded, dictation, len(piece) / SAMPLE_RATE_HZ)
        evidence = Evidence(
            speech_s=sum(span.frames for span in inside) / FRAMES_PER_S,
            peak_probability=float(probabilities[segment.start : segment.end].max()),
            level_dbfs=_level_dbfs(piece),
            no_speech_probability=decoded.no_speech_probability,
            mean_logprob=decoded.mean_logprob,
        )
        if decoded.text and not is_invented(decoded.text, evidence):
            dictation.texts.append(decoded.text)


def _decode(whisper: WindowedWhisper, encoded: Encoded, dictation: _Dictation, seconds: float) -> Decoded:
    """The text of a window; one that is caught in a loop is decoded again without repetitions."""
    dictation.check_wanted()
    decoded = whisper.decode(encoded, dictation.language, dictation.hint, seconds)
    if not is_loop(decoded.text):
        return decoded
    dictation.check_wanted()
    # The hint is left out: prompts are a common cause of loops.
    again = whisper.decode(encoded, dictation.language, (), seconds, avoid_loops=True)
    return Decoded(without_loops(again.text), again.mean_logprob, again.no_speech_probability)


def _languages(known: list[str], wanted: list[str]) -> list[str]:
    """The wanted languages that the model knows, in the user's order; raises `ModelError` when none."""
    found = [language for language in dict.fromkeys(wanted) if language in known]
    if not found:
        only = "English only" if known == ["en"] else f"{len(known)} languages, not these"
        raise ModelError(
            f"The speech model knows {only}; the settings ask for {', '.join(wanted)}.",
            'Choose a multilingual model (`voiceflow models use small`) or set languages = ["en"].',
        )
    return found


def _sound(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """A finite copy within -1..1, whatever the sound server delivered."""
    audio = np.nan_to_num(samples, copy=True, nan=0.0, posinf=1.0, neginf=-1.0)
    return np.clip(audio, -1.0, 1.0).astype(np.float32, copy=False)


def _level_dbfs(samples: NDArray[np.float32]) -> float:
    mean_square = float(np.mean(np.square(samples, dtype=np.float64)))
    return 10 * float(np.log10(max(mean_square, 1e-12)))
