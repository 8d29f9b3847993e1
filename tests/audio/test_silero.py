from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.speech.recordings import NOBODY, Audio, at_gain, recording, recordings, silence
from voiceflow_daemon.audio import _silero
from voiceflow_daemon.audio._silero import SileroDetector
from voiceflow_daemon.speech.segments import FRAME_SAMPLES, FRAMES_PER_S, speech_spans

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def vad() -> SileroDetector:
    return SileroDetector()


@pytest.mark.parametrize("samples", [0, 1, FRAME_SAMPLES - 1, FRAME_SAMPLES, FRAME_SAMPLES + 1])
def test_there_is_one_probability_a_frame(vad: SileroDetector, samples: int) -> None:
    found = vad.probabilities(np.zeros(samples, dtype=np.float32))
    assert found.shape == (-(-samples // FRAME_SAMPLES),)


def test_the_callers_audio_is_left_as_it_was(vad: SileroDetector) -> None:
    samples = recording("note_short").samples()
    before = samples.copy()
    vad.probabilities(samples)
    assert np.array_equal(samples, before)


def test_batches_carry_the_state_over(vad: SileroDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = recording("code_loop").samples()
    whole = vad.probabilities(samples)
    monkeypatch.setattr(_silero, "_BATCH_FRAMES", 7)
    assert np.allclose(vad.probabilities(samples), whole, atol=1e-4)


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01, 0.003])
def test_speech_is_found_at_any_level_of_the_microphone(vad: SileroDetector, gain: float) -> None:
    for entry in recordings():
        samples = at_gain(entry.samples(), gain)
        spans = speech_spans(vad.probabilities(samples), 0.5)
        spoken_s = sum(span.frames for span in spans) / FRAMES_PER_S
        assert spoken_s > 0.7 * len(samples) / 16_000, entry.file


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("sound", NOBODY)
def test_sounds_without_speech_have_no_spans(vad: SileroDetector, sound: str, gain: float) -> None:
    samples = at_gain(NOBODY[sound](6.0), gain)
    assert speech_spans(vad.probabilities(samples), 0.5) == []


def test_words_after_a_long_silence_are_found(vad: SileroDetector) -> None:
    samples = np.concatenate([silence(70.0), recording("note_short").samples()])
    spans = speech_spans(vad.probabilities(samples), 0.5)
    assert spans
    assert spans[0].start / FRAMES_PER_S == pytest.approx(70.2, abs=0.3)


def streamed(vad: SileroDetector, samples: Audio) -> NDArray[np.float32]:
    """The probabilities that a stream gives for the same frames; the last is filled with silence."""
    stream = vad.stream()
    whole = np.pad(samples, (0, -len(samples) % FRAME_SAMPLES)) * 32768
    frames = np.rint(whole).astype(np.int16).reshape(-1, FRAME_SAMPLES)
    return np.array([stream.probability(frame) for frame in frames], np.float32)


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01, 0.003])
def test_a_stream_hears_all_that_is_heard_in_the_whole(vad: SileroDetector, gain: float) -> None:
    for entry in recordings():
        samples = at_gain(entry.samples(), gain)
        live = streamed(vad, samples)
        for span in speech_spans(vad.probabilities(samples), 0.5):
            assert float(np.mean(live[span.start : span.end] >= 0.35)) > 0.85, entry.file
            assert float(live[span.start : span.start + 2].max()) >= 0.35, entry.file
            assert float(live[span.end - 2 : span.end].max()) >= 0.35, entry.file


def test_where_the_gain_is_the_same_a_stream_hears_the_same(vad: SileroDetector) -> None:
    samples = at_gain(recording("code_loop").samples(), 0.003)
    assert np.allclose(streamed(vad, samples), vad.probabilities(samples), atol=1e-4)


@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01, 0.001])
@pytest.mark.parametrize("sound", NOBODY)
def test_sounds_without_speech_are_none_in_a_stream(vad: SileroDetector, sound: str, gain: float) -> None:
    assert speech_spans(streamed(vad, at_gain(NOBODY[sound](6.0), gain)), 0.5) == []


def test_a_faint_voice_beside_a_loud_one_is_background(vad: SileroDetector) -> None:
    loud, faint = recording("note_short").samples(), at_gain(recording("chat_short").samples(), 0.001)
    stream = vad.stream()
    live = [
        stream.probability((frame * 32767).astype(np.int16))
        for frame in np.concatenate([loud, faint])[: (len(loud) + len(faint)) // 512 * 512].reshape(-1, 512)
    ]
    before = len(loud) // FRAME_SAMPLES + 10
    assert speech_spans(np.array(live[before:], np.float32), 0.5) == []
    assert speech_spans(vad.probabilities(faint, stream.loudness), 0.5) == []
    assert speech_spans(vad.probabilities(faint), 0.5) != []


def test_the_runtime_reports_to_nobody(tmp_path: Path) -> None:
    loading = "from voiceflow_daemon.audio._silero import SileroDetector; SileroDetector()"
    env = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", loading], env=env, cwd=CHECKOUT, check=True)
    assert list(tmp_path.rglob("*")) == []
