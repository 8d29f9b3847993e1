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
        places = _places(text[start:], layout)
        end = start
        while end < len(text) and keysym(text[end]) in places:
            end += 1
        if end == start:
            raise ValueError("no spare keycode")
        yield _batch(text[start:end], places, layout)
        start = end


def _places(text: str, layout: Layout) -> dict[int, KeyLevel]:
    """Where the keysyms stand that `text` begins with: on the layout, and two on each spare keycode.

    Two, because each keycode that is mapped makes every program read the keyboard anew.
    """
    places = dict(layout.known)
    free = (KeyLevel(code, shifted) for code in layout.spare for shifted in (False, True))
    for written in text:
        symbol = keysym(written)
        if symbol not in places:
            place = next(free, None)
            if place is None:
                break
            places[symbol] = place
    return places


def _batch(text: str, places: Mapping[int, KeyLevel], layout: Layout) -> Batch:
    mapping: dict[int, tuple[int, int]] = {}
    for symbol in dict.fromkeys(keysym(each) for each in text):
        place = places[symbol]
        if symbol not in layout.known:
            plain, _ = mapping.get(place.keycode, (symbol, symbol))
            mapping[place.keycode] = (plain, symbol)
    strokes = tuple(_stroke(each, places[keysym(each)]) for each in text)
    return Batch(text, mapping, strokes)


def _stroke(written: str, place: KeyLevel) -> Stroke:
    return Stroke(place.keycode, place.shifted or written == "\n")
