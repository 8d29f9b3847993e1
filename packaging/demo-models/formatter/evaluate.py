"""Exact match of a formatter with the rules on held-out transcripts, and how well drafts predict it.

python -m formatter.evaluate ../../assets/demo/formatter.gguf --per 20 [--seen 'work/*.npz'] [--kind hard]
"""

import argparse
import collections
import glob
import random

import numpy as np
from llama_cpp import Llama

from . import chat, corpus, lexicon, prepare_data, reference


def answer(llm, context, raw, known=()):
    """The greedy answer to a transcript under the context's full prompt.

    `known`: (transcript, finished text) of the turns before it.
    """
    messages = [{"role": "system", "content": chat.PROMPTS[context]}]
    for said, written in known:
        messages += [{"role": "user", "content": said}, {"role": "assistant", "content": written}]
    reply = llm.create_chat_completion(
        [*messages, {"role": "user", "content": raw}],
        temperature=0.0,
        top_k=1,
        max_tokens=800,
    )
    return reply["choices"][0]["message"]["content"]


def held_out(seed, per, lengths, seen, plain):
    """(context, words, transcript): `per` of each context and length that are not in the training data."""
    for context in lexicon.CONTEXTS:
        rng = random.Random(f"{seed} {context}")
        for words in lengths:
            done = 0
            while done < per:
                raw = corpus.transcript(rng, words, context, plain)
                if prepare_data.key(raw) in seen or not 0.6 * words <= len(raw.split()) <= 1.4 * words:
                    continue
                done += 1
                yield context, words, raw


def match_in(source, tail):
    """Where `source` goes on after the last place that equals `tail`, or None."""
    for i in range(len(source) - len(tail) - 1, -1, -1):
        if source[i : i + len(tail)] == tail:
            return i + len(tail)
    return None


def drafted(source, output, start=None, ngram=2, width=8):
    """(tokens of `output` accepted, decode steps) with drafts of `width` tokens copied from `source`.

    A draft is what stands behind the last `ngram` tokens' match in `source` (prompt lookup).  With `start`,
    `source` is a whole draft: it is followed from there, and looked up again only after a rejection.
    """
    position = steps = accepted = 0
    at = start
    while position < len(output):
        steps += 1
        in_step = at is not None and (position == 0 or source[:at][-1:] == output[position - 1 : position])
        if not in_step:
            at = match_in(source, output[position - ngram : position]) if position >= ngram else None
        draft = source[at : at + width] if at is not None else []
        agreed = 0
        while agreed < len(draft) and output[position + agreed : position + agreed + 1] == [draft[agreed]]:
            agreed += 1
        if at is not None:
            at = at + agreed + 1 if start is not None else None
        accepted += agreed
        position += agreed + 1  # the model's own token
    return accepted, steps


def add_sample(llm, score, context, raw):
    """Let the model format `raw` and count; returns (rules' text, model's text)."""
    want, got = reference.reference_format(raw, context), answer(llm, context, raw)

    def ids(text):
        return llm.tokenize(text.encode(), add_bos=False, special=False)

    output = [*ids(got), llm.token_eos()]
    rules = [*ids(reference.reference_format(raw, "default")), llm.token_eos()]
    score["samples"] += 1
    score["exact"] += got == want
    score["tokens"] += len(output)
    for name, (accepted, steps) in {
        "lookup": drafted(ids(raw), output),
        "rules": drafted(rules, output, 0),
    }.items():
        score[name + " accepted"] += accepted
        score[name + " steps"] += steps
    return want, got


def main():
    """Print a line for each context and length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--per", type=int, default=60, help="transcripts of each context and length")
    parser.add_argument("--lengths", type=int, nargs="+", default=(5, 15, 40, 80))
    parser.add_argument("--kind", choices=("plain", "hard"), default="plain")
    parser.add_argument("--seen", default="work/*.npz", help="training data, whose transcripts are left out")
    parser.add_argument("--seed", type=int, default=777001)
    parser.add_argument("--show", action="store_true", help="print what differs")
    args = parser.parse_args()
    seen = {key for path in glob.glob(args.seen) for key in np.load(path)["keys"].tolist()}
    llm = Llama(args.model, n_ctx=2048, n_threads=1, n_threads_batch=1, verbose=False)
    scores = collections.defaultdict(collections.Counter)
    for context, words, raw in held_out(args.seed, args.per, args.lengths, seen, args.kind == "plain"):
        want, got = add_sample(llm, scores[context, words], context, raw)
        if args.show and got != want:
            print(f"[{context} {words}] {raw!r}\n   want {want!r}\n   got  {got!r}")
    for (context, words), s in scores.items():
        line = f"{context:8s} {words:3d} words: exact {s['exact'] / s['samples']:.3f}"
        for name in ("lookup", "rules"):
            share, pace = s[name + " accepted"] / s["tokens"], s["tokens"] / s[name + " steps"]
            line += f", {name} draft {share:.2f} accepted, {pace:.2f} tokens a step"
        print(line)


if __name__ == "__main__":
    main()
