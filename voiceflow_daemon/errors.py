"""The one family of errors that users see: each says what went wrong and what to do next."""

from __future__ import annotations


class VoiceflowError(Exception):
    """A failure whose message is meant for the user.

    `message` is one sentence without a trailing hint; `hint` says what to do next (may be empty).
    `exit_code` is what the command line ends with (see `voiceflow --help`).
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class ConfigError(VoiceflowError):
    """The config file has problems; the message lists every one of them."""

    exit_code = 4


class DaemonNotRunningError(VoiceflowError):
    """No daemon answers on the control socket."""

    exit_code = 3


class AlreadyRunningError(VoiceflowError):
    """Another daemon of this user holds the lock."""

    exit_code = 5


class ModelMissingError(VoiceflowError):
    """No model is configured, or its files are not on this machine."""

    exit_code = 6


class ModelError(VoiceflowError):
    """A model is there but cannot be loaded or fails while running."""

    exit_code = 6


class DownloadError(VoiceflowError):
    """A model could not be fetched; what is already there is kept for a resume."""

    exit_code = 7


class MicrophoneError(VoiceflowError):
    """No microphone, refused, or it stopped sending."""

    exit_code = 8


class DisplayError(VoiceflowError):
    """There is no desktop to read keys from or to write text to."""

    exit_code = 9


class HotkeyError(VoiceflowError):
    """The hotkey is not spelled right, is not on this keyboard, or belongs to another program."""

    exit_code = 9


class DeliveryError(VoiceflowError):
    """Text could not be put where it belongs; the caller keeps it on the clipboard and says so."""

    exit_code = 10
