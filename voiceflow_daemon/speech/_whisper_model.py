"""Whisper in CTranslate2 form, one window at a time: loading, encoding, decoding.

faster-whisper gives the parts (features, encoder, tokenizer, tables); its own `transcribe` is not
used, because it pads every window to 30 s and encodes twice to detect a language. Everything used
here is an attribute or function without an underscore of the pinned version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens
from numpy.typing import NDArray

from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.speech.transcriber import SAMPLE_RATE_HZ

FRAMES_PER_S = 100
"""Frames of the mel spectrogram."""
MAX_WINDOW_FRAMES = 3_000
_DECODER_TOKENS = 448
_TOKENS_PER_S = 25
_TOKENS_AT_LEAST = 32
"""More tokens than anyone speaks; a decoder caught in a loop ends there instead of at 448."""
_PROMPTED_VOCABULARY = 50_000
"""OpenAI's models have 51,864 tokens and more and learned to follow a prompt. The demo model has
1,500 and did not: given a hint it misheard 2 to 4 of its 12 recordings (measured)."""

Encoded = Any
"""The encoder's output, a `ctranslate2.StorageView`."""


@dataclass(frozen=True)
class Decoded:
    """What the decoder wrote for one window, and how sure it was."""

    text: str
    mean_logprob: float
    no_speech_probability: float


class WindowedWhisper:
    """A loaded model folder."""

    def __init__(self, path: Path, *, compute_type: str, threads: int) -> None:
        """Load `path`; raises `ModelError` when it is missing, damaged or no such model."""
        _check_folder(path)
        try:
            self._model = WhisperModel(
                str(path), device="cpu", compute_type=compute_type, cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise _broken(path, str(error)) from error
        # The number of mel bands is the weights' own; preprocessor_config.json may be missing or wrong.
        self._features = FeatureExtractor(feature_size=self._model.model.n_mels)
        self._tokenizers: dict[str, Tokenizer] = {}

    @property
    def languages(self) -> list[str]:
        """The codes of the languages that the model knows."""
        return list(self._model.supported_languages)

    def encode(self, samples: NDArray[np.float32], window_frames: int) -> Encoded:
        """Run the encoder on audio of shape (n,), filled up or cut to `window_frames` (at most 30 s)."""
        mel = self._features(samples)[:, :window_frames]
        # Zeros in the mel spectrogram, not in the audio: that is how the models were trained and run.
        mel = np.pad(mel, ((0, 0), (0, window_frames - mel.shape[1])))
        return self._model.encode(mel)

    def most_likely_language(self, encoded: Encoded, among: Sequence[str]) -> str:
        """The language of `among` that the model hears in an encoded window."""
        found = self._model.model.detect_language(encoded)[0]
        probabilities = {token.strip("<|>"): probability for token, probability in found}
        return max(among, key=lambda language: probabilities.get(language, 0.0))

    def decode(
        self,
        encoded: Encoded,
        language: str,
        hint: Sequence[int],
        seconds: float,
        *,
        avoid_loops: bool = False,
    ) -> Decoded:
        """Write down an encoded window of `seconds` greedily.

        `avoid_loops` forbids it to write the same three tokens twice.
        """
        tokenizer = self._tokenizer(language)
        prompt = [tokenizer.sot_prev, *hint] if hint else []
        prompt += [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        room = max(_TOKENS_AT_LEAST, round(seconds * _TOKENS_PER_S))
        result = self._model.model.generate(
            encoded,
            [prompt],
            beam_size=1,
            max_length=min(_DECODER_TOKENS, len(prompt) + room),
            no_repeat_ngram_size=3 if avoid_loops else 0,
            suppress_tokens=list(get_suppressed_tokens(tokenizer, [-1])),
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        text = tokenizer.decode(result.sequences_ids[0]).strip()
        return Decoded(text, float(result.scores[0]), float(result.no_speech_prob))

    def hint_encoder(self, text: str) -> list[int]:
        """Tokens of a hint; none for a model that has not learned to follow one."""
        tokenizer = self._model.hf_tokenizer
        if tokenizer.get_vocab_size() < _PROMPTED_VOCABULARY:
            return []
        return list(tokenizer.encode(text, add_special_tokens=False).ids)

    def close(self) -> None:
        """Free the weights."""
        self._model.model.unload_model()

    def _tokenizer(self, language: str) -> Tokenizer:
        if language not in self._tokenizers:
            self._tokenizers[language] = Tokenizer(
                self._model.hf_tokenizer,
                self._model.model.is_multilingual,
                task="transcribe",
                language=language,
            )
        return self._tokenizers[language]


def window_frames(samples: int, floor_s: float, padding_s: float) -> int:
    """Size of the window for so many samples at 16 kHz: the speech and its padding, within its limits.

    Even, because the encoder halves it. Fully dynamic windows ruin stock models (79.7% word errors
    with small.en); a floor of 10 s and 2 s of padding were found safe.
    """
    wanted = round((samples / SAMPLE_RATE_HZ + padding_s) * FRAMES_PER_S)
    bounded = min(MAX_WINDOW_FRAMES, max(round(floor_s * FRAMES_PER_S), wanted))
    return bounded + bounded % 2


def _check_folder(path: Path) -> None:
    """Find what the native loader would crash on, misread or fetch from the network."""
    if not path.is_dir():
        raise ModelError(
            f"There is no speech model in {path}.", "Get one with `voiceflow models download base.en`."
        )
    for name in ("model.bin", "config.json", "tokenizer.json"):
        file = path / name
        if not file.is_file() or file.stat().st_size == 0:
            raise _broken(path, f"{name} is missing or empty")
        if name.endswith(".json"):
            try:
                json.loads(file.read_bytes())
            except ValueError as error:
                raise _broken(path, f"{name} is damaged") from error


def _broken(path: Path, reason: str) -> ModelError:
    return ModelError(
        f"The speech model in {path} cannot be loaded: {reason}.",
        "Delete the folder and run `voiceflow models download` again, or choose another with"
        " `voiceflow models use NAME`.",
    )
