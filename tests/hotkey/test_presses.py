"""One KeyDown and one KeyUp for each press, whatever the keyboards do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.hotkey.listener import CancelPressed, HotkeyEvent, KeyDown, KeyUp, OtherInput
from voiceflow_daemon.hotkey.presses import HotkeyCodes, Pressed, PressTracker

HAND, SECOND_KEYBOARD, MOUSE = 7, 9, 6
LEFT = 1
HOTKEY, ESCAPE, LETTER, SHIFT = 105, 9, 54, 50
DOWN, UP, OTHER, CANCEL = KeyDown(), KeyUp(), OtherInput(), CancelPressed()


class Keyboards:
    """The desktop, as far as the tracker looks at it."""

    def __init__(self, *, observed: bool = True) -> None:
        self.emitted: list[HotkeyEvent] = []
        self.down: set[tuple[int, int]] = set()
        self.any_button = False
        self._observed = observed
        codes = HotkeyCodes(frozenset({HOTKEY}), frozenset({ESCAPE}))
        self.tracker = PressTracker(codes, observed=observed, emit=self.emitted.append, look=self._look)

    def press(self, keycode: int, device: int = HAND) -> None:
        self.down.add((device, keycode))
        self.tracker.key_pressed(device, keycode)
        if not self._observed:
            self.tracker.grab_activated(keycode)

    def release(self, keycode: int, device: int = HAND, *, seen: bool = True) -> None:
        self.down.discard((device, keycode))
        if seen:
            self.tracker.key_released(device, keycode)

    def _look(self) -> Pressed:
        return Pressed(frozenset(code for _, code in self.down), self.any_button)


@pytest.mark.parametrize("observed", [True, False])
def test_press_with_repeats_and_release(observed: bool) -> None:
    keyboards = Keyboards(observed=observed)
    for _ in range(20):
        keyboards.press(HOTKEY)
    assert keyboards.emitted == [DOWN]
    keyboards.release(HOTKEY)
    assert keyboards.emitted == [DOWN, UP]


def test_other_key_button_and_wheel_during_the_press() -> None:
    keyboards = Keyboards()
    keyboards.press(LETTER)
    keyboards.release(LETTER)
    keyboards.tracker.button_pressed(MOUSE, LEFT)
    assert keyboards.emitted == []
    keyboards.press(HOTKEY)
    keyboards.press(LETTER)
    keyboards.press(LETTER)
    keyboards.tracker.button_pressed(MOUSE, LEFT)
    assert keyboards.emitted == [DOWN, OTHER, OTHER]


def test_single_modifier_after_another_key_is_part_of_a_chord() -> None:
    keyboards = Keyboards()
    keyboards.press(SHIFT)
    keyboards.press(HOTKEY)
    keyboards.release(HOTKEY)
    keyboards.release(SHIFT)
    assert keyboards.emitted == []


def test_single_modifier_during_a_drag_is_not_alone() -> None:
    keyboards = Keyboards()
    keyboards.any_button = True
    keyboards.tracker.button_pressed(MOUSE, LEFT)
    keyboards.press(HOTKEY)
    keyboards.release(HOTKEY)
    keyboards.tracker.button_released(MOUSE, LEFT)
    assert keyboards.emitted == []
    keyboards.press(HOTKEY)
    assert keyboards.emitted == [DOWN], "the button is up, though the desktop may say so later"


def test_button_whose_release_was_missed_does_not_disable_the_hotkey() -> None:
    keyboards = Keyboards()
    keyboards.tracker.button_pressed(MOUSE, LEFT)
    keyboards.press(HOTKEY)
    assert keyboards.emitted == [DOWN]


def test_key_whose_release_was_missed_does_not_disable_the_hotkey() -> None:
    keyboards = Keyboards()
    keyboards.press(LETTER)
    keyboards.release(LETTER, seen=False)
    keyboards.press(HOTKEY)
    assert keyboards.emitted == [DOWN]


def test_grabbed_key_counts_only_when_the_grab_gives_it() -> None:
    keyboards = Keyboards(observed=False)
    keyboards.tracker.key_pressed(HAND, HOTKEY)
    assert keyboards.emitted == []
    keyboards.tracker.grab_activated(HOTKEY)
    assert keyboards.emitted == [DOWN]


def test_grab_activated_by_our_own_keystroke_means_nothing() -> None:
    keyboards = Keyboards(observed=False)
    keyboards.tracker.grab_activated(HOTKEY)
    assert keyboards.emitted == []


def test_release_by_a_program_does_not_hide_the_hand() -> None:
    keyboards = Keyboards()
    keyboards.press(HOTKEY)
    keyboards.tracker.key_released(SECOND_KEYBOARD, HOTKEY)
    assert keyboards.emitted == [DOWN]
    keyboards.release(HOTKEY)
    assert keyboards.emitted == [DOWN, UP]


def test_hotkey_on_two_keyboards_is_down_until_both_are_up() -> None:
    keyboards = Keyboards()
    keyboards.press(HOTKEY)
    keyboards.press(HOTKEY, SECOND_KEYBOARD)
    keyboards.release(HOTKEY)
    assert keyboards.emitted == [DOWN]
    keyboards.release(HOTKEY, SECOND_KEYBOARD)
    assert keyboards.emitted == [DOWN, UP]


def test_escape_cancels_only_while_watched() -> None:
    keyboards = Keyboards()
    keyboards.press(ESCAPE)
    keyboards.release(ESCAPE)
    keyboards.tracker.watches_cancel = True
    keyboards.press(ESCAPE)
    keyboards.press(ESCAPE)
    assert keyboards.emitted == [CANCEL]


MOVES = st.tuples(
    st.sampled_from(["press", "release", "miss a release", "button", "watch", "unwatch"]),
    st.sampled_from([HAND, SECOND_KEYBOARD]),
    st.sampled_from([HOTKEY, ESCAPE, LETTER]),
)


@given(st.booleans(), st.lists(MOVES, max_size=40))
def test_downs_and_ups_alternate_and_end_up(observed: bool, moves: list[tuple[str, int, int]]) -> None:
    keyboards = Keyboards(observed=observed)
    for what, device, keycode in moves:
        match what:
            case "press":
                keyboards.press(keycode, device)
            case "button":
                keyboards.tracker.button_pressed(MOUSE, LEFT)
            case "watch" | "unwatch":
                keyboards.tracker.watches_cancel = what == "watch"
            case _:
                keyboards.release(keycode, device, seen=what == "release")
    for device in (HAND, SECOND_KEYBOARD):
        for keycode in (HOTKEY, ESCAPE, LETTER):
            keyboards.release(keycode, device)
    edges = [event for event in keyboards.emitted if event in (DOWN, UP)]
    assert edges == [DOWN, UP] * (len(edges) // 2)
    assert all(
        keyboards.emitted[:i].count(DOWN) > keyboards.emitted[:i].count(UP)
        for i, event in enumerate(keyboards.emitted)
        if event == OTHER
    )
    keyboards.emitted.clear()
    keyboards.press(HOTKEY)
    assert keyboards.emitted == [DOWN], "the next press is heard, whatever happened before"
