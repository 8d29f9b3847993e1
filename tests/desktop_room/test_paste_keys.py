"""Which keys paste in which program."""

from __future__ import annotations

import pytest

from voiceflow_daemon.desktop.paste_keys import Chord, is_terminal, parse_chord, paste_keys
from voiceflow_daemon.errors import DeliveryError


@pytest.mark.parametrize(
    ("spelled", "chord"),
    [
        ("ctrl+v", Chord(("Control_L",), "v")),
        (" Ctrl + Shift + V ", Chord(("Control_L", "Shift_L"), "v")),
        ("shift+insert", Chord(("Shift_L",), "Insert")),
        ("cmd+v", Chord(("Super_L",), "v")),
        ("f12", Chord((), "F12")),
    ],
)
def test_a_chord_is_read(spelled: str, chord: Chord) -> None:
    assert parse_chord(spelled) == chord


@pytest.mark.parametrize(
    "spelled", ["", "+", "ctrl+", "ctrl", "hyper+v", "ctrl+vv", "v+ctrl", "ctrl+ä", "f25"]
)
def test_what_is_no_chord_is_refused_with_a_hint(spelled: str) -> None:
    with pytest.raises(DeliveryError) as refused:
        parse_chord(spelled)
    assert repr(spelled) in refused.value.message
    assert "ctrl+v" in refused.value.hint


@pytest.mark.parametrize("application", ["Mousepad", "firefox", "", "Xterminal-like"])
def test_programs_paste_by_the_configured_keys(application: str) -> None:
    keys = paste_keys(application, "alt+p")
    assert (keys.chord, keys.from_primary) == (Chord(("Alt_L",), "p"), False)
    assert not is_terminal(application)


@pytest.mark.parametrize("application", ["Gnome-terminal", "Xfce4-terminal", "konsole", "Alacritty", "kitty"])
def test_terminals_paste_the_clipboard_with_shift(application: str) -> None:
    keys = paste_keys(application, "ctrl+v")
    assert (keys.chord, keys.from_primary) == (Chord(("Control_L", "Shift_L"), "v"), False)
    assert is_terminal(application)


@pytest.mark.parametrize("application", ["XTerm", "UXTerm", "URxvt"])
def test_old_terminals_paste_primary(application: str) -> None:
    keys = paste_keys(application, "ctrl+v")
    assert (keys.chord, keys.from_primary) == (Chord(("Shift_L",), "Insert"), True)
    assert is_terminal(application)


def test_a_terminal_does_not_mind_misspelled_keys() -> None:
    assert paste_keys("kitty", "nonsense").chord.key == "v"
