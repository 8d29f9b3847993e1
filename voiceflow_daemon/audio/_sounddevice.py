"""Microphones by PortAudio through sounddevice."""

from __future__ import annotations

from typing import Any

import sounddevice

from voiceflow_daemon.audio.source import OnBlock
from voiceflow_daemon.errors import MicrophoneError

BLOCK_MS = 20


class _Stream:
    def __init__(self, stream: Any, sample_rate_hz: int) -> None:
        self._stream = stream
        self.sample_rate_hz = sample_rate_hz

    def close(self) -> None:
        self._stream.stop()
        self._stream.close()


class SoundDeviceSource:
    """The `AudioSource` of a real machine."""

    def open(self, microphone: str, on_block: OnBlock) -> _Stream:
        """Open at the device's own rate and channel count."""

        def copy_only(block: Any, _frames: int, _time: object, _status: object) -> None:
            on_block(block.copy())

        try:
            device = sounddevice.query_devices(microphone or None, "input")
            rate = int(device["default_samplerate"])
            stream = sounddevice.InputStream(
                device=device["index"],
                samplerate=rate,
                channels=min(device["max_input_channels"], 2),
                dtype="float32",
                blocksize=rate * BLOCK_MS // 1000,
                callback=copy_only,
            )
            stream.start()
        except (sounddevice.PortAudioError, ValueError) as error:
            raise MicrophoneError(f"The microphone cannot be opened: {error}.") from error
        return _Stream(stream, rate)
