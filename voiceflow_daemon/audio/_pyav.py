"""Decoding of sound files by PyAV (FFmpeg's libraries)."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray

NO_PROTOCOLS = {"protocol_whitelist": "file"}
"""A playlist that poses as a sound file must not make FFmpeg fetch something from the network."""


class DecodeError(Exception):
    """FFmpeg does not understand the file, or it is damaged."""


class NoSoundError(Exception):
    """The file has no audio track."""


def decode(path: Path, sample_rate_hz: int) -> NDArray[np.int16]:
    """Decode the first audio track to mono int16, shape (n,).

    Raises OSError, `DecodeError` and `NoSoundError`.
    """
    with path.open("rb") as file:
        try:
            with av.open(file, "r", options=NO_PROTOCOLS) as container:
                if not container.streams.audio:
                    raise NoSoundError
                resampler = AudioResampler(format="s16", layout="mono", rate=sample_rate_hz)
                frames: list[AudioFrame] = []
                for frame in container.decode(container.streams.audio[0]):
                    frames += resampler.resample(frame)
                if frames:
                    frames += resampler.resample(None)
        except av.FFmpegError as error:
            raise DecodeError(error.strerror or "unknown format") from error
    parts = [frame.to_ndarray().reshape(-1) for frame in frames]
    return np.concatenate(parts).astype(np.int16, copy=False) if parts else np.zeros(0, np.int16)
