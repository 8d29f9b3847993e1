"""What the sound server says about its microphones."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.audio.devices import parse_sources, sound_server_microphones
from voiceflow_daemon.audio.source import Microphone

SOURCE = """Source #{number}
\tState: SUSPENDED
\tName: {name}
\tDescription: {description}
\tDriver: module-alsa-card.c
\tSample Specification: {specification}
\tChannel Map: front-left,front-right
\tMonitor of Sink: {monitored}
\tProperties:
\t\tdevice.description = "Other: things"

"""


def source(
    name: str, description: str, specification: str = "s16le 2ch 44100Hz", monitored: str = "n/a"
) -> str:
    return SOURCE.format(
        number=7, name=name, description=description, specification=specification, monitored=monitored
    )


def test_monitors_are_no_microphones() -> None:
    listing = source("out.monitor", "Monitor of Speakers", monitored="out") + source("in", "Webcam: C920")
    assert parse_sources(listing, "in") == (Microphone("Webcam: C920", "in", True, 44_100, 2),)


def test_letters_beyond_ascii() -> None:
    (found,) = parse_sources(source("in", "Mikrofon für Größe 漢字"), "")
    assert found.description == "Mikrofon für Größe 漢字"
    assert not found.is_default


def test_two_of_a_kind_can_be_told_apart() -> None:
    listing = source("a", "Webcam") + source("b", "Webcam") + source("c", "Headset")
    found = parse_sources(listing, "b")
    assert [(each.description, each.name) for each in found] == [
        ("Webcam", "a"),
        ("Webcam (2)", "b"),
        ("Headset", "c"),
    ]


def test_what_is_not_understood_gets_what_every_server_converts() -> None:
    (found,) = parse_sources(source("in", "", specification="odd"), "in")
    assert found == Microphone("in", "in", True, 48_000, 1)


@given(st.text() | st.lists(st.sampled_from(SOURCE.splitlines(keepends=True))).map("".join))
def test_whatever_it_says_descriptions_are_distinct(listing: str) -> None:
    found = [each.name for each in parse_sources(listing, "")]
    assert len(found) == len([name for name in found if name])


def test_without_pactl_there_is_no_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert sound_server_microphones() == ()


def test_without_a_server_there_is_no_microphone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
    assert sound_server_microphones() == ()


def test_a_server_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pactl = tmp_path / "pactl"
    pactl.write_text("#!/bin/sh\nexec sleep 60\n")
    pactl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr("voiceflow_daemon.audio.devices.ANSWER_LIMIT_S", 0.05)
    assert sound_server_microphones() == ()
