"""A recording's file without a disk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class FakeSpool:
    """Remembers what was appended and how it ended; a `full` one refuses."""

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.end = ""
        self._parts: list[NDArray[np.int16]] = []

    def append(self, samples: NDArray[np.int16]) -> None:
        assert not self.end
        if self.full:
            raise OSError(28, "No space left on device")
        self._parts.append(samples)

    def discard(self) -> None:
        self.end = "discarded"

    def release(self) -> None:
        self.end = "released"

    @property
    def samples(self) -> NDArray[np.int16]:
        return np.concatenate(self._parts) if self._parts else np.zeros(0, np.int16)
