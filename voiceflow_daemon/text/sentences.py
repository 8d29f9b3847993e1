"""Cutting a long transcript into pieces that fit a model's context, and joining what was made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from voiceflow_daemon.text.english.corrections import marker_at, scratch_at, scratched_from
from voiceflow_daemon.text.english.identifiers import announced_name_at, cased_name_at
from voiceflow_daemon.text.english.spoken_commands import spoken_mark_at
from voiceflow_daemon.text.english.words import (
    CONJUNCTIONS,
    HESITATIONS,
    MAYBE_MONTHS,
    MONTHS,
    NUMBER_UNITS,
    NUMBER_WORDS,
    ORDINALS,
)
from voiceflow_daemon.text.tokens import LINE, PARAGRAPH, Token, key_at, mark, tokenize

SPOKEN = re.compile(r"\S+")
SENTENCE_END, CLAUSE_END, CONJUNCTION, ANYWHERE, IN_CORRECTION, IN_PHRASE = 5, 4, 3, 2, 1, 0
"""How good a place to cut is; the last two only where nothing else is left."""
CORRECTED_WORDS = 4
"""Words before and after 'no wait' that stay with it."""
NUMBER_JOINTS = HESITATIONS | {"and", "oh", "point", "dot", "past"}
"""What may stand inside a number."""


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the transcript with the first and last of its tokens."""

    start: int
    end: int
    first_token: int
    last_token: int


def split_sentences(raw: str, max_words: int) -> list[str]:
    """Cut `raw` into pieces of at most `max_words` words; joined by spaces they have the same words.

    A transcript that fits stays whole. Otherwise each piece goes as far as it can up to a sentence's end (a
    written or spoken mark stays with the words before it), else up to a comma or a conjunction, else
    anywhere. A number, a correction and a spoken identifier stay whole unless they alone are longer than a
    piece. Raises ValueError for `max_words` below 1.
    """
    if max_words < 1:
        raise ValueError(f"a piece has at least one word, not {max_words}")
    words, tokens = _words(raw)
    ranks = _ranks(tokens, words)
    pieces: list[str] = []
    start = 0
    while start < len(words):
        end = _piece_end(ranks, start, max_words)
        pieces.append(raw[words[start].start : words[end - 1].end])
        start = end
    return pieces


def _piece_end(ranks: Sequence[int], start: int, max_words: int) -> int:
    """Where the piece that begins at word `start` ends: at the last of the best places within reach."""
    if len(ranks) - start <= max_words:
        return len(ranks)
    reach = range(start + 1, start + max_words + 1)
    return max(reach, key=lambda at: (ranks[at], at))


def _words(raw: str) -> tuple[list[_Word], list[Token]]:
    words: list[_Word] = []
    tokens: list[Token] = []
    end = 0
    for found in SPOKEN.finditer(raw):
        if words and "\n" in raw[end : found.start()]:
            tokens.append(mark(LINE))
        first = len(tokens)
        tokens.extend(tokenize(found.group()))
        end = found.end()
        words.append(_Word(found.start(), end, first, len(tokens) - 1))
    return words, tokens


def _ranks(tokens: Sequence[Token], words: Sequence[_Word]) -> list[int]:
    """For each word: how good a cut right before it is."""
    in_phrases, in_corrections = _inner(_phrases(tokens)), _inner(_corrections(tokens))
    ends = _spoken_ends(tokens)
    ranks = [SENTENCE_END]
    for left, right in pairwise(words):
        between = tokens[left.last_token : right.first_token]
        if right.first_token in in_phrases:
            ranks.append(IN_PHRASE)
        elif right.first_token in in_corrections:
            ranks.append(IN_CORRECTION)
        elif any(token.ends_sentence for token in between) or ends.get(left.last_token):
            ranks.append(SENTENCE_END)
        elif not between[0].is_word or left.last_token in ends:
            ranks.append(CLAUSE_END)
        else:
            joins = tokens[right.first_token].key in CONJUNCTIONS
            goes_on = tokens[left.last_token].key in CONJUNCTIONS  # 'and | then'
            ranks.append(CONJUNCTION if joins and not goes_on else ANYWHERE)
    return ranks


def _spoken_ends(tokens: Sequence[Token]) -> dict[int, bool]:
    """The last token of each spoken mark -> whether the mark ends a sentence."""
    ends: dict[int, bool] = {}
    for at in range(len(tokens)):
        taken, text = spoken_mark_at(tokens, at)
        if taken:
            ends[at + taken - 1] = mark(text).ends_sentence
    return ends


def _inner(spans: Iterable[tuple[int, int]]) -> set[int]:
    """Places inside the spans, before which no cut should be."""
    return {at for start, end in spans for at in range(start + 1, end)}


def _phrases(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Spans of spoken marks with the word before them, names and numbers."""
    for at in range(len(tokens)):
        taken, _ = spoken_mark_at(tokens, at)
        if taken:
            yield at - 1, at + taken
        name = announced_name_at(tokens, at) or cased_name_at(tokens, at)
        if name:
            yield at, name.end
        if _number_goes_on(tokens, at):
            yield at - 1, at + 1


def _number_goes_on(tokens: Sequence[Token], at: int) -> bool:
    """Whether the number before `at` goes on there: 'hundred and five', 'july fourth', 'half past'."""
    before, key, after = key_at(tokens, at - 1), key_at(tokens, at), key_at(tokens, at + 1)
    if _is_number(key):
        joined = before in NUMBER_JOINTS and (_is_number(key_at(tokens, at - 2)) or before == "past")
        return _is_number(before) or before in MONTHS | MAYBE_MONTHS or joined
    if key == "past":
        return before in ("half", "quarter")
    return _is_number(before) and (key in NUMBER_UNITS or (key in NUMBER_JOINTS and _is_number(after)))


def _is_number(key: str) -> bool:
    return key in NUMBER_WORDS or key in ORDINALS or key[:1].isdigit()


def _corrections(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Spans of corrections: what a marker takes back, the marker, and what it puts in the place."""
    for at in range(len(tokens)):
        marker = marker_at(tokens, at)
        if marker:
            yield max(0, at - CORRECTED_WORDS), marker.end + CORRECTED_WORDS
        length = scratch_at(tokens, at)
        if length:
            yield scratched_from(tokens, at), at + length


def join_pieces(texts: Sequence[str], pieces: Sequence[str] = ()) -> str:
    """The formatted `texts` as one: by a space, or by the line break that ends a text or starts the next.

    Where the transcript's `pieces` are given, one that ends in a spoken 'new line' or 'new paragraph' (which
    formatting strips off its end) is followed by that break.
    """
    joined = ""
    for index, text in enumerate(texts):
        if not text.strip():
            continue
        joined += (
            _joint(joined, text, pieces[index - 1] if 0 < index <= len(pieces) else "") if joined else ""
        )
        joined = joined.rstrip(" ") + text if joined.endswith("\n") else joined + text.lstrip(" ")
    return joined


def _joint(before: str, after: str, piece: str) -> str:
    if before.endswith("\n") or after.startswith("\n"):
        return ""
    tokens = tokenize(piece)
    for phrase_length in (1, 2):
        taken, text = spoken_mark_at(tokens, len(tokens) - phrase_length)
        if taken == phrase_length and text in (LINE, PARAGRAPH):
            return text
    return "" if before.endswith(" ") else " "
