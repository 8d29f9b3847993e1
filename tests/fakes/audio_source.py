"""A sound system of which a test is the room: it says what microphones there are and what they hear."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.source import Microphone, OnBlock
from voiceflow_daemon.errors import MicrophoneError

BUILT_IN = Microphone("Built-in", "fake.built_in", is_default=True, sample_rate_hz=16_000, channels=1)
HEADSET = Microphone("Headset", "fake.headset", is_default=False, sample_rate_hz=16_000, channels=1)


class FakeStream:
    """One opening of a microphone; remembers being closed."""

    def __init__(self, microphone: Microphone, on_block: OnBlock, *, is_substitute: bool) -> None:
        self.microphone = microphone
        self.sample_rate_hz = microphone.sample_rate_hz
        self.is_substitute = is_substitute
        self.closed = False
        self._on_block = on_block

    def send(self, samples: NDArray[np.float32]) -> None:
        """Let the driver call with a block, shape (frames, channels); a closed stream is silent."""
        if not self.closed:
            self._on_block(samples)

    def close(self) -> None:
        self.closed = True


class FakeSource:
    """The `AudioSource` of a test. Take microphones away by assigning `present`; `refusal` refuses all."""

    def __init__(self, *present: Microphone) -> None:
        self.present = present or (BUILT_IN,)
        self.refusal: MicrophoneError | None = None
        self.streams: list[FakeStream] = []

    def microphones(self) -> tuple[Microphone, ...]:
        return self.present

    def open(self, microphone: str, on_block: OnBlock) -> FakeStream:
        if self.refusal is not None:
            raise self.refusal
        if not self.present:
            raise MicrophoneError("There is no microphone.", "Plug one in.")
        named = next((m for m in self.present if m.description == microphone), None)
        default = next(m for m in self.present if m.is_default)
        stream = FakeStream(named or default, on_block, is_substitute=bool(microphone) and named is None)
        self.streams.append(stream)
        return stream

    def open_streams(self) -> list[FakeStream]:
        return [stream for stream in self.streams if not stream.closed]
