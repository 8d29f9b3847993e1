"""Long utterances made of short recordings: known words, natural pauses, a known end of the last word."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.files import read_audio_file
from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ

SHORTEST_PAUSE_S = 0.3
LONGEST_PAUSE_S = 1.5
LEAD_S = 0.3
"""Between the key press and the first word."""
_STEP = SAMPLE_RATE_HZ // 100
_SPEECH_ABOVE_NOISE = 10 ** (8 / 20)
"""8 dB above the quietest hundredths of a second."""
_MARGIN_S = 0.03
"""Kept on both sides of the speech: a consonant fades into the noise."""
_DRAWS = 300
"""How many random orders are tried to come near the length asked for."""


@dataclass(frozen=True)
class Clip:
    """A recording of known words, cut to its speech: mono int16 at 16 kHz, shape (n,)."""

    name: str
    said: str
    samples: NDArray[np.int16]
    noise_level: float
    """RMS, in steps of int16, of what was cut off."""

    @property
    def seconds(self) -> float:
        """How long the speech is."""
        return len(self.samples) / SAMPLE_RATE_HZ


@dataclass(frozen=True)
class Utterance:
    """Clips in a row with pauses between them; it ends with the last word."""

    clips: tuple[Clip, ...]
    pauses_s: tuple[float, ...]
    samples: NDArray[np.int16]

    @property
    def said(self) -> str:
        """All its words."""
        return " ".join(clip.said for clip in self.clips)

    @property
    def seconds(self) -> float:
        """From the first word's beginning to the last one's end."""
        return len(self.samples) / SAMPLE_RATE_HZ - LEAD_S


def sample_clips(folder: Path) -> list[Clip]:
    """The recordings of a folder with an `index.toml` (`assets/demo/recordings`)."""
    index = tomllib.loads((folder / "index.toml").read_text(encoding="utf-8"))
    return [
        clip_of(entry["file"], entry["said"], read_audio_file(folder / entry["file"]))
        for entry in index["recording"]
    ]


def clip_of(name: str, said: str, samples: NDArray[np.int16]) -> Clip:
    """Cut a recording, shape (n,), to its speech."""
    steps = samples[: len(samples) // _STEP * _STEP].reshape(-1, _STEP).astype(np.float64)
    levels = np.sqrt(np.mean(np.square(steps), axis=1))
    quiet = float(np.quantile(levels, 0.05))
    loud = np.flatnonzero(levels > max(quiet, 1.0) * _SPEECH_ABOVE_NOISE)
    if len(loud) == 0:
        raise ValueError(f"{name} holds no speech")
    margin = round(_MARGIN_S * SAMPLE_RATE_HZ)
    start = max(0, int(loud[0]) * _STEP - margin)
    end = min(len(samples), (int(loud[-1]) + 1) * _STEP + margin)
    return Clip(name, said, samples[start:end].copy(), quiet)


def join_clips(clips: Sequence[Clip], seconds: float, seed: int, last: Clip | None = None) -> Utterance:
    """An utterance of about so many seconds: clips in random order with pauses of 0.3 to 1.5 s.

    Each clip comes once before any comes twice; `last` ends it, whether it came before or not. The same
    seed gives the same utterance.
    """
    random = np.random.default_rng(seed)
    drawn = [_draw(clips, seconds, random, last) for _ in range(_DRAWS)]
    chosen, pauses = min(drawn, key=lambda draw: abs(_seconds(*draw) - seconds))
    return Utterance(tuple(chosen), tuple(pauses), _sound(chosen, pauses, random))


def _draw(
    clips: Sequence[Clip], seconds: float, random: np.random.Generator, last: Clip | None
) -> tuple[list[Clip], list[float]]:
    chosen = [] if last is None else [last]
    pauses: list[float] = []
    deck: list[Clip] = []
    while not chosen or _seconds(chosen, pauses) < seconds:
        deck = deck or [clips[index] for index in random.permutation(len(clips))]
        if chosen:
            pauses.append(_pause(random))
        chosen.insert(len(chosen) - (last is not None), deck.pop())
    return chosen, pauses


def _pause(random: np.random.Generator) -> float:
    """Short ones are the more frequent: even on a logarithmic scale."""
    return float(SHORTEST_PAUSE_S * (LONGEST_PAUSE_S / SHORTEST_PAUSE_S) ** random.random())


def _seconds(clips: Sequence[Clip], pauses: Sequence[float]) -> float:
    return sum(clip.seconds for clip in clips) + sum(pauses)


def _sound(clips: Sequence[Clip], pauses: Sequence[float], random: np.random.Generator) -> NDArray[np.int16]:
    parts: list[NDArray[np.int16]] = []
    for clip, silence_s in zip(clips, (LEAD_S, *pauses), strict=True):
        noise = random.standard_normal(round(silence_s * SAMPLE_RATE_HZ)) * clip.noise_level
        parts += [np.clip(np.rint(noise), -32768, 32767).astype(np.int16), clip.samples]
    return np.concatenate(parts)
