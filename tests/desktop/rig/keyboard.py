"""Keys and buttons: a program's (XTEST) and a person's (the server's own devices)."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.desktop.rig.processes import Processes
from tests.desktop.rig.x_connection import (
    DEVICE_BUTTON_PRESS,
    DEVICE_BUTTON_RELEASE,
    DEVICE_KEY_PRESS,
    DEVICE_KEY_RELEASE,
    XConnection,
)

XVFB_KEYBOARD = "Xvfb keyboard"
XVFB_MOUSE = "Xvfb mouse"
LEFT, MIDDLE, RIGHT = 1, 2, 3


class SyntheticKeyboard:
    """Keys sent by xdotool through XTEST, as an automation program sends them."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes

    def tap(self, *chords: str) -> None:
        """Press and release chords in xdotool's spelling, such as `ctrl+s`."""
        self._processes.run("xdotool", "key", *chords)

    def press(self, *keys: str) -> None:
        self._processes.run("xdotool", "keydown", *keys)

    def release(self, *keys: str) -> None:
        self._processes.run("xdotool", "keyup", *keys)


class PhysicalKeyboard:
    """The server's own keyboard, a device apart from XTEST's, as a hand on it would use it.

    Keys are named by keysym: `Control_R`, `F9`, `a`, `space`. A program's release by XTEST of a key
    that the hand holds counts for every program, until the hand lets go and presses again.
    """

    def __init__(self, x: XConnection) -> None:
        self._x = x
        self._device_id = x.device_id(XVFB_KEYBOARD)

    def press(self, *keys: str) -> None:
        for key in keys:
            self._x.device_event(self._device_id, DEVICE_KEY_PRESS, self._x.keycode(key))

    def release(self, *keys: str) -> None:
        for key in keys:
            self._x.device_event(self._device_id, DEVICE_KEY_RELEASE, self._x.keycode(key))

    def tap(self, *keys: str) -> None:
        """Press and release one key after the other."""
        for key in keys:
            self.press(key)
            self.release(key)

    @contextmanager
    def holding(self, *keys: str) -> Iterator[None]:
        """Press in order; let go in reverse, whatever happens meanwhile."""
        self.press(*keys)
        try:
            yield
        finally:
            self.release(*reversed(keys))

    def type(self, text: str) -> None:
        """Type text whose characters are all on the keyboard, with Shift where they need it."""
        for character in text:
            key = _keysym_name(character)
            if self._needs_shift(key):
                with self.holding("Shift_L"):
                    self.tap(key)
            else:
                self.tap(key)

    def down(self) -> list[int]:
        """Keycodes that the server takes for pressed, by whatever device."""
        return self._x.keycodes_down()

    def _needs_shift(self, key: str) -> bool:
        code = self._x.keycode(key)
        return self._x.keysym_at(code, 0) != self._x.keysym(key)


class PhysicalMouse:
    """The server's own mouse. It has three buttons and no wheel."""

    def __init__(self, x: XConnection) -> None:
        self._x = x
        self._device_id = x.device_id(XVFB_MOUSE)

    def move(self, x: int, y: int) -> None:
        self._x.move_pointer(x, y)

    def press(self, button: int = LEFT) -> None:
        self._x.device_event(self._device_id, DEVICE_BUTTON_PRESS, _existing(button))

    def release(self, button: int = LEFT) -> None:
        self._x.device_event(self._device_id, DEVICE_BUTTON_RELEASE, _existing(button))

    def click(self, x: int, y: int, button: int = LEFT) -> None:
        self.move(x, y)
        self.press(button)
        self.release(button)


def _existing(button: int) -> int:
    """The button itself.

    Raises:
        ValueError: for one that the mouse lacks, an error that python-xlib cannot read from the server.
    """
    if button not in (LEFT, MIDDLE, RIGHT):
        raise ValueError(f"the mouse has no button {button}")
    return button


def _keysym_name(character: str) -> str:
    """X11's name of the key for one character of ASCII."""
    return NAMES.get(character, character)


NAMES = {
    "\n": "Return",
    "\t": "Tab",
    " ": "space",
    "!": "exclam",
    '"': "quotedbl",
    "#": "numbersign",
    "$": "dollar",
    "%": "percent",
    "&": "ampersand",
    "'": "apostrophe",
    "(": "parenleft",
    ")": "parenright",
    "*": "asterisk",
    "+": "plus",
    ",": "comma",
    "-": "minus",
    ".": "period",
    "/": "slash",
    ":": "colon",
    ";": "semicolon",
    "<": "less",
    "=": "equal",
    ">": "greater",
    "?": "question",
    "@": "at",
    "[": "bracketleft",
    "\\": "backslash",
    "]": "bracketright",
    "^": "asciicircum",
    "_": "underscore",
    "`": "grave",
    "{": "braceleft",
    "|": "bar",
    "}": "braceright",
    "~": "asciitilde",
}
