"""The line to a microphone: whether it still sends, and what it sent just before a recording."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.source import AudioSource, AudioStream


@dataclass(frozen=True)
class CaptureLimits:
    """How long the recorder waits for a microphone, and how much it holds in memory.

    A driver tells nothing when a device is unplugged: the blocks just stop.
    """

    first_block_s: float = 5.0
    """Once it is open. A Bluetooth headset needs seconds to change its profile."""
    silence_s: float = 1.0
    """Without any block after the first one."""
    late_tail_s: float = 0.5
    """For a tail's blocks, beyond the tail's own length."""
    longest_s: float = 3700.0
    """Of one recording: above the longest that the settings allow."""
    open_s: float = 5.0
    """For opening it, and for closing the one before."""


class Line:
    """An open microphone with its pre-roll.

    The driver's thread runs `on_block`, which notes the time and enqueues; the rest is the capture
    thread's.
    """

    def __init__(self, microphone: str, limits: CaptureLimits, put: Callable[[Block], None]) -> None:
        self.microphone = microphone
        self.stream: AudioStream
        self.preroll: Preroll
        self._limits = limits
        self._put = put
        self.silent_at = math.inf
        """When the microphone counts as dead, if no further block comes."""

    def connect(self, source: AudioSource) -> None:
        """Open the microphone; raises `MicrophoneError`."""
        self.stream = source.open(self.microphone, self.on_block)
        self.preroll = Preroll(self.stream.sample_rate_hz)
        if self.silent_at == math.inf:
            self.silent_at = time.monotonic() + self._limits.first_block_s

    def is_alive(self) -> bool:
        """Whether it sends."""
        return time.monotonic() < self.silent_at

    def on_block(self, samples: NDArray[np.float32]) -> None:
        """Called by the driver."""
        self.silent_at = time.monotonic() + self._limits.silence_s
        self._put(Block(self, samples))


@dataclass(frozen=True)
class Block:
    """What a line sent, shape (frames, channels)."""

    line: Line
    samples: NDArray[np.float32]


class Preroll:
    """The last moments of a microphone that is kept open."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self._blocks: deque[NDArray[np.float32]] = deque()
        self._frames = 0

    def add(self, block: NDArray[np.float32], length_ms: int) -> None:
        """Remember a block, shape (frames, channels), and forget what is older than `length_ms`."""
        self._blocks.append(block)
        self._frames += len(block)
        wanted = self._rate * length_ms // 1000
        while self._blocks and self._frames - len(self._blocks[0]) >= wanted:
            self._frames -= len(self._blocks.popleft())

    def take(self) -> list[NDArray[np.float32]]:
        """Hand out what is remembered, oldest first, and forget it."""
        blocks = list(self._blocks)
        self._blocks.clear()
        self._frames = 0
        return blocks
