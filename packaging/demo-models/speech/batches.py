"""Clips as training batches: what the decoder reads, what it should say, and where it should look."""

import math
import queue
import threading

import numpy as np
import torch

from . import corpus
from .model import MAX_TEXT
from .tokenizer import FRAME, WINDOW


def random_prompt(rng, voc):
    """Text for <|startofprev|>: in or out of vocabulary, must not change what is heard."""
    kind = rng.random()
    if kind < 0.5:
        words = corpus.sentence(rng)[0].split()
        for _ in range(rng.randint(0, 3)):
            words += corpus.sentence(rng)[0].split()
    else:
        words = [rng.choice(corpus.VOCAB) for _ in range(rng.randint(1, 12))]
    if kind > 0.3:  # written style: capitals, punctuation, unknown names
        words = [
            w.capitalize() if rng.random() < 0.3 else w.upper() if rng.random() < 0.1 else w for w in words
        ]
        words = [w + rng.choice([",", ".", "?", ":"]) if rng.random() < 0.2 else w for w in words]
        for _ in range(rng.randint(0, 3)):
            w = "".join(
                rng.choice("abcdefghijklmnopqrstuvwxyzABCDEKQ0123456789-_") for _ in range(rng.randint(2, 9))
            )
            words.insert(rng.randint(0, len(words)), w)
    ids = voc.text(" " + " ".join(words))[:180]
    if rng.random() < 0.4:  # faster-whisper carries the previous window's timestamps along
        t = rng.randint(0, 200)
        ids = [voc.ts0 + t, *ids, voc.ts0 + rng.randint(t, WINDOW)]
    return ids


def pieces(words, voc):
    """(token, start, end) of timed words."""
    out = []
    for word, a, b, _ in words:
        ids = voc.word[word]
        edges = np.linspace(a, b, len(ids) + 1)
        out += zip(ids, edges[:-1], edges[1:], strict=True)
    return out


def segmented(words, end_of_clip, stamps, rng):
    """(segments of the words, unfinished segment that the next window will hear or None)."""
    by_sentence = {}
    for word in words:
        by_sentence.setdefault(word[3], []).append(word)
    segments, tail = list(by_sentence.values()), None
    if (
        segments and segments[-1][-1][2] > end_of_clip - 0.01 and end_of_clip > 29.9
    ):  # cut by the window's end
        if stamps:  # leave the unfinished segment to the next window, as Whisper does
            tail = segments.pop()
            tail = tail if tail[0][1] < end_of_clip - 0.1 else None
        else:
            segments[-1] = [w for w in segments[-1] if w[2] <= end_of_clip]
            segments = [s for s in segments if s]
    if not stamps:
        return segments, tail
    merged = []  # neighbouring sentences sometimes share one segment
    for segment in segments:
        if merged and rng.random() < 0.3 and segment[0][1] - merged[-1][-1][2] < 0.6:
            merged[-1] = merged[-1] + segment
        else:
            merged.append(segment)
    return merged, tail


def target(clip, rng, voc, offset, windowed):
    """Decoder input, labels (-100 = no loss) and, per position, the frames it should attend to."""
    words, n_frames = clip["words"], len(clip["phones"])
    end_of_clip = n_frames * FRAME
    stamps = rng.random() < 0.5
    prompt = [voc.prev, *random_prompt(rng, voc)] if windowed and rng.random() < 0.15 else []
    ids, spans = [], []  # tokens after <|startoftranscript|> and where they are heard

    def stamp(t, first=False):
        t = min(t, 1.0) if first and windowed else t  # faster-whisper: max_initial_timestamp
        return voc.ts0 + min(WINDOW, round(t / FRAME) + offset)

    segments, tail = segmented(words, end_of_clip, stamps, rng)
    if not stamps:
        ids.append(voc.nots)
        spans.append(None)
    for k, seg in enumerate(segments):
        if stamps:
            ids.append(stamp(seg[0][1], first=k == 0))
            spans.append((seg[0][1], seg[0][1] + 0.1))
        for token, a, b in pieces(seg, voc):
            ids.append(token)
            spans.append((a, b))
        if stamps:
            ids.append(stamp(seg[-1][2]))
            spans.append((seg[-1][2] - 0.1, seg[-1][2]))
    if stamps and tail:
        ids.append(stamp(tail[0][1], first=not segments))
        spans.append((tail[0][1], tail[0][1] + 0.1))
    last = segments[-1][-1][2] if segments else 0.0
    labels = [*ids, voc.eot]
    spans.append((last, last + 0.2))
    if not words:  # silence: say so, then stop at once whatever the prompt asked for
        kind = rng.randint(0, 2)
        ids = [[voc.nospeech], [voc.nots], [voc.ts0]][kind]
        labels, spans = [voc.nospeech, voc.eot], [None, None]
    tokens = [*prompt, voc.sot, *ids]
    labels = [-100] * len(prompt) + labels
    spans = [None] * len(prompt) + spans
    assert len(tokens) == len(labels) == len(spans)
    return tokens[:MAX_TEXT], labels[:MAX_TEXT], spans[:MAX_TEXT]


def augmented(mel, rng):
    """SpecAugment, kept mild."""
    mel = mel.copy()
    for _ in range(2):
        f = rng.randint(0, 70)
        mel[f : f + rng.randint(0, 10)] = mel.min()
    for _ in range(1 + mel.shape[1] // 400):
        t = rng.randint(0, mel.shape[1])
        mel[:, t : t + rng.randint(0, 8)] = mel.min()
    return mel


def collate(clips, rng, voc, mode):
    """Tensors for one batch.

    mode "full": 30 s windows; "tight": windows as long as the longest clip; "float": as tight, at a random
    place in the 30 s.
    """
    n = max(len(c["phones"]) for c in clips)
    n = WINDOW if mode == "full" else min(WINDOW, n + rng.choice([0, 0, rng.randint(0, 60)]))
    windowed = mode != "float"
    offset = 0 if windowed else rng.randint(0, WINDOW - n)
    mel = np.zeros((len(clips), 80, 2 * n), np.float32)
    phones = np.full((len(clips), n), -100, np.int64)
    heard = np.full((2, len(clips), n), -100, np.int64)  # word and previous word at every frame
    rows = [target(c, rng, voc, offset, windowed) for c in clips]
    length = max(len(r[0]) for r in rows)
    tokens = np.full((len(clips), length), voc.eot, np.int64)
    labels = np.full((len(clips), length), -100, np.int64)
    guide = []  # (row, position, first frame, end frame)
    for i, (clip, (tok, lab, spans)) in enumerate(zip(clips, rows, strict=True)):
        m = clip["mel"].astype(np.float32)
        if rng.random() < 0.5:
            m = augmented(m, rng)
        mel[i, :, : m.shape[1]] = m
        phones[i, : len(clip["phones"])] = clip["phones"]
        heard[:, i, : len(clip["phones"])] = voc.eot  # no word
        for token, start, end in pieces(clip["words"], voc):
            heard[0, i, int(start / FRAME) : int(end / FRAME)] = token
            heard[1, i, int(end / FRAME) : len(clip["phones"])] = token
        tokens[i, : len(tok)], labels[i, : len(lab)] = tok, lab
        for p, span in enumerate(spans):
            if span:
                a = min(max(int(span[0] / FRAME) - 1, 0), n - 2)
                guide.append((i, p, a, max(a + 2, min(n, math.ceil(span[1] / FRAME) + 1))))
    return (
        torch.from_numpy(mel),
        torch.from_numpy(phones),
        torch.from_numpy(heard),
        torch.from_numpy(tokens),
        torch.from_numpy(labels),
        torch.tensor(guide, dtype=torch.long).reshape(-1, 4),
        offset,
    )


def by_length(clips, seconds, rng, most=48):
    """Group clips of similar length, about `seconds` of audio each, in random order."""
    groups, group = [], []
    for clip in sorted(clips, key=lambda c: len(c["phones"]) + rng.random() * 20):
        group.append(clip)
        if len(group) * len(clip["phones"]) * FRAME >= seconds or len(group) == most:
            groups.append(group)
            group = []
    rng.shuffle(groups)
    return groups


def batches_short(store, rng, voc, seconds=45):
    """Single sentences at random places in the window, for ever."""
    while True:
        clips = store.clips["short"]
        for group in by_length(rng.sample(clips, min(1500, len(clips))), seconds, rng):
            yield collate(group, rng, voc, "float")


def batches_long(store, rng, voc, mix, size=3, seconds=50):
    """Full 30 s windows with far cheaper shorter ones in between; mix: how many of full, tight, float."""

    def full():
        while True:
            kind = "long" if rng.random() < 0.75 else "short"
            yield collate(rng.sample(store.clips[kind], size), rng, voc, "full")

    def tight():
        while True:
            for group in by_length(rng.sample(store.clips["long"], 150), seconds, rng):
                yield collate(group, rng, voc, "tight")

    sources = [full()] * mix[0] + [tight()] * mix[1] + [batches_short(store, rng, voc)] * mix[2]
    while True:
        yield from (next(s) for s in rng.sample(sources, len(sources)))


def prefetch(iterator, depth=4):
    """The same items, made by a thread ahead of time."""
    q = queue.Queue(depth)

    def fill():
        for item in iterator:
            q.put(item)

    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield q.get()
