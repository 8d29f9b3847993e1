"""Numbers, times, sums and years in digits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from voiceflow_daemon.text.english.number_words import below_hundred, cardinal, fraction
from voiceflow_daemon.text.english.words import (
    CLOCK_LEADS,
    DATE_LEADS,
    MAYBE_MONTHS,
    MONTHS,
    NUMBER_WORDS,
    ONE_POINT_LEADS,
    ONES,
    ORDINAL_LEADS,
    ORDINALS,
    PROPER,
    SCALES,
    TEENS,
    TENS,
)
from voiceflow_daemon.text.tokens import Token, word

GROUPED_FROM = 10_000
"""From here on thousands are set off by commas (sums of money: from 1,000)."""
SHORTEST_DIGIT_RUN = 3
"""Digits read one by one are joined from this many on."""
LONG_DIGIT_RUN = 4
"""From this many on, 'oh' among them is a zero."""
CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d\d))?")
DOTTED_HALF = re.compile(r"(?<![^\W\d_])([aApP])\.[mM]\.(?=\s+([^\W\d_]+))")
CLOCK_AND_HALF = re.compile(r"(?i)(\d{1,2})(?:[:.](\d\d))?([ap])\.?m\.?")


@dataclass(frozen=True, slots=True)
class Written:
    """What stands for `taken` spoken tokens."""

    taken: int
    words: tuple[str, ...]


def end_sentences_at_halves(raw: str) -> str:
    """'3:30 p.m. Please come.' with its full stop apart: 'pm.'; not before a name, 'I' or 'EST'."""
    return DOTTED_HALF.sub(_half_and_end, raw)


def _half_and_end(found: re.Match[str]) -> str:
    half, following = found.groups()
    starts_sentence = following.istitle() and following.lower() not in PROPER | MAYBE_MONTHS | {"i"}
    return f"{half}m." if starts_sentence else found.group()


def write_numbers(tokens: Sequence[Token], *, grouped: bool = True) -> list[Token]:
    """Spoken numbers become digits; `grouped` sets commas between thousands."""
    split = _split_hyphens(tokens)
    keys = [token.key if token.is_word and not token.fixed else "" for token in split]
    written: list[Token] = []
    at = 0
    while at < len(split):
        before = written[-1].text if written else ""
        found = _number_at(keys, at, before, grouped=grouped)
        if found is None:
            written.append(split[at])
            at += 1
        else:
            written.extend(word(text, fixed=True) for text in found.words)
            at += found.taken
    return written


def _split_hyphens(tokens: Sequence[Token]) -> list[Token]:
    """'twenty-five' as two words."""
    split: list[Token] = []
    for token in tokens:
        parts = token.text.split("-")
        if token.is_word and len(parts) > 1 and all(part.lower() in NUMBER_WORDS for part in parts):
            split.extend(word(part) for part in parts)
        else:
            split.append(token)
    return split


def _number_at(keys: Sequence[str], at: int, before: str, *, grouped: bool) -> Written | None:
    return (
        _half_of_day(keys, at, before)
        or _day_of_month(keys, at, before)
        or _ordinal(keys, at)
        or _decimal(keys, at, grouped=grouped)
        or _digit_run(keys, at)
        or _clock_time(keys, at)
        or _year(keys, at)
        or _amount(keys, at, grouped=grouped)
    )


def _half_of_day(keys: Sequence[str], at: int, before: str) -> Written | None:
    """'pm' behind a number in digits, or stuck to one: '3.30pm'."""
    clock = CLOCK.fullmatch(before) if keys[at] in ("am", "pm") else None
    if clock and (clock[2] or not _asks_am_i(keys, at, _at(keys, at - 2))):
        return Written(1, (keys[at].upper(),))
    stuck = CLOCK_AND_HALF.fullmatch(keys[at])
    if not stuck:
        return None
    hour, minutes, half = stuck.groups()
    return Written(1, (f"{hour}:{minutes}" if minutes else hour, half.upper() + "M"))


def _asks_am_i(keys: Sequence[str], at: int, lead: str) -> bool:
    """Whether the 'am' at `at` is a verb: 'which one am i supposed to use', not 'at nine am i left'."""
    return (keys[at], _at(keys, at + 1)) == ("am", "i") and lead not in CLOCK_LEADS


def _day_of_month(keys: Sequence[str], at: int, before: str) -> Written | None:
    """'june twenty first' is June 21."""
    is_maybe = before.lower() in MAYBE_MONTHS and _at(keys, at - 2) in DATE_LEADS | {""}
    if before.lower() not in MONTHS and not is_maybe:
        return None
    if keys[at] in ORDINALS:
        return Written(1, (str(ORDINALS[keys[at]]),))
    one = ORDINALS.get(_at(keys, at + 1), 0)
    if keys[at] in TENS and 0 < one < 10:
        return Written(2, (str(TENS[keys[at]] + one),))
    return None


def _ordinal(keys: Sequence[str], at: int) -> Written | None:
    """'the twenty first' is the 21st; 'the twenty second break' is none, only 'the twenty second of'."""
    one = ORDINALS.get(_at(keys, at + 1), 0)
    if keys[at] not in TENS or not 0 < one < 10:
        return None
    if _at(keys, at + 2) != "of" and (one == 2 or _at(keys, at - 1) not in ORDINAL_LEADS):
        return None
    ending = {1: "st", 2: "nd", 3: "rd"}.get(one, "th")
    return Written(2, (f"{TENS[keys[at]] + one}{ending}",))


def _decimal(keys: Sequence[str], at: int, *, grouped: bool) -> Written | None:
    """'two point five percent', 'one point five million dollars', 'version one point two point three'."""
    value, taken = cardinal(keys, at)
    digits, more = fraction(keys, at + taken) if taken else ("", 0)
    text = f"{value:,}" if grouped and value >= GROUPED_FROM else str(value)
    while more:
        text, taken = f"{text}.{digits}", taken + more
        digits, more = fraction(keys, at + taken)
    if "." not in text:
        return None
    unit, behind = _at(keys, at + taken), _at(keys, at + taken + 1)
    if unit == "percent":
        return Written(taken + 1, (f"{text}%",))
    if unit in SCALES:
        money = behind == "dollars"
        return Written(taken + 1 + money, (f"${text}" if money else text, unit))
    idiom = keys[at] == "one" and unit != "dollars" and _at(keys, at - 1) in ONE_POINT_LEADS
    return None if idiom else Written(taken, (text,))


def _digit_run(keys: Sequence[str], at: int) -> Written | None:
    end = at
    while _at(keys, end) in ONES or (end > at and _at(keys, end) == "oh" and _at(keys, end + 1) in ONES):
        end += 1
    run = keys[at:end]
    if "oh" in run and len(run) < LONG_DIGIT_RUN:
        run = run[: run.index("oh")]
    if len(run) < SHORTEST_DIGIT_RUN:
        return None
    return Written(len(run), ("".join(str(ONES.get(key, 0)) for key in run),))


def _clock_time(keys: Sequence[str], at: int) -> Written | None:
    """'three thirty pm', 'at five oh five'."""
    hour = TEENS.get(keys[at]) or ONES.get(keys[at], 0)
    if not 1 <= hour <= 12:
        return None
    minutes, taken = _minutes(keys, at + 1)
    half = _at(keys, at + 1 + taken)
    clock = f"{hour}:{minutes:02d}" if taken else str(hour)
    verb = half == "am" and not taken and _asks_am_i(keys, at + 1, _at(keys, at - 1))
    if half in ("am", "pm") and not verb:
        return Written(2 + taken, (clock, half.upper()))
    if taken and minutes < 60 and _at(keys, at - 1) in CLOCK_LEADS:
        return Written(1 + taken, (clock,))
    return None


def _minutes(keys: Sequence[str], at: int) -> tuple[int, int]:
    """(minutes, words taken); (0, 0) where the hour stands alone."""
    one = ONES.get(_at(keys, at + 1), 0)
    if _at(keys, at) == "oh" and one:
        return one, 2
    if _at(keys, at) in TEENS or _at(keys, at) in TENS:
        return below_hundred(keys, at)
    return 0, 0


def _year(keys: Sequence[str], at: int) -> Written | None:
    """'nineteen ninety four', 'twenty twenty six'."""
    if keys[at] not in ("nineteen", "twenty") or not (
        _at(keys, at + 1) in TEENS or _at(keys, at + 1) in TENS
    ):
        return None
    rest, taken = below_hundred(keys, at + 1)
    century = 19 if keys[at] == "nineteen" else 20
    return Written(1 + taken, (f"{century}{rest:02d}",))


def _amount(keys: Sequence[str], at: int, *, grouped: bool) -> Written | None:
    value, taken = cardinal(keys, at)
    if not taken:
        return None
    unit = _at(keys, at + taken)
    if unit == "dollars":
        return Written(taken + 1, (f"${value:,}" if grouped else f"${value}",))
    if unit == "percent":
        return Written(taken + 1, (f"{value}%",))
    if taken == 1 and keys[at] == "one":
        return None
    return Written(taken, (f"{value:,}" if grouped and value >= GROUPED_FROM else str(value),))


def _at(keys: Sequence[str], at: int) -> str:
    return keys[at] if 0 <= at < len(keys) else ""
