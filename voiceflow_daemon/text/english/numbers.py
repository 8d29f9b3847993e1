"""Numbers, times, sums and years in digits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from voiceflow_daemon.text.english.number_words import below_hundred, cardinal
from voiceflow_daemon.text.english.words import (
    CLOCK_LEADS,
    MAYBE_MONTHS,
    MONTHS,
    NUMBER_WORDS,
    ONES,
    ORDINALS,
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
CLOCK_AND_HALF = re.compile(r"(?i)(\d{1,2})(?:[:.](\d\d))?([ap])\.?m\.?")


@dataclass(frozen=True, slots=True)
class Written:
    """What stands for `taken` spoken tokens."""

    taken: int
    words: tuple[str, ...]


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
        _half_of_day(keys[at], before)
        or _day_of_month(keys, at, before)
        or _digit_run(keys, at)
        or _clock_time(keys, at)
        or _year(keys, at)
        or _amount(keys, at, grouped=grouped)
    )


def _half_of_day(key: str, before: str) -> Written | None:
    """'pm' behind a number in digits, or stuck to one: '3.30pm'."""
    if key in ("am", "pm") and CLOCK.fullmatch(before):
        return Written(1, (key.upper(),))
    stuck = CLOCK_AND_HALF.fullmatch(key)
    if not stuck:
        return None
    hour, minutes, half = stuck.groups()
    return Written(1, (f"{hour}:{minutes}" if minutes else hour, half.upper() + "M"))


def _day_of_month(keys: Sequence[str], at: int, before: str) -> Written | None:
    """'june twenty first' is June 21."""
    if before.lower() not in MONTHS | MAYBE_MONTHS:
        return None
    if keys[at] in ORDINALS:
        return Written(1, (str(ORDINALS[keys[at]]),))
    one = ORDINALS.get(_at(keys, at + 1), 0)
    if keys[at] in TENS and 0 < one < 10:
        return Written(2, (str(TENS[keys[at]] + one),))
    return None


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
    if half in ("am", "pm"):
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
