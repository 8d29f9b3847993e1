"""Which sentences are settled while somebody is still speaking. Pure.

Speech is heard in segments with pauses between them. A sentence is settled when its end is known: by the
recogniser's mark, by a mark that was said, by a pause, or because it grew too long. All but the latest
settled sentence are final. The latest is judged again with whatever follows it, for the next words may
take it back ("scratch that"), correct it, or simply go on with it: then it is open again until the longer
sentence settles in its place. A language without rules of its own settles by the recogniser's marks and
by long pauses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from voiceflow_daemon.text.english.seams import EnglishSeams
from voiceflow_daemon.text.languages import primary_language
from voiceflow_daemon.text.seams import LONG_PAUSE_S, Joint, Rule, SeamRules, UnknownSeams
from voiceflow_daemon.text.sentences import split_sentences
from voiceflow_daemon.text.tokens import CLOSERS, LINE, PARAGRAPH, Token, mark, tokenize

PAUSE_S = 0.5
"""Ends a sentence where the recogniser writes no marks. One that writes them and wrote none here means
that the sentence goes on: only a long pause says otherwise."""
PAUSE_SO_FAR_S = 0.25
"""Enough as long as nothing has followed: whether the pause was long enough is seen when something does."""
LONG, LONG_PAUSES_S = 15, 0.35
"""A sentence of so many words ends at a shorter pause, where no marks are written: it has gone on for six
seconds, and run on it would be cut by its length."""
LEAST_WORDS = 3
"""No pause settles fewer: 'okay so' has hardly begun."""
LONGEST = 40
"""Words of a sentence; a longer one is cut at its best place."""
CLAUSE_GAP_S = 0.25
"""As good a place to cut as a comma."""
HESITATION_S = 0.8
"""A small letter behind a shorter pause goes on with the sentence, whatever mark was written."""

ENDS = ".!?\u3002\uff01\uff1f\u061f\u0964"
"""Marks that end a sentence, in any script."""
MARKS = ENDS + ",;:\u2026\u3001\uff0c\u060c"
WRITTEN_END = re.compile(rf".*[{ENDS}][{re.escape(CLOSERS)}]*", re.DOTALL)
TRAILS_OFF = re.compile(rf".*(?:\.\.|\u2026)[{re.escape(CLOSERS)}]*", re.DOTALL)
WRITTEN_MARK = re.compile(rf".*[{MARKS}][{re.escape(CLOSERS)}]*", re.DOTALL)

BY_LANGUAGE: dict[str, SeamRules] = {"en": EnglishSeams()}
"""Primary language subtag -> its rules."""
UNKNOWN: SeamRules = UnknownSeams()


def seam_rules(language: str) -> SeamRules:
    """The rules of a language, if any are known."""
    return BY_LANGUAGE.get(primary_language(language), UNKNOWN)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as it was heard, and what settled it."""

    raw: str
    rule: Rule
    marked: str
    """The same with a period at each pause inside that could have ended it: what is to be formatted."""

    @property
    def closed(self) -> str:
        """`marked` with a period at its own end where a pause settled it: for a longer text."""
        return self.marked + "." if self.rule is Rule.PAUSE else self.marked


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it was heard; `gap_s` is the silence behind it, None where its segment goes on."""

    text: str
    gap_s: float | None = None


@dataclass(frozen=True, slots=True)
class Settling:
    """What was heard so far of one dictation. Never changed: `hear` answers with the next state.

    `sentences` are the settled ones in order. The sentences of two states in a row are the same up to
    the latest one of the earlier state, which may be open again or longer.
    """

    language: str = "en"
    pause_s: float = PAUSE_S
    longest: int = LONGEST
    sentences: tuple[Sentence, ...] = ()
    tail: tuple[Word, ...] = ()
    """All words from the start of the latest settled sentence."""
    latest_words: int = 0
    """How many of them are that sentence's; 0 where it is open again, or none has settled."""
    writes_marks: bool = False
    """Whether the recogniser has written any mark so far."""

    @property
    def final(self) -> tuple[Sentence, ...]:
        """The sentences that nothing can change any more."""
        return self.sentences[:-1] if self.latest_words else self.sentences

    def hear(self, text: str, pause_before_s: float = 0.0, pause_after_s: float = 0.0) -> Settling:
        """A segment was transcribed.

        `pause_before_s` is the whole silence since the last word before it, `pause_after_s` the silence
        behind its last word so far: what is known when it was closed. A segment without words only tells
        of a silence, see `wait`.
        """
        words = text.split()
        if not words:
            return self.wait(max(pause_before_s, pause_after_s))
        heard = (*map(Word, words[:-1]), Word(words[-1], pause_after_s))
        tail = (*_with_gap(self.tail, pause_before_s), *heard)
        marks = self.writes_marks or any(map(WRITTEN_MARK.fullmatch, words))
        return _judged(replace(self, tail=tail, writes_marks=marks))

    def wait(self, pause_s: float) -> Settling:
        """Nothing has been said since the last word for so long."""
        return _judged(replace(self, tail=_with_gap(self.tail, pause_s)))

    def finish(self) -> Settling:
        """The key was released: the rest is settled too."""
        return _judged(self, finished=True)


def whole_transcript(sentences: Sequence[Sentence]) -> str:
    """All that was heard, for formatting it at once: with a period where a pause ended a sentence."""
    return " ".join([*(sentence.closed for sentence in sentences[:-1]), *(s.marked for s in sentences[-1:])])


def _judged(state: Settling, *, finished: bool = False) -> Settling:
    """The tail judged anew; all but its last sentence are final then."""
    final = state.final
    found = list(_Tail(state).sentences(finished=finished))
    if not found:
        return replace(state, sentences=final, latest_words=0)
    start = found[-2][0] if len(found) > 1 else 0
    return replace(
        state,
        sentences=(*final, *(sentence for _, sentence in found)),
        tail=state.tail[start:],
        latest_words=found[-1][0] - start,
    )


def _with_gap(words: tuple[Word, ...], pause_s: float) -> tuple[Word, ...]:
    """The words with at least this silence behind the last one."""
    if not words:
        return words
    *before, last = words
    return (*before, replace(last, gap_s=max(last.gap_s or 0.0, pause_s)))


class _Tail:
    """The words that are not final, and the places where sentences end among them."""

    def __init__(self, state: Settling) -> None:
        self._words = state.tail
        self._tokens = [tokenize(word.text) for word in state.tail]
        self._rules = seam_rules(state.language)
        self._writes_marks = state.writes_marks
        self._pause_s = LONG_PAUSE_S if state.writes_marks else state.pause_s
        self._pause_so_far_s = LONG_PAUSE_S if state.writes_marks else min(state.pause_s, PAUSE_SO_FAR_S)
        self._longest = state.longest

    def sentences(self, *, finished: bool) -> Iterator[tuple[int, Sentence]]:
        """The place behind each sentence's last word, and the sentence."""
        start, at, pauses = 0, 1, set[int]()
        while at <= len(self._words):
            rule = self._rule(start, at)
            if at - start > self._longest:
                at = start + self._cut(start, pauses)
                rule = Rule.PAUSE if at in pauses else Rule.LENGTH
            elif rule is not None and (joint := self._joint(start, at)) is not Joint.APART:
                pauses |= {at} if rule is Rule.PAUSE and joint is Joint.BESIDE else set()
                rule = None
            if rule is not None:
                yield at, self._sentence(start, at, rule, pauses)
                start = at
            at += 1
        if finished and start < len(self._words):
            yield len(self._words), self._sentence(start, len(self._words), Rule.RELEASE, pauses)

    def _sentence(self, start: int, end: int, rule: Rule, pauses: set[int]) -> Sentence:
        texts = [word.text for word in self._words[start:end]]
        marked = [
            text + "." if start + at in pauses else text
            for at, text in enumerate(texts, 1)
            if at < len(texts)
        ]
        return Sentence(" ".join(texts), rule, " ".join([*marked, texts[-1]]))

    def _rule(self, start: int, end: int) -> Rule | None:
        """What would settle words[start:end] as a sentence if nothing followed; None where nothing does."""
        sign = self._sign(start, end)
        if sign is None:
            return None
        rule, before = sign
        return None if self._rules.stays_open(before, rule, self._words[end - 1].gap_s) else rule

    def _sign(self, start: int, end: int) -> tuple[Rule, list[Token]] | None:
        """What speaks for an end there, and the words before it without the marks that were said."""
        tokens, last = self._between(start, end), self._words[end - 1]
        marks_start, said = self._rules.said_marks(tokens)
        if said:
            if PARAGRAPH in said:
                return Rule.PARAGRAPH, tokens[:marks_start]
            ends = any(mark(text).ends_sentence for text in said if text != LINE)
            return (Rule.SPOKEN_MARK, tokens[:marks_start]) if ends else None
        if self._is_written_end(last.text, end):
            return Rule.PUNCTUATION, tokens
        needed_s = self._needed_s(end - start) if end < len(self._words) else self._pause_so_far_s
        paused = last.gap_s is not None and last.gap_s >= needed_s and end - start >= LEAST_WORDS
        return (Rule.PAUSE, tokens) if paused and not TRAILS_OFF.fullmatch(last.text) else None

    def _needed_s(self, words: int) -> float:
        """The pause that ends a sentence of so many words."""
        is_long = words >= LONG and not self._writes_marks
        return min(self._pause_s, LONG_PAUSES_S) if is_long else self._pause_s

    def _is_written_end(self, text: str, end: int) -> bool:
        if not WRITTEN_END.fullmatch(text) or TRAILS_OFF.fullmatch(text):
            return False
        if text[-1] == "." and not self._tokens[end - 1][-1].ends_sentence:
            return False  # 'Mr.'
        return not (end < len(self._words) and self._words[end].text[0].islower() and self._is_near(end))

    def _is_near(self, end: int) -> bool:
        """Whether what follows word `end` was said in one breath with it, or all but."""
        gap_s = self._words[end - 1].gap_s
        return gap_s is None or gap_s < HESITATION_S

    def _joint(self, start: int, end: int) -> Joint:
        """How what follows is joined to words[start:end]."""
        if end == len(self._words):
            return Joint.APART
        after = self._between(end, len(self._words))
        return self._rules.joint(self._between(start, end), after, self._words[end - 1].gap_s)

    def _between(self, start: int, end: int) -> list[Token]:
        return list(chain.from_iterable(self._tokens[start:end]))

    def _cut(self, start: int, pauses: set[int]) -> int:
        """How many words from `start` a sentence has that grew too long."""
        reach = self._words[start : start + self._longest + 1]
        texts = []
        for at, word in enumerate(reach, start + 1):
            clause = (word.gap_s or 0.0) >= CLAUSE_GAP_S and not WRITTEN_MARK.fullmatch(word.text)
            texts.append(word.text + ("." if at in pauses else "," if clause else ""))
        return len(split_sentences(" ".join(texts), self._longest)[0].split())
