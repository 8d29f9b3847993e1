"""Sound files of any format, and files that are none."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from voiceflow_daemon.audio.files import AudioFileError, read_audio_file

TONE_HZ = 440
FORMATS = [
    ("tone.wav", "pcm_s16le", 48_000, "stereo"),
    ("tone.flac", "flac", 44_100, "mono"),
    ("tone.mp3", "mp3", 44_100, "stereo"),
    ("tone.ogg", "libopus", 48_000, "mono"),
    ("tone.m4a", "aac", 22_050, "mono"),
]


def tone(rate_hz: int, seconds: float = 1.0) -> NDArray[np.float32]:
    phase = 2 * np.pi * TONE_HZ * np.arange(int(rate_hz * seconds)) / rate_hz
    return (0.5 * np.sin(phase)).astype(np.float32)


def write(path: Path, codec: str, rate_hz: int, layout: str) -> Path:
    channels = {"mono": 1, "stereo": 2}[layout]
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=rate_hz)
        assert isinstance(stream, av.AudioStream)
        stream.codec_context.layout = layout
        sound = np.repeat(tone(rate_hz)[None, :], channels, axis=0)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout=layout)
        frame.sample_rate = rate_hz
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def write_wav(path: Path, sound: NDArray[np.int16]) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(sound.tobytes())
    return path


@pytest.mark.parametrize(("name", "codec", "rate_hz", "layout"), FORMATS)
def test_any_format_becomes_mono_at_16_khz(
    tmp_path: Path, name: str, codec: str, rate_hz: int, layout: str
) -> None:
    samples = read_audio_file(write(tmp_path / name, codec, rate_hz, layout))
    assert samples.dtype == np.int16
    assert samples.ndim == 1
    assert abs(len(samples) - 16_000) < 1600
    spectrum = np.abs(np.fft.rfft(samples[4000:12_000]))
    assert np.argmax(spectrum) * 2 == TONE_HZ
    assert 0.4 < np.abs(samples[4000:12_000]).max() / 32768 < 0.75


def test_samples_at_16_khz_come_unchanged(tmp_path: Path) -> None:
    sound = np.random.default_rng(1).integers(-32768, 32767, 20_000).astype(np.int16)
    assert np.array_equal(read_audio_file(write_wav(tmp_path / "noise.wav", sound)), sound)


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match=r"no file .*gone\.wav"):
        read_audio_file(tmp_path / "gone.wav")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="not a file"):
        read_audio_file(tmp_path)


@pytest.mark.parametrize("content", [b"", b"Dear Ann,\n" * 500, bytes(range(256)) * 40])
def test_no_sound_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.wav"
    path.write_bytes(content)
    with pytest.raises(AudioFileError, match="cannot be decoded"):
        read_audio_file(path)


def test_a_picture_has_no_audio_track(tmp_path: Path) -> None:
    path = tmp_path / "picture.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 64
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with pytest.raises(AudioFileError, match="no sound"):
        read_audio_file(path)


def test_an_audio_track_without_a_sample(tmp_path: Path) -> None:
    with pytest.raises(AudioFileError, match="no sound"):
        read_audio_file(write_wav(tmp_path / "empty.wav", np.zeros(0, np.int16)))


def test_damaged_in_the_middle(tmp_path: Path) -> None:
    path = write(tmp_path / "tone.m4a", "aac", 44_100, "mono")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle - 1000 : middle] = b"\xff" * 1000
    path.write_bytes(content)
    with pytest.raises(AudioFileError, match="cannot be decoded"):
        read_audio_file(path)


def test_a_recording_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "noise.wav", np.ones(20_000, np.int16))
    content = path.read_bytes()
    path.write_bytes(content[:-10_000])
    assert len(read_audio_file(path)) == 15_000


def test_a_playlist_fetches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "list.wav"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(AudioFileError):
        read_audio_file(path)
