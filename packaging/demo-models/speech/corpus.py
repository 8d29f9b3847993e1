"""The closed world of dictation that the demo recogniser knows.

Everything it can hear stands in `grammar.toml`, a small context-free grammar whose terminals are the
vocabulary (`VOCAB`).  Sentences are shaped like dictation: work chat, e-mail, talk about code, notes, spoken
punctuation and commands, fillers and self-corrections.  A share of "salad" (random words) and of splices (odd
pieces of sentences strung together) keeps the model from leaning on the grammar alone.

Terminals are lower-case words.  "," and "." in a template are pauses for the synthesiser, never part of a
transcript.  `python -m speech.corpus` prints the size of the vocabulary and a few samples.
"""

import random
import re
import tomllib
from pathlib import Path

_grammar = tomllib.loads((Path(__file__).parent / "grammar.toml").read_text())
_ALTERNATIVES = _grammar["templates"] | {name: words.split() for name, words in _grammar["words"].items()}
_TOKEN = re.compile(r"<(\w+)>|\{([^}]*)\}|([a-z']+)|([,.])")

# How often each style comes up.  The formatter was trained before there were splices.
RECOGNISER_STYLES = {
    "chat": 10, "email": 8, "code": 9, "note": 8, "fillers": 7,
    "correct": 4, "punct": 4, "command": 2, "salad": 15, "splice": 33,
}  # fmt: skip
FORMATTER_STYLES = {
    "chat": 17, "email": 14, "code": 16, "note": 11, "fillers": 10,
    "correct": 6, "punct": 7, "command": 4, "salad": 15,
}  # fmt: skip

# Acronyms are written in capitals for espeak-ng, which then spells them out.
SPOKEN = {
    "api": "API", "url": "URL", "sql": "SQL", "css": "CSS", "html": "HTML", "http": "HTTP",
    "pdf": "PDF", "id": "ID", "json": "jason", "pm": "PM",
}  # fmt: skip
# Words that sound alike (or nearly): not used in salad, where no context could tell them apart.
AMBIGUOUS = {"two", "too", "four", "write", "right", "no", "know", "uh", "an", "our", "oh", "am"}


def _expand(symbol, rng):
    """One grammar symbol as a list of words and pause hints."""
    return _fill(rng.choice(_ALTERNATIVES[symbol]), rng)


def _fill(template, rng):
    out = []
    for m in _TOKEN.finditer(template):
        if m[1]:
            out += _expand(m[1], rng)
        elif m[2]:
            out.append(rng.choice(m[2].split()))
        else:
            out.append(m[3] or m[4])
    return out


def _vocabulary():
    words = set()
    for alternatives in _ALTERNATIVES.values():
        for alternative in alternatives:
            for m in _TOKEN.finditer(alternative):
                words.update([] if m[1] or m[4] else (m[2] or m[3]).split())
    return sorted(words)


VOCAB = _vocabulary()
SALAD = [w for w in VOCAB if w not in AMBIGUOUS]


def _chat(rng):
    words = _expand("CHAT1", rng)
    if rng.random() < 0.15:
        words += [",", *_expand("AND", rng), *_expand("CHAT1", rng)]
    return words


def _email(rng):
    r = rng.random()
    words = _expand("MAIL1", rng)
    if r < 0.3 or 0.42 <= r < 0.52:
        words = [*_expand("SALUT", rng), ",", *words]
    if 0.3 <= r < 0.52:
        words += [".", *_expand("CLOSE", rng)]
    return words


def _fillers(rng):
    words = _expand(rng.choice(["CHAT1", "MAIL1", "CODE1", "NOTE1", "CORR1"]), rng)
    for _ in range(rng.randint(1, 2)):
        i = rng.randint(0, len(words) - 1)
        words[i:i] = [*_expand("FILL", rng), ","]
    return words


def _punctuated(rng):
    first = _expand(rng.choice(["CHAT1", "MAIL1", "NOTE1", "SALUT"]), rng)
    mark = _expand(rng.choice(["PUNCT", "BREAK"]), rng)
    second = _expand(rng.choice(["CHAT1", "MAIL1", "NOTE1", "PUNCT"]), rng) if rng.random() < 0.6 else []
    last = _expand(rng.choice(["PUNCT", "BREAK"]), rng) if second and rng.random() < 0.5 else []
    pause = [","] if rng.random() < 0.5 else []
    return first + mark + pause + second + last


def _command(rng):
    words = _expand("CMD", rng)
    if rng.random() < 0.3:
        words += [",", *_expand(rng.choice(["CMD", "BREAK", "CHAT1"]), rng)]
    return words


def _salad(rng):
    return [rng.choice(SALAD) for _ in range(rng.randint(1, 9))]


def _splice(rng):
    out = []
    for _ in range(rng.randint(2, 4)):
        words = sentence(rng, rng.choice(("chat", "email", "code", "note", "fillers")))[0].split()
        start = rng.randrange(len(words))
        piece = words[start : start + rng.randint(1, 5)]
        while piece and piece[0] in AMBIGUOUS:
            piece = piece[1:]
        out += piece + ([rng.choice(SALAD)] if rng.random() < 0.3 else [])
    return out or [rng.choice(SALAD)]


_MAKE = {
    "chat": _chat,
    "email": _email,
    "code": lambda rng: _expand("CODE1", rng),
    "note": lambda rng: _expand("NOTE1", rng),
    "correct": lambda rng: _expand("CORR1", rng),
    "fillers": _fillers,
    "punct": _punctuated,
    "command": _command,
    "salad": _salad,
    "splice": _splice,
}


def sentence(rng, style=None, styles=RECOGNISER_STYLES):
    """One sentence: (transcript, the same words with pause hints); of `style`, or drawn from `styles`."""
    style = style or rng.choices(list(styles), list(styles.values()))[0]
    tokens = _MAKE[style](rng)
    while tokens and tokens[0] in ",.":
        tokens = tokens[1:]
    return " ".join(t for t in tokens if t not in ",."), " ".join(tokens)


def plain(hinted):
    """Transcript of a hinted sentence."""
    return " ".join(t for t in hinted.split() if t not in (",", "."))


def spoken(hinted):
    """Text for espeak-ng: one espeak word for each transcript word, hints glued on."""
    return " ".join(SPOKEN.get(t, t) for t in hinted.split()).replace(" ,", ",").replace(" .", ".")


def main():
    """Print the size of the vocabulary and samples of each style."""
    print(len(VOCAB), "words")
    rng = random.Random(7)
    for style in _MAKE:
        for _ in range(4):
            print(f"{style:8s}", sentence(rng, style)[1])


if __name__ == "__main__":
    main()
