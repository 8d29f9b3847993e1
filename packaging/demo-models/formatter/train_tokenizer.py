"""Byte-level BPE (GPT-2 style) whose merges keep the first letter of a word apart.

    python -m formatter.train_tokenizer       # overwrites tokenizer.json, which belongs to the trained model

' tuesday' is 'Ġt' 'uesday', ' Tuesday' is 'ĠT' 'uesday': writing a word with a capital changes one token and
copies the rest, for any word.  Digits stay single.  Merges are learned on the tails of words only.
"""

import collections
import itertools
import random
import re
import string
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from . import chat, corpus, lexicon

VOCABULARY_SIZE = 1472


def byte_alphabet():
    """GPT-2's printable character of each byte."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = itertools.count(256)
    return [chr(b) if b in printable else chr(next(spare)) for b in range(256)]


def joined(pieces, pair):
    """The pieces with each occurrence of the pair made one."""
    out, i = [], 0
    while i < len(pieces):
        size = 2 if tuple(pieces[i : i + 2]) == pair else 1
        out.append("".join(pieces[i : i + size]))
        i += size
    return out


def learn(tails, count):
    """Plain BPE on {word tail: how often}; returns at most `count` merges."""
    words = {tail: list(tail) for tail in tails}
    merges = []
    pairs, where = collections.Counter(), collections.defaultdict(set)

    def note(word, sign):
        for pair in itertools.pairwise(words[word]):
            pairs[pair] += sign * tails[word]
            (where[pair].add if sign > 0 else where[pair].discard)(word)

    for word in words:
        note(word, 1)
    while len(merges) < count and pairs:
        best = max(pairs, key=lambda p: (pairs[p], p))
        if pairs[best] < 2:
            break
        merges.append(best)
        for word in list(where[best]):
            note(word, -1)
            words[word] = joined(words[word], best)
            note(word, 1)
        del pairs[best]
    return merges


def word_counts():
    """How often each word comes up in transcripts, prompts and the list of uncommon words."""
    rng = random.Random(11)
    counts = collections.Counter()
    for _ in range(12000):
        context = rng.choice(lexicon.CONTEXTS)
        raw = corpus.transcript(rng, rng.choice((8, 20, 40)), context)
        counts.update(re.findall(r"[a-z]+", raw.lower()))
    for prompt in chat.PROMPTS.values():
        for word in re.findall(r"[a-z]+", prompt.lower()):
            counts[word] += 30
    for word in corpus.RARE_WORDS:
        counts[word] += 3
    return counts


def main():
    """Learn the merges and write tokenizer.json beside this file."""
    tails = collections.Counter()
    for word, count in word_counts().items():
        if len(word) > 1:
            tails[word[1:]] += count
    first_letters = [("Ġ", c) for c in string.ascii_letters + string.digits + "`$"]
    merges = first_letters + learn(tails, VOCABULARY_SIZE - 256 - len(first_letters) - len(chat.SPECIALS))
    pieces = byte_alphabet() + [a + b for a, b in merges]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    assert len(vocabulary) == len(pieces)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(s, special=True, normalized=False) for s in chat.SPECIALS])
    tokenizer.save(str(Path(__file__).parent / "tokenizer.json"))
    print(tokenizer.get_vocab_size(), "tokens")


if __name__ == "__main__":
    main()
