"""Raw dictation transcripts for training the formatter, all synthetic.

`transcript(rng, words, context)` builds one of about `words` words out of sentences of the recogniser's
grammar (`speech.corpus`), templates of its own (templates.toml), corrections, fillers, and word salad with
made-up words, so that copying depends on no vocabulary.  The right answer is always
`reference.reference_format`.
"""

import random
import re
import tomllib
from pathlib import Path

from speech import corpus as speech_corpus

from . import lexicon, reference
from .written import as_written

_HERE = Path(__file__).parent
_parts = tomllib.loads((_HERE / "templates.toml").read_text())
TEMPLATES = _parts["templates"]
LISTS = {name: words.split() for name, words in _parts["words"].items()}
RARE_WORDS = (_HERE / "words.txt").read_text().split()
NAMES, DAYS, MONTHS = sorted(lexicon.NAMES), sorted(lexicon.DAYS), sorted(lexicon.MONTHS)
PLACES, KINDS = sorted(lexicon.PLACES), sorted(lexicon.KINDS)
MINUTES = ["thirty", "fifteen", "forty five", "twenty", "ten", "oh five", "fifty", "twenty five", "forty"]
EVERYDAY_STYLES = [
    "chat", "chat", "email", "email", "code", "note", "note", "note", "chat", "email", "code",
    "fillers", "correct", "punct", None,
]  # fmt: skip
PHRASES = [
    *lexicon.MARKERS,
    *lexicon.SCRATCH,
    *lexicon.CLOSINGS,
    *lexicon.SOFT_CLOSINGS,
    *(phrase for phrase, _ in lexicon.SPOKEN),
    *lexicon.WEAK_MARKERS,
]
# Nobody says "um" between these and their neighbours.
GLUED = (
    {word for phrase in PHRASES for word in phrase}
    | lexicon.NUMBERISH
    | lexicon.NUM_TAIL
    | {"period", "oh", "called", "named", "case", "camel", "snake", "so", "and", "you", "know", "like", "i"}
)


def pseudo(rng):
    """A made-up word."""
    word = ""
    for _ in range(rng.choice((1, 2, 2, 2, 3, 3))):
        word += rng.choice(LISTS["consonant"]) + rng.choice(LISTS["vowel"])
    word += rng.choice(TEMPLATES["ending"])
    return pseudo(rng) if word in lexicon.PROPER or len(word) < 3 else word


def rare(rng):
    """A made-up or an uncommon word."""
    return pseudo(rng) if rng.random() < 0.45 else RARE_WORDS[int(len(RARE_WORDS) * rng.random() ** 1.6)]


def number(rng):
    """A spoken number or year."""
    tens, ones, teens = list(lexicon.TENS), list(lexicon.ONES)[2:], list(lexicon.TEENS)
    r = rng.random()
    if r < 0.25:
        return rng.choice(ones)
    if r < 0.42:
        return rng.choice(teens)
    if r < 0.55:
        return rng.choice(tens)
    if r < 0.78:
        return rng.choice(tens) + " " + rng.choice(["one", *ones])
    if r < 0.88:
        return (
            rng.choice(["one", *ones])
            + " hundred"
            + rng.choice(["", "", " " + rng.choice(tens), " and " + rng.choice(tens + ones)])
        )
    if r < 0.94:
        return rng.choice(["one", *ones, *teens, *tens, *tens]) + " thousand"
    years = ("twenty twenty " + rng.choice(ones), "nineteen " + rng.choice(tens))
    return rng.choice([*years, "nineteen ninety " + rng.choice(ones)])


def clock(rng):
    """A spoken time of day."""
    hour, r = rng.choice(LISTS["hour"]), rng.random()
    minutes = rng.choice(MINUTES)
    if r < 0.35:
        return f"{hour} {rng.choice(['am', 'pm'])}"
    if r < 0.75:
        return f"{hour} {minutes} {rng.choice(['am', 'pm', 'pm'])}"
    return f"{hour} {minutes}" if r < 0.9 else rng.choice([hour, "noon", hour + " o'clock"])


def identifier(rng):
    """The spoken words of a name in code."""
    r = rng.random()
    if r < 0.6:
        return " ".join([_code_verb(rng), *rng.sample(LISTS["code_noun"], rng.choice((1, 1, 1, 2)))])
    if r < 0.75:
        return rng.choice(LISTS["code_noun"])
    return " ".join(
        rare(rng) if rng.random() < 0.7 else _code_verb(rng) for _ in range(rng.choice((1, 2, 2, 3, 4)))
    )


def _code_verb(rng):
    return rng.choice(LISTS["code_verb"])


def amount(rng):
    """A spoken sum of some thousands, or any number."""
    if rng.random() < 0.5:
        return number(rng)
    ones = list(lexicon.ONES)[1:]
    tens = rng.choice(list(lexicon.TENS))
    thousands = rng.choice([tens, f"{tens} {rng.choice(ones)}", rng.choice([*ones, *lexicon.TEENS])])
    return f"{thousands} thousand{rng.choice(['', '', ' five hundred', ' two hundred and ten'])}"


SLOTS = {
    "we": lambda rng: rng.choice(LISTS["pronoun"]),
    "name": lambda rng: rng.choice(NAMES),
    "day": lambda rng: rng.choice(DAYS),
    "month": lambda rng: rng.choice([*MONTHS, "may", "march"]),
    "place": lambda rng: rng.choice(PLACES),
    "num": number,
    "amount": amount,
    "time": clock,
    "rare": rare,
    "kind": lambda rng: rng.choice(KINDS),
    "ident": identifier,
    "style": lambda rng: rng.choice(["camel", "camel", "snake"]),
    "ord": lambda rng: rng.choice([*lexicon.ORDINALS, "twenty first", "twenty fifth"]),
    "digits": lambda rng: " ".join(rng.choice(list(lexicon.ONES)) for _ in range(rng.randint(2, 7))),
}


# What follows a verb that is said again: 'get milk from the store no wait actually get bread'.
RESTARTED = (
    "the {noun}",
    "the {noun} {when}",
    "the {noun} and the {noun}",
    "{num} {noun}s for {name}",
    "{noun} and {noun}s from the {noun}",
    "{noun} and {noun}s from {place}",
)
RESTARTS = ("the {adj} {noun}", "{noun}s and {noun}s", "the {noun} {when}", "{num} {noun}s")


class Speaker:
    """Somebody who dictates; `plain`: as people really do, with hardly any made-up words and no salad."""

    def __init__(self, rng, context, plain):
        self.rng = rng
        self.context = context
        self.plain = plain

    def fill(self, template):
        """The template with something said in each {slot}."""
        return re.sub(r"\{(\w+)\}", lambda m: self._slot(m.group(1)), template)

    def _slot(self, name):
        if name == "when":
            return self.fill(self.rng.choice(TEMPLATES["when"]))
        if name in ("verb", "noun", "adj"):
            made_up = self.rng.random() < (0.03 if self.plain else 0.25)
            return rare(self.rng) if made_up else self.rng.choice(LISTS[name])
        return SLOTS[name](self.rng)

    def salad(self):
        """Words without any sense."""
        length, rate = self.rng.randint(1, 12), self.rng.choice((0.2, 0.5, 0.9))
        return " ".join(
            rare(self.rng) if self.rng.random() < rate else self.rng.choice(LISTS["function"])
            for _ in range(length)
        )

    def correction(self):
        """A clause with a slip and its correction."""
        rng = self.rng
        markers = [" ".join(m) for m in lexicon.MARKERS]
        marker = rng.choice([*markers, "no wait", "no wait", "sorry", "wait"])
        r = rng.random()
        if r < 0.18:
            wrong, right = rng.sample(DAYS, 2)
            return self.fill(f"{{verb}} the {{noun}} on {wrong} {marker} {right} {{when}}")
        if r < 0.31:
            at = rng.choice(["at", "until", "before"])
            return self.fill(f"the {{noun}} is {at} {clock(rng)} {marker} {clock(rng)}")
        if r < 0.36:
            return self.fill(f"we need {number(rng)} {marker} {number(rng)} {{noun}}s")
        if r < 0.44:
            rate, unit = (
                rng.choice(["", "", " a night", " a week", " per {noun}"]),
                rng.choice(["", " dollars"]),
            )
            marker = rng.choice([marker, "i mean"])
            return self.fill(f"the {{noun}} is {number(rng)} dollars{rate} {marker} {number(rng)}{unit}")
        if r < 0.51:
            wrong, right = rng.sample(NAMES, 2)
            return self.fill(f"send the {{noun}} to {wrong} {marker} {right} {{when}}")
        if r < 0.85:
            again, marker = rng.choice(LISTS["verb"]), rng.choice([marker, "no wait", "no wait actually"])
            said, meant = rng.choice(RESTARTED), rng.choice(RESTARTS)
            return self.fill(f"{again} {said} {marker} {again} {meant}")
        if r < 0.93:
            lead = rng.choice(["to the", "for the", "with my", "the", "in", "on the"])
            start = rng.choice(["go", "it is", "put it", "we looked", "i was", "she came"])
            return self.fill(f"{start} {lead} {{noun}} {marker} {lead} {{noun}} {{when}}")
        marker = "no wait" if marker in ("i mean", "wait", "sorry") else marker
        return self.fill(f"the {{adj}} {marker} {{adj}} {{noun}} is here")

    def clause(self):
        """One clause; in plain dictation hardly any of it is made up."""
        return self._plain_clause() if self.plain else self._hard_clause()

    def _plain_clause(self):
        if self.rng.random() < (0.45 if self.context == "code" else 0.04):
            return self.fill(self.rng.choice(TEMPLATES["code"]))
        r = self.rng.random()
        if r < 0.58:
            return self._grammar_sentence(self.rng.choice(EVERYDAY_STYLES))
        return self.fill(self.rng.choice(TEMPLATES["sentence"])) if r < 0.73 else self.correction()

    def _hard_clause(self):
        if self.rng.random() < (0.4 if self.context == "code" else 0.05):
            return self.fill(self.rng.choice(TEMPLATES["code"]))
        r = self.rng.random()
        if r < 0.3:
            return self._grammar_sentence(None)
        if r < 0.72:
            return self.fill(self.rng.choice(TEMPLATES["sentence"]))
        return self.correction() if r < 0.85 else self.salad()

    def _grammar_sentence(self, style):
        return speech_corpus.sentence(self.rng, style, speech_corpus.FORMATTER_STYLES)[0]

    def disfluent(self, words, rate):
        """The words with fillers and stutters; plain dictation does not tear 'twenty five' apart."""
        out = []
        for word in words:
            glued = self.plain and (word in GLUED or (out and out[-1] in GLUED))
            if self.rng.random() < rate and not glued:
                out.append(self._filler(at_start=not out))
            out.append(word)
            if self.rng.random() < rate * 0.6 and not glued:
                out.append(self._stutter(out))
        return " ".join(out).split()

    def _filler(self, at_start):
        fillers = ["um", "uh", "um", "uh", "er", "erm", "hmm", "you know", "um", "you know"]
        if not self.plain:
            fillers += ["i mean" if at_start else "um", "like"]
        return self.rng.choice(fillers)

    def _stutter(self, said):
        if self.rng.random() < 0.2:
            return self.rng.choice(["um", "uh"]) + " " + said[-1]
        if self.plain or self.rng.random() < 0.8 or len(said) < 2 or " " in said[-2]:
            return said[-1]
        return said[-2] + " " + said[-1]

    def greeting(self):
        """A greeting, with or without a spoken mark behind it."""
        said = self.fill(self.rng.choice(TEMPLATES["greeting"]))
        return said + self.rng.choice(["", "", "", " comma", " comma", " new paragraph"])

    def separator(self, last):
        """What is said between two clauses."""
        rng = self.rng
        r = rng.random()
        if r < 0.42:
            if reference.is_question(last) and rng.random() < 0.7:
                return "question mark"
            return rng.choice([*["period"] * 5, "full stop", "exclamation mark"])
        if r < 0.52:
            return "comma"
        if r < 0.60:
            return rng.choice(["new line", "new paragraph", "period new line", "period new paragraph"])
        if r < 0.9:
            return rng.choice(["and", "but", "so", "and then", "because", "also", "then"])
        if r < (0.94 if self.plain else 0.96):
            return rng.choice(["scratch that", "strike that", "delete that", "period scratch that"])
        return "and" if self.plain else rng.choice(["", "colon", "semicolon"])

    def clauses(self, words, room):
        """Clauses and separators until `words` are said, in at most about `room` words."""
        out, said = [], 0
        disfluency = self.rng.choice((0, 0, 0.03, 0.06, 0.1) if self.plain else (0, 0, 0.05, 0.1, 0.18))
        for _ in range(60):
            if said >= words:
                break
            clause = self.clause().split()
            if disfluency:
                clause = self.disfluent(clause, disfluency)
            left = room - said
            if len(clause) > left + 2:
                if left < 3 and out:
                    break
                continue
            if out:
                out.append(self.separator(out[-1]).split())
                said += len(out[-1])
            out.append(clause)
            said += len(clause)
        return out


def transcript(rng, words, context, plain=False):
    """A raw transcript of about `words` words; plain: dictation without made-up words and salad."""
    if words == 0:
        return ""
    speaker = Speaker(rng, context, plain)
    parts, closing = [], ""
    if rng.random() < (0.55 if context == "email" else 0.12) and words > 3:
        parts.append(speaker.greeting())
    if rng.random() < (0.5 if context == "email" else 0.08) and words > 6:
        closing = speaker.fill(rng.choice(TEMPLATES["closing"]))
    clauses = speaker.clauses(words, words - len(closing.split()))
    if rng.random() < 0.2 and clauses:
        clauses.append(rng.choice(["question mark", "period", "period", "exclamation mark"]).split())
    parts += [" ".join(c) for c in clauses] + [closing]
    raw = re.sub(" +", " ", " ".join(p for p in parts if p)).strip()
    return as_written(raw, rng) if rng.random() < 0.25 else raw


def main():
    """Print transcripts of several lengths with what the rules make of them."""
    rng = random.Random(5)
    for context in lexicon.CONTEXTS:
        for words in (5, 15, 40):
            raw = transcript(rng, words, context)
            print(context, words, "|", raw, "|", repr(reference.reference_format(raw, context)))


if __name__ == "__main__":
    main()
