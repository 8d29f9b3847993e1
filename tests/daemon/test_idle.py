"""When the models are freed, whatever happens and whenever one looks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.daemon.idle import Idle

looks = st.lists(st.tuples(st.floats(0.0, 1000.0), st.booleans()), min_size=1, max_size=30)
"""Seconds since the look before, and whether something needed the models."""


@given(looks, st.floats(0.001, 60.0))
def test_they_are_due_so_many_minutes_after_the_first_look_that_found_them_idle(
    looks: list[tuple[float, bool]], minutes: float
) -> None:
    idle, now, idle_since = Idle(), 0.0, None
    for passed, busy in looks:
        now += passed
        idle = idle.after(now, busy=busy)
        idle_since = None if busy else now if idle_since is None else idle_since
    assert idle.unload_due(minutes) == (None if idle_since is None else idle_since + minutes * 60)


@given(looks)
def test_with_zero_minutes_they_are_never_due(looks: list[tuple[float, bool]]) -> None:
    idle, now = Idle(), 0.0
    for passed, busy in looks:
        now += passed
        idle = idle.after(now, busy=busy)
        assert idle.unload_due(0.0) is None


@given(looks, st.floats(0.001, 60.0), st.floats(0.001, 60.0))
def test_fewer_minutes_are_never_later(
    looks: list[tuple[float, bool]], minutes: float, others: float
) -> None:
    idle = Idle()
    for at, (_, busy) in enumerate(looks):
        idle = idle.after(float(at), busy=busy)
    sooner, later = idle.unload_due(min(minutes, others)), idle.unload_due(max(minutes, others))
    assert (sooner is None and later is None) or (
        sooner is not None and later is not None and sooner <= later
    )
