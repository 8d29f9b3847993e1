"""Sentences out of tokens: capitals at their starts, marks at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from voiceflow_daemon.text.english.questions import is_question
from voiceflow_daemon.text.tokens import CLOSERS, PARAGRAPH, Kind, Token, merge_marks, with_capital

BULLETS = frozenset("-*\u2022\u2013")
FULL_MARKS = (".", "!", "?", "…", ":")


@dataclass(frozen=True, slots=True)
class Written:
    """Text and how many sentences it has."""

    text: str
    sentences: int


def write_sentences(tokens: Sequence[Token], *, last_mark: bool = True) -> Written:
    """The text of `tokens`; without `last_mark` a statement at the end gets no period."""
    parts: list[str] = []
    sentence: list[Token] = []
    count = 0
    merged = merge_marks(tokens)
    for at, token in enumerate(merged):
        if token.kind is Kind.BREAK:
            count += bool(sentence)
            parts += [_sentence(sentence, None, closed=token.text == PARAGRAPH), token.text]
        elif _ends_here(merged, at):
            count += bool(sentence)
            parts += [_sentence(sentence, token, closed=True), " "]
        else:
            sentence.append(token)
            continue
        sentence = []
    count += bool(sentence)
    parts.append(_sentence(sentence, None, closed=last_mark))
    return Written("".join(parts).replace(" \n", "\n").strip(), count)


def _ends_here(tokens: Sequence[Token], at: int) -> bool:
    if not tokens[at].is_ellipsis:
        return tokens[at].ends_sentence
    return at + 1 == len(tokens) or tokens[at + 1].capitalised


def _sentence(tokens: Sequence[Token], end: Token | None, *, closed: bool) -> str:
    """One sentence; `closed` ends it with a mark of its own where none was written."""
    if not tokens:
        return ""
    first, text = tokens[0], ""
    for token in tokens:
        text += token.text if token.kind is Kind.MARK or not text else " " + token.text
    if not first.fixed:
        capital = with_capital(first.text)
        text = capital + text[len(first.text) :]
    return text + _end_mark(tokens, text, end, closed=closed)


def _end_mark(tokens: Sequence[Token], text: str, end: Token | None, *, closed: bool) -> str:
    asks = is_question(tokens)
    if end is not None:
        return "?" if asks and end.text == "." else end.text
    if text.rstrip(CLOSERS + "*_`").endswith(FULL_MARKS) or tokens[0].text in BULLETS:
        return ""
    if asks:
        return "?"
    return "." if closed else ""
