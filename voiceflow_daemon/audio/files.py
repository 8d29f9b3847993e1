"""Sound files for `voiceflow transcribe`: any format, read as the recogniser wants it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.errors import VoiceflowError


class AudioFileError(VoiceflowError):
    """A sound file cannot be read."""

    exit_code = 1


def read_audio_file(path: Path) -> NDArray[np.int16]:
    """Read a file as mono int16 at 16 kHz, shape (n,) with n > 0; raises `AudioFileError`."""
    if not path.exists():
        raise AudioFileError(f"There is no file {path}.", "Check the spelling and the folder.")
    if not path.is_file():
        raise AudioFileError(f"{path} is not a file.", "Name a sound file.")
    from voiceflow_daemon.audio._pyav import DecodeError, NoSoundError, decode

    try:
        samples = decode(path, SAMPLE_RATE_HZ)
    except OSError as error:
        raise AudioFileError(f"{path} cannot be read: {error.strerror}.", "May you read it?") from error
    except NoSoundError as error:
        raise AudioFileError(f"{path} has no sound in it.", "Name a file with an audio track.") from error
    except DecodeError as error:
        hint = "Is it a sound file, and whole? Converting it with ffmpeg may help."
        raise AudioFileError(f"{path} cannot be decoded: {error}.", hint) from error
    if len(samples) == 0:
        raise AudioFileError(f"{path} has no sound in it.", "The audio track is empty.")
    return samples
