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

from voiceflow_daemon.text.joining import join_finished
from voiceflow_daemon.text.settling import whole_transcript

from . import dictations, evaluate, lexicon, reference

RECORDINGS = Path(__file__).parents[3] / "assets" / "demo" / "recordings" / "index.toml"


def held_out(seed, per, lengths):
    """(context, words, sentences) of `per` dictations of each context and length."""
    for context in lexicon.CONTEXTS:
        rng = random.Random(f"{seed} {context}")
        for words in lengths:
            done = 0
            while done < per:
                heard = dictations.segments(rng, words, context, plain=1.0, written=0.15)
                said = sum(len(segment.text.split()) for segment in heard)
                if 0.7 * words <= said <= 1.3 * words:
                    done += 1
                    yield context, words, dictations.settled(heard)


def by_rules(context, raw, before=None):
    """What the rules write for a transcript, behind the (transcript, finished text) before it if any."""
    return reference.reference_format(raw, context, first=before is None)


def by_model(llm, alone, context, raw, before=None):
    """What the model writes; `alone`: without being shown what is before."""
    return evaluate.answer(llm, context, raw, [before] if before and not alone else [])


def one_by_one(write, context, sentences):
    """The finished sentences, each written behind the one before."""
    texts, before = [], None
    for sentence in sentences:
        texts.append(write(context, sentence.marked, before))
        before = sentence.marked, texts[-1]
    return texts


def count(score, context, sentences, write, show):
    """Format one dictation both ways and count what agrees."""
    raw = whole_transcript(sentences)
    want, got = by_rules(context, raw), write(context, raw)
    ruled, written = (one_by_one(way, context, sentences) for way in (by_rules, write))
    joined = join_finished(sentences, written, "en")
    score["dictations"] += 1
    score["whole"] += got == want
    score["same"] += joined == got
    score["same by rules"] += join_finished(sentences, ruled, "en") == want
    score["right"] += joined == want
    score["sentences"] += len(sentences) - 1
    score["sentence"] += sum(a == b for a, b in zip(ruled[1:], written[1:], strict=True))
    if show:
        said = [sentence.marked for sentence in sentences]
        for heard, by_rule, by_llm in [(raw, want, got), *zip(said, ruled, written, strict=True)]:
            if by_llm != by_rule:
                print(f"{context} {heard!r}\n   want {by_rule!r}\n   got  {by_llm!r}")


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
    for context, words, sentences in held_out(args.seed, args.per, args.lengths):
        score = collections.Counter()
        count(score, context, sentences, write, args.show)
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
