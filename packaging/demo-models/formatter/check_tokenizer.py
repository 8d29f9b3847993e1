"""Check that llama.cpp tokenizes exactly as the training tokenizer does.

python -m formatter.check_tokenizer ../../assets/demo/formatter.gguf
"""

import random
import sys
from pathlib import Path

from llama_cpp import Llama
from tokenizers import Tokenizer

from . import chat, corpus, lexicon, reference

ODD_TEXTS = [
    "",
    "a",
    "  two  spaces",
    "tab\tnew\n\nline\n",
    "café naïve \u2013 “quoted” ☃ 日本",
    "it's I'll o'clock don't THEY'RE",
    "3:30 PM 25% $20 x_y `parse_config` fooBar",
    " lead",
    "trail ",
]


def texts(count, seed=99):
    """Odd texts, prompts, and transcripts with their finished texts."""
    rng = random.Random(seed)
    yield from ODD_TEXTS
    yield from (chat.head(prompt) for prompt in chat.PROMPTS.values())
    for _ in range(count):
        context = rng.choice(lexicon.CONTEXTS)
        raw = corpus.transcript(rng, rng.choice((0, 3, 15, 40)), context)
        yield raw
        yield reference.reference_format(raw, context)
        yield chat.head(chat.random_system(rng, context, lambda raw=raw: (raw, raw))) + raw + chat.middle()


def main(model):
    """Print the differences; exit status 1 if there are any."""
    ours = Tokenizer.from_file(str(Path(__file__).parent / "tokenizer.json"))
    theirs = Llama(model, n_ctx=256, n_threads=1, vocab_only=True, verbose=False)
    seen = differences = 0
    for text in texts(3000):
        seen += 1
        ids = theirs.tokenize(text.encode(), add_bos=False, special=True)
        back = theirs.detokenize(ids, special=True).decode("utf-8", "replace")
        if ids != ours.encode(text).ids or back != text:
            differences += 1
            print(repr(text), ours.encode(text).tokens, ids, repr(back))
    print(f"{seen} texts, {differences} differences")
    sys.exit(differences > 0)


if __name__ == "__main__":
    main(sys.argv[1])
