"""Sends keys by XTEST, as a keyboard would; never by XSendEvent, which programs may ignore."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from Xlib import XK, X
from Xlib.ext import xtest

from voiceflow_daemon.desktop.keystrokes import KeyLevel, Layout, Stroke, character, keysym
from voiceflow_daemon.desktop.paste_keys import Chord
from voiceflow_daemon.errors import DeliveryError

Announce = Callable[[int, bool], None]
"""Told each key event just before it is sent: keycode, pressed. Must not block."""

_GROUP_SHIFT = 13
"""The pointer's state has the active keyboard group in bits 13 and 14 (XKB protocol, 2.2.1)."""


class X11Keyboard:
    """Presses keys on one connection."""

    def __init__(self, connection: Any, announce: Announce) -> None:
        self._display = connection
        self._announce = announce

    def release_modifiers(self) -> None:
        """Let go of Shift, Ctrl, Alt, Super, ... that are held, by whatever device.

        They are never pressed again: had the user let go meanwhile, they would stay down for ever.
        """
        ordinary, opening = self._held_modifiers()
        for keycode in ordinary:
            self._send(keycode, pressed=False)
        if opening:
            # Alt or Super let go with no other key between opens a menu; so Ctrl comes between.
            self._hold([self._keycode("Control_L")], meanwhile=opening)
        self._display.sync()

    def _held_modifiers(self) -> tuple[list[int], list[int]]:
        """Keycodes of modifiers that are down: Shift, Lock and Ctrl; the others."""
        down = self._display.query_keymap()
        ordinary: set[int] = set()
        opening: set[int] = set()
        for index, row in enumerate(self._display.get_modifier_mapping()):
            kind = ordinary if index <= X.ControlMapIndex else opening
            kind.update(code for code in row if code and down[code // 8] & 1 << code % 8)
        return sorted(ordinary), sorted(opening - ordinary)

    def press(self, chord: Chord) -> None:
        """Press and release a chord, all in one write. Raises `DeliveryError` when a key is missing."""
        codes = [self._keycode(name) for name in (*chord.modifiers, chord.key)]
        self._hold(codes)

    def strike(self, strokes: Iterable[Stroke]) -> None:
        """Press and release one key after the other."""
        shift = self._keycode("Shift_L")
        for stroke in strokes:
            self._hold([shift, stroke.keycode] if stroke.shifted else [stroke.keycode])
        self._display.sync()

    def layout(self) -> Layout:
        """The keyboard as it is now: users switch between layouts."""
        self._discard_events()
        group = self._state() >> _GROUP_SHIFT & 3
        known: dict[int, KeyLevel] = {}
        spare: list[int] = []
        modifiers = {code for row in self._display.get_modifier_mapping() for code in row}
        for keycode, symbols in self._mapping():
            if not any(symbols):
                spare.append(keycode)
            elif keycode not in modifiers:
                plain, shifted = _levels(symbols, group)
                known.setdefault(plain, KeyLevel(keycode, shifted=False))
                known.setdefault(shifted, KeyLevel(keycode, shifted=True))
        known.pop(0, None)
        spare = [code for code in spare if code not in modifiers]
        return Layout(known, tuple(spare))

    def caps_lock(self) -> bool:
        """Whether Caps Lock is on. The program, not the server, applies it to letters beyond Latin-1."""
        return bool(self._state() & X.LockMask)

    def toggle_caps_lock(self) -> None:
        """Press its key."""
        self._hold([self._keycode("Caps_Lock")])
        self._display.sync()

    def map_keys(self, mapping: dict[int, tuple[int, int]]) -> None:
        """Give spare keycodes keysyms: plain and shifted, in both groups; 0 takes them away."""
        for first, rows in _runs(mapping):
            # One request for neighbours: each makes every program on the desktop read its keyboard anew.
            self._display.change_keyboard_mapping(first, rows)
        self._display.sync()

    def _state(self) -> int:
        """Modifiers and keyboard group, as events carry them."""
        return int(self._display.screen().root.query_pointer().mask)

    def _discard_events(self) -> None:
        """Every client is told of every change of the keyboard; unread, that would pile up."""
        while self._display.pending_events():
            self._display.next_event()

    def _hold(self, codes: list[int], meanwhile: Sequence[int] = ()) -> None:
        """Press in order, let go of `meanwhile`, release in reverse; releases are sent whatever happens."""
        pressed: list[int] = []
        try:
            for code in codes:
                pressed.append(code)
                self._send(code, pressed=True)
            for code in meanwhile:
                self._send(code, pressed=False)
        finally:
            for code in reversed(pressed):
                self._send_release(code)
            # One write for all: a daemon killed here has sent everything or nothing.
            self._display.flush()

    def _send(self, keycode: int, *, pressed: bool) -> None:
        self._announce(keycode, pressed)
        xtest.fake_input(self._display, X.KeyPress if pressed else X.KeyRelease, keycode)

    def _send_release(self, keycode: int) -> None:
        try:
            self._announce(keycode, False)
        finally:
            xtest.fake_input(self._display, X.KeyRelease, keycode)

    def _keycode(self, name: str) -> int:
        """The key of a keysym on the active layout; on another one of the keyboard's where it has none."""
        wanted = XK.string_to_keysym(name)
        key = self.layout().known.get(wanted)
        if key is not None:
            return key.keycode
        code = next((code for code, symbols in self._mapping() if wanted and wanted in symbols), 0)
        if not code:
            raise DeliveryError(f"There is no key {name} on this keyboard.", "Set delivery.method to type.")
        return code

    def _mapping(self) -> list[tuple[int, list[int]]]:
        """Every keycode's keysyms, asked anew: the user may have switched the layout."""
        info = self._display.display.info
        first = info.min_keycode
        rows = self._display.get_keyboard_mapping(first, info.max_keycode - first + 1)
        return [(first + index, list(row)) for index, row in enumerate(rows)]


def _levels(symbols: list[int], group: int) -> tuple[int, int]:
    """The plain and the shifted keysym of a key in a group (X11 protocol, 5: two groups)."""
    padded = [*symbols, 0, 0, 0, 0]
    plain, shifted = padded[2 * group : 2 * group + 2] if group < 2 else (0, 0)
    if not plain and not shifted and group < 2:
        plain, shifted = padded[:2]
    if not shifted:
        # A single keysym stands for both cases of a letter, and for both levels of anything else.
        upper = character(plain).upper()
        shifted = keysym(upper) if len(upper) == 1 else plain
    return plain, shifted


def _runs(mapping: dict[int, tuple[int, int]]) -> list[tuple[int, list[list[int]]]]:
    """Neighbouring keycodes together: the first one, and each one's keysyms in two groups."""
    runs: list[tuple[int, list[list[int]]]] = []
    for keycode, levels in sorted(mapping.items()):
        if not runs or runs[-1][0] + len(runs[-1][1]) != keycode:
            runs.append((keycode, []))
        runs[-1][1].append([*levels, *levels])
    return runs
