"""The sample recordings, and sounds that nobody spoke."""

from __future__ import annotations

import tomllib
import wave
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.storage.paths import assets_dir

RATE_HZ = 16_000
DEMO_MODEL = assets_dir() / "demo" / "speech"
RECORDINGS = assets_dir() / "demo" / "recordings"

Audio = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """One entry of index.toml; `heard` is what the demo model hears in a full window of 30 s."""

    file: str
    heard: str

    def samples(self) -> Audio:
        with wave.open(str(RECORDINGS / self.file)) as file:
            raw = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        return np.asarray(raw / 32768, dtype=np.float32)


def recordings() -> list[Recording]:
    entries = tomllib.loads((RECORDINGS / "index.toml").read_text())["recording"]
    return [Recording(entry["file"], entry["heard"]) for entry in entries]


def recording(name: str) -> Recording:
    return next(entry for entry in recordings() if entry.file == f"{name}.wav")


def silence(seconds: float) -> Audio:
    return np.zeros(int(seconds * RATE_HZ), dtype=np.float32)


def at_gain(samples: Audio, gain: float) -> Audio:
    """As a microphone with another gain would give it: rounded to 16 bits."""
    return np.asarray(np.round(samples * gain * 32767) / 32768, dtype=np.float32)


def _time(seconds: float) -> NDArray[np.float64]:
    return np.arange(int(seconds * RATE_HZ)) / RATE_HZ


def _peak(samples: NDArray[np.float64], peak: float = 0.9) -> Audio:
    return np.asarray(samples / np.abs(samples).max() * peak, dtype=np.float32)


def _random() -> np.random.Generator:
    return np.random.default_rng(7)


def white_noise(seconds: float) -> Audio:
    return _peak(_random().standard_normal(int(seconds * RATE_HZ)))


def pink_noise(seconds: float) -> Audio:
    count = int(seconds * RATE_HZ)
    spectrum = np.fft.rfft(_random().standard_normal(count))
    return _peak(np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), count))


def brown_noise(seconds: float) -> Audio:
    walk = np.cumsum(_random().standard_normal(int(seconds * RATE_HZ)))
    return _peak(walk - np.linspace(walk[0], walk[-1], len(walk)))


def hum(seconds: float, hertz: float = 50.0) -> Audio:
    return _peak(np.sum([np.sin(2 * np.pi * hertz * k * _time(seconds)) / k for k in range(1, 12)], axis=0))


def clicks(seconds: float) -> Audio:
    random = _random()
    samples = np.zeros(int(seconds * RATE_HZ))
    for at in random.integers(0, len(samples) - 400, 25):
        samples[at : at + 200] += random.standard_normal(200) * np.exp(-np.arange(200) / 40)
    return _peak(samples)


def typing(seconds: float) -> Audio:
    random = _random()
    samples = np.zeros(int(seconds * RATE_HZ))
    for beat in range(0, len(samples) - 3000, 2500):
        at = beat + int(random.integers(0, 900))
        samples[at : at + 300] += random.standard_normal(300) * np.exp(-np.arange(300) / 60)
    return _peak(samples)


def chords(seconds: float) -> Audio:
    random = _random()
    samples = np.zeros(int(seconds * RATE_HZ))
    for at in range(0, len(samples), RATE_HZ // 2):
        time = np.arange(min(12_000, len(samples) - at)) / RATE_HZ
        for hertz in random.choice([220, 262, 294, 330, 392, 440, 523, 587, 659], 3, replace=False):
            tone = np.sum([np.sin(2 * np.pi * hertz * k * time) / k**1.5 for k in range(1, 6)], axis=0)
            samples[at : at + len(time)] += tone * np.exp(-3 * time)
    return _peak(samples)


def breath(seconds: float) -> Audio:
    noise = pink_noise(seconds).astype(np.float64)
    spectrum = np.fft.rfft(noise)
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE_HZ)
    air = np.fft.irfft(spectrum * np.exp(-(((hertz - 1200) / 900) ** 2)), len(noise))
    return _peak(air * np.clip(np.sin(2 * np.pi * _time(seconds) / 3), 0, 1) ** 2)


def sweep(seconds: float) -> Audio:
    time = _time(seconds)
    return _peak(np.sin(2 * np.pi * (200 * time + 150 * time**2)))


def vibrato(seconds: float) -> Audio:
    time = _time(seconds)
    partials = [
        np.sin(2 * np.pi * 220 * k * time + 3 * k * np.sin(2 * np.pi * 5.5 * time)) / k for k in range(1, 15)
    ]
    return _peak(np.sum(partials, axis=0))


NOBODY: dict[str, Callable[[float], Audio]] = {
    "silence": silence,
    "white noise": white_noise,
    "pink noise": pink_noise,
    "brown noise": brown_noise,
    "mains hum": hum,
    "transformer hum": lambda seconds: hum(seconds, 120.0),
    "clicks": clicks,
    "typing": typing,
    "chords": chords,
    "breath": breath,
    "sweep": sweep,
    "vibrato": vibrato,
}
"""Sounds without speech, by name, each made for a number of seconds."""
