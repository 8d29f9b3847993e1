"""What the recorder needs of a sound system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

OnBlock = Callable[[NDArray[np.float32]], None]
"""Receives each block as shape (frames, channels), values in -1..1, on the driver's thread."""


@dataclass(frozen=True)
class Microphone:
    """One microphone as the user knows it. `name` is the sound system's own id for it.

    `sample_rate_hz` and `channels` are the device's own.
    """

    description: str
    name: str
    is_default: bool
    sample_rate_hz: int
    channels: int


class AudioStream(Protocol):
    """An open microphone."""

    @property
    def sample_rate_hz(self) -> int:
        """The rate of the blocks."""

    @property
    def is_substitute(self) -> bool:
        """Whether the microphone asked for is not there and the default is open in its stead."""

    def close(self) -> None:
        """Stop and release the device; no block arrives after it."""


class AudioSource(Protocol):
    """Lists and opens microphones."""

    def microphones(self) -> tuple[Microphone, ...]:
        """Those there are now, each description once; any thread may call it."""

    def open(self, microphone: str, on_block: OnBlock) -> AudioStream:
        """Open by description and start; "" is the default. Raises `MicrophoneError`."""
