"""Spoken numbers: 'forty five thousand two hundred and six' is 45206."""

from __future__ import annotations

from collections.abc import Sequence

from voiceflow_daemon.text.english.words import ONES, SCALES, TEENS, TENS


def _at(keys: Sequence[str], at: int) -> str:
    return keys[at] if 0 <= at < len(keys) else ""


def below_hundred(keys: Sequence[str], at: int) -> tuple[int, int]:
    """(value, words taken) of a number below 100 at `at`; (0, 0) where there is none."""
    key = _at(keys, at)
    if key in TENS:
        one = ONES.get(_at(keys, at + 1), 0)
        return (TENS[key] + one, 2) if one else (TENS[key], 1)
    if key in TEENS:
        return TEENS[key], 1
    return (ONES[key], 1) if key in ONES else (0, 0)


def below_thousand(keys: Sequence[str], at: int) -> tuple[int, int]:
    """(value, words taken) of a number below 1,000, or of 'fifteen hundred', at `at`."""
    value, taken = below_hundred(keys, at)
    if not value or _at(keys, at + taken) != "hundred":
        return value, taken
    value, taken = value * 100, taken + 1
    rest, words = _rest(keys, at + taken)
    return value + rest, taken + words


def _rest(keys: Sequence[str], at: int) -> tuple[int, int]:
    """A number below 100 that goes on a larger one, 'and' allowed before it; not where it begins its own."""
    start = at + int(_at(keys, at) == "and")
    rest, words = below_hundred(keys, start)
    if not rest or (start > at and _at(keys, start + words) in ("hundred", *SCALES)):
        return 0, 0
    return rest, words + start - at


def fraction(keys: Sequence[str], at: int) -> tuple[str, int]:
    """(digits, words taken) of 'point five' or 'point twenty five' at `at`; ('', 0) where there is none."""
    if _at(keys, at) != "point":
        return "", 0
    end = at + 1
    while _at(keys, end) in ONES:
        end += 1
    if end > at + 1:
        return "".join(str(ONES[key]) for key in keys[at + 1 : end]), end - at
    value, taken = below_hundred(keys, at + 1)
    return (str(value), 1 + taken) if taken else ("", 0)


def cardinal(keys: Sequence[str], at: int) -> tuple[int, int]:
    """(value, words taken) of the cardinal number at `at`; (0, 0) where there is none."""
    total, taken, limit = 0, 0, max(SCALES.values()) + 1
    while True:
        value, words = below_thousand(keys, at + taken)
        scale = SCALES.get(_at(keys, at + taken + words), 0) if words else 0
        if words and value and 1 < scale < limit:
            total, taken, limit = total + value * scale, taken + words + 1, scale
            continue
        if not taken:
            return value, words
        if words and value and value < limit:
            return total + value, taken + words
        rest, words = _rest(keys, at + taken)
        return total + rest, taken + words
