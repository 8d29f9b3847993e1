"""Transcripts as a recogniser with capitals and punctuation writes them, instead of bare words."""

from . import lexicon, reference


def as_written(raw, rng):
    """The same words as a real Whisper may write them."""
    tokens = reference.tokenize(raw)
    if rng.random() < 0.9:
        tokens = _some_marks(tokens, rng)
    if rng.random() < 0.6:
        tokens = [t.lstrip(lexicon.RAW) for t in reference.numbers(tokens)]
    tokens = _set_off(reference.cap_proper(tokens), rng)
    if rng.random() < 0.85 and tokens and reference.is_word(tokens[-1]):
        tokens.append("?" if reference.is_question(tokens) else ".")
    return _joined(reference.merge_marks(tokens))


def _some_marks(tokens, rng):
    """Most spoken marks as marks."""
    out, i = [], 0
    while i < len(tokens):
        for phrase, mark in [*lexicon.SPOKEN, (["period"], ".")]:
            here = tokens[i : i + len(phrase)] == phrase and mark not in ("\n", "\n\n")
            if here and rng.random() < 0.8:
                out.append(mark)
                i += len(phrase)
                break
        else:
            out.append(tokens[i])
            i += 1
    return out


def _set_off(tokens, rng):
    """Corrections and fillers between commas, mostly."""
    out, i = [], 0
    while i < len(tokens):
        phrases = [*lexicon.MARKERS, *lexicon.SCRATCH, ["sorry"]]
        length = max(reference.match(tokens, i, p) for p in phrases)
        if length and rng.random() < 0.7:
            out += [rng.choice([",", ",", "."]), *tokens[i : i + length], ","]
            i += length
            continue
        out.append(tokens[i])
        if tokens[i] in lexicon.FILLERS and rng.random() < 0.7:
            if rng.random() < 0.5:
                out.insert(-1, ",")
            out.append(",")
        i += 1
    return out


def _joined(tokens):
    text, start = "", True
    for token in tokens:
        if token in lexicon.PUNCT:
            text += token
            start = token in ".?!" or start
            continue
        word = token[0].upper() + token[1:] if start and token[0].islower() else token
        text += (" " if text else "") + word
        start = False
    return text
