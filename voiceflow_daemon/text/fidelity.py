"""Whether a finished text says what was said: no invented, lost, changed or moved words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from voiceflow_daemon.text.alignment import common_length, spells
from voiceflow_daemon.text.english.fidelity import keeps_scratch, loses_breaks, read_english
from voiceflow_daemon.text.languages import primary_language

WORDS = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\d+")
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Scripts written without spaces: each character counts as a word."""
INVENTED_SHARE = 0.1
LOST_SHARE = 0.25
"""In a language without rules: how much of the text may be new, and of the transcript missing."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a finished text against its transcript."""

    faithful: bool
    invented: tuple[str, ...] = ()
    """Words of the text that were not said; empty for a faithful text."""
    lost: tuple[str, ...] = ()
    """Words that were said, say something and are missing; empty for a faithful text."""
    reason: str = ""
    """Why it is not faithful, without any dictated word: it may be logged."""


def check_fidelity(raw: str, text: str, language: str = "en") -> Verdict:
    """Judge `text` against its transcript.

    English is aligned word by word, with what may be left out or written differently known. Another language
    is judged by the share of its words that are new or missing.
    """
    if primary_language(language) == "en":
        return _english(raw, text)
    return _by_share(_words(raw), _words(text))


def is_unfinished(raw: str, text: str, language: str = "en") -> bool:
    """Whether `text`, faithful as it may be, has a spoken command in words: 'no wait scratch that'."""
    return primary_language(language) == "en" and keeps_scratch(raw, text)


def _english(raw: str, text: str) -> Verdict:
    reading = read_english(raw, text)
    if spells(reading.said, reading.written, reading.tolerance):
        if loses_breaks(raw, text):
            return Verdict(faithful=False, reason="a line break that was said is missing")
        return Verdict(faithful=True)
    written = Counter(reading.written.units)
    invented, lost = written - Counter(reading.spoken), Counter(reading.needed) - written
    return _unfaithful(list(invented.elements()), list(lost.elements()), text)


def _unfaithful(invented: Sequence[str], lost: Sequence[str], text: str) -> Verdict:
    if not text.strip():
        reason = "the answer is empty"
    elif invented and lost:
        reason = f"{_words_counted(len(invented))} not said, {_words_counted(len(lost))} lost"
    elif invented:
        reason = f"{_words_counted(len(invented))} not said"
    elif lost:
        reason = f"{_words_counted(len(lost))} lost"
    else:
        reason = "words in another order, or too many small words changed"
    return Verdict(False, tuple(invented), tuple(lost), reason)


def _words_counted(count: int) -> str:
    return f"{count} word" if count == 1 else f"{count} words"


def _words(text: str) -> list[str]:
    words: list[str] = []
    for found in WORDS.finditer(text):
        word = found.group().casefold().replace("\u2019", "'")
        words += list(word) if UNSPACED.search(word) else [word]
    return words


def _by_share(said: Sequence[str], written: Sequence[str]) -> Verdict:
    """Judge without knowledge of the language; numbers may have been put into digits."""
    common = common_length(said, written)
    lost, invented = len(said) - common, len(written) - common
    if not any(word.isdigit() for word in said):
        digits = sum(word.isdigit() for word in written)
        excused = min(invented, digits, lost)
        lost, invented = lost - excused, invented - excused
    if invented <= INVENTED_SHARE * len(said) and lost <= LOST_SHARE * len(said):
        return Verdict(faithful=True)
    new, missing = Counter(written) - Counter(said), Counter(said) - Counter(written)
    return _unfaithful(list(new.elements()), list(missing.elements()), " ".join(written))
