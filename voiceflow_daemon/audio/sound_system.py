"""Which sound system serves this machine."""

from __future__ import annotations

from dataclasses import dataclass

from voiceflow_daemon.audio.source import AudioSource, AudioStream, Microphone, OnBlock
from voiceflow_daemon.errors import MicrophoneError


@dataclass(frozen=True)
class AbsentSource:
    """Stands for a sound system that cannot be loaded: every opening says why."""

    message: str
    hint: str

    def microphones(self) -> tuple[Microphone, ...]:
        """None."""
        return ()

    def open(self, microphone: str, on_block: OnBlock) -> AudioStream:  # noqa: ARG002 - the Protocol's
        """Raise the reason."""
        raise MicrophoneError(self.message, self.hint)


def select() -> AudioSource:
    """PortAudio, the only candidate so far; never raises, for a daemon without sound still runs.

    Loading it looks for devices, which takes a few tenths of a second.
    """
    try:
        from voiceflow_daemon.audio._sounddevice import SoundDeviceSource
    except MicrophoneError as error:
        return AbsentSource(error.message, error.hint)
    return SoundDeviceSource()
