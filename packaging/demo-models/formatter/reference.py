"""The job that the demo formatter does, as a deterministic function.

reference_format(raw, context) turns a raw dictation transcript into finished
text; context is 'default', 'email', 'slack' or 'code'.  The model is trained
to reproduce this function, and the tests may compare against it.

Stages, each a function over a list of tokens (words, punctuation marks,
newlines): tokenize, spoken punctuation, fillers, stutters, greeting,
'scratch that', self-corrections, identifiers (code), numbers, assembly.
"""

import re

from .lexicon import (
    AUX,
    BREAK,
    CLAUSE_LEADS,
    CLAUSE_OPENERS,
    CLOSINGS,
    CONTEXTS,
    CONTRACT,
    DAYS,
    FILLERS,
    GREET,
    GREET_GROUP,
    HOW_NEXT,
    IDENT_STOP,
    KEEP_REPEATS,
    KINDS,
    LIKE_PREV,
    LONGEST_MARKED_SCRATCH,
    LONGEST_SCRATCH,
    MARKERS,
    MAX_IDENT,
    MAYBE_MONTHS,
    MONTH_LEAD,
    MONTHS,
    NAMES,
    NO_RESTART,
    NUM_TAIL,
    NUMBERISH,
    PERIOD_PREV,
    PROPER,
    PUNCT,
    Q_SKIP,
    RANK,
    RAW,
    SCRATCH,
    SOFT_CLOSINGS,
    SPOKEN,
    SUBJ,
    TAIL_LEADS,
    WEAK_MARKERS,
    WH,
    WH_CONTR,
    YOU_KNOW_NEXT,
    YOU_KNOW_PREV,
)
from .spoken_numbers import numbers


def tokenize(text):
    out = []
    for part in re.findall(r"\n+|[^\s]+", text.replace("\u2019", "'").replace("...", " ")):
        if part[0] == "\n":
            out.append("\n\n" if len(part) > 1 else "\n")
            continue
        m = re.match(r"^(.*?)([.,?!;:]*)$", part, re.S)
        word, marks = m.group(1), m.group(2)
        if re.fullmatch(r"(?i)[ap]\.m", word):  # 'p.m.'
            word = word.replace(".", "")
            marks = marks[1:]
        if word:
            out.append(word)
        out.extend(marks[:1])
    return out


def is_word(t):
    return t not in PUNCT and t not in BREAK


def low(t):
    return t.lower()


class AfterPause(str):
    """A word before which somebody hesitated."""


def match(toks, i, phrase):
    """Number of tokens that `phrase` takes at i (commas inside allowed), or 0."""
    j = i
    for n, w in enumerate(phrase):
        if n and j < len(toks) and toks[j] == ",":
            j += 1
        if j >= len(toks) or low(toks[j]) != w:
            return 0
        j += 1
    return j - i


def spoken_punctuation(toks):
    out, i = [], 0
    while i < len(toks):
        for phrase, mark in SPOKEN:
            if [low(t) for t in toks[i : i + len(phrase)]] == phrase:
                out.append(mark)
                i += len(phrase)
                break
        else:
            if low(toks[i]) == "period" and not (out and low(out[-1]) in PERIOD_PREV):
                out.append(".")
            else:
                out.append(toks[i])
            i += 1
    return out


def merge_marks(toks):
    """At most one mark in a row (the strongest); none at the very start or after a newline."""
    out = []
    for t in toks:
        if t in PUNCT:
            if not out or out[-1] in ("\n", "\n\n"):
                continue
            if out[-1] in PUNCT:
                if RANK[t] > RANK[out[-1]]:
                    out[-1] = t
                continue
        elif t in ("\n", "\n\n"):
            if not out:
                continue
            if out[-1] == ",":
                out.pop()
            if out and out[-1] in ("\n", "\n\n"):
                out[-1] = "\n\n"
                continue
        out.append(t)
    while out and out[-1] in ("\n", "\n\n", ","):
        out.pop()
    return out


def drop_span(toks, i, n):
    """Remove toks[i:i+n] with the commas that set it off."""
    left, right = toks[:i], toks[i + n :]
    if right and right[0] == ",":
        right = right[1:]
    if left and left[-1] == ",":
        left = left[:-1]
    if right and right[0] in PUNCT and (not left or left[-1] in BREAK):
        right = right[1:]
    return left, right


def fillers(toks):
    i = 0
    while i < len(toks):
        t = low(toks[i])
        prev = low(toks[i - 1]) if i and is_word(toks[i - 1]) else None
        nxt = low(toks[i + 1]) if i + 1 < len(toks) else None
        nxt2 = low(toks[i + 2]) if i + 2 < len(toks) else None
        n = 0
        if t in FILLERS:
            n = 1
        elif t == "you" and nxt == "know" and prev not in YOU_KNOW_PREV and nxt2 not in YOU_KNOW_NEXT:
            n = 2
        elif t == "like" and (prev in LIKE_PREV or nxt == ","):
            n = 1
        elif t == "i" and nxt == "mean" and (i == 0 or toks[i - 1] in BREAK):
            n = 2
        if n:
            left, right = drop_span(toks, i, n)
            if right and is_word(right[0]):
                right = [AfterPause(right[0]), *right[1:]]
            toks, i = left + right, len(left)
        else:
            i += 1
    return toks


def stutters(toks):
    out = []
    for t in toks:
        if is_word(t) and t.endswith("-") and len(t) > 1:  # 'th- the'
            continue
        while True:
            last = out[-1] if out else None
            if (
                last is not None
                and is_word(t)
                and low(last) == low(t)
                and low(t) not in KEEP_REPEATS
                and low(t) not in NUMBERISH
                and not t[0].isdigit()
            ):
                t = out.pop()
                continue
            break
        out.append(t)
        # a repeated pair: 'i think i think'
        if (
            len(out) >= 4
            and all(map(is_word, out[-4:]))
            and [low(x) for x in out[-4:-2]] == [low(x) for x in out[-2:]]
            and not any(low(x) in NUMBERISH or x[0].isdigit() for x in out[-2:])
        ):
            del out[-2:]
    return out


# ------------------------------------------------------------- greeting
def greeting_len(toks):
    for g in GREET:
        n = len(g)
        if [low(t) for t in toks[:n]] != g or len(toks) <= n:
            continue
        w = low(toks[n])
        if w in GREET_GROUP or w in NAMES:
            n += 1
            if w in NAMES and n + 1 < len(toks) and low(toks[n]) == "and" and low(toks[n + 1]) in NAMES:
                n += 2
            return n
    return 0


def split_greeting(toks):
    """(greeting words, rest)"""
    n = greeting_len(toks)
    return toks[:n], toks[n:]


def split_closing(toks):
    """(rest, closing words, signature words); only at the very end."""
    end = len(toks)
    while end and toks[end - 1] in PUNCT | {"\n", "\n\n"}:
        end -= 1
    sig = end
    while sig and end - sig < 2 and low(toks[sig - 1]) in NAMES:
        sig -= 1
    names = toks[sig:end]
    while sig and toks[sig - 1] in PUNCT | {"\n", "\n\n"}:
        sig -= 1
    for soft, group in ((False, CLOSINGS), (True, SOFT_CLOSINGS)):
        for c in group:
            at = sig - len(c)
            if at < 0 or [low(t) for t in toks[at:sig]] != c:
                continue
            if soft and not names and not (at and not is_word(toks[at - 1])):
                continue
            rest = toks[:at]
            while rest and rest[-1] in {",", "\n", "\n\n"}:
                rest = rest[:-1]
            return rest, toks[at:sig], names
    return toks, [], []


# ---------------------------------------------------------- corrections
def scratch(toks):
    i = 0
    while i < len(toks):
        n = max(match(toks, i, p) for p in SCRATCH)
        if not n:
            i += 1
            continue
        start = i
        while start and not is_word(toks[start - 1]):
            if toks[start - 1] in ("\n", "\n\n"):
                break
            start -= 1
        start = scratched_from(toks, start)
        right = toks[i + n :]
        while right and right[0] in PUNCT:
            right = right[1:]
        toks, i = toks[:start] + right, start
    return toks


def scratched_from(toks, end):
    """Where the clause begins that ends at `end`; a long one is cut at its last hesitation or 'and'."""
    start = clause_start(toks[:end])
    if end - start <= (LONGEST_MARKED_SCRATCH if start else LONGEST_SCRATCH):
        return start
    for at in range(end - 1, start, -1):
        if isinstance(toks[at], AfterPause) and low(toks[at]) in CLAUSE_OPENERS:
            return at
    for at in range(end - 2, max(start, end - LONGEST_SCRATCH), -1):
        if low(toks[at]) in CLAUSE_LEADS and low(toks[at - 1]) not in ("hundred", "and"):
            return at
    return end - LONGEST_SCRATCH


def kind_of(word):
    w = low(word)
    if w in DAYS:
        return "day"
    if w in MONTHS:
        return "month"
    if w in NAMES:
        return "name"
    if w in NUMBERISH or w[0].isdigit():
        return "num"
    return None


def clause_start(toks):
    """Where the run of words that ends `toks` begins."""
    at = len(toks)
    while at and is_word(toks[at - 1]):
        at -= 1
    return at


def number_start(toks, clause):
    """Where the number that ends `toks` begins, or None."""
    at = len(toks)
    while at > clause and (
        low(toks[at - 1]) in NUM_TAIL
        or kind_of(toks[at - 1]) == "num"
        or (low(toks[at - 1]) == "and" and at < len(toks) and low(toks[at - 2]) == "hundred")
    ):
        at -= 1
    return at if at < len(toks) else None


def corrected_from(left, right):
    """Where in `left` begins what `right` replaces: a thing of the same kind, or a restart; else None."""
    clause, kind = clause_start(left), kind_of(right[0])
    cut = None
    if kind == "num":
        ends = range(len(left), max(clause, len(left) - 3), -1)
        cut = next((at for end in ends if (at := number_start(left[:end], clause)) is not None), None)
    elif kind and kind_of(left[-1]) == kind:
        cut = len(left) - 1
    if cut is None:  # a restart: 'to the office no wait to the school'
        near = 4 if low(right[0]) in NO_RESTART else 8
        back = range(len(left) - 1, max(clause, len(left) - near) - 1, -1)
        cut = next((j for j in back if low(left[j]) == low(right[0])), None)
    return cut


def number_length(toks):
    """Words of the number at the start, with its unit."""
    n = 0
    while n < len(toks) and is_word(toks[n]) and (kind_of(toks[n]) == "num" or low(toks[n]) in NUM_TAIL):
        n += 1
        if n + 1 < len(toks) and low(toks[n]) == "and" and low(toks[n - 1]) == "hundred":
            n += kind_of(toks[n + 1]) == "num" if is_word(toks[n + 1]) else 0
    return n


def corrected_number(wrong, right):
    """`right` with the unit and the 'a night' of the number that it corrects."""
    n, m = number_length(wrong), number_length(right)
    if not n or not m:
        return right
    number, rest = right[:m], right[m:]
    unit = low(wrong[n - 1])
    if unit in ("dollars", "percent") and low(number[-1]) not in NUM_TAIL:
        number = [*number, unit]
    tail = wrong[n:]
    return number + (tail if tail and low(tail[0]) in TAIL_LEADS else []) + rest


def around_marker(toks, i):
    """(marker's length, tokens before, tokens after), marks beside it dropped; length 0: none at i."""
    n = max(match(toks, i, m) for m in MARKERS + WEAK_MARKERS)
    left, right = toks[:i], toks[i + n :]
    while left and left[-1] in ",.":
        left = left[:-1]
    while right and right[0] in ",.":
        right = right[1:]
    if not left or not right or not is_word(left[-1]) or not is_word(right[0]):
        n = 0
    return n, left, right


def corrections(toks):
    """Self-corrections: 'on tuesday no wait wednesday' keeps Wednesday."""
    i = 1
    while i < len(toks):
        n, left, right = around_marker(toks, i)
        cut = corrected_from(left, right) if n else None
        weak = n == 1 or low(toks[i]) == "i"
        if cut is None and weak and n > 1:  # 'i mean' with nothing to correct is a filler
            toks = left + right
        elif cut is None and (weak or not n):
            i += 1
        else:
            cut = len(left) - 1 if cut is None else cut
            capital = right[0][:1].isupper() and low(right[0]) not in PROPER and low(right[0]) != "i"
            if capital and cut != clause_start(left):
                right = [low(right[0]), *right[1:]]
            toks, i = left[:cut] + corrected_number(left[cut:], right), max(cut, 1)
    return toks


# --------------------------------------------------------------- code
def identifiers(toks):
    out, i = [], 0

    def words_from(j):
        ws = []
        while (
            j < len(toks)
            and len(ws) < MAX_IDENT
            and re.fullmatch(r"[A-Za-z]+", toks[j])
            and low(toks[j]) not in IDENT_STOP
        ):
            ws.append(low(toks[j]))
            j += 1
        return ws, j

    def style(j):
        pair = [low(t) for t in toks[j : j + 2]]
        return pair[0] if pair in (["camel", "case"], ["snake", "case"]) else None

    def build(ws, how):
        return ws[0] + "".join(w.capitalize() for w in ws[1:]) if how == "camel" else "_".join(ws)

    while i < len(toks):
        if low(toks[i]) in KINDS and i + 1 < len(toks) and low(toks[i + 1]) in ("called", "named"):
            how = style(i + 2)
            ws, j = words_from(i + 4 if how else i + 2)
            if ws:
                out += [toks[i], toks[i + 1], RAW + "`" + build(ws, how) + "`"]
                i = j
                continue
        how = style(i)
        if how:
            ws, j = words_from(i + 2)
            if ws:
                out.append(RAW + build(ws, how))
                i = j
                continue
        out.append(toks[i])
        i += 1
    return out


# ------------------------------------------------------------- assembly
def contractions(toks):
    out = []
    for t in toks:
        pair = (low(out[-1]), low(t)) if out else None
        if pair in CONTRACT:
            c = CONTRACT[pair]
            out[-1] = c.capitalize() if out[-1][:1].isupper() and out[-1] != "I" else c
        else:
            out.append(t)
    return out


def is_question(sent):
    """sent: the words of one sentence, without marks at its end."""
    s = [low(t) for t in sent]
    n = greeting_len(sent)
    s = s[n:]
    while s and (s[0] in Q_SKIP or s[0] == ","):
        s = s[1:]
    s = list(s[:3])
    if not s:
        return False
    nxt = s[1] if len(s) > 1 else ""
    if s[0] in AUX and nxt in SUBJ:
        return True
    if s[0] in WH_CONTR:
        return True
    if s[0] in WH:
        if s[0] == "when":
            return nxt in AUX
        return (
            nxt in AUX
            or (s[0] == "how" and nxt in HOW_NEXT)
            or (s[0] == "what" and nxt in ("time", "about"))
            or (s[0] == "why" and nxt == "not")
            or s[0] in ("which", "whose", "who")
        )
    return False


def cap_proper(toks):
    out = []
    for i, t in enumerate(toks):
        w = low(t)
        base = w[:-2] if w.endswith("'s") else w
        if t[0] == RAW:
            out.append(t)
        elif base in PROPER and t[0].islower():
            out.append(t[0].upper() + t[1:])
        elif (
            w in MAYBE_MONTHS
            and t[0].islower()
            and (
                (i and low(out[-1]) in MONTH_LEAD)
                or (i + 1 < len(toks) and re.fullmatch(r"\x01?\d+", toks[i + 1]))
            )
        ):
            out.append(t.capitalize())
        elif w == "i" or re.fullmatch(r"i'(m|ll|ve|d)", w):
            out.append("I" + t[1:])
        else:
            out.append(t)
    return out


def finish(toks, last_mark=True):
    """Sentence capitals, question marks, final marks; returns (text, number of sentences)."""
    toks = merge_marks(toks)
    out, sent, count = [], [], 0

    def close(add):
        nonlocal count
        if not sent:
            return
        count += 1
        body = [t.lstrip(RAW) for t in sent]
        if sent[0][0] != RAW and body[0][0].islower():
            body[0] = body[0][0].upper() + body[0][1:]
        mark = ""
        if is_question(sent):
            mark = "?"
        elif add:
            mark = "."
        while body[-1] in PUNCT:
            body.pop()
        out.append((" ".join(body), mark))
        sent.clear()

    for _k, t in enumerate(toks):
        if t in (".", "?", "!"):
            close(True)
            if out:
                text, mark = out[-1]
                out[-1] = (text, "?" if t == "?" or (t == "." and mark == "?") else t)
        elif t in ("\n", "\n\n"):
            close(t == "\n\n")
            out.append((t, None))
        else:
            sent.append(t)
    close(last_mark)
    text = ""
    for body, mark in out:
        if mark is None:
            text = text.rstrip(" ") + body
        else:
            text += body + mark + " "
    text = re.sub(r" ([,;:])", r"\1", text.rstrip(" "))
    return text, count


def closing_within(toks):
    """(where, its end, closing words, signature words) of a closing that more text follows, or None."""
    for start in range(len(toks)):
        if start and is_word(toks[start - 1]):
            continue
        for closing in CLOSINGS:
            signed = start + len(closing)
            if [low(t) for t in toks[start:signed]] != closing:
                continue
            end = signed
            while end < len(toks) and end - signed < 2 and low(toks[end]) in NAMES:
                end += 1
            if signed < end < len(toks) and not is_word(toks[end]):
                return start, end, toks[start:signed], toks[signed:end]
    return None


def letter(greet, toks, closing, sign):
    """Greeting, body and closing as the paragraphs of an e-mail; what follows a closing is one more."""
    parts = []
    if greet:
        parts.append(finish(greet, False)[0] + ",")
    while found := closing_within(toks):
        start, end, words, names = found
        parts += [finish(toks[:start])[0], signed(words, names)]
        toks = toks[end:]
    parts.append(finish(toks)[0])
    if closing:
        parts.append(signed(closing, sign))
    return "\n\n".join(part for part in parts if part)


def signed(closing, sign):
    """The closing and the name below it."""
    end = finish(closing, False)[0] + ","
    return end + "\n" + " ".join(cap_proper(sign)) if sign else end


def reference_format(raw, context="default", first=True):
    """The finished text for a raw transcript: what the formatter is trained to write.

    Not `first`: the transcript goes on with a text. Then no greeting stands at its start, and a message that
    has another sentence before this one keeps its period.
    """
    toks = merge_marks(stutters(fillers(spoken_punctuation(tokenize(raw)))))
    greet, toks = split_greeting(toks) if first else ([], toks)
    closing, sign = [], []
    if greet:
        while toks and ((toks[0] in ("\n", "\n\n") and context == "email") or toks[0] == ","):
            toks = toks[1:]
        if context == "email":
            while toks and toks[0] in PUNCT:
                toks = toks[1:]
    toks = merge_marks(corrections(scratch(toks)))
    if context == "email":
        toks, closing, sign = split_closing(toks)
    if context == "code":
        toks = identifiers(toks)
    if context == "slack":
        toks = contractions(toks)
    toks = cap_proper(numbers(toks, grouped=context != "code"))
    greet = cap_proper(greet)
    if context == "email":
        return letter(greet, toks, closing, sign)
    if greet:
        toks = greet + ([","] if toks and is_word(toks[0]) else []) + toks
    text, count = finish(toks)
    if context == "slack" and first and count == 1 and text.endswith("."):
        text = text[:-1]
    return text


def main():
    """Print what the rules make of a few transcripts in each context."""
    for context in CONTEXTS:
        print(context)
        for raw in SAMPLES:
            print("   ", repr(reference_format(raw, context)))


SAMPLES = (
    "um so i think the the meeting is on tuesday no wait wednesday at three thirty pm",
    "hi anna can you send me the report by friday comma please new paragraph i i need twenty copies",
    "send it to bob scratch that call maria tomorrow",
    "what is the capital of france",
    "",
    "write me a poem",
    "add a function called parse config that returns camel case user name period do not forget",
    "Um, I think, you know, we should go on Tuesday, no wait, Wednesday at 3:30 pm. Is that okay?",
    "let's meet at five no make that six pm",
    "go to the office no wait to the school in march",
)

if __name__ == "__main__":
    main()
