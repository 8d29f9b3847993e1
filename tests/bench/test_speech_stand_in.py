"""A widened recogniser hears what the demo recogniser hears."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voiceflow_daemon.audio.files import read_audio_file
from voiceflow_daemon.bench import ctranslate_file
from voiceflow_daemon.bench.speech_stand_in import SPEECH_SHAPES, speech_stand_in
from voiceflow_daemon.bench.speech_widening import SpeechShape, widened
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.speech._whisper_model import WindowedWhisper, window_frames

ASSETS = Path(__file__).parents[2] / "assets/demo"
SPEECH = ASSETS / "speech"
FEW_MORE = SpeechShape("few more", 384, 1024, 5, 3, 4000)
"""Two copies of the stream, and each dimension a little larger."""


def test_a_file_written_is_the_file_read(tmp_path: Path) -> None:
    ctranslate_file.write(tmp_path / "model.bin", ctranslate_file.read(SPEECH / "model.bin"))
    assert (tmp_path / "model.bin").read_bytes() == (SPEECH / "model.bin").read_bytes()


def test_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"\7\0\0\0" + (SPEECH / "model.bin").read_bytes()[4:])
    with pytest.raises(ModelError, match="version 6"):
        ctranslate_file.read(tmp_path / "model.bin")


def test_a_width_that_is_no_multiple_is_refused() -> None:
    small = ctranslate_file.read(SPEECH / "model.bin")
    with pytest.raises(ValueError, match="no multiple of 192"):
        widened(small, SpeechShape("real base", 512, 2048, 6, 6, 51864))


@pytest.mark.parametrize("name", SPEECH_SHAPES)
def test_every_variable_has_the_shape_of_its_model(name: str) -> None:
    shape = SPEECH_SHAPES[name]
    variables = widened(ctranslate_file.read(SPEECH / "model.bin"), shape).variables
    last = f"decoder/layer_{shape.decoder_layers - 1}/"
    assert variables["decoder/embeddings/weight"].shape == (shape.vocabulary, shape.width)
    assert variables[last + "attention/linear_1/weight"].shape == (2 * shape.width, shape.width)
    assert variables[last + "ffn/linear_1/weight"].shape == (shape.width, shape.hidden)
    assert f"encoder/layer_{shape.encoder_layers - 1}/ffn/linear_0/weight" in variables
    assert f"encoder/layer_{shape.encoder_layers}/ffn/linear_0/weight" not in variables
    assert int(variables["encoder/num_heads"]) == shape.heads


def test_it_hears_the_same_and_is_made_once(tmp_path: Path) -> None:
    wide = speech_stand_in(FEW_MORE, SPEECH, tmp_path)
    written = (wide / "model.bin").stat().st_mtime_ns
    assert speech_stand_in(FEW_MORE, SPEECH, tmp_path) == wide
    assert (wide / "model.bin").stat().st_mtime_ns == written
    models = [WindowedWhisper(folder, compute_type="int8", threads=2) for folder in (SPEECH, wide)]
    for recording in sorted((ASSETS / "recordings").glob("*.wav"))[:4]:
        samples = (read_audio_file(recording) / 32768).astype(np.float32)
        frames = window_frames(len(samples), 10.0, 2.0)
        small, big = (model.decode(model.encode(samples, frames), "en", (), 15.0) for model in models)
        assert big.text == small.text
        assert big.mean_logprob == pytest.approx(small.mean_logprob, abs=0.02)
        assert big.no_speech_probability == pytest.approx(small.no_speech_probability, abs=0.01)
    for model in models:
        model.close()
