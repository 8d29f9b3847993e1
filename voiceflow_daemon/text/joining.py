"""Joining the finished texts of settled sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from voiceflow_daemon.text.rules import format_by_rules
from voiceflow_daemon.text.seams import Rule, SeamRules
from voiceflow_daemon.text.sentences import join_pieces
from voiceflow_daemon.text.settling import ENDS, MARKS, WRITTEN_MARK, Sentence, seam_rules
from voiceflow_daemon.text.tokens import CLOSERS, LINE, PARAGRAPH, tokenize, with_capital

INSIDE = re.compile(rf"[{ENDS}]\s|\n")
"""Where one sentence ends and the next begins."""
COMMA = ","
ENDED = re.compile(rf".*[{MARKS}][{re.escape(CLOSERS)}*_`]*", re.DOTALL)


def join_finished(sentences: Sequence[Sentence], texts: Sequence[str], language: str) -> str:
    """The finished `texts` of the `sentences` as one; blank ones leave nothing behind.

    Each was written as if it were all that was said, and where it is not, that is repaired. Messages of
    one sentence without a period ("see you") get theirs, a signature gets an empty line behind it, and the
    halves of a sentence that was cut lose the period and the capital between them.
    """
    spoken = _spoken(sentences, texts)
    written = _repaired(spoken, language)
    if len(written) > 1 and not _is_ended(written[-1]):
        written[-1] += "" if _has_own_breaks(written[-1], spoken[-1][0].raw, language) else "."
    return _without_period(spoken, _in_a_row(spoken, written))


def fixed_text(sentences: Sequence[Sentence], texts: Sequence[str], language: str) -> str:
    """How `join_finished` of these and whatever may follow them begins.

    All but the last text is certain, for its neighbour is known. The last one is where nothing behind it
    could take its period away or would have to put one there.
    """
    spoken = _spoken(sentences, texts)
    written = _repaired(spoken, language)
    if written and (spoken[-1][0].rule is Rule.LENGTH or not _is_ended(written[-1])):
        written.pop()
    return _without_period(spoken, _in_a_row(spoken, written))


def _spoken(sentences: Sequence[Sentence], texts: Sequence[str]) -> list[tuple[Sentence, str]]:
    return [(sentence, text) for sentence, text in zip(sentences, texts, strict=True) if text.strip()]


def _without_period(spoken: Sequence[tuple[Sentence, str]], text: str) -> str:
    """The text; of one long sentence that was cut, in a style that writes such without a period, so too."""
    if len(spoken) < 2 or _is_ended(spoken[0][1]) or text.endswith("..") or INSIDE.search(text):
        return text
    cut = all(sentence.rule is Rule.LENGTH for sentence, _ in spoken[:-1])
    return text.removesuffix(".") if cut else text


def _repaired(spoken: Sequence[tuple[Sentence, str]], language: str) -> list[str]:
    """The texts, repaired where one follows the other."""
    written = [text for _, text in spoken]
    for at, (before, after) in enumerate(pairwise(sentence for sentence, _ in spoken)):
        if before.rule is Rule.LENGTH:
            written[at], written[at + 1] = _rejoined(written[at], written[at + 1], before, after, language)
        elif not _is_ended(written[at]):
            letter = _has_own_breaks(written[at], before.raw, language)
            written[at] = written[at].rstrip(" ") + (PARAGRAPH if letter else ".")
    return written


def _in_a_row(spoken: Sequence[tuple[Sentence, str]], written: Sequence[str]) -> str:
    return join_pieces(written, [sentence.raw.rstrip(MARKS) for sentence, _ in spoken])


def _is_ended(text: str) -> bool:
    return text.endswith(LINE) or ENDED.fullmatch(text) is not None


def _has_own_breaks(text: str, raw: str, language: str) -> bool:
    """Whether there are line breaks in it that nobody said: it is a letter, or a list."""
    return text.count(LINE) > format_by_rules(raw, "default", language).count(LINE)


def _rejoined(first: str, second: str, before: Sentence, after: Sentence, language: str) -> tuple[str, str]:
    """Without the mark and the capital that were written where `before` was cut off from `after`."""
    rules, tokens = seam_rules(language), tokenize(before.raw)
    marks_start, said = rules.said_marks(tokens)
    ends = any(text not in (LINE, COMMA) for text in said) or WRITTEN_MARK.fullmatch(before.raw) is not None
    taken_back = rules.stays_open(tokens[:marks_start], Rule.SPOKEN_MARK, 0.0)
    if ends or taken_back:
        return first, second
    first, second = _with_mark_behind(first, second)
    if COMMA in said:
        first += COMMA
    return first, second if LINE in said else _without_capital(second, after.raw, rules)


def _with_mark_behind(first: str, second: str) -> tuple[str, str]:
    """A question that was cut ends where its second half does."""
    if first.endswith("?") and second.endswith(".") and not INSIDE.search(second):
        second = second[:-1] + "?"
    cut = first.endswith(("?", ".")) and not first.endswith("..")
    return first[:-1] if cut else first, second


def _without_capital(text: str, raw: str, rules: SeamRules) -> str:
    """Without the capital of the first word that was kept: a filler may stand before it, or what was
    taken back."""
    tokens = tokenize(raw)
    first = text.split(maxsplit=1)[0].rstrip(MARKS)
    for at, token in enumerate(tokens):
        if token.text.islower() and with_capital(token.text) == first != token.text:
            return text if rules.keeps_capital(tokens[at:]) else token.text + text[len(token.text) :]
    return text
