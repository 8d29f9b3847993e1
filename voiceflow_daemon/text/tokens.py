"""A transcript as tokens: words, punctuation marks and line breaks, and the text they make."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from voiceflow_daemon.text.phrases import PhraseBook

LINE = "\n"
PARAGRAPH = "\n\n"
STRENGTH = {",": 0, "…": 0, ";": 1, ":": 2, ".": 3, "!": 4, "?": 5}
"""Of two marks in a row the stronger one stays."""

CLOSERS = "\"')]\u201d\u2019\u00bb"
"""Quotes and brackets that may stand behind a mark."""
OPENERS = "\"'([`*_\u201c\u2018\u00ab\u00bf\u00a1"
"""What may stand before a sentence's first letter."""
PIECE = re.compile(r"\n+|[^\s]+")
MARKED = re.compile(rf"(?P<word>.*?)(?P<marks>[.,?!;:…]+)(?P<closers>[{re.escape(CLOSERS)}]*)", re.DOTALL)
HALF_OF_DAY = re.compile(r"(?i)[ap]\.m\.?")
DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]")
"""The body of an abbreviation with dots inside: 'U.S', 'e.g', 'i.e'."""
ABBREVIATIONS = frozenset(("mr", "mrs", "ms", "dr", "prof", "st", "vs", "approx"))


class Kind(Enum):
    """What a token is."""

    WORD = auto()
    MARK = auto()
    BREAK = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a mark (with the closing quotes behind it) or a line break."""

    text: str
    kind: Kind = Kind.WORD
    fixed: bool = False
    """Its spelling is final: no capital and no number form is applied any more."""
    after_pause: bool = False
    """The speaker hesitated right before it ('um')."""
    key: str = field(init=False)
    """The text for comparisons: small letters, straight apostrophes."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.text.lower().replace("\u2019", "'"))

    @property
    def is_word(self) -> bool:
        """Whether it is a word."""
        return self.kind is Kind.WORD

    @property
    def is_comma(self) -> bool:
        """Whether it is a bare comma."""
        return self.kind is Kind.MARK and self.text == ","

    @property
    def ends_sentence(self) -> bool:
        """Whether a sentence may end here: a break or a full mark (an ellipsis only trails off)."""
        if self.kind is Kind.BREAK:
            return True
        return self.kind is Kind.MARK and not self.is_ellipsis and self.strength >= STRENGTH["."]

    @property
    def is_ellipsis(self) -> bool:
        """Whether it is '...' or its one-character form."""
        return self.kind is Kind.MARK and self.text.startswith(("...", "…"))

    @property
    def strength(self) -> int:
        """Rank of a mark among marks; -1 for anything else."""
        if self.kind is not Kind.MARK:
            return -1
        return max((STRENGTH.get(character, -1) for character in self.text), default=-1)

    @property
    def capitalised(self) -> bool:
        """Whether it begins with a capital letter."""
        return self.text[:1].isupper()


def word(text: str, *, fixed: bool = False) -> Token:
    """A word token."""
    return Token(text, Kind.WORD, fixed)


def mark(text: str) -> Token:
    """A mark token, or a break for a line feed."""
    return Token(text, Kind.BREAK if text.startswith("\n") else Kind.MARK)


def tokenize(text: str) -> list[Token]:
    """Split at white space; marks behind a word, and line feeds, become tokens of their own."""
    tokens: list[Token] = []
    for piece in PIECE.findall(text.replace("\r\n", "\n").replace("\r", "\n")):
        if piece[0] == "\n":
            tokens.append(mark(LINE if len(piece) == 1 else PARAGRAPH))
        else:
            tokens.extend(_split_marks(piece))
    return tokens


def _split_marks(piece: str) -> list[Token]:
    found = MARKED.fullmatch(piece)
    if not found:
        return [word(piece)]
    body, marks, closers = found["word"], found["marks"], found["closers"]
    if HALF_OF_DAY.fullmatch(body + marks[:1]) and "." in body:
        body, marks = body.replace(".", ""), marks[1:]
    elif marks[0] == "." and (DOTTED.fullmatch(body) or body.lower() in ABBREVIATIONS):
        body, marks = body + ".", marks[1:]
    if not marks:
        return [word(body + closers)]
    return [word(body), mark(marks + closers)] if body else [mark(marks + closers)]


def keys_at(tokens: Sequence[Token], start: int, count: int) -> list[str]:
    """The keys of `count` words from `start`; fewer where a mark, a break or the end comes first."""
    keys = []
    for token in tokens[start : start + count]:
        if not token.is_word:
            break
        keys.append(token.key)
    return keys


def key_at(tokens: Sequence[Token], at: int) -> str:
    """The key of the word at `at`; empty for a mark, a break or a place outside."""
    return tokens[at].key if 0 <= at < len(tokens) and tokens[at].is_word else ""


def phrase_length(tokens: Sequence[Token], start: int, phrase: Sequence[str]) -> int:
    """How many tokens `phrase` takes at `start`, commas inside allowed; 0 where it does not stand there."""
    at = start
    for index, wanted in enumerate(phrase):
        if index and at < len(tokens) and tokens[at].is_comma:
            at += 1
        if key_at(tokens, at) != wanted:
            return 0
        at += 1
    return at - start


def longest_phrase(tokens: Sequence[Token], start: int, book: PhraseBook) -> int:
    """The length in tokens of the longest phrase of `book` at `start`; 0 if none stands there."""
    found = book.starting(key_at(tokens, start))
    return max((phrase_length(tokens, start, phrase) for phrase in found), default=0)


def merge_marks(tokens: Sequence[Token]) -> list[Token]:
    """At most one mark in a row, none at the start, behind a break or (a comma or break) at the end."""
    merged: list[Token] = []
    for token in tokens:
        if token.kind is Kind.MARK:
            _add_mark(merged, token)
        elif token.kind is Kind.BREAK:
            _add_break(merged, token)
        else:
            merged.append(token)
    while merged and (merged[-1].kind is Kind.BREAK or merged[-1].is_comma):
        merged.pop()
    return merged


def _add_mark(merged: list[Token], token: Token) -> None:
    if not merged or merged[-1].kind is Kind.BREAK:
        return
    if merged[-1].kind is Kind.MARK:
        if token.strength > merged[-1].strength:
            merged[-1] = token
        return
    merged.append(token)


def _add_break(merged: list[Token], token: Token) -> None:
    if merged and merged[-1].is_comma:
        merged.pop()
    if not merged:
        return
    if merged[-1].kind is Kind.BREAK:
        merged[-1] = mark(PARAGRAPH)
    else:
        merged.append(token)


def with_capital(text: str) -> str:
    """`text` with a capital first letter, unless its spelling says otherwise ('iPhone', 'a.py', 'x2')."""
    body = text.lstrip(OPENERS)
    plain = body.replace("'", "").replace("\u2019", "").replace("-", "")
    if not plain.isalpha() or not body[0].islower() or body[1:] != body[1:].lower() or text[:1] in "`*_":
        return text
    return text[: len(text) - len(body)] + body[0].upper() + body[1:]
