"""Clips of log-mel features with word and phoneme times, made by espeak-ng and kept in pickles.

python -m speech.data --work work      # about 10 minutes on one core
"""

import argparse
import pickle
import random
import time
from pathlib import Path

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

from . import corpus, synth
from .tokenizer import FRAME, WINDOW, build_tokenizer

SEED = 20260101
N_PHONES = 96
STYLES_HELD_OUT = [s for s in corpus.RECOGNISER_STYLES if s not in ("command", "splice")]


def held_out_sentences(n=400, seed=424242):
    """Hinted sentences of four or more words that training never uses."""
    rng, seen, out = random.Random(seed), set(), []
    while len(out) < n:
        text, hinted = corpus.sentence(rng, rng.choice(STYLES_HELD_OUT))
        if len(text.split()) >= 4 and text not in seen:
            seen.add(text)
            out.append(hinted)
    return out


def phone_inventory(tts):
    """A number for each phoneme that the two accents use."""
    names = set()
    for voice in ("en-us", "en"):
        for i in range(0, len(corpus.VOCAB), 6):
            names.update(p for _, p in tts.say(corpus.spoken(" ".join(corpus.VOCAB[i : i + 6])), voice)[2])
    names = sorted(p for p in names if not p.startswith("_") and p != ";")
    return {p: i + 1 for i, p in enumerate(names)}


def featurise(clip, extractor, phone_ids):
    """Clip as stored: features as faster-whisper computes them, frame labels, word times."""
    mel = extractor(clip["audio"])[:, :-1][:, : 2 * WINDOW]
    n = (mel.shape[1] + 1) // 2
    labels, i, current = np.zeros(n, np.uint8), 0, 0
    phones = clip["phones"]
    for f in range(n):
        while i < len(phones) and phones[i][0] <= (f + 0.5) * FRAME:
            name = phones[i][1]
            current = 0 if name.startswith("_") else phone_ids.get(name, current)
            i += 1
        labels[f] = current
    words = [(w, float(a), float(b), s) for w, a, b, s in clip["words"]]
    return {"mel": mel.astype(np.float16), "phones": labels, "words": words}


def short_clip(tts, rng, noise_db, skip):
    """One sentence of at most 12 s, or silence."""
    if rng.random() < 0.02:
        return synth.silent_clip(rng, rng.uniform(0.3, 4))
    while True:
        clip = synth.make_clip(tts, rng, 0.0, noise_db, skip=skip)
        if clip["duration"] <= 12:
            return clip


def long_clip(tts, rng, noise_db, skip):
    """One or several sentences of up to 30 s, or silence."""
    if rng.random() < 0.05:
        return synth.silent_clip(rng, rng.choice([rng.uniform(0.3, 6), rng.uniform(1, 30)]))
    seconds = rng.choice([0, 0, rng.uniform(2, 10), rng.uniform(8, 28), rng.uniform(20, 40)])
    return synth.make_clip(tts, rng, seconds, noise_db, skip=skip)


def shards(n_short, n_long, size):
    """(kind, first clip) in the order of making: long clips in between, a little later."""
    jobs = [("short", i) for i in range(0, n_short, size)]
    longs = [("long", i) for i in range(0, n_long, size)]
    while longs:
        jobs.insert(max(4, len(jobs) - 2 * len(longs)), longs.pop())
    return jobs


def main(shard=1000):
    """Write pickles of clips that are not there yet; training may already run on the first ones."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=Path("work"))
    parser.add_argument("--n-short", type=int, default=50000)
    parser.add_argument("--n-long", type=int, default=8000)
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    if not (args.work / "tokenizer.json").exists():
        build_tokenizer(args.work / "tokenizer.json")
    tts, extractor = synth.Espeak(), FeatureExtractor()
    phone_ids = phone_inventory(tts)
    assert len(phone_ids) < N_PHONES
    skip = {corpus.plain(s) for s in held_out_sentences()}
    for kind, first in shards(args.n_short, args.n_long, shard):
        path = args.work / f"{kind}-{first // shard:03d}.pkl"
        if path.exists():
            continue
        make = short_clip if kind == "short" else long_clip
        rng, clips, started = random.Random(f"{SEED}-{kind}-{first}"), [], time.time()
        for _ in range(shard):
            noise_db = rng.choice([None] * 6 + [rng.uniform(20, 40)] * 2 + [rng.uniform(8, 25)] * 2)
            clips.append(featurise(make(tts, rng, noise_db, skip), extractor, phone_ids))
        path.with_suffix(".tmp").write_bytes(pickle.dumps(clips, protocol=4))
        path.with_suffix(".tmp").rename(path)
        print(f"{path}: {len(clips)} clips, {time.time() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
