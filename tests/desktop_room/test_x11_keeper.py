"""The clipboard's keeper between two texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from voiceflow_daemon.desktop._x11_keeper import Keeper
from voiceflow_daemon.desktop.keeper_messages import CLIPBOARD, Put
from voiceflow_daemon.desktop.loan import LINGER_LIMIT_S, LINGER_S, Loan

SOON_S = LINGER_S / 2


class Desktop:
    """The X server's side: a clock, what is on offer, and a program that fetches the text again and again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fetches: int) -> None:
        self.now = 100.0
        self.offered: list[float] = []
        self.fetches = fetches
        monkeypatch.setattr("voiceflow_daemon.desktop._x11_keeper.time.monotonic", lambda: self.now)
        self.keeper = Keeper.__new__(Keeper)
        self.keeper._link = None
        self.keeper._wire = cast(Any, self)
        self.keeper._offers = cast(Any, self)
        self.loan = self.keeper._loan = Loan({CLIPBOARD: {}})
        self.loan.expect((1,))

    def wait(self, wanted: Callable[[Any], bool], limit_s: float) -> None:
        passed = min(SOON_S, limit_s) if self.fetches else limit_s
        self.now += passed
        if self.fetches:
            self.fetches -= 1
            self.loan.requested(self.now, by_expected=True)

    def offer(self, selection: str, contents: object) -> bool:
        self.offered.append(self.now)
        return True


@pytest.mark.parametrize(
    ("fetches", "waited_s"),
    [(0, LINGER_S), (1, SOON_S + LINGER_S), (3, 3 * SOON_S + LINGER_S), (1000, LINGER_LIMIT_S)],
)
def test_the_next_text_waits_for_a_program_that_still_fetches_the_last(
    monkeypatch: pytest.MonkeyPatch, fetches: int, waited_s: float
) -> None:
    desktop = Desktop(monkeypatch, fetches)
    desktop.loan.requested(desktop.now, by_expected=True)
    desktop.loan.end(desktop.now)
    desktop.keeper._obey(Put("the next"))
    assert desktop.offered == pytest.approx([100.0 + waited_s])


def test_a_text_that_nobody_fetched_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    desktop = Desktop(monkeypatch, fetches=0)
    desktop.keeper._obey(Put("the next"))
    assert desktop.offered == [100.0]
