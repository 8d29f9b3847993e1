"""Write training samples: the context, the tokens of all turns, and which of them are learnt.

python -m formatter.prepare_data work/part1.npz 110000 101 [--plain 0.82] [--chains 0.4 --wholes 0.35]
"""

import argparse
import hashlib
import random
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from . import chat, corpus, dictations, lexicon, reference

LONGEST = 1150  # tokens of a sample: the whole prompt has to fit into the model's 2048


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


def chain(rng, context):
    """Some turns of one dictation."""
    while True:
        sentences = dictations.settled(dictations.segments(rng, rng.randint(15, 80), context))
        if len(sentences) > 1:
            return dictations.chain(rng, sentences, context)


def whole(rng, context):
    """A whole dictation as one turn; shorter ones are the more frequent."""
    words = int(15 * 10 ** rng.random()) if rng.random() < 0.8 else rng.randint(15, 150)
    while True:
        sentences = dictations.settled(dictations.segments(rng, words, context))
        if sentences:
            return dictations.whole(sentences, context)


def single(rng, context, plain):
    """One transcript without pauses, as one turn."""
    raw = corpus.transcript(rng, length(rng, plain > 0), context, rng.random() < plain)
    return [dictations.Turn(raw, reference.reference_format(raw, context))]


def sample(rng, context, args):
    """The turns of a chain, a whole dictation or a single transcript."""
    r = rng.random()
    if r < args.chains:
        return chain(rng, context)
    return whole(rng, context) if r < args.chains + args.wholes else single(rng, context, args.plain)


def tokens(tokenizer, turns):
    """(ids, for each whether it is learnt) of all that follows the system prompt."""
    ids, learnt = [], []
    for at, turn in enumerate(turns):
        asked = tokenizer.encode(turn.raw).ids + tokenizer.encode(chat.middle()).ids
        if at:
            asked = tokenizer.encode(chat.between()).ids[1:] + asked  # the answer's end is there already
        answer = [*tokenizer.encode(turn.finished).ids, tokenizer.token_to_id("<|im_end|>")]
        ids += asked + answer
        learnt += [False] * len(asked) + [turn.learnt] * len(answer)
    return ids, learnt


def main():
    """Write one file of samples."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out")
    parser.add_argument("count", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument(
        "--plain", type=float, default=0.0, help="share of plain dictation among the single transcripts"
    )
    parser.add_argument("--chains", type=float, default=0.0, help="share of dictations sentence by sentence")
    parser.add_argument("--wholes", type=float, default=0.0, help="share of whole dictations with pauses")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    tokenizer = Tokenizer.from_file(str(Path(__file__).parent / "tokenizer.json"))
    contexts, keys, ids, learnt, offsets = [], [], [], [], [0]
    while len(contexts) < args.count:
        c = rng.randrange(4)
        turns = sample(rng, lexicon.CONTEXTS[c], args)
        found, mask = tokens(tokenizer, turns)
        if len(found) > LONGEST:
            continue
        contexts.append(c)
        keys.append(key(" ".join(turn.raw for turn in turns)))
        ids.extend(found)
        learnt.extend(mask)
        offsets.append(len(ids))
    np.savez(
        args.out,
        ctx=np.array(contexts, np.uint8),
        keys=np.array(keys, np.uint64),
        ids=np.array(ids, np.uint16),
        learnt=np.array(learnt, bool),
        off=np.array(offsets, np.int64),
    )
    print(f"{args.out}: {args.count} samples, {len(ids)} tokens")


if __name__ == "__main__":
    main()
