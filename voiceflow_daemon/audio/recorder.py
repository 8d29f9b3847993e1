"""The capture thread: drains the microphone into a 16 kHz mono recording and its journal file."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from voiceflow_daemon.audio.source import AudioSource, AudioStream
from voiceflow_daemon.config.schema import AudioSettings
from voiceflow_daemon.errors import MicrophoneError

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


@dataclass(frozen=True)
class Recorded:
    """A finished recording: mono int16 at 16 kHz, shape (n,). The receiver closes the spool."""

    recording_id: int
    samples: NDArray[np.int16]
    spool: Spool | None


@dataclass(frozen=True)
class CaptureFailed:
    """The microphone could not be opened, or it stopped; `recorded` is what there was till then."""

    recording_id: int
    error: MicrophoneError
    recorded: Recorded | None


@dataclass(frozen=True)
class _Begin:
    recording_id: int
    settings: AudioSettings
    open_spool: Callable[[], Spool]


@dataclass(frozen=True)
class _Finish:
    recording_id: int


@dataclass(frozen=True)
class _Drop:
    recording_id: int


_Message = _Begin | _Finish | _Drop | NDArray[np.float32] | None


class _Take:
    """One recording being made."""

    def __init__(self, begin: _Begin, stream: AudioStream, spool: Spool) -> None:
        self.begin = begin
        self.stream = stream
        self.spool = spool
        self.resampler = soxr.ResampleStream(stream.sample_rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")
        self.parts: list[NDArray[np.int16]] = []
        self.ends_at: float | None = None

    def add(self, block: NDArray[np.float32], *, last: bool = False) -> None:
        mono = np.ascontiguousarray(block.mean(axis=1))
        resampled = self.resampler.resample_chunk(mono, last=last)
        samples = np.clip(np.rint(resampled * 32767.0), -32768, 32767).astype(np.int16)
        if len(samples):
            self.parts.append(samples)
            self.spool.append(samples)


class Recorder:
    """Makes recordings one after the other; its methods only enqueue and return at once."""

    def __init__(self, source: AudioSource, emit: Callable[[Recorded | CaptureFailed], None]) -> None:
        self._source = source
        self._emit = emit
        self._queue: queue.SimpleQueue[_Message] = queue.SimpleQueue()
        self._take: _Take | None = None
        self._thread = threading.Thread(target=self._run, name="capture")

    def start(self) -> None:
        """Start the capture thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; an open recording stays in the journal."""
        self._queue.put(None)
        self._thread.join()

    def begin(self, recording_id: int, settings: AudioSettings, open_spool: Callable[[], Spool]) -> None:
        """Open the microphone and record."""
        self._queue.put(_Begin(recording_id, settings, open_spool))

    def finish(self, recording_id: int) -> None:
        """Record the tail, close the microphone and emit `Recorded`."""
        self._queue.put(_Finish(recording_id))

    def drop(self, recording_id: int) -> None:
        """Close the microphone and forget the recording."""
        self._queue.put(_Drop(recording_id))

    def _run(self) -> None:
        while True:
            try:
                message = self._queue.get(timeout=self._wait_s())
            except queue.Empty:
                self._complete()
                continue
            if message is None:
                break
            self._handle(message)
        if self._take is not None:
            self._take.stream.close()
            self._take.spool.release()

    def _wait_s(self) -> float | None:
        if self._take is None or self._take.ends_at is None:
            return None
        return max(0.0, self._take.ends_at - time.monotonic())

    def _handle(self, message: _Begin | _Finish | _Drop | NDArray[np.float32]) -> None:
        take = self._take
        if isinstance(message, _Begin):
            self._complete()
            self._open(message)
        elif take is None:
            return
        elif isinstance(message, _Finish):
            take.ends_at = time.monotonic() + take.begin.settings.tail_ms / 1000
        elif isinstance(message, _Drop):
            take.stream.close()
            take.spool.discard()
            self._take = None
        else:
            take.add(message)
            if take.ends_at is not None and time.monotonic() >= take.ends_at:
                self._complete()

    def _open(self, begin: _Begin) -> None:
        try:
            stream = self._source.open(begin.settings.microphone, self._queue.put)
        except MicrophoneError as error:
            self._emit(CaptureFailed(begin.recording_id, error, None))
            return
        self._take = _Take(begin, stream, begin.open_spool())

    def _complete(self) -> None:
        take, self._take = self._take, None
        if take is None:
            return
        take.stream.close()
        take.add(np.zeros((0, 1), np.float32), last=True)
        samples = np.concatenate(take.parts) if take.parts else np.zeros(0, np.int16)
        self._emit(Recorded(take.begin.recording_id, samples, take.spool))
