"""The plan of typing, replayed on a keyboard that follows the X server's rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.desktop.keystrokes import (
    RETURN,
    KeyLevel,
    Layout,
    character,
    keysym,
    plan,
    untypable,
)

LETTERS = {
    10 + index: (ord(low), ord(low.upper())) for index, low in enumerate("abcdefghijklmnopqrstuvwxyzä")
}
SIGNS = {60: (ord("1"), ord("!")), 61: (ord(" "), ord(" ")), 62: (RETURN, RETURN)}
KEYS = LETTERS | SIGNS


def layout(spare: int) -> Layout:
    known: dict[int, KeyLevel] = {}
    for code, (plain, shifted) in KEYS.items():
        known.setdefault(plain, KeyLevel(code, shifted=False))
        known.setdefault(shifted, KeyLevel(code, shifted=True))
    return Layout(known, tuple(range(200, 200 + spare)))


def typed(text: str, on: Layout) -> str:
    """What a program would read."""
    keys = dict(KEYS)
    written = ""
    for batch in plan(text, on):
        assert set(batch.mapping) <= set(on.spare)
        keys |= batch.mapping
        for stroke in batch.strokes:
            plain, shifted = keys[stroke.keycode]
            symbol = shifted if stroke.shifted else plain
            written += "\n" if symbol == RETURN else character(symbol)
    return written


ANY_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"))


@given(ANY_TEXT, st.integers(1, 12))
def test_what_is_planned_writes_the_text(text: str, spare: int) -> None:
    assert typed(text, layout(spare)) == text


@given(ANY_TEXT, st.integers(1, 12))
def test_the_batches_together_are_the_text(text: str, spare: int) -> None:
    batches = list(plan(text, layout(spare)))
    assert "".join(batch.text for batch in batches) == text
    assert all(len(batch.strokes) == len(batch.text) > 0 for batch in batches)


def test_two_characters_share_one_spare_key() -> None:
    (batch,) = plan("éÉéж漢é", layout(9))
    assert len(batch.mapping) == 2


def test_letters_of_the_layout_take_no_spare_key() -> None:
    (batch,) = plan("Ab! äÄ\n", layout(0))
    assert batch.mapping == {}


def test_a_line_break_is_sent_with_shift() -> None:
    (batch,) = plan("\n", layout(0))
    assert batch.strokes[0].shifted


def test_without_a_spare_key_the_plan_fails() -> None:
    with pytest.raises(ValueError, match="spare"):
        list(plan("漢", layout(0)))


@pytest.mark.parametrize(
    ("text", "refused"), [("a\tb", True), ("\x1b[2J", True), ("\x85", True), ("a\nü 漢", False)]
)
def test_control_characters_cannot_be_typed(text: str, refused: bool) -> None:
    assert untypable(text) is refused


@given(st.characters(exclude_categories=("Cs", "Cc")))
def test_a_keysym_leads_back_to_its_character(written: str) -> None:
    assert character(keysym(written)) == written
