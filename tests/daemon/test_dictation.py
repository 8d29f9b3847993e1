"""The stages' times of a dictation."""

import pytest

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.dictation import STAGES, Dictation


def test_the_stages_together_are_the_time_from_release_to_text() -> None:
    now = 10.0
    dictation = Dictation(1, "default", Settings(), None, clock=lambda: now)
    now = 10.04
    dictation.released(10.0)
    now = 10.17
    dictation.reached("tail")
    now = 10.57
    dictation.reached("queue", {"wait": 20.0, "transcribe": 200.0, "format": 150.0})
    now = 10.58
    dictation.reached("delivery")
    assert set(dictation.stages_ms) == set(STAGES) - {"guess"}
    assert dictation.stages_ms == pytest.approx(
        {"grace": 40, "tail": 130, "wait": 20, "queue": 30, "transcribe": 200, "format": 150, "delivery": 10}
    )
    assert dictation.release_to_text_ms == pytest.approx(580)
    assert sum(dictation.stages_ms.values()) == pytest.approx(dictation.release_to_text_ms)


@pytest.mark.parametrize(
    ("guess_ms", "queue_ms"),
    [(150.0, 50.0), (200.0, 0.0), (330.0, 0.0)],
    ids=["begun in the queue", "just fits", "begun in the tail"],
)
def test_a_guess_counts_as_far_as_it_reaches_behind_the_tail(guess_ms: float, queue_ms: float) -> None:
    now = 10.17
    dictation = Dictation(1, "default", Settings(), None, clock=lambda: now)
    dictation.released(10.0)
    now = 10.37
    dictation.reached("queue", {"guess": guess_ms, "transcribe": 0.0, "format": 0.0})
    assert dictation.stages_ms["guess"] == pytest.approx(200 - queue_ms)
    assert dictation.stages_ms["queue"] == pytest.approx(queue_ms)
    assert sum(dictation.stages_ms.values()) == pytest.approx(dictation.release_to_text_ms)
