"""Exact match of a formatter with the rules on whole dictations, and sentence by sentence.

python -m formatter.evaluate_dictations ../../assets/demo/formatter.gguf --per 20 [--alone] [--show]

For held-out dictations with pauses, by context and length: how many whole texts are as the rules write them;
how many sentences after the first are, each behind the sentence before it; how many dictations come out the
same both ways, by the model and (as far as that goes) by the rules.  Last the sample recordings.
Needs the repository's root on PYTHONPATH.
"""

import argparse
import collections
import functools
import random
import tomllib
from pathlib import Path

from llama_cpp import Llama

from voiceflow_daemon.bench.sentences import Finished, Segment, compare
from voiceflow_daemon.text.settling import whole_transcript

from . import dictations, evaluate, lexicon, reference

RECORDINGS = Path(__file__).parents[3] / "assets" / "demo" / "recordings" / "index.toml"


def held_out(seed, per, lengths):
    """(context, words, segments) of `per` dictations of each context and length."""
    for context in lexicon.CONTEXTS:
        rng = random.Random(f"{seed} {context}")
        for words in lengths:
            done = 0
            while done < per:
                heard = dictations.segments(rng, words, context, plain=1.0, written=0.15)
                said = sum(len(segment.text.split()) for segment in heard)
                if 0.7 * words <= said <= 1.3 * words:
                    done += 1
                    yield context, words, heard


def as_heard(heard):
    """The segments with the pauses on both sides."""
    after = [*(segment.gap_s for segment in heard[1:]), 0.0]
    return [Segment(s.text, s.gap_s, gap) for s, gap in zip(heard, after, strict=True)]


def by_rules(context, raw, before):
    """What the rules write for a sentence behind the sentence `before`."""
    return reference.reference_format(raw, context, first=before is None)


def by_model(llm, alone, context, raw, before):
    """What the model writes; `alone`: without being shown the sentence before."""
    known = [(before.raw, before.text)] if before is not None and not alone else []
    return evaluate.answer(llm, context, raw, known)


def count(score, context, heard, write, show):
    """Format one dictation both ways and count what agrees."""
    segments = as_heard(heard)
    rules = compare(segments, functools.partial(by_rules, context))
    model = compare(segments, functools.partial(write, context))
    score["dictations"] += 1
    score["whole"] += model.whole == rules.whole
    score["same"] += model.equal
    score["same by rules"] += rules.equal
    score["right"] += model.joined == rules.whole
    if show and model.whole != rules.whole:
        print(f"whole {context}: {whole_transcript(rules.sentences)!r}")
        print(f"   want {rules.whole!r}\n   got  {model.whole!r}")
    sentences = dictations.settled(heard)
    before = None
    for sentence in sentences:
        want = by_rules(context, sentence.marked, before)
        if before is not None:
            got = write(context, sentence.marked, before)
            score["sentences"] += 1
            score["sentence"] += got == want
            if show and got != want:
                print(
                    f"after {before.text!r} {context}: {sentence.marked!r}\n   want {want!r}\n   got  {got!r}"
                )
        before = Finished(sentence.marked, want)


def recordings(llm):
    """Print where the model and the rules differ on the sample recordings."""
    entries = tomllib.loads(RECORDINGS.read_text())["recording"]
    wrong = 0
    for entry in entries:
        want = reference.reference_format(entry["heard"], entry["context"])
        got = evaluate.answer(llm, entry["context"], entry["heard"])
        if got != want:
            wrong += 1
            print(f"{entry['file']}\n   want {want!r}\n   got  {got!r}")
    print(f"recordings: {len(entries) - wrong} of {len(entries)} as the rules write them")


def main():
    """Print a line for each context and length."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--per", type=int, default=20, help="dictations of each context and length")
    parser.add_argument("--lengths", type=int, nargs="+", default=(15, 40, 80, 120))
    parser.add_argument("--alone", action="store_true", help="show no sentence before")
    parser.add_argument("--seed", type=int, default=424201)
    parser.add_argument("--show", action="store_true", help="print what differs")
    args = parser.parse_args()
    llm = Llama(args.model, n_ctx=2048, n_threads=1, n_threads_batch=1, verbose=False)
    scores = collections.defaultdict(collections.Counter)
    write = functools.partial(by_model, llm, args.alone)
    for context, words, heard in held_out(args.seed, args.per, args.lengths):
        score = collections.Counter()
        count(score, context, heard, write, args.show)
        scores[context, words] += score
        scores["all", words] += score
    for (context, words), s in sorted(scores.items()):
        n = s["dictations"]
        print(
            f"{context:8s} {words:3d} words: whole {s['whole'] / n:.3f}, later sentences"
            f" {s['sentence'] / max(1, s['sentences']):.3f} of {s['sentences']}, the same both ways"
            f" {s['same'] / n:.3f} (rules {s['same by rules'] / n:.3f}),"
            f" by sentences right {s['right'] / n:.3f}"
        )
    recordings(llm)


if __name__ == "__main__":
    main()
