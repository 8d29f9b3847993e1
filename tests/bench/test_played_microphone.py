"""The microphone that a recording is played to: all of it, in real time, and the release with its end."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.bench.played_microphone import BLOCK_SAMPLES, PlayedMicrophone
from voiceflow_daemon.bench.utterances import Clip, Utterance

LIMIT_S = 20.0
NOISE_LEVEL = 12.0


def utterance(samples: int) -> Utterance:
    sound = np.arange(1, samples + 1, dtype=np.int16)
    return Utterance((Clip("clip", "said", sound, NOISE_LEVEL),), (), sound)


class Listener:
    """Keeps the blocks, and how many had come at the end of the last word."""

    def __init__(self) -> None:
        self.blocks: list[NDArray[np.float32]] = []
        self.at_end: list[int] = []
        self.enough = threading.Event()
        self.wanted = 0

    def hear(self, block: NDArray[np.float32]) -> None:
        self.blocks.append(block)
        if self.heard >= self.wanted:
            self.enough.set()

    def end(self) -> None:
        self.at_end.append(self.heard)

    @property
    def heard(self) -> int:
        return sum(map(len, self.blocks))


@pytest.mark.parametrize("length", [1, BLOCK_SAMPLES, 5 * BLOCK_SAMPLES + 7])
def test_every_sample_then_noise_and_the_release_with_the_last_word(length: int) -> None:
    listener = Listener()
    listener.wanted = length + 20 * BLOCK_SAMPLES
    microphone = PlayedMicrophone(listener.end)
    microphone.insert(utterance(length))
    began = time.perf_counter()
    stream = microphone.open("", listener.hear)
    try:
        assert listener.enough.wait(LIMIT_S)
    finally:
        stream.close()
    took_s = time.perf_counter() - began
    sound = np.concatenate(listener.blocks)
    assert all(block.shape[1:] == (1,) and 0 < len(block) <= BLOCK_SAMPLES for block in listener.blocks)
    assert np.array_equal(np.rint(sound[:length, 0] * 32768), np.arange(1, length + 1))
    assert np.std(sound[length:, 0] * 32768) == pytest.approx(NOISE_LEVEL, rel=0.2)
    assert listener.at_end == [length]
    assert took_s >= len(sound) / SAMPLE_RATE_HZ, "no block comes before it is spoken"


def test_a_closed_stream_is_silent() -> None:
    listener = Listener()
    microphone = PlayedMicrophone(listener.end)
    microphone.insert(utterance(SAMPLE_RATE_HZ))
    stream = microphone.open("", listener.hear)
    stream.close()
    heard = len(listener.blocks)
    stream.close()
    assert len(listener.blocks) == heard
    assert listener.at_end == []


def test_each_opening_plays_what_was_inserted_last() -> None:
    listener = Listener()
    microphone = PlayedMicrophone(listener.end)
    for length in (100, 40):
        listener.wanted = listener.heard + length
        listener.enough.clear()
        microphone.insert(utterance(length))
        stream = microphone.open("", listener.hear)
        assert listener.enough.wait(LIMIT_S)
        stream.close()
    assert len(listener.at_end) == 2
    assert [found.is_default for found in microphone.microphones()] == [True]
