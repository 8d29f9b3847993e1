"""The recorder on a real sound server: the first word is whole, and nothing is lost when sound ends."""

from __future__ import annotations

import os
import queue
import signal
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.desktop.rig import VirtualDesktop
from tests.desktop.rig.sound import start_sound_server
from voiceflow_daemon.audio import select
from voiceflow_daemon.audio.recorder import (
    SAMPLE_RATE_HZ,
    CaptureEvent,
    CaptureFailed,
    Recorded,
    Recorder,
)
from voiceflow_daemon.config.schema import AudioSettings
from voiceflow_daemon.storage.journal import Journal, JournalEntry

FIRST_SOUND = SAMPLE_RATE_HZ // 20
"""The first 50 ms of a word: where one that comes late is cut."""


class Studio:
    """A recorder at the desktop's microphone, with a journal on the disk."""

    def __init__(self, desktop: VirtualDesktop) -> None:
        self.desktop = desktop
        self.journal = Journal(desktop.state_dir / "voiceflow/journal")
        self.events: queue.SimpleQueue[CaptureEvent] = queue.SimpleQueue()
        self.recorder = Recorder(select(), self.events.put)
        self.entry: JournalEntry

    def press(self, recording_id: int, settings: AudioSettings | None = None) -> None:
        def open_spool() -> JournalEntry:
            self.entry = self.journal.begin("default", SAMPLE_RATE_HZ)
            return self.entry

        self.recorder.begin(recording_id, settings or AudioSettings(), open_spool)

    def release(self, recording_id: int) -> Recorded:
        self.recorder.finish(recording_id)
        recorded = self.events.get(timeout=20)
        assert isinstance(recorded, Recorded)
        return recorded

    def until_recording(self, bytes_on_disk: int = SAMPLE_RATE_HZ) -> None:
        def on_disk() -> int:
            return sum(path.stat().st_size for path in self.journal_files())

        self.desktop.until("sound on the disk", lambda: on_disk() > bytes_on_disk)

    def listeners(self) -> bytes:
        """Who has a microphone open, as the sound server sees it."""
        return self.desktop.run("pactl", "list", "short", "source-outputs").stdout

    def journal_files(self) -> list[Path]:
        folder = self.desktop.state_dir / "voiceflow/journal"
        return list(folder.iterdir()) if folder.exists() else []


@pytest.fixture
def studio(sound_desktop: VirtualDesktop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_SERVER", "PULSE_RUNTIME_PATH"):
        monkeypatch.setenv(name, sound_desktop.env[name])
    one = Studio(sound_desktop)
    one.recorder.start()
    yield one
    one.recorder.stop()


def write_word(path: Path) -> NDArray[np.float64]:
    """A second of noise that begins at once; returned as a recording at 16 kHz should have it."""
    rng = np.random.default_rng(7)
    slow = rng.uniform(-0.5, 0.5, SAMPLE_RATE_HZ)
    spectrum = np.fft.rfft(slow)
    spectrum[len(spectrum) // 4 :] = 0  # up to 2 kHz, where a delay by half a sample changes little
    slow = np.fft.irfft(spectrum)
    fast = np.fft.irfft(np.concatenate([spectrum, np.zeros(SAMPLE_RATE_HZ)]), 48_000) * 3
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes((np.clip(fast, -1, 1) * 32767).astype("<i2").tobytes())
    return slow


def likeness(recording: NDArray[np.int16], sound: NDArray[np.float64]) -> float:
    """How well the sound is found in the recording at its best place, 0..1."""
    heard = recording / 32768
    match = np.abs(np.correlate(heard, sound, "valid"))
    energy = np.sqrt(np.convolve(heard**2, np.ones(len(sound)), "valid") * (sound**2).sum())
    return float((match / np.maximum(energy, 1e-3)).max())


def test_what_is_said_as_soon_as_the_microphone_is_open_is_whole(studio: Studio) -> None:
    """How soon that is after the press depends on the load, and is for a benchmark to say."""
    path = studio.desktop.home / "word.wav"
    word = write_word(path)
    listeners = studio.listeners()
    studio.press(1)
    studio.desktop.until("the microphone to be open", lambda: studio.listeners() != listeners)
    studio.desktop.microphone.say(path)
    recorded = studio.release(1)
    assert likeness(recorded.samples, word[:FIRST_SOUND]) > 0.9
    assert likeness(recorded.samples, word[-FIRST_SOUND:]) > 0.9
    assert 0.2 < recorded.peak <= 1.0
    studio.entry.release()
    (orphan,) = studio.journal.orphans()
    assert np.array_equal(orphan.read(), recorded.samples)
    orphan.discard()


def test_a_microphone_kept_open_has_what_was_said_before_the_press(studio: Studio) -> None:
    path = studio.desktop.home / "word.wav"
    word = write_word(path)
    settings = AudioSettings(keep_open=True, preroll_ms=2000)
    studio.press(1, settings)
    studio.release(1)
    studio.desktop.microphone.say(path)
    studio.press(2, settings)
    recorded = studio.release(2)
    assert likeness(recorded.samples, word[:FIRST_SOUND]) > 0.9


def test_the_microphone_is_open_only_while_recording(studio: Studio) -> None:
    before = studio.listeners()
    studio.press(1)
    studio.desktop.until("the microphone to be open", lambda: studio.listeners() != before)
    studio.release(1)
    studio.desktop.until("the microphone to be closed", lambda: studio.listeners() == before)


def test_a_muted_microphone_gives_pure_silence(studio: Studio) -> None:
    path = studio.desktop.home / "word.wav"
    write_word(path)
    studio.desktop.run("pactl", "set-source-mute", "microphone", "1")
    studio.press(1)
    studio.desktop.microphone.say(path)
    recorded = studio.release(1)
    assert len(recorded.samples) > SAMPLE_RATE_HZ // 2
    assert recorded.peak == 0.0


def test_a_microphone_that_falls_asleep_ends_the_recording_with_what_was_said(studio: Studio) -> None:
    studio.press(1)
    studio.until_recording()
    studio.desktop.run("pactl", "suspend-source", "microphone", "1")
    failed = studio.events.get(timeout=20)
    assert isinstance(failed, CaptureFailed)
    assert "stopped sending" in failed.error.message
    assert failed.recorded is not None
    assert len(failed.recorded.samples) >= SAMPLE_RATE_HZ // 2 - 400


def test_a_sound_server_that_dies_costs_nothing_that_was_said_and_may_come_back(studio: Studio) -> None:
    studio.press(1)
    studio.until_recording()
    living = studio.desktop.processes.living()
    os.kill(next(pid for pid, name in living.items() if name == "pulseaudio"), signal.SIGKILL)
    failed = studio.events.get(timeout=20)
    assert isinstance(failed, CaptureFailed)
    assert failed.recorded is not None
    assert len(failed.recorded.samples) >= SAMPLE_RATE_HZ // 2 - 400

    studio.press(2)
    refused = studio.events.get(timeout=20)
    assert isinstance(refused, CaptureFailed)
    assert refused.recorded is None
    assert refused.error.hint

    socket = studio.desktop.runtime_dir / "pulse/native"
    start_sound_server(studio.desktop.processes, socket, studio.desktop.folder)
    studio.press(3)
    studio.until_recording(2 * SAMPLE_RATE_HZ)
    assert len(studio.release(3).samples) > 0
