"""Hotkeys as users write them: names of keys, single modifiers and combinations."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from voiceflow_daemon.errors import HotkeyError

MODIFIERS = ("ctrl", "alt", "shift", "super")
"""Modifiers of a combination, in the order in which they are written."""

SINGLE_MODIFIERS = (*(f"{name}_{side}" for name in MODIFIERS for side in "lr"), "alt_gr")
"""Modifiers that can be a hotkey by themselves: with them, the side matters."""

NAMED_KEYS = (
    *("pause", "scroll_lock", "print_screen", "insert", "delete", "home", "end", "page_up", "page_down"),
    *("up", "down", "left", "right", "menu"),
    *("space", "tab", "enter", "backspace", "escape"),
)
FUNCTION_KEYS = tuple(f"f{number}" for number in range(1, 25))
CHARACTER_KEYS = tuple("abcdefghijklmnopqrstuvwxyz0123456789")
PUNCTUATION_KEYS = (
    *("minus", "equal", "comma", "period", "slash", "backslash", "semicolon", "apostrophe", "grave"),
    *("bracket_left", "bracket_right", "less"),
)
KEYS = NAMED_KEYS + FUNCTION_KEYS + CHARACTER_KEYS + PUNCTUATION_KEYS

NEEDED_FOR_WRITING = frozenset(
    (*CHARACTER_KEYS, *PUNCTUATION_KEYS, "space", "tab", "enter", "backspace", "delete")
) | {"up", "down", "left", "right", "home", "end", "page_up", "page_down"}
"""Keys that nobody can spare: alone or with Shift, writing needs them."""

_OTHER_SPELLINGS = {
    "ctrl": "control ctl strg",
    "alt": "option opt",
    "super": "win windows meta cmd command mod4",
    "alt_gr": "altgr alt_graph",
    "escape": "esc",
    "enter": "return",
    "delete": "del",
    "insert": "ins",
    "pause": "break",
    "print_screen": "print prtsc prtscr sysrq",
    "page_up": "pgup pageup prior",
    "page_down": "pgdn pagedown next",
    "scroll_lock": "scrolllock scroll",
    "space": "spacebar",
    "menu": "apps",
    "minus": "- hyphen",
    "equal": "=",
    "comma": ",",
    "period": ". dot",
    "slash": "/",
    "backslash": "\\",
    "semicolon": ";",
    "apostrophe": "'",
    "grave": "`",
    "bracket_left": "[ bracketleft",
    "bracket_right": "] bracketright",
    "less": "<",
}
_ALIASES = {other: name for name, others in _OTHER_SPELLINGS.items() for other in others.split()}
_SIDES = {"l": "l", "left": "l", "r": "r", "right": "r"}

_EXAMPLES = 'Examples: "ctrl_r", "f9", "pause", "ctrl+alt+space".'


@dataclass(frozen=True)
class Hotkey:
    """A key, with the modifiers that must be down with it; `str()` writes it as `parse_hotkey` reads it."""

    modifiers: frozenset[str]
    """Of `MODIFIERS`; empty for a single key."""
    key: str
    """Of `KEYS`, or of `SINGLE_MODIFIERS` when there are no modifiers."""

    @property
    def single_modifier(self) -> bool:
        """Whether the key is a modifier by itself, which other programs need as well."""
        return self.key in SINGLE_MODIFIERS

    def __str__(self) -> str:
        return "+".join([*(name for name in MODIFIERS if name in self.modifiers), self.key])


def parse_hotkey(text: str) -> Hotkey:
    """Read a hotkey such as `ctrl_r`, `Right Ctrl`, `F9` or `ctrl+alt+space`.

    Raises `HotkeyError` that says what is wrong and what was probably meant.
    """
    *modifiers, key = (_name(part) for part in _parts(text))
    if key in MODIFIERS:
        raise _without_key(text, key, alone=not modifiers)
    for modifier in modifiers:
        if modifier not in MODIFIERS:
            raise _not_a_modifier(text, modifier)
    if modifiers and key in SINGLE_MODIFIERS:
        raise _without_key(text, key, alone=False)
    hotkey = Hotkey(frozenset(modifiers), key)
    if len(hotkey.modifiers) < len(modifiers):
        raise HotkeyError(f'The hotkey "{text}" names a modifier twice.', f'Write "{hotkey}".')
    _refuse_keys_in_use(hotkey)
    return hotkey


def _parts(text: str) -> list[str]:
    """The names between the plus signs, in lower case and without spaces around them."""
    parts = [part.strip().lower() for part in text.split("+")]
    if not all(parts):
        raise HotkeyError(f'The hotkey "{text}" lacks a key.', _EXAMPLES)
    return parts


def _name(written: str) -> str:
    """The canonical name of one key."""
    words = re.split(r"[\s_-]+", written) if len(written) > 1 else [written]
    joined = "_".join(words)
    name = _ALIASES.get(joined, joined)
    if name in KEYS or name in MODIFIERS or name in SINGLE_MODIFIERS:
        return name
    for side, rest in ((words[0], words[1:]), (words[-1], words[:-1])):
        modifier = "_".join(rest)
        modifier = _ALIASES.get(modifier, modifier)
        if side in _SIDES and modifier in MODIFIERS:
            return f"{modifier}_{_SIDES[side]}"
    raise _unknown(written, joined)


def _unknown(written: str, joined: str) -> HotkeyError:
    known = [*KEYS, *MODIFIERS, *SINGLE_MODIFIERS, *_ALIASES]
    similar = difflib.get_close_matches(joined, known, n=1, cutoff=0.6)
    hint = f'Did you mean "{_ALIASES.get(similar[0], similar[0])}"?' if similar else _EXAMPLES
    return HotkeyError(f'There is no key named "{written}".', hint)


def _without_key(text: str, key: str, *, alone: bool) -> HotkeyError:
    if alone:
        return HotkeyError(
            f'The hotkey "{text}" does not say which of the two keys.', f'Write "{key}_l" or "{key}_r".'
        )
    return HotkeyError(
        f'The hotkey "{text}" has only modifiers.', f'Add a key, as in "{text}+space", or take one modifier.'
    )


def _not_a_modifier(text: str, name: str) -> HotkeyError:
    if name in SINGLE_MODIFIERS:
        either = "alt" if name == "alt_gr" else name[:-2]
        return HotkeyError(
            f'In a combination either side of a modifier counts, so "{text}" cannot be had.',
            f'Write "{either}" for "{name}".',
        )
    return HotkeyError(
        f'"{name}" is not a modifier, so it cannot stand before the last key of "{text}".',
        f"Modifiers are {', '.join(MODIFIERS)}.",
    )


def _refuse_keys_in_use(hotkey: Hotkey) -> None:
    if hotkey.key == "escape" and not hotkey.modifiers:
        raise HotkeyError("Escape cannot be the hotkey: it cancels a recording.", _EXAMPLES)
    if hotkey.modifiers <= {"shift"} and hotkey.key in NEEDED_FOR_WRITING:
        raise HotkeyError(
            f'"{hotkey}" is needed for writing, and would reach no other program.',
            f'Take a combination, such as "ctrl+alt+{hotkey.key}".',
        )
