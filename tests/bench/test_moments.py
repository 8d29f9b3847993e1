"""What the worker did after the release, from when each piece of work ended."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.bench.moments import KINDS, WAIT, WORK, Moment, work_after


def test_each_kind_counts_from_the_release_to_the_text() -> None:
    moments = [
        Moment("segment_transcribe", 9.0, 500.0),
        Moment("decode", 10.1, 300.0),
        Moment("transcribe", 10.4, 200.0),
        Moment("transcript_prefill", 10.5, 50.0),
        Moment("decode", 10.7, 150.0),
        Moment("format", 10.7, 250.0),
        Moment("decode", 12.0, 400.0),
    ]
    spent = work_after(moments, released_at=10.0, delivered_at=10.8)
    assert spent == pytest.approx({"wait": 300.0, "recognise": 200.0, "read": 50.0, "write": 250.0})


def test_no_work_is_all_waiting() -> None:
    assert work_after([], 3.0, 3.2) == pytest.approx({"wait": 200.0, "recognise": 0, "read": 0, "write": 0})


@given(
    st.lists(st.tuples(st.sampled_from(sorted(WORK)), st.floats(0.01, 2), st.floats(0, 1))),
    st.floats(0, 5),
    st.floats(0, 5),
)
def test_the_kinds_make_up_the_whole(
    work: list[tuple[str, float, float]], released_at: float, waited_s: float
) -> None:
    """One piece of work after the other, as one thread does them."""
    at, moments = 0.0, []
    for name, took_s, pause_s in work:
        at += pause_s + took_s
        moments.append(Moment(name, at, took_s * 1e3))
    spent = work_after(moments, released_at, released_at + waited_s)
    assert tuple(spent) == KINDS
    assert all(ms >= -1e-6 for ms in spent.values())
    assert sum(spent.values()) == pytest.approx(waited_s * 1e3, abs=1e-6)
    if all(moment.at <= released_at for moment in moments):
        assert spent[WAIT] == pytest.approx(waited_s * 1e3)
