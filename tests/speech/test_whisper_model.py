from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.speech.recordings import DEMO_MODEL, recording
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.speech._whisper_model import (
    MAX_WINDOW_FRAMES,
    WindowedWhisper,
    window_frames,
)
from voiceflow_daemon.speech.hint import hint_tokens


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO_MODEL, tmp_path / "model"))


def load(path: Path) -> WindowedWhisper:
    return WindowedWhisper(path, compute_type="int8", threads=1)


@pytest.mark.parametrize(
    ("seconds", "floor_s", "padding_s", "frames"),
    [
        (3.0, 10.0, 2.0, 1000),
        (9.0, 10.0, 2.0, 1100),
        (20.0, 10.0, 2.0, 2200),
        (28.0, 10.0, 2.0, 3000),
        (29.0, 10.0, 2.0, 3000),
        (3.0, 30.0, 2.0, 3000),
        (3.0, 1.0, 0.5, 350),
    ],
)
def test_the_window_follows_the_speech(seconds: float, floor_s: float, padding_s: float, frames: int) -> None:
    assert window_frames(int(seconds * 16_000), floor_s, padding_s) == frames


@given(st.integers(0, 600_000), st.floats(1, 30), st.floats(0, 10))
def test_the_window_is_even_and_within_its_limits(samples: int, floor_s: float, padding_s: float) -> None:
    frames = window_frames(samples, floor_s, padding_s)
    assert frames % 2 == 0
    assert round(floor_s * 100) <= frames <= MAX_WINDOW_FRAMES


def test_a_missing_folder_says_how_to_get_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no speech model") as raised:
        load(tmp_path / "nowhere")
    assert "voiceflow models download" in raised.value.hint


@pytest.mark.parametrize("name", ["model.bin", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut off", "rubbish"])
def test_a_damaged_folder_is_refused(folder: Path, name: str, damage: str) -> None:
    file = folder / name
    whole = file.read_bytes()
    match damage:
        case "missing":
            file.unlink()
        case "empty":
            file.write_bytes(b"")
        case "cut off":
            file.write_bytes(whole[: len(whole) // 2])
        case "rubbish":
            file.write_bytes(b"\x93\x00\xff" * 100)
    with pytest.raises(ModelError, match="cannot be loaded") as raised:
        load(folder)
    assert raised.value.hint


def test_a_wrong_number_of_mel_bands_in_the_description_does_no_harm(folder: Path) -> None:
    description = folder / "preprocessor_config.json"
    description.write_text(json.dumps({"feature_size": 128}))
    whisper = load(folder)
    entry = recording("note_short")
    encoded = whisper.encode(entry.samples(), 1000)
    assert whisper.decode(encoded, "en", (), 3.0).text == entry.heard
    whisper.close()


@pytest.mark.parametrize("frames", [350, 1000, 3000])
def test_the_encoder_works_on_the_window_and_no_more(frames: int) -> None:
    whisper = load(DEMO_MODEL)
    for name in ("note_short", "email_long"):
        encoded = whisper.encode(recording(name).samples(), frames)
        assert encoded.shape[:2] == [1, frames // 2]
    whisper.close()


def test_decoding_without_loops_writes_no_three_tokens_twice() -> None:
    whisper = load(DEMO_MODEL)
    encoded = whisper.encode(recording("email_long").samples(), 3000)
    words = whisper.decode(encoded, "en", (), 21.0, avoid_loops=True).text.split()
    assert len(words) > 40
    whisper.close()


def test_a_decoder_in_a_loop_ends_with_the_speech() -> None:
    whisper = load(DEMO_MODEL)
    encoded = whisper.encode(recording("email_long").samples(), 3000)
    cut = whisper.decode(encoded, "en", (), 0.1).text
    whole = whisper.decode(encoded, "en", (), 21.0).text
    assert whole.startswith(cut)
    assert len(cut.split()) <= 32 < len(whole.split())
    whisper.close()


def test_the_demo_model_gets_no_hint_because_it_would_mishear() -> None:
    whisper = load(DEMO_MODEL)
    assert hint_tokens(["Julia"], whisper.hint_encoder) == []
    whisper.close()
