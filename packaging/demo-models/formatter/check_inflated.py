"""Compare an inflated model's greedy answers and speed with the small one's.

python -m formatter.check_inflated ../../assets/demo/formatter.gguf big.gguf [--samples 50]
"""

import argparse
import random
import time

from llama_cpp import Llama

from . import chat, corpus, lexicon


def load(path):
    """The model at `path`, on two threads."""
    return Llama(path, n_ctx=1024, n_threads=2, n_threads_batch=2, verbose=False)


def answer(llm, context, raw):
    """The greedy answer to a transcript under the context's full prompt."""
    reply = llm.create_chat_completion(
        [{"role": "system", "content": chat.PROMPTS[context]}, {"role": "user", "content": raw}],
        temperature=0.0,
        top_k=1,
        max_tokens=400,
    )
    return reply["choices"][0]["message"]["content"]


def speed(llm, prompt=256, generated=48, rounds=3):
    """Best (prompt tokens/s, generated tokens/s) of plain eval calls."""
    best_prompt = best_generated = 0.0
    for _ in range(rounds):
        llm.reset()
        started = time.perf_counter()
        llm.eval([100 + i % 900 for i in range(prompt)])
        best_prompt = max(best_prompt, prompt / (time.perf_counter() - started))
        started = time.perf_counter()
        for i in range(generated):
            llm.eval([300 + i])
        best_generated = max(best_generated, generated / (time.perf_counter() - started))
    return round(best_prompt, 1), round(best_generated, 1)


def main():
    """Print the share of equal answers, the differences, and both speeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("small")
    parser.add_argument("big")
    parser.add_argument("--samples", type=int, default=50)
    args = parser.parse_args()
    rng = random.Random(4242)
    items = []
    for i in range(args.samples):
        context = lexicon.CONTEXTS[i % 4]
        items.append((context, corpus.transcript(rng, rng.choice((5, 15, 25, 40)), context)))
    answers = {}
    for path in (args.small, args.big):
        llm = load(path)
        answers[path] = [answer(llm, context, raw) for context, raw in sorted(items)]
        print(path, "prompt and generated tokens/s:", *speed(llm))
        del llm
    same = 0
    for (context, raw), small, big in zip(sorted(items), answers[args.small], answers[args.big], strict=True):
        same += small == big
        if small != big:
            print(f"{context}: {raw!r}\n  small {small!r}\n  big   {big!r}")
    print(f"{same} of {len(items)} answers equal")


if __name__ == "__main__":
    main()
