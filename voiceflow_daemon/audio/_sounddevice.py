"""Microphones by PortAudio through sounddevice.

Where there is a sound server, its PortAudio device is opened and the server is told by environment
variables which source to give: its client library reads them at each opening. (Moving the stream
afterwards would record the wrong microphone first, and the server would remember the move.)
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from voiceflow_daemon.audio.devices import distinct, sound_server_microphones
from voiceflow_daemon.audio.source import Microphone, OnBlock
from voiceflow_daemon.errors import MicrophoneError

try:
    import sounddevice
except OSError as error:  # the wheel for Linux does not bring the library itself
    raise MicrophoneError(
        f"The sound library cannot be loaded: {error}.", "Install PortAudio (Debian: libportaudio2)."
    ) from error

log = logging.getLogger(__name__)

BLOCK_MS = 20
SERVER_DEVICES = ("pulse", "pipewire", "default")
"""PortAudio's names of the sound server, best first. They convert, and claim 32 channels."""
SOURCE_VARIABLES = ("PULSE_SOURCE", "PIPEWIRE_NODE")
MOST_CHANNELS = 8
HARDWARE_LATENCY_S = 0.1
"""Bare hardware drops what is not fetched in time; a sound server keeps it."""


@dataclass(frozen=True)
class _Choice:
    """What to open. `source` is the sound server's name for the microphone, "" for its default."""

    device: int
    source: str
    sample_rate_hz: int
    channels: int
    latency_s: float | None
    is_substitute: bool


class _Stream:
    def __init__(self, owner: SoundDeviceSource, stream: Any, choice: _Choice) -> None:
        self._owner = owner
        self._stream = stream
        self.sample_rate_hz = choice.sample_rate_hz
        self.is_substitute = choice.is_substitute

    def close(self) -> None:
        # `abort`, for `stop` waits for buffers that a dead device never fills.
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)
        self._owner.forget(self)


class SoundDeviceSource:
    """The `AudioSource` of a real machine."""

    def __init__(self) -> None:
        # PortAudio's own functions are not safe against each other.
        self._lock = threading.Lock()
        self._known = sound_server_microphones()
        self._open: list[_Stream] = []

    def microphones(self) -> tuple[Microphone, ...]:
        """The sound server's sources, else PortAudio's input devices."""
        listed = sound_server_microphones()
        if listed:
            # Without the lock, which an opening holds for as long as the sound server is frozen.
            self._known = listed
            return listed
        with self._lock:
            self._known = _hardware_microphones()
            return self._known

    def open(self, microphone: str, on_block: OnBlock) -> _Stream:
        """Open at the device's own rate and channel count."""
        if microphone and all(known.description != microphone for known in self._known):
            self.microphones()
        with self._lock:
            try:
                stream = self._start(microphone, on_block)
            except (sounddevice.PortAudioError, ValueError, MicrophoneError) as error:
                log.info("opening the microphone failed (%s); PortAudio is started again", error)
                stream = self._start_afresh(microphone, on_block)
            self._open.append(stream)
            return stream

    def forget(self, stream: _Stream) -> None:
        """A stream has been closed."""
        with self._lock:
            self._open.remove(stream)

    def _start_afresh(self, microphone: str, on_block: OnBlock) -> _Stream:
        """Look for devices again: PortAudio does so only when it is started (server restart, plugging)."""
        try:
            if not self._open:
                # sounddevice has no public names for these.
                with contextlib.suppress(sounddevice.PortAudioError):
                    sounddevice._terminate()  # noqa: SLF001
                sounddevice._initialize()  # noqa: SLF001
            self._known = sound_server_microphones() or _hardware_microphones()
            return self._start(microphone, on_block)
        except (sounddevice.PortAudioError, ValueError) as error:
            raise MicrophoneError(
                f"The microphone cannot be opened: {error}.",
                "Another program may hold it; the sound settings show whether it works.",
            ) from error

    def _start(self, microphone: str, on_block: OnBlock) -> _Stream:
        def copy_only(block: Any, _frames: int, _time: object, _status: object) -> None:
            on_block(block.copy())

        choice = _choose(microphone, self._known)
        with _sound_server_gives(choice.source):
            stream = sounddevice.InputStream(
                device=choice.device,
                samplerate=choice.sample_rate_hz,
                channels=choice.channels,
                dtype="float32",
                blocksize=choice.sample_rate_hz * BLOCK_MS // 1000,
                latency=choice.latency_s,
                callback=copy_only,
            )
            try:
                stream.start()
            except sounddevice.PortAudioError:
                stream.close(ignore_errors=True)
                raise
        return _Stream(self, stream, choice)


def _choose(microphone: str, known: tuple[Microphone, ...]) -> _Choice:
    """The device for a description; the default where that is not there."""
    devices = [device for device in sounddevice.query_devices() if device["max_input_channels"] > 0]
    if not devices:
        raise MicrophoneError(
            "There is no microphone.", "Plug one in, or see in the sound settings whether it is switched off."
        )
    chosen = next((found for found in known if microphone and found.description == microphone), None)
    is_substitute = bool(microphone) and chosen is None
    server = next((d for name in SERVER_DEVICES for d in devices if d["name"] == name), None)
    named = next((d for d in devices if chosen is not None and d["name"] == chosen.name), None)
    if named is not None or server is None:
        default = next((d for d in devices if d["index"] == sounddevice.default.device[0]), devices[0])
        return _hardware(named or default, is_substitute)
    wanted = chosen or next((found for found in known if found.is_default), None)
    rate, channels = (wanted.sample_rate_hz, wanted.channels) if wanted else (48_000, 1)
    source = chosen.name if chosen else ""
    return _Choice(server["index"], source, rate, min(channels, MOST_CHANNELS), None, is_substitute)


def _hardware(device: Any, is_substitute: bool) -> _Choice:
    rate, channels = int(device["default_samplerate"]), device["max_input_channels"]
    return _Choice(device["index"], "", rate, min(channels, MOST_CHANNELS), HARDWARE_LATENCY_S, is_substitute)


def _hardware_microphones() -> tuple[Microphone, ...]:
    """PortAudio's input devices, where no sound server tells its own."""
    try:
        devices, default = sounddevice.query_devices(), sounddevice.default.device[0]
    except sounddevice.PortAudioError:
        return ()
    return distinct(
        Microphone(
            device["name"],
            device["name"],
            device["index"] == default,
            int(device["default_samplerate"]),
            device["max_input_channels"],
        )
        for device in devices
        if device["max_input_channels"] > 0 and device["name"] not in SERVER_DEVICES
    )


@contextlib.contextmanager
def _sound_server_gives(source: str) -> Iterator[None]:
    """Let the sound server's client library ask for this source; "" leaves it the choice."""
    if not source:
        yield
        return
    before = {variable: os.environ.get(variable) for variable in SOURCE_VARIABLES}
    os.environ.update(dict.fromkeys(SOURCE_VARIABLES, source))
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                del os.environ[variable]
            else:
                os.environ[variable] = value
