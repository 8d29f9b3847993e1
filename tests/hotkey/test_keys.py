"""Hotkeys as users write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.errors import HotkeyError
from voiceflow_daemon.hotkey.keys import (
    KEYS,
    MODIFIERS,
    NEEDED_FOR_WRITING,
    SINGLE_MODIFIERS,
    Hotkey,
    parse_hotkey,
)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("ctrl_r", "ctrl_r"),
        ("right ctrl", "ctrl_r"),
        ("Right Ctrl", "ctrl_r"),
        ("Control_R", "ctrl_r"),
        ("r-ctrl", "ctrl_r"),
        ("AltGr", "alt_gr"),
        ("left windows", "super_l"),
        ("F9", "f9"),
        ("f24", "f24"),
        ("Pause", "pause"),
        ("Scroll Lock", "scroll_lock"),
        ("PrtSc", "print_screen"),
        ("alt+Ctrl + SPACE", "ctrl+alt+space"),
        ("super+d", "super+d"),
        ("win+d", "super+d"),
        ("ctrl+-", "ctrl+minus"),
        ("ctrl+alt+\\", "ctrl+alt+backslash"),
        ("shift+f9", "shift+f9"),
        ("ctrl+escape", "ctrl+escape"),
    ],
)
def test_spellings(written: str, means: str) -> None:
    assert str(parse_hotkey(written)) == means


@pytest.mark.parametrize("name", SINGLE_MODIFIERS)
def test_single_modifiers_are_single(name: str) -> None:
    assert parse_hotkey(name) == Hotkey(frozenset(), name)
    assert parse_hotkey(name).single_modifier


@pytest.mark.parametrize("text", ["f9", "ctrl+alt+space", "pause"])
def test_ordinary_keys_and_combinations_are_not_single_modifiers(text: str) -> None:
    assert not parse_hotkey(text).single_modifier


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("ctlr_r", 'no key named "ctlr_r"', 'Did you mean "ctrl_r"?'),
        ("ctrl+spcae", 'no key named "spcae"', 'Did you mean "space"?'),
        ("scrol_lock", 'no key named "scrol_lock"', 'Did you mean "scroll_lock"?'),
        ("qqqqqq", 'no key named "qqqqqq"', "Examples:"),
        ("f25", 'no key named "f25"', "Did you mean"),
        ("ctrl", "which of the two", '"ctrl_l" or "ctrl_r"'),
        ("ctrl+shift", "only modifiers", "ctrl+shift+space"),
        ("shift+ctrl_r", "only modifiers", "one modifier"),
        ("ctrl_l+a", "either side", 'Write "ctrl" for "ctrl_l".'),
        ("alt_gr+f9", "either side", 'Write "alt" for "alt_gr".'),
        ("a+b", '"a" is not a modifier', "ctrl, alt, shift, super"),
        ("ctrl+ctrl+f9", "twice", 'Write "ctrl+f9".'),
        ("ctrl++", "lacks a key", "Examples:"),
        ("", "lacks a key", "Examples:"),
        ("escape", "cancels", "Examples:"),
        ("a", "needed for writing", "ctrl+alt+a"),
        ("shift+space", "needed for writing", "ctrl+alt+space"),
    ],
)
def test_mistakes_say_what_to_write_instead(written: str, message: str, hint: str) -> None:
    with pytest.raises(HotkeyError) as raised:
        parse_hotkey(written)
    assert message in raised.value.message
    assert hint in raised.value.hint


HOTKEYS = st.one_of(
    st.sampled_from(SINGLE_MODIFIERS).map(lambda key: Hotkey(frozenset(), key)),
    st.builds(
        Hotkey,
        st.frozensets(st.sampled_from(MODIFIERS), min_size=1).filter(lambda chosen: chosen != {"shift"}),
        st.sampled_from(KEYS),
    ),
    st.builds(
        Hotkey,
        st.sampled_from([frozenset[str](), frozenset({"shift"})]),
        st.sampled_from([key for key in KEYS if key not in NEEDED_FOR_WRITING | {"escape"}]),
    ),
)


@given(HOTKEYS)
def test_written_hotkeys_are_read_again(hotkey: Hotkey) -> None:
    assert parse_hotkey(str(hotkey)) == hotkey


@given(HOTKEYS, st.data())
def test_case_spaces_and_order_do_not_matter(hotkey: Hotkey, data: st.DataObject) -> None:
    parts = [*data.draw(st.permutations(sorted(hotkey.modifiers))), hotkey.key]
    written = " + ".join(part.replace("_", " ").upper() for part in parts)
    assert parse_hotkey(written) == hotkey


def read(text: str) -> Hotkey | HotkeyError:
    try:
        return parse_hotkey(text)
    except HotkeyError as error:
        return error


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_for_the_user(text: str) -> None:
    result = read(text)
    if isinstance(result, HotkeyError):
        assert result.message
        assert result.hint
    else:
        assert read(str(result)) == result
