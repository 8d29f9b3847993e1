"""A stand-in for a Whisper model: the demo recogniser with its shape and cost, made on the spot and kept."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

from voiceflow_daemon.bench import ctranslate_file, speech_widening
from voiceflow_daemon.bench.speech_widening import SpeechShape, widened

SPEECH_SHAPES = {
    shape.name: shape
    for shape in (
        SpeechShape("whisper-tiny", 384, 1536, 4, 4, 51864),
        # Widths are multiples of the demo's 192. Real: 512 wide, 2,048 hidden, 51,864 words; hidden units
        # and words are fewer here, so that a layer and the logits cost as many multiplications.
        SpeechShape("whisper-base", 576, 1584, 6, 6, 46080),
        SpeechShape("whisper-small", 768, 3072, 12, 12, 51864),
    )
}

_COPIED = ("config.json", "preprocessor_config.json", "tokenizer.json")
_VOCABULARY = "vocabulary.json"


def speech_stand_in(shape: SpeechShape, small: Path, folder: Path) -> Path:
    """The stand-in's folder within `folder`, made now if it is not there.

    Made anew when the demo recogniser `small` or the making has changed. Raises OSError.
    """
    made = folder / f"{shape.name}-{_digest(shape, small)}"
    if made.is_dir():
        return made
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in folder.glob(f"{shape.name}-*"):
        shutil.rmtree(old)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f"{shape.name}-") as unfinished:
        _write(Path(unfinished, "model"), shape, small)
        Path(unfinished, "model").rename(made)
    return made


def _write(target: Path, shape: SpeechShape, small: Path) -> None:
    target.mkdir()
    ctranslate_file.write(target / "model.bin", widened(ctranslate_file.read(small / "model.bin"), shape))
    for name in _COPIED:
        shutil.copyfile(small / name, target / name)
    words = json.loads((small / _VOCABULARY).read_bytes())
    words += [f"[unused {number}]" for number in range(shape.vocabulary - len(words))]
    (target / _VOCABULARY).write_text(json.dumps(words), encoding="utf-8")


def _digest(shape: SpeechShape, small: Path) -> str:
    """Of everything that decides what is in the folder."""
    digest = hashlib.sha256(repr(shape).encode())
    modules = (Path(module.__file__ or "") for module in (ctranslate_file, speech_widening))
    for source in (*(small / name for name in ("model.bin", _VOCABULARY, *_COPIED)), *modules):
        digest.update(source.read_bytes())
    digest.update(Path(__file__).read_bytes())
    return digest.hexdigest()[:12]
