"""Spoken numbers, times, dates and years as digits: the `numbers` stage of `reference`.

Each reader looks at one place and returns (finished tokens, tokens used), or None if it finds nothing.
"""

import re

from .lexicon import MAYBE_MONTHS, MONTHS, ONES, ORDINALS, RAW, TEENS, TENS, TIME_LEAD


def peek(toks, k):
    """The lower-case token at `k`, or an empty string beyond either end."""
    return toks[k].lower() if 0 <= k < len(toks) else ""


def two_digits(toks, i):
    """(value, tokens used) of a number below 100 at i."""
    w = peek(toks, i)
    if w in TENS:
        nxt = peek(toks, i + 1)
        if ONES.get(nxt, 0) > 0:
            return TENS[w] + ONES[nxt], 2
        return TENS[w], 1
    if w in TEENS:
        return TEENS[w], 1
    if w in ONES:
        return ONES[w], 1
    return 0, 0


def cardinal(toks, i):
    """(value, tokens used) of a number below a million at i."""
    value, n = two_digits(toks, i)
    if not n:
        return 0, 0

    if peek(toks, i + n) == "hundred" and value < 100:
        value, n = value * 100, n + 1
        gap = (
            1 if peek(toks, i + n) == "and" and two_digits(toks, i + n + 1)[1] else 0
        )  # 'two hundred and five'
        v2, n2 = two_digits(toks, i + n + gap)
        value, n = value + v2, n + (n2 + gap if n2 else 0)
    if peek(toks, i + n) == "thousand":
        value, n = value * 1000, n + 1
        v2, n2 = two_digits(toks, i + n)
        if n2 and peek(toks, i + n + n2) == "hundred":
            v2, n2 = v2 * 100, n2 + 1
            v3, n3 = two_digits(toks, i + n + n2)
            v2, n2 = v2 + v3, n2 + n3
        value, n = value + v2, n + n2
    return value, n


def half_of_day(toks, i, before):
    """'3:30 pm', where a recogniser wrote the digits itself."""
    if peek(toks, i) in ("am", "pm") and before and re.fullmatch(r"\x01?\d+(:\d\d)?", before[-1]):
        return [peek(toks, i).upper()], 1
    return None


def ordinal_day(toks, i, before):
    """'june twenty first'."""
    if not before or before[-1].lower() not in MONTHS | MAYBE_MONTHS:
        return None
    w, nxt = peek(toks, i), peek(toks, i + 1)
    if w in ORDINALS:
        return [str(ORDINALS[w])], 1
    return ([str(TENS[w] + ORDINALS[nxt])], 2) if w in TENS and nxt in ORDINALS else None


def single_digits(toks, i, _before):
    """Three or more digits one by one."""
    end = i
    while peek(toks, end) in ONES:
        end += 1
    if end - i < 3:
        return None
    return ["".join(str(ONES[peek(toks, k)]) for k in range(i, end))], end - i


def clock_time(toks, i, _before):
    """Hour [minutes] am/pm; or hour minutes after a word such as 'at'."""
    w = peek(toks, i)
    hour = TEENS.get(w) or ONES.get(w, 0)
    if not 1 <= hour <= 12 or cardinal(toks, i)[1] != 1:
        return None
    minutes, used = 0, 0
    if peek(toks, i + 1) == "oh" and ONES.get(peek(toks, i + 2), 0) > 0:
        minutes, used = ONES[peek(toks, i + 2)], 2
    elif peek(toks, i + 1) in TEENS or peek(toks, i + 1) in TENS:
        minutes, used = two_digits(toks, i + 1)
    half = peek(toks, i + 1 + used)
    if half in ("am", "pm"):
        return [f"{hour}:{minutes:02d}" if used else str(hour), half.upper()], 2 + used
    if used and minutes < 60 and peek(toks, i - 1) in TIME_LEAD:
        return [f"{hour}:{minutes:02d}"], 1 + used
    return None


def year(toks, i, _before):
    """'nineteen ninety four', 'twenty twenty six'."""
    value, used = cardinal(toks, i)
    if peek(toks, i) not in ("nineteen", "twenty") or used != 1:
        return None
    low_part, used = two_digits(toks, i + 1)
    return ([f"{value}{low_part:02d}"], 1 + used) if low_part >= 10 else None


def amount(toks, i, grouped):
    """Any other number, with its percent or dollars; 'one' alone stays a word.

    `grouped` sets commas between the thousands of sums and of numbers from 10,000.
    """
    value, used = cardinal(toks, i)
    unit = peek(toks, i + used)
    if not used or (peek(toks, i) == "one" and used == 1 and unit not in ("percent", "dollars")):
        return None
    if unit == "percent":
        return [f"{value}%"], used + 1
    if unit == "dollars":
        return [f"${value:,}" if grouped else f"${value}"], used + 1
    return [f"{value:,}" if grouped and value >= 10_000 else str(value)], used


READERS = (half_of_day, ordinal_day, single_digits, clock_time, year)


def numbers(toks, *, grouped=True):
    """The tokens with their numbers in digits, each marked as finished."""
    out, i = [], 0
    while i < len(toks):
        found = next((f for read in READERS if (f := read(toks, i, out))), None) or amount(toks, i, grouped)
        if found:
            out += [RAW + t for t in found[0]]
            i += found[1]
        else:
            out.append(toks[i])
            i += 1
    return out
