"""Silero's voice detector, as bundled with faster-whisper, run on the ONNX session itself.

faster-whisper's own wrapper zeroes samples in the caller's buffer and forgets between calls what it
heard; this one only reads, and a stream carries the state on.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from numpy.typing import NDArray

from voiceflow_daemon.audio.gain import RunningGain, gain_for
from voiceflow_daemon.audio.voice import FRAME_SAMPLES

_CONTEXT_SAMPLES = 64
"""The model sees the end of the frame before, too."""
_BATCH_FRAMES = 2_000
"""About a minute at a time: bounds the memory for a recording of hours."""

_Memory = tuple[NDArray[np.float32], NDArray[np.float32]]
"""The model's hidden and cell state, each of shape (1, 1, 128)."""


class SileroDetector:
    """The loaded detector. Stateless between calls; any thread may use it, several at once."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        # One frame is 0.1 ms of work: more threads would only spin.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(_model_file()), options, providers=["CPUExecutionProvider"]
        )

    def probabilities(self, samples: NDArray[np.float32], loudness: float = 0.0) -> NDArray[np.float32]:
        """How likely each 32 ms frame holds speech: shape (ceil(n / FRAME_SAMPLES),), values in 0..1.

        `samples` is mono audio at 16 kHz, shape (n,), finite; the last frame is filled with silence.
        `loudness` is that of the recording which `samples` are a piece of, where it is known.
        """
        frames = -(-len(samples) // FRAME_SAMPLES)
        if frames == 0:
            return np.zeros(0, dtype=np.float32)
        padded = np.zeros(_CONTEXT_SAMPLES + frames * FRAME_SAMPLES, dtype=np.float32)
        padded[_CONTEXT_SAMPLES : _CONTEXT_SAMPLES + len(samples)] = samples
        padded *= gain_for(samples, loudness)
        windows = np.lib.stride_tricks.sliding_window_view(padded, _CONTEXT_SAMPLES + FRAME_SAMPLES)
        windows = windows[::FRAME_SAMPLES]
        memory = _blank()
        found = []
        for first in range(0, len(windows), _BATCH_FRAMES):
            output, memory = self.run(windows[first : first + _BATCH_FRAMES], memory)
            found.append(output)
        return np.concatenate(found)

    def stream(self) -> SileroStream:
        """Listen to a recording while it is made."""
        return SileroStream(self)

    def run(self, windows: NDArray[np.float32], memory: _Memory) -> tuple[NDArray[np.float32], _Memory]:
        """Probabilities, shape (n,), of consecutive frames with the context before each: shape (n, 576)."""
        given = {"input": np.ascontiguousarray(windows), "h": memory[0], "c": memory[1]}
        output, hidden, cell = self._session.run(None, given)
        return output.reshape(-1), (hidden, cell)


class SileroStream:
    """One recording, heard frame by frame as it is made. One thread."""

    def __init__(self, detector: SileroDetector) -> None:
        self._detector = detector
        self._memory = _blank()
        self._gain = RunningGain()
        self._window = np.zeros(_CONTEXT_SAMPLES + FRAME_SAMPLES, dtype=np.int16)

    @property
    def loudness(self) -> float:
        """The level, 0..1, that all but a few of the samples so far stay below."""
        return self._gain.loudness

    def probability(self, frame: NDArray[np.int16]) -> float:
        """How likely the next frame, shape (FRAME_SAMPLES,), holds speech: 0..1."""
        self._window[:_CONTEXT_SAMPLES] = self._window[-_CONTEXT_SAMPLES:]
        self._window[_CONTEXT_SAMPLES:] = frame
        scale = np.float32(self._gain.hear(frame) / 32768)
        output, self._memory = self._detector.run((self._window * scale)[np.newaxis], self._memory)
        return float(output[0])


def _blank() -> _Memory:
    return np.zeros((1, 1, 128), dtype=np.float32), np.zeros((1, 1, 128), dtype=np.float32)


def _model_file() -> Path:
    """In faster-whisper's package, which is found but not imported: that would take a second."""
    found = find_spec("faster_whisper")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("faster-whisper, which brings the voice detector, is not installed")
    return Path(found.origin).parent / "assets" / "silero_vad_v6.onnx"
