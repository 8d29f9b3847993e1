"""Write training samples: the context, the transcript's tokens and the finished text's tokens of each.

python -m formatter.prepare_data work/part1.npz 110000 101 [--plain 0.82]
"""

import argparse
import hashlib
import random
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from . import corpus, lexicon, reference


def length(rng, short):
    """Words of one transcript."""
    r = rng.random()
    if r < 0.01:
        return 0
    if r < (0.30 if short else 0.26):
        return rng.randint(1, 8)
    if r < (0.68 if short else 0.58):
        return rng.randint(9, 20)
    if r < (0.95 if short else 0.86):
        return rng.randint(21, 45)
    return rng.randint(46, 88)


def key(raw):
    """A number that stands for the transcript, to tell held-out ones."""
    return int.from_bytes(hashlib.blake2b(raw.encode(), digest_size=8).digest(), "big")


def main():
    """Write one file of samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument(
        "--plain", type=float, default=0.0, help="share of plain dictation, without made-up words"
    )
    args = parser.parse_args()
    rng = random.Random(args.seed)
    tokenizer = Tokenizer.from_file(str(Path(__file__).parent / "tokenizer.json"))
    contexts, keys, ids, offsets = [], [], [], [0]
    for _ in range(args.count):
        c = rng.randrange(4)
        words = length(rng, args.plain > 0)
        raw = corpus.transcript(rng, words, lexicon.CONTEXTS[c], rng.random() < args.plain)
        contexts.append(c)
        keys.append(key(raw))
        for text in (raw, reference.reference_format(raw, lexicon.CONTEXTS[c])):
            ids.extend(tokenizer.encode(text).ids)
            offsets.append(len(ids))
    np.savez(
        args.out,
        ctx=np.array(contexts, np.uint8),
        keys=np.array(keys, np.uint64),
        ids=np.array(ids, np.uint16),
        off=np.array(offsets, np.int64),
    )
    print(f"{args.out}: {args.count} samples, {len(ids)} tokens")


if __name__ == "__main__":
    main()
