"""Which keys type a text: a plan for any Unicode, by keys of the layout and by spare keycodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

RETURN = 0xFF0D
UNICODE = 0x01000000
"""Keysyms of characters beyond Latin-1: this plus the code point."""


@dataclass(frozen=True)
class Stroke:
    """One key, with or without Shift."""

    keycode: int
    shifted: bool


@dataclass(frozen=True)
class KeyLevel:
    """Where a keysym stands on the layout."""

    keycode: int
    shifted: bool


@dataclass(frozen=True)
class Layout:
    """The keyboard as it is now, without Caps Lock."""

    known: Mapping[int, KeyLevel]
    """keysym -> key."""
    spare: tuple[int, ...]
    """Keycodes without any keysym, which may be given one for a while."""


@dataclass(frozen=True)
class Batch:
    """Strokes that type `text` once each spare keycode of `mapping` has its keysyms (plain, shifted)."""

    text: str
    mapping: dict[int, tuple[int, int]] = field(default_factory=dict)
    strokes: tuple[Stroke, ...] = ()


def untypable(text: str) -> bool:
    """Whether `text` has control characters other than line breaks: no key stands for them."""
    return any((each < " " or "\x7f" <= each < "\xa0") and each != "\n" for each in text)


def keysym(written: str) -> int:
    """X11's number of the key for one character (X11 protocol, appendix A)."""
    if written == "\n":
        return RETURN
    code = ord(written)
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else UNICODE | code


def character(symbol: int) -> str:
    """What a keysym writes; empty where it is no character or one of the older numbers beyond Latin-1."""
    if symbol > UNICODE:
        return chr(symbol - UNICODE) if symbol - UNICODE <= 0x10FFFF else ""
    return chr(symbol) if 0x20 <= symbol <= 0x7E or 0xA0 <= symbol <= 0xFF else ""


def plan(text: str, layout: Layout) -> Iterator[Batch]:
    """Batches that type `text` one after the other.

    A line break is Shift+Return: chat programs send what is written at a plain Return. Raises
    `ValueError` when a character needs a spare keycode and there is none.
    """
    start = 0
    while start < len(text):
        mapping: dict[int, int] = {}
        end = start
        while end < len(text) and _fits(text[end], layout, mapping):
            end += 1
        if end == start:
            raise ValueError("no spare keycode")
        yield _batch(text[start:end], layout, mapping)
        start = end


def _fits(written: str, layout: Layout, mapping: dict[int, int]) -> bool:
    """Whether the batch can type `written` too; takes a spare keycode into `mapping` for it."""
    plain, _ = _levels(written)
    if keysym(written) in layout.known or plain in mapping:
        return True
    if len(mapping) == len(layout.spare):
        return False
    mapping[plain] = layout.spare[len(mapping)]
    return True


def _batch(text: str, layout: Layout, mapping: dict[int, int]) -> Batch:
    wanted = {_levels(each) for each in text}
    levels = {mapping[plain]: (plain, upper) for plain, upper in wanted if plain in mapping}
    return Batch(text, levels, tuple(_stroke(each, layout, mapping) for each in text))


def _stroke(written: str, layout: Layout, mapping: dict[int, int]) -> Stroke:
    symbol = keysym(written)
    key = layout.known.get(symbol)
    if key is None:
        plain, _ = _levels(written)
        key = KeyLevel(mapping[plain], symbol != plain)
    return Stroke(key.keycode, key.shifted or written == "\n")


def _levels(letter: str) -> tuple[int, int]:
    """The two keysyms of a key for `letter`: lower and upper case, or twice the same."""
    lower, upper = letter.lower(), letter.upper()
    # Only two that are each other's case: the X server holds any other key for one without case.
    pair = len(lower) == len(upper) == 1 and lower.upper() == upper and upper.lower() == lower
    if pair and letter in {lower, upper}:
        return keysym(lower), keysym(upper)
    return keysym(letter), keysym(letter)
