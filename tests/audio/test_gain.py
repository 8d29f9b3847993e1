"""How much a recording is raised before the detector hears it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from voiceflow_daemon.audio.gain import RunningGain, gain_for

FRAME = 512


def noise(level: float, frames: int, seed: int = 0) -> NDArray[np.int16]:
    samples = np.random.default_rng(seed).uniform(-level, level, frames * FRAME) * 32767
    return samples.astype(np.int16)


def as_float(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    return samples.astype(np.float32) / np.float32(32768)


def frames_of(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    return samples.reshape(-1, FRAME)


def test_quiet_audio_is_raised_to_the_usual_level_and_loud_audio_left() -> None:
    assert gain_for(as_float(noise(0.05, 50))) == pytest.approx(10, rel=0.02)
    assert gain_for(as_float(noise(0.9, 50))) == 1.0
    assert gain_for(np.zeros(FRAME, np.float32)) == 100.0


def test_a_piece_is_measured_by_the_recording_that_it_is_of() -> None:
    assert gain_for(as_float(noise(0.005, 50)), 0.25) == 2.0
    assert gain_for(as_float(noise(0.25, 50)), 0.005) == pytest.approx(2.0, rel=0.02)


def test_the_first_loud_frame_is_not_overdriven() -> None:
    gain = RunningGain()
    for frame in frames_of(noise(0.001, 2000)):
        gain.hear(frame)
    assert gain.hear(noise(0.5, 1)) == pytest.approx(1.0, rel=0.05)


def test_what_was_loud_once_keeps_a_faint_voice_faint() -> None:
    gain = RunningGain()
    for frame in frames_of(noise(0.5, 30)):
        gain.hear(frame)
    later = [gain.hear(frame) for frame in frames_of(noise(0.003, 900))]
    assert max(later) < 1.1


def test_a_click_is_forgotten() -> None:
    gain = RunningGain()
    click = noise(0.002, 1)
    click[:8] = 30_000
    gain.hear(click)
    gains = [gain.hear(frame) for frame in frames_of(noise(0.05, 40))]
    assert gains[-1] == pytest.approx(10, rel=0.1)


@given(
    st.lists(st.tuples(st.floats(0.0005, 1.0), st.integers(1, 30)), min_size=1, max_size=8),
    st.integers(0, 99),
)
def test_at_the_end_it_is_the_gain_for_the_whole_or_less(parts: list[tuple[float, int]], seed: int) -> None:
    samples = np.concatenate([noise(level, frames, seed) for level, frames in parts])
    gain = RunningGain()
    for frame in frames_of(samples):
        last = gain.hear(frame)
    whole = gain_for(as_float(samples))
    own = gain_for(as_float(samples[-FRAME:]))
    assert min(whole, own) * 0.9 <= last <= whole * 1.1
