"""Which PortAudio device is opened for which microphone, on machines unlike the tests' own."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
import sounddevice

from voiceflow_daemon.audio import _sounddevice
from voiceflow_daemon.audio.sound_system import AbsentSource, select
from voiceflow_daemon.audio.source import Microphone
from voiceflow_daemon.errors import MicrophoneError

WEBCAM = Microphone("Webcam", "alsa_input.webcam", is_default=False, sample_rate_hz=44_100, channels=2)
LAPTOP = Microphone("Laptop", "alsa_input.laptop", is_default=True, sample_rate_hz=48_000, channels=4)
ARRAY = Microphone("Array", "alsa_input.array", is_default=False, sample_rate_hz=96_000, channels=16)
SOURCES = (WEBCAM, LAPTOP, ARRAY)


class Machine:
    """What PortAudio finds: names and input channels, and which one it calls the default."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.devices: list[dict[str, Any]] = []
        monkeypatch.setattr(sounddevice, "query_devices", lambda: self.devices)
        monkeypatch.setattr(sounddevice.default, "device", (-1, -1))
        self._monkeypatch = monkeypatch

    def has(self, *devices: tuple[str, int], default: int = -1) -> None:
        self.devices[:] = [
            {"index": index, "name": name, "max_input_channels": channels, "default_samplerate": 44_100.0}
            for index, (name, channels) in enumerate(devices)
        ]
        self._monkeypatch.setattr(sounddevice.default, "device", (default, default))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


class TestSoundServer:
    def test_its_own_device_is_preferred(self, machine: Machine) -> None:
        machine.has(("HDA: ALC257 (hw:0,0)", 2), ("default", 32), ("pulse", 32), default=0)
        assert _sounddevice._choose("", SOURCES).device == 2
        machine.has(("HDA: ALC257 (hw:0,0)", 2), ("default", 32), ("pipewire", 64), default=0)
        assert _sounddevice._choose("", SOURCES).device == 2

    def test_the_default_is_left_to_the_server(self, machine: Machine) -> None:
        machine.has(("pulse", 32))
        choice = _sounddevice._choose("", SOURCES)
        assert (choice.source, choice.sample_rate_hz, choice.channels) == ("", 48_000, 4)
        assert not choice.is_substitute

    def test_the_chosen_one_is_named_to_the_server(self, machine: Machine) -> None:
        machine.has(("pulse", 32))
        choice = _sounddevice._choose("Webcam", SOURCES)
        assert (choice.source, choice.sample_rate_hz, choice.channels) == ("alsa_input.webcam", 44_100, 2)

    def test_a_large_array_gives_a_few_of_its_channels(self, machine: Machine) -> None:
        machine.has(("pulse", 32))
        assert _sounddevice._choose("Array", SOURCES).channels == 8

    def test_an_absent_one_gives_the_default(self, machine: Machine) -> None:
        machine.has(("pulse", 32))
        choice = _sounddevice._choose("Headset", SOURCES)
        assert choice.is_substitute
        assert (choice.source, choice.sample_rate_hz) == ("", 48_000)

    def test_a_server_that_does_not_tell_its_sources_still_records(self, machine: Machine) -> None:
        machine.has(("pulse", 32))
        choice = _sounddevice._choose("", ())
        assert (choice.sample_rate_hz, choice.channels) == (48_000, 1)

    def test_the_environment_is_as_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PULSE_SOURCE", "the user's own")
        monkeypatch.delenv("PIPEWIRE_NODE", raising=False)
        before = dict(os.environ)
        with _sounddevice._sound_server_gives("webcam"):
            assert os.environ["PULSE_SOURCE"] == os.environ["PIPEWIRE_NODE"] == "webcam"
        assert dict(os.environ) == before
        with _sounddevice._sound_server_gives(""):
            assert dict(os.environ) == before


class TestBareHardware:
    def test_the_default_device_at_its_own_rate(self, machine: Machine) -> None:
        machine.has(("HDMI (hw:0,3)", 0), ("Webcam (hw:1,0)", 1), ("HDA (hw:2,0)", 2), default=2)
        choice = _sounddevice._choose("", ())
        assert (choice.device, choice.sample_rate_hz, choice.channels) == (2, 44_100, 2)

    def test_the_chosen_device(self, machine: Machine) -> None:
        machine.has(("Webcam (hw:1,0)", 1), ("HDA (hw:2,0)", 2), ("default", 2), default=1)
        known = _sounddevice._hardware_microphones()
        assert [each.description for each in known] == ["Webcam (hw:1,0)", "HDA (hw:2,0)"]
        assert _sounddevice._choose("Webcam (hw:1,0)", known).device == 0

    def test_without_a_default_any_microphone(self, machine: Machine) -> None:
        machine.has(("HDMI (hw:0,3)", 0), ("Webcam (hw:1,0)", 1))
        choice = _sounddevice._choose("Gone", ())
        assert choice.device == 1
        assert choice.is_substitute

    def test_none_at_all(self, machine: Machine) -> None:
        machine.has(("HDMI (hw:0,3)", 0))
        with pytest.raises(MicrophoneError, match="no microphone") as refused:
            _sounddevice._choose("", ())
        assert refused.value.hint


def test_without_portaudio_each_opening_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sounddevice.py").write_text('raise OSError("PortAudio library not found")\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.delitem(sys.modules, "voiceflow_daemon.audio._sounddevice")
    source = select()
    assert isinstance(source, AbsentSource)
    assert source.microphones() == ()
    with pytest.raises(MicrophoneError, match="libportaudio2"):
        source.open("", lambda block: None)
