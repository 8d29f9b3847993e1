"""Sound in."""

from voiceflow_daemon.audio.sound_system import select

__all__ = ["select"]
