"""Our own keystrokes are dropped, each once, and nobody else's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.hotkey.echoes import LIFETIME_S, EchoFilter

CTRL, V = 37, 55
PASTE = [(CTRL, True), (V, True), (V, False), (CTRL, False)]

KEYSTROKES = st.tuples(st.integers(8, 12), st.booleans())


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_an_announced_paste_is_dropped_once() -> None:
    echoes = EchoFilter()
    for keystroke in PASTE:
        echoes.announce(*keystroke)
    assert all(echoes.takes(*keystroke) for keystroke in PASTE)
    assert not any(echoes.takes(*keystroke) for keystroke in PASTE)


def test_announced_keystroke_expires() -> None:
    clock = Clock()
    echoes = EchoFilter(clock)
    echoes.announce(CTRL, pressed=True)
    clock.now_s += LIFETIME_S / 2
    echoes.announce(V, pressed=True)
    clock.now_s += LIFETIME_S / 2
    assert not echoes.takes(CTRL, pressed=True)
    assert echoes.takes(V, pressed=True)


def test_a_key_that_came_back_later_forgets_what_did_not() -> None:
    echoes = EchoFilter()
    for keystroke in [(CTRL, False), (CTRL, True)]:
        echoes.announce(*keystroke)
    assert echoes.takes(CTRL, pressed=True)
    assert not echoes.takes(CTRL, pressed=False)


@given(st.lists(KEYSTROKES))
def test_every_announced_keystroke_is_dropped(sent: list[tuple[int, bool]]) -> None:
    echoes = EchoFilter()
    for keystroke in sent:
        echoes.announce(*keystroke)
    assert all(echoes.takes(*keystroke) for keystroke in sent)


@given(announced=st.lists(KEYSTROKES), seen=st.lists(KEYSTROKES))
def test_no_more_is_dropped_than_was_announced(
    announced: list[tuple[int, bool]], seen: list[tuple[int, bool]]
) -> None:
    echoes = EchoFilter()
    for keystroke in announced:
        echoes.announce(*keystroke)
    dropped = [keystroke for keystroke in seen if echoes.takes(*keystroke)]
    for keystroke in set(dropped):
        assert dropped.count(keystroke) <= announced.count(keystroke)


@given(st.lists(st.tuples(KEYSTROKES, st.sampled_from([0.0, 0.2, 0.5])), min_size=1), KEYSTROKES)
def test_nothing_is_dropped_after_its_time(
    announced: list[tuple[tuple[int, bool], float]], seen: tuple[int, bool]
) -> None:
    clock = Clock()
    echoes = EchoFilter(clock)
    last_s: float | None = None
    for keystroke, pause_s in announced:
        clock.now_s += pause_s
        echoes.announce(*keystroke)
        if keystroke == seen:
            last_s = clock.now_s
    clock.now_s += 0.3
    assert echoes.takes(*seen) == (last_s is not None and clock.now_s < last_s + LIFETIME_S)
