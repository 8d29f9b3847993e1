"""Speak the sample recordings and write down what the recogniser hears in them.

python -m speech.recordings --model ../../assets/demo/speech --out ../../assets/demo/recordings
"""

import argparse
import random
import tomllib
import wave
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from . import corpus, synth

# One of each context comes first in the index: the demo and the desktop tests begin with them.
FIRST = ["email_meeting", "code_define", "chat_short", "note_short"]
SETTINGS = {
    "beam_size": 1,
    "without_timestamps": True,
    "language": "en",
    "temperature": 0.0,
    "condition_on_previous_text": False,
}
HEADER = """\
# The sample recordings of `voiceflow demo` and of the desktop tests.
# `said` was spoken by espeak-ng in `voice`; `heard` is what assets/demo/speech hears through
# faster-whisper 1.2.1 (int8 on the CPU, beam_size=1, without_timestamps=True, language="en", temperature=0.0,
# condition_on_previous_text=False). Written by packaging/demo-models/speech/recordings.py.
"""


def load():
    """The recordings with their pause-hinted sentences."""
    entries = tomllib.loads((Path(__file__).parent / "recordings.toml").read_text())["recording"]
    for entry in entries:
        entry["sentences"] = [s.replace(",", " ,") for s in entry["sentences"]]
    return entries


def speak(tts, rng, sentences, voice):
    """The sentences with pauses and a little noise, 16 kHz."""
    pieces = [np.zeros(4000, np.float32)]
    for hinted in sentences:
        pieces += [tts.say(corpus.spoken(hinted), voice, wpm=165)[0], np.zeros(4800, np.float32)]
    audio = np.concatenate(pieces)
    audio *= 0.6 / np.abs(audio).max()
    return synth.to_pcm16(audio + 10 ** (-55 / 20) * synth.noise(rng, len(audio), "pink"))


def write_wav(path, audio):
    """One 16-bit mono file."""
    with wave.open(str(path), "wb") as f:
        f.setnchannels(1)
        f.setsampwidth(2)
        f.setframerate(synth.RATE)
        f.writeframes((audio * 32768).astype("<i2").tobytes())


def index_entry(entry, seconds, heard):
    """The lines of one recording in index.toml."""
    said = " ".join(corpus.plain(s) for s in entry["sentences"])
    return (
        f'\n[[recording]]\nfile = "{entry["name"]}.wav"\ncontext = "{entry["context"]}"\n'
        f'voice = "{entry["voice"]}"\nseconds = {seconds:.2f}\nsaid = "{said}"\nheard = "{heard}"\n'
    )


def main():
    """Write the recordings and their index."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    model = WhisperModel(args.model, device="cpu", compute_type="int8")
    tts, rng, index = synth.Espeak(), random.Random(11), {}
    for entry in load():
        audio = speak(tts, rng, entry["sentences"], entry["voice"])
        path = args.out / f"{entry['name']}.wav"
        write_wav(path, audio)
        segments, _ = model.transcribe(str(path), **SETTINGS)
        heard = " ".join(s.text.strip() for s in segments)
        index[entry["name"]] = index_entry(entry, len(audio) / synth.RATE, heard)
        print(f"{path.name}: {heard}")
    ordered = FIRST + [name for name in index if name not in FIRST]
    (args.out / "index.toml").write_text(HEADER + "".join(index[name] for name in ordered))


if __name__ == "__main__":
    main()
