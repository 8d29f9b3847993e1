"""Whole dictations as voiceflow hears them: segments with pauses between, and the sentences that settle.

`segments(rng, words, context)` makes up what somebody says, `settled` lets the program's own rules
(`voiceflow_daemon.text.settling`) find its sentences. Samples are made of these: a chain of sentences, each a
user message of its own, or the whole transcript. Needs the repository's root on PYTHONPATH.
"""

import random
from dataclasses import dataclass, replace

from voiceflow_daemon.text.settling import Settling, whole_transcript

from . import corpus, lexicon, reference
from .written import as_written

PAUSES_S = (0.35, 2.0)
CONJUNCTIONS = ("and", "but", "so", "and then", "because", "also", "then")
SCRATCHES = ("scratch that", "strike that", "delete that")
MAX_TURNS = 6


@dataclass(frozen=True)
class Segment:
    """What was said in one breath, and the silence before it in seconds."""

    text: str
    gap_s: float


@dataclass(frozen=True)
class Turn:
    """One user message and its answer.

    `learnt` is False where the turns before it are not shown: it cannot be known that it begins no text.
    """

    raw: str
    finished: str
    learnt: bool = True


def _pause(rng):
    """Short ones are the more frequent."""
    low, high = PAUSES_S
    return low * (high / low) ** rng.random()


def _link(rng, speaker, last, in_one_breath):
    """(what is said between two clauses, whether there is a pause before it, whether there is one behind)."""
    if rng.random() < in_one_breath:
        return "", False, False
    r = rng.random()
    if r < 0.53:
        return "", False, True
    if r < 0.59:
        return "", False, False
    if r < 0.75:
        if reference.is_question(last) and rng.random() < 0.7:
            return "question mark", False, rng.random() < 0.7
        mark = rng.choice([*["period"] * 5, "full stop", "exclamation mark", "comma", "comma"])
        return mark, False, rng.random() < 0.7
    if r < 0.80:
        said = rng.choice(["new line", "new paragraph", "period new line", "period new paragraph"])
        return said, rng.random() < 0.2, rng.random() < 0.7
    if r < 0.85:
        return rng.choice(CONJUNCTIONS), rng.random() < 0.5, False
    if r < 0.96:
        return _scratch(rng, speaker), rng.random() < 0.5, rng.random() < 0.4
    return speaker.fill(rng.choice(corpus.TEMPLATES["closing"])), rng.random() < 0.7, rng.random() < 0.9


def _scratch(rng, speaker):
    """What takes back the clause before it, at times one that was only begun."""
    said = [rng.choice(["", "", "no wait", "no wait", "no"]), rng.choice(SCRATCHES)]
    if rng.random() < 0.6:
        begun = speaker.clause().split()[: rng.randint(2, 5)]
        said = [rng.choice(["", "um", "uh"]), *begun, *said]
    return " ".join(said)


def _clauses(rng, speaker, words):
    """(words, whether a pause comes before them) of a dictation of about `words` words."""
    rate = rng.choice((0, 0, 0.03, 0.06, 0.1))
    in_one_breath = rng.choice((0, 0, 0.4, 0.7))
    said, out, paused = 0, [], False
    while said < words:
        if (out and rng.random() < 0.05) or (not out and rng.random() < 0.15):
            out.append((speaker.greeting().split(), paused))
            said, paused = said + len(out[-1][0]), rng.random() < 0.3
        clause = speaker.disfluent(speaker.clause().split(), rate) if rate else speaker.clause().split()
        if len(clause) > words - said + 6:
            if words - said < 5 and out:
                break
            continue
        out.append((clause, paused))
        said += len(clause)
        link, before, paused = _link(rng, speaker, clause, in_one_breath)
        if link and (said < words or rng.random() < 0.5):
            out.append((link.split(), before))
            said += len(link.split())
    return out


def segments(rng, words, context, plain=0.85, written=0.22):
    """A dictation of about `words` words, as it is heard: a list of `Segment`.

    `plain` and `written` are the shares of those without made-up words, and of those that a recogniser wrote
    with capitals and marks.
    """
    speaker = corpus.Speaker(rng, context, rng.random() < plain)
    clauses = _clauses(rng, speaker, words)
    if rng.random() < (0.4 if context == "email" else 0.06):
        closing = speaker.fill(rng.choice(corpus.TEMPLATES["closing"])).split()
        clauses.append((closing, rng.random() < 0.7))
    hesitates = rng.choice((0, 0, 0.02, 0.04))
    found = [[]]
    for clause, paused in clauses:
        for at, word in enumerate(clause):
            if found[-1] and (paused if at == 0 else rng.random() < hesitates):
                found.append([])
            found[-1].append(word)
    texts = [" ".join(one) for one in found if one]
    if rng.random() < written:
        texts = [text for text in (as_written(one, rng) for one in texts) if text]
    return [Segment(text, _pause(rng)) for text in texts]


def settled(heard):
    """The sentences of a dictation, as the program finds them."""
    state = Settling()
    for at, segment in enumerate(heard):
        after = heard[at + 1].gap_s if at + 1 < len(heard) else 0.0
        state = state.hear(segment.text, segment.gap_s, after)
    return state.finish().sentences


def _merged(sentences):
    """Several sentences that are written together when the key is released."""
    raw = " ".join(sentence.raw for sentence in sentences)
    return replace(sentences[-1], raw=raw, marked=whole_transcript(sentences))


def chain(rng, sentences, context):
    """Two to six turns in a row of one dictation; fewer where it has no more sentences."""
    together = rng.randint(2, 3) if rng.random() < 0.3 else 1
    if 1 < together < len(sentences):
        sentences = (*sentences[:-together], _merged(sentences[-together:]))
    start = rng.randrange(len(sentences)) if rng.random() < 0.4 else 0
    start = max(0, min(start, len(sentences) - 2))
    shown = sentences[start : start + rng.randint(2, MAX_TURNS)]
    turns = []
    for at, sentence in enumerate(shown, start):
        finished = reference.reference_format(sentence.marked, context, first=at == 0)
        turns.append(Turn(sentence.marked, finished, learnt=at == 0 or at > start))
    return turns


def whole(sentences, context):
    """The whole dictation as one turn."""
    raw = whole_transcript(sentences)
    return [Turn(raw, reference.reference_format(raw, context))]


def main():
    """Print chains and whole texts."""
    rng = random.Random(3)
    for context in lexicon.CONTEXTS:
        for words in (20, 40, 60):
            sentences = settled(segments(rng, words, context))
            print(context, words, "|", whole(sentences, context)[0])
            for turn in chain(rng, sentences, context):
                print("     ", turn)


if __name__ == "__main__":
    main()
