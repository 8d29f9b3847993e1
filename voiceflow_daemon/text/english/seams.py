"""What English words say about where a sentence ends: whether it may end here, and whether it goes on.

Both lean to the safe side. A sentence that is held open too long costs a little time at the release; one
that is closed too early costs a wrong mark in the text.
"""

from __future__ import annotations

from collections.abc import Sequence

from voiceflow_daemon.text.english.capitals import capitalise_names
from voiceflow_daemon.text.english.corrections import corrected_from, marker_at
from voiceflow_daemon.text.english.greetings import find_closing, greeting_length
from voiceflow_daemon.text.english.spoken_commands import spoken_mark_at
from voiceflow_daemon.text.english.words import (
    AUXILIARIES,
    CLOSINGS,
    CONJUNCTIONS,
    GREETINGS,
    HESITATIONS,
    MONTHS,
    NAMES,
    NUMBER_UNITS,
    NUMBER_WORDS,
    ORDINALS,
    SCRATCH,
    SOFT_CLOSINGS,
)
from voiceflow_daemon.text.phrases import PhraseBook, word_set
from voiceflow_daemon.text.seams import LONG_PAUSE_S, Joint, Rule
from voiceflow_daemon.text.tokens import Token, key_at, longest_phrase

HESITATION_S = 0.8
"""Before a shorter pause a sentence goes on with "and" or "to"."""
NUMBER_GAP_S = 2.0
"""So long is thought about the next figure of a number."""

NEVER_LAST = (
    CONJUNCTIONS
    | HESITATIONS
    | word_set("""
    a an the and or nor if as than to of for with from at by into onto per via during without within
    until till toward towards against between among i we he they my your our their its his very quite
    called named point dot new camel snake pascal kebab mr mrs ms dr
""")
)
SELDOM_LAST = AUXILIARIES | word_set("""
    in on over out up off down about under through before after across behind beyond near like that this
    her she who what when where why how well also just maybe please actually not no every each another
    be been being don't going want wants need needs half quarter question exclamation full
""")
GOES_ON = CONJUNCTIONS | word_set("""
    and or nor to of for with from than into by at in on per via during without within until till
""")
LIST_LEADS = word_set("bullet second third fourth fifth secondly thirdly fourthly next finally lastly")
"""With these the next thing of a list begins, where the list is being said."""
LIST_STARTS = word_set("bullet first firstly")
OPENING = PhraseBook(
    "open quote", "open quotes", "begin quote", "quote", "open parenthesis", "open paren", "open bracket",
    "open brackets", "left parenthesis", "left bracket",
)  # fmt: skip
CLOSING = PhraseBook(
    "close quote", "close quotes", "end quote", "unquote", "close parenthesis", "close paren",
    "close bracket", "close brackets", "right parenthesis", "right bracket",
)  # fmt: skip
MENTIONED = word_set("a an the this that price your my our their his her")
"""Behind these 'quote' is the thing."""


class EnglishSeams:
    """The rules of English."""

    def said_marks(self, tokens: Sequence[Token]) -> tuple[int, tuple[str, ...]]:
        """Where the marks and breaks that were said at the very end begin, and what they are."""
        start, marks, at = 0, [], 0
        while at < len(tokens):
            taken, text = spoken_mark_at(tokens, at)
            at += taken or 1
            if taken:
                marks.append(text)
            elif tokens[at - 1].is_word or not marks:
                start, marks = at, []
        return start, tuple(marks)

    def stays_open(self, tokens: Sequence[Token], rule: Rule, pause_s: float | None) -> bool:
        """Whether the sentence cannot end here; the tokens are without the marks that were said."""
        words = [token for token in tokens if token.is_word]
        if not words or _says_no_sentence(words) or _is_corrected(words) or _is_enclosed(words):
            return True
        if rule in (Rule.SPOKEN_MARK, Rule.PARAGRAPH):
            return False
        last = words[-1].key
        if last == "am" and _is_number(key_at(words, len(words) - 2)):
            return False
        if last in NEVER_LAST:
            return not tokens[-1].text.startswith(("?", "!"))
        if pause_s is None or pause_s >= LONG_PAUSE_S:
            return False
        if rule is Rule.PUNCTUATION:  # recognisers end each segment with a mark, so it says little there
            return last in SELDOM_LAST and not tokens[-1].text.startswith(("?", "!"))
        return last in SELDOM_LAST or _is_number(last) or last in MONTHS or _is_letter(words[-1])

    def joint(self, before: Sequence[Token], after: Sequence[Token], gap_s: float | None) -> Joint:
        """How `after` is joined to the sentence `before`, said `gap_s` earlier (None: in the same breath)."""
        if spoken_mark_at([*before[-2:], *after], len(before[-2:]))[0]:
            return Joint.WITHIN
        words = _without_hesitations(after)
        if not words:
            return Joint.WITHIN
        if longest_phrase(words, 0, SCRATCH) or _corrects(before, words):
            return Joint.BESIDE
        if _is_part_of_letter(before, words) or _lists_on(before, words):
            return Joint.BESIDE
        return Joint.WITHIN if gap_s is not None and self._continues(before, words, gap_s) else Joint.APART

    def _continues(self, before: Sequence[Token], words: Sequence[Token], gap_s: float) -> bool:
        if _is_number(_last_key(before)) and gap_s < NUMBER_GAP_S and _number_goes_on(words):
            return True
        return gap_s < HESITATION_S and words[0].key in GOES_ON and not self.said_marks(before)[1]

    def keeps_capital(self, tokens: Sequence[Token]) -> bool:
        """Whether it is a name, a day or 'I'."""
        return capitalise_names(tokens)[0].text != tokens[0].text


def _says_no_sentence(words: Sequence[Token]) -> bool:
    """Whether it is a greeting or the beginning of a closing and nothing else, or breaks off."""
    greeted = greeting_length(words) or longest_phrase(words, 0, GREETINGS)
    return greeted >= len(words) or longest_phrase(words, len(words) - 2, CLOSINGS) == 2


def _is_corrected(words: Sequence[Token]) -> bool:
    """Whether a correction, or a 'scratch that', ends here: what comes instead is still to be said.

    Whatever stands before it: a pause there may have set it apart ('give it to you. wait').
    """
    for length in (1, 2, 3):
        at = len(words) - length
        if at < 0:
            break
        marker = marker_at(words[at:], 0)
        if (marker and marker.end == length) or longest_phrase(words, at, SCRATCH) == length:
            return True
    return False


def _is_enclosed(words: Sequence[Token]) -> bool:
    """Whether a quote or a bracket that was opened is still open."""
    depth, at = 0, 0
    while at < len(words):
        closing = longest_phrase(words, at, CLOSING)
        opening = 0 if key_at(words, at - 1) in MENTIONED else longest_phrase(words, at, OPENING)
        depth = max(0, depth - 1) if closing else depth + bool(opening)
        at += closing or opening or 1
    return depth > 0


def _corrects(before: Sequence[Token], words: Sequence[Token]) -> bool:
    marker = marker_at(words, 0)
    if not marker:
        return False
    after = _without_hesitations(words[marker.end :])
    said = [token for token in before if token.is_word]
    if not marker.weak or words[0].key == "i" or not after or not said:
        return True
    return corrected_from(said, after, weak=True) is not None


def _is_part_of_letter(before: Sequence[Token], words: Sequence[Token]) -> bool:
    """Whether a closing follows ('thanks' only with nothing but names behind it), or one is no closing
    after all, or a greeting is none: by themselves these would be written as the ends of a letter."""
    if greeting_length(words) or longest_phrase(words, 0, CLOSINGS) or find_closing(before).words:
        return True
    soft = longest_phrase(words, 0, SOFT_CLOSINGS)
    return bool(soft) and all(token.key in NAMES or not token.is_word for token in words[soft:])


def _lists_on(before: Sequence[Token], words: Sequence[Token]) -> bool:
    return words[0].key in LIST_LEADS and any(token.key in LIST_STARTS for token in before)


def _number_goes_on(words: Sequence[Token]) -> bool:
    first, second = words[0].key, key_at(words, 1)
    joint = first in ("point", "dot", "and", "oh") and _is_number(second)
    return joint or _is_number(first) or first in NUMBER_UNITS or first in ORDINALS


def _without_hesitations(tokens: Sequence[Token]) -> Sequence[Token]:
    at = 0
    while at < len(tokens) and (tokens[at].key in HESITATIONS or not tokens[at].is_word):
        at += 1
    return tokens[at:]


def _last_key(tokens: Sequence[Token]) -> str:
    return next((token.key for token in reversed(tokens) if token.is_word), "")


def _is_number(key: str) -> bool:
    return key in NUMBER_WORDS or key[:1].isdigit()


def _is_letter(token: Token) -> bool:
    """A single letter: somebody spells."""
    return len(token.key) == 1 and token.key.isalpha()
