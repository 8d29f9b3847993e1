"""How much a recording is raised before the voice detector hears it. Pure.

Measured: below about -40 dBFS the detector misses single words and suspects music; raised to the
usual level it does neither, and noise raised to that level stays noise.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_USUAL_PEAK = 0.5
_MAX_GAIN = 100.0
_QUIETER_SHARE = 0.999
"""A few clicks do not count as a recording's level."""
_FRAME_QUIETER_SHARE = 0.98
"""In one frame a click is more than a few samples."""
_BIN_BITS = 3
"""Magnitudes are counted in steps of 8 of 32768: within 5% even at the level of the greatest gain."""
_BINS = (32768 >> _BIN_BITS) + 1


def gain_for(samples: NDArray[np.float32], loudness: float = 0.0) -> float:
    """The gain for a recording, shape (n,) with n > 0, values in -1..1, or a piece of a louder one."""
    return _gain(max(float(np.quantile(np.abs(samples), _QUIETER_SHARE)), loudness))


class RunningGain:
    """The gain while a recording is made: that of all which was heard so far, and of the frame itself.

    So the first word after a quiet room is not overdriven, and at the end the gain is the one that
    `gain_for` gives for the whole. It is hardly ever less than that: what the detector hears in the
    whole recording it hears while it is made.
    """

    def __init__(self) -> None:
        self._counts = np.zeros(_BINS, dtype=np.int64)
        self._heard = 0

    def hear(self, frame: NDArray[np.int16]) -> float:
        """The gain for the next frame, shape (n,) with n > 0."""
        magnitudes = np.abs(frame.astype(np.int32))
        self._counts += np.bincount(magnitudes >> _BIN_BITS, minlength=_BINS)
        self._heard += len(frame)
        rank = int(_FRAME_QUIETER_SHARE * len(frame))
        own = float(np.partition(magnitudes, rank)[rank]) / 32768
        return _gain(max(own, self.loudness))

    @property
    def loudness(self) -> float:
        """The magnitude, 0..1, that all but a few of the samples so far stay below."""
        quieter = np.cumsum(self._counts)
        highest = int(np.searchsorted(quieter, _QUIETER_SHARE * self._heard))
        return (highest << _BIN_BITS) / 32768


def _gain(peak: float) -> float:
    return float(np.clip(_USUAL_PEAK / max(peak, 1e-9), 1.0, _MAX_GAIN))
