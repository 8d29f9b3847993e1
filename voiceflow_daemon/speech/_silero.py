"""Silero's voice detector, as bundled with faster-whisper, run on the ONNX session itself.

faster-whisper's own wrapper zeroes samples in the caller's buffer; this one only reads it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from faster_whisper.utils import get_assets_path
from numpy.typing import NDArray

from voiceflow_daemon.speech.segments import FRAME_SAMPLES

_CONTEXT_SAMPLES = 64
"""The model sees the end of the frame before, too."""
_BATCH_FRAMES = 2_000
"""About a minute at a time: bounds the memory for a recording of hours."""
_USUAL_PEAK = 0.5
_MAX_GAIN = 100.0
"""Measured: below about -40 dBFS the detector misses single words and suspects music; raised to the
usual level it does neither, and noise raised to that level stays noise."""


class SileroVad:
    """The loaded detector. Stateless between calls; one thread at a time."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        # One frame is 0.1 ms of work: more threads would only spin.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(Path(get_assets_path()) / "silero_vad_v6.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def probabilities(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """How likely each 32 ms frame holds speech: shape (ceil(n / FRAME_SAMPLES),), values in 0..1.

        `samples` is mono audio at 16 kHz, shape (n,), finite; the last frame is filled with silence.
        """
        frames = -(-len(samples) // FRAME_SAMPLES)
        if frames == 0:
            return np.zeros(0, dtype=np.float32)
        padded = np.zeros(_CONTEXT_SAMPLES + frames * FRAME_SAMPLES, dtype=np.float32)
        padded[_CONTEXT_SAMPLES : _CONTEXT_SAMPLES + len(samples)] = samples
        padded *= _gain(samples)
        windows = np.lib.stride_tricks.sliding_window_view(padded, _CONTEXT_SAMPLES + FRAME_SAMPLES)
        return self._run(windows[::FRAME_SAMPLES])

    def _run(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        hidden = np.zeros((1, 1, 128), dtype=np.float32)
        cell = np.zeros((1, 1, 128), dtype=np.float32)
        found = []
        for first in range(0, len(windows), _BATCH_FRAMES):
            batch = np.ascontiguousarray(windows[first : first + _BATCH_FRAMES])
            output, hidden, cell = self._session.run(None, {"input": batch, "h": hidden, "c": cell})
            found.append(output.reshape(-1))
        return np.concatenate(found)


def _gain(samples: NDArray[np.float32]) -> float:
    """What brings quiet audio to the usual level; a few clicks do not count as its level."""
    peak = float(np.quantile(np.abs(samples), 0.999))
    return float(np.clip(_USUAL_PEAK / max(peak, 1e-9), 1.0, _MAX_GAIN))
