"""What the recorder needs of a microphone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

OnBlock = Callable[[NDArray[np.float32]], None]
"""Receives each block as shape (frames, channels), values in -1..1, on the driver's thread."""


class AudioStream(Protocol):
    """An open microphone."""

    @property
    def sample_rate_hz(self) -> int:
        """The device's own rate."""

    def close(self) -> None:
        """Stop and release the device; no block arrives after it."""


class AudioSource(Protocol):
    """Opens microphones."""

    def open(self, microphone: str, on_block: OnBlock) -> AudioStream:
        """Open and start; "" is the default device. Raises `MicrophoneError`."""
