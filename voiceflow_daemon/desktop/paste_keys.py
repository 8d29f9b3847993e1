"""Which keys paste in which program."""

from __future__ import annotations

from dataclasses import dataclass

from voiceflow_daemon.errors import DeliveryError

MODIFIERS = {
    "ctrl": "Control_L",
    "control": "Control_L",
    "shift": "Shift_L",
    "alt": "Alt_L",
    "super": "Super_L",
    "cmd": "Super_L",
    "win": "Super_L",
}
"""A modifier's spelling in the settings -> the keysym's name."""

NAMED_KEYS = {"insert": "Insert", "ins": "Insert", "space": "space"} | {
    f"f{number}": f"F{number}" for number in range(1, 25)
}


@dataclass(frozen=True)
class Chord:
    """Keysym names: `key` is pressed while `modifiers` are down."""

    modifiers: tuple[str, ...]
    key: str


@dataclass(frozen=True)
class PasteKeys:
    """How one program pastes. `from_primary`: it reads the PRIMARY selection instead of the clipboard."""

    chord: Chord
    from_primary: bool = False


_TERMINAL = PasteKeys(Chord(("Control_L", "Shift_L"), "v"))
_SHIFT_INSERT = PasteKeys(Chord(("Shift_L",), "Insert"), from_primary=True)

TERMINALS = frozenset(
    {
        "alacritty",
        "com.mitchellh.ghostty",
        "contour",
        "cool-retro-term",
        "deepin-terminal",
        "foot",
        "gnome-terminal",
        "gnome-terminal-server",
        "guake",
        "hyper",
        "io.elementary.terminal",
        "kgx",
        "kitty",
        "konsole",
        "lxterminal",
        "mate-terminal",
        "org.gnome.console",
        "org.gnome.ptyxis",
        "org.wezfurlong.wezterm",
        "qterminal",
        "rio",
        "sakura",
        "st",
        "st-256color",
        "tabby",
        "terminator",
        "terminology",
        "tilda",
        "tilix",
        "xfce4-terminal",
        "yakuake",
    }
)
"""Class names (lower case) of terminals that paste the clipboard with Ctrl+Shift+V."""

SHIFT_INSERT_TERMINALS = frozenset({"xterm", "uxterm", "urxvt", "rxvt"})
"""Class names of terminals that paste PRIMARY with Shift+Insert."""


def is_terminal(application: str) -> bool:
    """Whether `application` (a window's class name) is a terminal, where a line break runs a command."""
    return application.lower() in TERMINALS | SHIFT_INSERT_TERMINALS


def paste_keys(application: str, configured: str) -> PasteKeys:
    """What pastes in `application`; `configured` (such as "ctrl+v") is for all but terminals.

    Raises `DeliveryError` when `configured` is not spelled right.
    """
    name = application.lower()
    if name in SHIFT_INSERT_TERMINALS:
        return _SHIFT_INSERT
    if name in TERMINALS:
        return _TERMINAL
    return PasteKeys(parse_chord(configured))


def parse_chord(spelled: str) -> Chord:
    """ "ctrl+shift+v" as keysym names. Raises `DeliveryError`."""
    *modifiers, key = (part.strip().lower() for part in spelled.split("+"))
    unknown = [part for part in modifiers if part not in MODIFIERS]
    key = NAMED_KEYS.get(key, key if len(key) == 1 and key.isascii() and key.isalnum() else "")
    if unknown or not key:
        raise DeliveryError(
            f"delivery.paste_keys is {spelled!r}, which is no combination of keys.",
            'Write it like "ctrl+v" or "shift+insert" (voiceflow config edit).',
        )
    return Chord(tuple(MODIFIERS[part] for part in modifiers), key)
