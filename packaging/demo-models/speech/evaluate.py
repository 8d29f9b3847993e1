"""Word error rates of the recogniser through faster-whisper itself.

    python -m speech.evaluate --model ../../assets/demo/speech [--quick]

Test sentences are never in the training data: `data.held_out_sentences` were left out of it, and
hand_written.txt is outside the grammar.  The voice variant `synth.HELD_OUT_VARIANT` was never used either.
"""

import argparse
import random
import time
from pathlib import Path

from faster_whisper import WhisperModel

from . import corpus, synth
from .data import held_out_sentences
from .recordings import SETTINGS

LENGTHS_S = {"2 s": (1.2, 2.8), "6 s": (5, 7.5), "15 s": (13, 17), "25 s": (23, 27), "50 s": (45, 55)}
SILENCES_S = (1.0, 3.0, 8.0, 20.0, 30.0)


def edits(said, heard):
    """Word edit distance."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


def hand_written():
    """Pause-hinted sentences outside the grammar, all of known words."""
    sentences = (Path(__file__).parent / "hand_written.txt").read_text().replace(",", " ,").splitlines()
    for sentence in sentences:
        unknown = set(corpus.plain(sentence).split()) - set(corpus.VOCAB)
        assert not unknown, (sentence, unknown)
    return sentences


def clip_of_length(tts, rng, held, shortest, longest):
    """Several held-out sentences with pauses, `shortest` to `longest` seconds in all."""
    while True:
        picked, duration = [], 0.0
        while duration < shortest:
            picked.append(rng.choice(held))
            clip = synth.make_clip(tts, rng, sentences=picked, limit=100.0, snr=rng.choice([None, 25.0]))
            duration = clip["duration"]
        if duration <= longest:
            return clip


def build_sets(tts, size):
    """{name: clips}."""
    rng, held = random.Random(20260102), held_out_sentences()

    def spoken(sentences, **kinds):
        return [synth.make_clip(tts, rng, sentences=[s], **kinds) for s in sentences]

    sets = {
        "clean": spoken(held[:size]),
        "noise 12 dB": spoken(held[:size], snr=12.0),
        "voice never heard": spoken(held[size : size + size // 2], variant=synth.HELD_OUT_VARIANT),
        "hand-written": spoken(hand_written()),
    }
    for name, (shortest, longest) in LENGTHS_S.items():
        sets[name] = [clip_of_length(tts, rng, held, shortest, longest) for _ in range(max(4, size // 16))]
    return sets


def main():
    """Print one line for each set of clips, and how often silence stays empty."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--quick", action="store_true", help="a fifth of the clips")
    args = parser.parse_args()
    model = WhisperModel(args.model, device="cpu", compute_type="int8")

    def hear(clip):
        segments, _ = model.transcribe(clip["audio"], **SETTINGS)
        return " ".join(s.text.strip() for s in segments).split()

    tts = synth.Espeak()
    for name, clips in build_sets(tts, 40 if args.quick else 200).items():
        started, wrong, words, exact = time.time(), 0, 0, 0
        for clip in clips:
            said = [word for word, *_ in clip["words"]]
            errors = edits(said, hear(clip))
            wrong, words, exact = wrong + errors, words + len(said), exact + (errors == 0)
        seconds = (time.time() - started) / len(clips)
        print(
            f"{name:18s} {len(clips):3d} clips, {100 * wrong / words:5.2f}% words wrong, "
            f"{100 * exact / len(clips):5.1f}% exact, {seconds:.3f} s each"
        )
    rng = random.Random(5)
    empty = [not hear(synth.silent_clip(rng, rng.choice(SILENCES_S))) for _ in range(24)]
    print(f"silence and noise: {sum(empty)} of {len(empty)} empty")


if __name__ == "__main__":
    main()
