"""One recording while it is being made: resampled to 16 kHz mono, in memory and in its spool."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

log = logging.getLogger(__name__)

SAMPLE_RATE_HZ = 16_000


class Spool(Protocol):
    """Where a recording's samples are kept safe while it is made (the journal)."""

    def append(self, samples: NDArray[np.int16]) -> None:
        """Write samples, shape (n,); raises OSError when the disk is full or gone."""

    def discard(self) -> None:
        """Delete the recording."""

    def release(self) -> None:
        """Close the file and leave it for a later start to find."""


class Take:
    """Samples of one recording. A spool that fails is reported once; the recording goes on in memory."""

    def __init__(
        self, sample_rate_hz: int, spool: Spool | None, spool_failed: Callable[[OSError], None]
    ) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._resampler = soxr.ResampleStream(sample_rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
        self._parts: list[NDArray[np.int16]] = []
        self.spool = spool
        self._spooling = spool is not None
        self._spool_failed = spool_failed
        self.frames = 0
        """Recorded so far, at the stream's rate."""

    def add(self, block: NDArray[np.float32], *, last: bool = False) -> NDArray[np.int16]:
        """Add a block of shape (frames, channels) at the stream's rate.

        Returns the samples that it gave, shape (n,): later ones than the block's, for the resampler
        holds some back.
        """
        self.frames += len(block)
        mono = np.ascontiguousarray(block.mean(axis=1, dtype=np.float32))
        resampled = self._resampler.resample_chunk(mono, last=last)
        samples: NDArray[np.int16] = np.clip(np.rint(resampled * 32767.0), -32768, 32767).astype(np.int16)
        if len(samples):
            self._parts.append(samples)
            self._keep_safe(samples)
        return samples

    def finish(self) -> NDArray[np.int16]:
        """Fetch what the resampler still holds, and return the whole recording, shape (n,)."""
        self.add(np.zeros((0, 1), np.float32), last=True)
        return self.samples

    @property
    def samples(self) -> NDArray[np.int16]:
        """The recording so far, shape (n,): a copy."""
        return np.concatenate(self._parts) if self._parts else np.zeros(0, np.int16)

    def discard(self) -> None:
        """Delete what the spool holds."""
        if self.spool is not None:
            try:
                self.spool.discard()
            except OSError:
                log.exception("a dropped recording could not be deleted")

    def release(self) -> None:
        """Leave the recording to a later start."""
        self.finish()
        if self.spool is not None:
            self.spool.release()

    def _keep_safe(self, samples: NDArray[np.int16]) -> None:
        if self.spool is None or not self._spooling:
            return
        try:
            self.spool.append(samples)
        except OSError as error:
            self._spooling = False
            self._spool_failed(error)
