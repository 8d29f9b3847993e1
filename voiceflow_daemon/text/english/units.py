"""Text as comparable units: words in one spelling, numbers digit by digit, sums with their unit behind.

Transcript and finished text go through the same reading, so 'forty five thousand dollars', '$45,000' and
'45k dollars' are the same units.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from voiceflow_daemon.text.english.number_words import below_hundred, cardinal
from voiceflow_daemon.text.english.spelling import spellings
from voiceflow_daemon.text.english.words import HESITATIONS, NUMBER_WORDS, ONES, ORDINALS, SCALES, TENS

PIECES = re.compile(
    r"""
    (?P<clock>\d{1,2}:\d\d)
  | (?P<hours>\d{1,2}\.\d\d)(?=\s?[ap]\.?m\b)
  | (?P<number>\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*)
  | (?P<half>(?<![^\W_])[ap]\.m\b\.?)
  | (?P<initials>(?<![^\W_])(?:[^\W\d_]\.){2,})
  | (?P<word>[^\W\d_]+(?:['\u2019][^\W\d_]+)*)
  | (?P<currency>[$€£¥])
  | (?P<percent>%)
  | (?P<mark>[.?!;:]|\n)
  | (?P<sign>[^\w\s])
    """,
    re.VERBOSE,
)
POINT = "point"
CURRENCIES = {"$": "dollars", "€": "euros", "£": "pounds", "¥": "yen"}
MAGNITUDES = SCALES | {"k": 1_000, "bn": 1_000_000_000, "m": 1_000_000}
STUCK_MAGNITUDES = ("k", "m", "bn")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
NO_PICTURES = "°©®™"
ORDINAL_ENDINGS = ("st", "nd", "rd", "th")
LONGEST_NUMBER = 16
"""Words of the longest spoken number."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A word, a number in digits, or a sign, as it stands in the text."""

    text: str
    kind: str
    stuck: bool = False
    """No white space before it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One comparable unit."""

    key: str
    word: int
    """Number of the word that it comes from, counted through the text."""
    boundary: bool = False
    """A sentence's mark or a line's end stands right before it."""
    broken: bool = False
    """The speaker broke the word off: 'th-'."""


def inside_numbers(units: Sequence[Unit]) -> frozenset[int]:
    """The places between two digits of one number."""
    pairs = enumerate(itertools.pairwise(units), 1)
    return frozenset(at for at, (a, b) in pairs if a.word == b.word and a.key.isdigit() and b.key.isdigit())


def units_of(text: str) -> list[Unit]:
    """The comparable units of `text`, in order."""
    pieces = _pieces(text)
    units: list[Unit] = []
    at = word = 0
    boundary = False
    while at < len(pieces):
        if pieces[at].kind == "mark":
            boundary, at = True, at + 1
            continue
        keys, taken = _read(pieces, at, bool(units) and units[-1].key.isdigit())
        broken = at + 1 < len(pieces) and pieces[at + 1] == Piece("-", "sign", stuck=True)
        for key in keys:
            units.append(Unit(key, word, boundary, broken))
            boundary = False
        word += bool(keys)
        at += taken
    return units


def points_of_sums(units: Sequence[Unit]) -> frozenset[int]:
    """The places of the points in '$5.50', which may be said 'five fifty'."""
    keys = [unit.key for unit in units]
    return frozenset(
        at
        for at in range(1, len(keys) - 3)
        if keys[at] == POINT
        and all(keys[place].isdigit() for place in (at - 1, at + 1, at + 2))
        and keys[at + 3] in CURRENCIES.values()
    )


def _pieces(text: str) -> list[Piece]:
    """What stands in `text`, without hesitations: they may stand inside a number ('two um hundred')."""
    pieces: list[Piece] = []
    end = 0
    for found in PIECES.finditer(text):
        kind, stuck = str(found.lastgroup), found.start() == end and end > 0
        end = found.end()
        if kind == "word":
            parts = CAMEL.split(found.group())
            pieces += [Piece(part, "word", stuck or bool(index)) for index, part in enumerate(parts)]
        else:
            pieces.append(Piece(found.group(), kind, stuck))
    return [
        piece
        for index, piece in enumerate(pieces)
        if piece.text.lower() not in HESITATIONS and not _is_joint(pieces, index)
    ]


def _is_joint(pieces: Sequence[Piece], at: int) -> bool:
    """A hyphen or dot that holds two parts together: 'twenty-five', 'config.json'."""
    piece = pieces[at]
    inside = piece.stuck and at + 1 < len(pieces) and pieces[at + 1].stuck
    return inside and piece.text in (".", "-", "\u2013", ":") and pieces[at + 1].kind in ("word", "number")


def _read(pieces: Sequence[Piece], at: int, after_digit: bool) -> tuple[Sequence[str], int]:
    """(keys, pieces taken) of what stands at `at`."""
    piece = pieces[at]
    if piece.kind == "currency":
        value, taken = _number(pieces, at + 1)
        return ((*value, CURRENCIES[piece.text]), taken + 1) if taken else ((), 1)
    value, taken = _number(pieces, at)
    if taken:
        return _with_unit(pieces, value, at, taken)
    key = piece.text.lower()
    if key == "oh" and after_digit and _key(pieces, at + 1) in ONES:
        return "0", 1
    if key in ("o'clock", "o\u2019clock"):
        return (), 1
    if (key, _key(pieces, at + 1)) == ("per", "cent"):
        return ("percent",), 2
    match piece.kind:
        case "half" | "initials":
            return (key.replace(".", ""),), 1
        case "percent":
            return ("percent",), 1
        case "sign":
            return ("minus",) if _is_minus(pieces, at) else _sign(piece.text), 1
        case _:
            return spellings(piece.text), 1


def _is_minus(pieces: Sequence[Piece], at: int) -> bool:
    """The sign of '-5': apart from what is before it, and stuck to a number."""
    behind = pieces[at + 1] if at + 1 < len(pieces) else None
    is_dash = pieces[at].text in ("-", "\u2212") and not pieces[at].stuck
    return is_dash and behind is not None and behind.kind == "number" and behind.stuck


def _sign(text: str) -> tuple[str, ...]:
    """A picture ('👍') counts as a word; other signs are only spelling."""
    picture = unicodedata.category(text) in ("So", "Cn") and text not in NO_PICTURES
    return (text,) if picture and not "\u2500" <= text <= "\u25ff" else ()


def _key(pieces: Sequence[Piece], at: int) -> str:
    return pieces[at].text.lower() if 0 <= at < len(pieces) else ""


def _with_unit(
    pieces: Sequence[Piece], value: Sequence[str], at: int, taken: int
) -> tuple[Sequence[str], int]:
    """'five dollars (and) fifty cents' as 5 point 50 dollars."""
    behind = at + taken
    if _key(pieces, behind) not in ("dollar", "dollars"):
        return value, taken
    rest = behind + 1 + int(_key(pieces, behind + 1) == "and")
    cents, words = _number(pieces, rest)
    if words and _key(pieces, rest + words) in ("cent", "cents"):
        return (*value, POINT, *cents, "dollars"), rest + words + 1 - at
    return value, taken


def _number(pieces: Sequence[Piece], at: int) -> tuple[tuple[str, ...], int]:
    """(digits, pieces taken) of the number at `at`; a decimal point is the unit `POINT`."""
    text, taken = _plain_number(pieces, at)
    if not taken:
        return (), 0
    text, taken = _with_fraction(pieces, text, at, taken)
    magnitude = MAGNITUDES.get(_key(pieces, at + taken), 0)
    long_enough = _key(pieces, at + taken) not in STUCK_MAGNITUDES or _is_short_scale(pieces, at + taken)
    if magnitude and long_enough and text.count(".") <= 1 and text != "0":
        text, taken = f"{(Decimal(text) * magnitude).normalize():f}", taken + 1
    return tuple(POINT if character == "." else character for character in text), taken


def _is_short_scale(pieces: Sequence[Piece], at: int) -> bool:
    """'45k', 'forty five k', '$2m'; but not the m of 'two m'."""
    return pieces[at].text.lower() == "k" or (at >= 2 and pieces[at - 2].kind == "currency")


def _plain_number(pieces: Sequence[Piece], at: int) -> tuple[str, int]:
    """(digits, with '.' for a point; pieces taken) without fraction words or magnitudes."""
    if at >= len(pieces):
        return "", 0
    piece = pieces[at]
    match piece.kind:
        case "clock" | "hours":
            hour, minutes = re.split(r"[:.]", piece.text)
            return hour + ("" if minutes == "00" else minutes), 1
        case "number":
            ordinal = _key(pieces, at + 1) in ORDINAL_ENDINGS and pieces[at + 1].stuck
            return _money_digits(pieces, at), 1 + int(ordinal)
        case "word":
            return _spoken_number(pieces, at)
    return "", 0


def _money_digits(pieces: Sequence[Piece], at: int) -> str:
    """'5.00' behind a currency sign is said 'five'."""
    digits = pieces[at].text.replace(",", "")
    is_sum = at > 0 and pieces[at - 1].kind == "currency" and re.fullmatch(r"\d+\.\d\d", digits)
    return digits.removesuffix(".00") if is_sum else digits


def _spoken_number(pieces: Sequence[Piece], at: int) -> tuple[str, int]:
    key = _key(pieces, at)
    one = int(key in ("a", "an") and _key(pieces, at + 1) in ("hundred", *SCALES))
    if not one and key not in NUMBER_WORDS and key not in ORDINALS:
        return "", 0
    ahead = pieces[at : at + LONGEST_NUMBER]
    keys = [piece.text.lower() if piece.kind == "word" else "" for piece in ahead]
    if one or key in ("hundred", *SCALES):
        value, taken = cardinal(["one", *keys[one:]], 0)
        return str(value), taken - 1 + one
    if key in ORDINALS:
        return str(ORDINALS[key]), 1
    if key in TENS and 0 < ORDINALS.get(keys[1] if len(keys) > 1 else "", 0) < 10:
        return str(TENS[key] + ORDINALS[keys[1]]), 2
    value, taken = cardinal(keys, 0)
    return str(value), taken


def _with_fraction(pieces: Sequence[Piece], text: str, at: int, taken: int) -> tuple[str, int]:
    """'two point five' and 'one dot two dot three' with their points."""
    while _key(pieces, at + taken) in ("point", "dot"):
        behind = at + taken + 1
        digits, words = "", 0
        while _key(pieces, behind + words) in ONES:
            digits, words = digits + str(ONES[_key(pieces, behind + words)]), words + 1
        if not words and behind < len(pieces) and pieces[behind].kind == "number":
            digits, words = pieces[behind].text, 1
        if not words:
            value, words = below_hundred([_key(pieces, behind), _key(pieces, behind + 1)], 0)
            digits = str(value) if words else ""
        if not words:
            break
        text, taken = f"{text}.{digits}", taken + 1 + words
    return text, taken
