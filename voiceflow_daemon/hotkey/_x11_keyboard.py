"""Keys of an X11 keyboard: which keycodes a name stands for, and grabbing them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from Xlib import XK, X, error

from voiceflow_daemon.errors import HotkeyError
from voiceflow_daemon.hotkey.keys import Hotkey

XK.load_keysym_group("xkb")

_KEYSYMS: dict[str, tuple[str, ...]] = {
    "ctrl_l": ("Control_L",),
    "ctrl_r": ("Control_R",),
    "shift_l": ("Shift_L",),
    "shift_r": ("Shift_R",),
    "super_l": ("Super_L",),
    "super_r": ("Super_R",),
    "alt_l": ("Alt_L",),
    # The key to the right of the space bar is AltGr on most European layouts.
    "alt_r": ("Alt_R", "ISO_Level3_Shift"),
    "alt_gr": ("ISO_Level3_Shift", "Mode_switch", "Alt_R"),
    "scroll_lock": ("Scroll_Lock",),
    "print_screen": ("Print",),
    "page_up": ("Page_Up",),
    "page_down": ("Page_Down",),
    "enter": ("Return",),
    "backspace": ("BackSpace",),
    "bracket_left": ("bracketleft",),
    "bracket_right": ("bracketright",),
}
_CASED = ("pause", "insert", "delete", "home", "end", "up", "down", "left", "right", "menu", "tab", "escape")

_MODIFIER_KEYSYMS = {
    "ctrl": ("Control_L", "Control_R"),
    "alt": ("Alt_L", "Alt_R"),
    "shift": ("Shift_L", "Shift_R"),
    "super": ("Super_L", "Super_R"),
    "num_lock": ("Num_Lock",),
}
_USUAL_MASKS = {"ctrl": X.ControlMask, "alt": X.Mod1Mask, "shift": X.ShiftMask, "super": X.Mod4Mask}

_UNSHIFTED = (0, 2)
"""Columns of the keyboard mapping that hold what a key gives without Shift, in either layout."""


def keycodes_of(display: Any, name: str) -> frozenset[int]:
    """All keycodes of a key named as in `keys.KEYS`; empty when this keyboard lacks it."""
    default = name.capitalize() if name in _CASED or name[1:].isdigit() else name
    for keysym_name in _KEYSYMS.get(name, (default,)):
        if found := _unshifted_keycodes(display, keysym_name):
            return found
    return frozenset()


def hotkey_keycodes(display: Any, hotkey: Hotkey) -> frozenset[int]:
    """The keycodes of the hotkey's key; raises `HotkeyError` when this keyboard lacks it."""
    if found := keycodes_of(display, hotkey.key):
        return found
    hint = 'On this layout it may be "alt_gr".' if hotkey.key == "alt_r" else "Choose another hotkey."
    raise HotkeyError(f'This keyboard has no key "{hotkey.key}".', hint)


def modifier_mask(display: Any, name: str) -> int:
    """The bit of a modifier in an event's state; 0 when the keyboard lacks it."""
    codes = frozenset[int]().union(*(_unshifted_keycodes(display, k) for k in _MODIFIER_KEYSYMS[name]))
    if name not in ("ctrl", "shift"):
        for row, row_codes in enumerate(display.get_modifier_mapping()):
            if codes & frozenset(row_codes):
                return 1 << row
    usual: int = _USUAL_MASKS.get(name, 0)
    return usual


def modifier_keycodes(display: Any, names: Iterable[str]) -> frozenset[int]:
    """Every key that sets one of these modifiers."""
    rows = display.get_modifier_mapping()
    masks = [modifier_mask(display, name) for name in names]
    return frozenset(code for row, codes in enumerate(rows) for code in codes if code and 1 << row in masks)


def lock_masks(display: Any) -> tuple[int, ...]:
    """Every combination of CapsLock and NumLock: a grab counts for one exact state each."""
    locks = [mask for mask in (X.LockMask, modifier_mask(display, "num_lock")) if mask]
    return tuple(sum(chosen) for size in range(len(locks) + 1) for chosen in combinations(locks, size))


def grab(display: Any, keycodes: Iterable[int], masks: Iterable[int]) -> bool:
    """Take keys from all programs; false (and nothing taken) when another program holds one of them."""
    wanted = [(code, mask) for code in keycodes for mask in masks]
    refused = error.CatchError(error.BadAccess)
    root = display.screen().root
    for code, mask in wanted:
        root.grab_key(code, mask, False, X.GrabModeAsync, X.GrabModeAsync, onerror=refused)
    display.sync()
    if refused.get_error() is None:
        return True
    for code, mask in wanted:
        root.ungrab_key(code, mask)
    display.sync()
    return False


def ungrab(display: Any, keycodes: Iterable[int]) -> None:
    """Give keys back. One that is held now stays ours until it goes up."""
    for code in keycodes:
        display.screen().root.ungrab_key(code, X.AnyModifier)
    display.sync()


def _unshifted_keycodes(display: Any, keysym_name: str) -> frozenset[int]:
    keysym = XK.string_to_keysym(keysym_name)
    if keysym == X.NoSymbol:
        return frozenset()
    return frozenset(code for code, column in display.keysym_to_keycodes(keysym) if column in _UNSHIFTED)
