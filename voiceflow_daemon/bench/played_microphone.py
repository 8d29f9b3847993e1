"""A microphone that hears a recording as it is spoken: block by block, in real time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.source import Microphone, OnBlock
from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.bench.utterances import Utterance

BLOCK_SAMPLES = SAMPLE_RATE_HZ // 50
"""20 ms, as sound servers send them."""

PLAYED = Microphone("Recording", "played", is_default=True, sample_rate_hz=SAMPLE_RATE_HZ, channels=1)


class PlayedStream:
    """One opening: the utterance, then the room's noise until it is closed."""

    sample_rate_hz = SAMPLE_RATE_HZ
    is_substitute = False

    def __init__(self, utterance: Utterance, on_block: OnBlock, on_end: Callable[[], None]) -> None:
        self._samples = utterance.samples
        self._noise_level = utterance.clips[-1].noise_level
        self._on_block = on_block
        self._on_end = on_end
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="played microphone")
        self._thread.start()

    def close(self) -> None:
        """No block arrives after it."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        """A block is sent when its last sample would have been spoken, and `on_end` with the last word."""
        began, random, sent = time.perf_counter(), np.random.default_rng(0), 0
        while not self._closing.wait(
            max(0.0, began + self._end(sent) / SAMPLE_RATE_HZ - time.perf_counter())
        ):
            end = self._end(sent)
            block = self._samples[sent:end]
            if len(block) == 0:
                block = np.rint(random.standard_normal(end - sent) * self._noise_level)
            self._on_block(_sound(block))
            if sent < len(self._samples) <= end:
                self._on_end()
            sent, end = end, self._end(end)

    def _end(self, start: int) -> int:
        """Of the block from `start`: none has both speech and what follows the last word."""
        length = len(self._samples)
        return min(start + BLOCK_SAMPLES, length) if start < length else start + BLOCK_SAMPLES


class PlayedMicrophone:
    """The `AudioSource`: plays what it was given last, from the opening on."""

    def __init__(self, on_end: Callable[[], None]) -> None:
        """`on_end` is called with the last block of speech, on the microphone's own thread."""
        self._on_end = on_end
        self._utterance: Utterance | None = None

    def insert(self, utterance: Utterance) -> None:
        """What is spoken at the next opening."""
        self._utterance = utterance

    def microphones(self) -> tuple[Microphone, ...]:
        """This one."""
        return (PLAYED,)

    def open(self, microphone: str, on_block: OnBlock) -> PlayedStream:  # noqa: ARG002
        """Begin to play."""
        assert self._utterance is not None
        return PlayedStream(self._utterance, on_block, self._on_end)


def _sound(block: NDArray[np.int16] | NDArray[np.float64]) -> NDArray[np.float32]:
    return (block.astype(np.float32) / np.float32(32768))[:, np.newaxis]
