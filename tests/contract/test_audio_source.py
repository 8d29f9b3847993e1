"""One suite over the fake and the real sound system: what the recorder may rely on."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import threading
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.desktop.rig import VirtualDesktop, until
from tests.desktop.rig.sound import start_sound_server
from tests.fakes.audio_source import BUILT_IN, HEADSET, FakeSource
from voiceflow_daemon.audio import select
from voiceflow_daemon.audio.source import AudioSource
from voiceflow_daemon.errors import MicrophoneError

DEFAULT_TONE_HZ = 440
OTHER_TONE_HZ = 1000
OTHER = "Größeres Mikrofon"
LONG_ENOUGH_S = 60


class Room(Protocol):
    """A room with two microphones, each in front of a loudspeaker that plays its own tone."""

    @property
    def source(self) -> AudioSource: ...

    @property
    def default(self) -> str: ...

    @property
    def other(self) -> str: ...

    def unplug_other(self) -> None: ...

    def unplug_all(self) -> None: ...

    def plug_in_again(self) -> None: ...


class FakeRoom:
    """Plays into the fake microphones as fast as their blocks are taken."""

    default = BUILT_IN.description
    other = HEADSET.description

    def __init__(self) -> None:
        self.source = FakeSource(BUILT_IN, HEADSET)
        self._left = threading.Event()
        self._player = threading.Thread(target=self._play)
        self._player.start()

    def leave(self) -> None:
        self._left.set()
        self._player.join()

    def unplug_other(self) -> None:
        self.source.present = (BUILT_IN,)

    def unplug_all(self) -> None:
        self.source.present = ()

    def plug_in_again(self) -> None:
        self.source.present = (BUILT_IN, HEADSET)

    def _play(self) -> None:
        position = 0
        while not self._left.wait(0.001):
            for stream in list(self.source.streams):
                hz = DEFAULT_TONE_HZ if stream.microphone == BUILT_IN else OTHER_TONE_HZ
                stream.send(tone(hz, stream.sample_rate_hz, 320, position)[:, None])
            position += 320


class RigRoom:
    """PulseAudio with two virtual microphones; the adapter under test runs in this very process."""

    default = "Rig_Microphone"
    other = OTHER

    def __init__(self, desktop: VirtualDesktop) -> None:
        self._desktop = desktop
        self._plug_in_other()
        self._play("microphone_feed", DEFAULT_TONE_HZ)
        self.source = select()

    def unplug_other(self) -> None:
        self._desktop.run("pactl", "unload-module", self._other_module)

    def unplug_all(self) -> None:
        """The worst that can happen to a program with microphones: the sound server ends."""
        living = self._desktop.processes.living()
        (server,) = [pid for pid, command in living.items() if command == "pulseaudio"]
        os.kill(server, signal.SIGKILL)
        until("the server's end", lambda: self._ask("info").returncode != 0)

    def plug_in_again(self) -> None:
        socket = self._desktop.runtime_dir / "pulse/native"
        start_sound_server(self._desktop.processes, socket, self._desktop.folder)
        self._plug_in_other()
        self._play("microphone_feed", DEFAULT_TONE_HZ)

    def _plug_in_other(self) -> None:
        self._load("module-null-sink", "sink_name=other_feed", "rate=44100", "channels=2", "norewinds=1")
        self._other_module = self._load(
            *("module-remap-source", "source_name=other", "master=other_feed.monitor"),
            f"source_properties=\"device.description='{OTHER}'\"",
        )
        self._play("other_feed", OTHER_TONE_HZ)

    def _load(self, *module: str) -> str:
        return self._desktop.run("pactl", "load-module", *module).stdout.decode().strip()

    def _ask(self, *question: str) -> subprocess.CompletedProcess[bytes]:
        return self._desktop.run("pactl", *question, check=False)

    def _play(self, sink: str, hz: int) -> None:
        path = self._desktop.home / f"{hz}.wav"
        with wave.open(str(path), "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(48_000)
            out.writeframes((tone(hz, 48_000, 48_000 * LONG_ENOUGH_S) * 32767).astype("<i2").tobytes())
        self._desktop.spawn(f"loudspeaker-{hz}", "paplay", f"--device={sink}", path)
        until("the loudspeaker", lambda: self._sounds(sink))

    def _sounds(self, sink: str) -> bool:
        streams = self._ask("list", "sink-inputs").stdout.decode()
        return "paplay" in streams and "Corked: no" in streams


def tone(hz: int, rate_hz: int, frames: int, first: int = 0) -> NDArray[np.float32]:
    phase = 2 * np.pi * hz * np.arange(first, first + frames) / rate_hz
    return (0.5 * np.sin(phase)).astype(np.float32)


@pytest.fixture(params=["fake", "real"])
def room(request: pytest.FixtureRequest) -> Iterator[Room]:
    if request.param == "fake":
        fake = FakeRoom()
        yield fake
        fake.leave()
        return
    desktop: VirtualDesktop = request.getfixturevalue("sound_desktop")
    monkeypatch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    for name in ("HOME", "XDG_RUNTIME_DIR", "PULSE_SERVER", "PULSE_RUNTIME_PATH"):
        monkeypatch.setenv(name, desktop.env[name])
    yield RigRoom(desktop)


@pytest.fixture
def sound_desktop() -> Iterator[VirtualDesktop]:
    with VirtualDesktop(panel=False, notifications=False) as desktop:
        yield desktop


@dataclass(frozen=True)
class Heard:
    """What a microphone sent in a third of a second."""

    blocks: list[NDArray[np.float32]]
    sample_rate_hz: int
    is_substitute: bool

    @property
    def hz(self) -> float:
        """The loudest pitch of the last quarter of a second."""
        window = np.concatenate(self.blocks).mean(axis=1)[-self.sample_rate_hz // 4 :]
        return float(np.argmax(np.abs(np.fft.rfft(window)))) * self.sample_rate_hz / len(window)


def listen(source: AudioSource, microphone: str) -> Heard:
    blocks: list[NDArray[np.float32]] = []
    stream = source.open(microphone, blocks.append)
    try:
        until("sound", lambda: sum(map(len, blocks)) > stream.sample_rate_hz / 3)
    finally:
        stream.close()
    return Heard(blocks, stream.sample_rate_hz, stream.is_substitute)


def test_microphones_are_listed_by_description(room: Room) -> None:
    listed = {microphone.description: microphone for microphone in room.source.microphones()}
    assert set(listed) == {room.default, room.other}
    assert listed[room.default].is_default
    assert not listed[room.other].is_default


def test_blocks_are_frames_by_channels_at_the_devices_rate(room: Room) -> None:
    (wanted,) = [each for each in room.source.microphones() if each.description == room.other]
    heard = listen(room.source, room.other)
    assert heard.sample_rate_hz == wanted.sample_rate_hz
    assert {block.dtype for block in heard.blocks} == {np.dtype(np.float32)}
    assert {block.shape[1] for block in heard.blocks} == {wanted.channels}
    assert max(float(np.abs(block).max()) for block in heard.blocks) <= 1.0
    assert not any(np.shares_memory(*pair) for pair in itertools.pairwise(heard.blocks))


def test_the_default_is_heard(room: Room) -> None:
    heard = listen(room.source, "")
    assert heard.hz == pytest.approx(DEFAULT_TONE_HZ, abs=6)
    assert not heard.is_substitute


def test_the_chosen_one_is_heard_each_time(room: Room) -> None:
    for microphone, hz in ((room.other, OTHER_TONE_HZ), (room.default, DEFAULT_TONE_HZ)) * 2:
        heard = listen(room.source, microphone)
        assert heard.hz == pytest.approx(hz, abs=6)
        assert not heard.is_substitute


def test_choosing_one_leaves_no_trace_for_the_default(room: Room) -> None:
    before = dict(os.environ)
    listen(room.source, room.other)
    assert dict(os.environ) == before
    assert listen(room.source, "").hz == pytest.approx(DEFAULT_TONE_HZ, abs=6)


def test_an_absent_one_is_replaced_by_the_default(room: Room) -> None:
    heard = listen(room.source, "In the other house")
    assert heard.is_substitute
    assert heard.hz == pytest.approx(DEFAULT_TONE_HZ, abs=6)


def test_one_that_was_unplugged_since_is_replaced_by_the_default(room: Room) -> None:
    assert not listen(room.source, room.other).is_substitute
    room.unplug_other()
    heard = listen(room.source, room.other)
    assert heard.is_substitute
    assert heard.hz == pytest.approx(DEFAULT_TONE_HZ, abs=6)


def test_after_close_nothing_comes(room: Room) -> None:
    blocks: list[NDArray[np.float32]] = []
    stream = room.source.open("", blocks.append)
    until("sound", lambda: blocks)
    stream.close()
    sent = len(blocks)
    listen(room.source, "")
    assert len(blocks) == sent


def test_without_any_microphone_opening_says_so_and_works_again_later(room: Room) -> None:
    listen(room.source, "")
    room.unplug_all()
    with pytest.raises(MicrophoneError) as refused:
        room.source.open("", lambda block: None)
    assert refused.value.hint
    assert room.source.microphones() == ()
    room.plug_in_again()
    assert listen(room.source, room.other).hz == pytest.approx(OTHER_TONE_HZ, abs=6)


def test_closing_after_the_microphone_has_gone(room: Room) -> None:
    blocks: list[NDArray[np.float32]] = []
    stream = room.source.open("", blocks.append)
    until("sound", lambda: blocks)
    room.unplug_all()
    stream.close()
    with pytest.raises(MicrophoneError):
        room.source.open("", blocks.append)
