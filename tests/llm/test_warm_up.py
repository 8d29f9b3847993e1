"""A model that is loaded again is warmed up, but not measured again."""

from __future__ import annotations

import pytest

from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.warm_up import WarmUp


class OtherModel(FakeLanguageModel):
    """Another file, or the same one with other threads."""

    @property
    def state_identity(self) -> str:
        return "other"


def test_the_second_time_a_few_tokens_are_evaluated_and_what_was_measured_holds() -> None:
    warm_up = WarmUp()
    first, second = FakeLanguageModel(), FakeLanguageModel()
    speed, costs = warm_up.run(first)
    assert costs is not None
    assert len(first.evaluated) > 10
    measured_s = costs.seconds(8)
    for _ in range(20):
        costs.observe(8, 100 * measured_s)
    assert costs.seconds(8) > 2 * measured_s
    again, costs = warm_up.run(second)
    assert again == speed
    assert costs is not None
    assert costs.seconds(8) == measured_s  # what a decoder has learned since is its own
    assert len(second.evaluated) == 1
    assert second.length() == 0


def test_another_model_is_measured_for_itself() -> None:
    warm_up = WarmUp()
    warm_up.run(FakeLanguageModel())
    other = OtherModel()
    warm_up.run(other)
    assert len(other.evaluated) > 10
    assert other.length() == 0


def test_a_model_that_drafts_nothing_is_remembered_as_such() -> None:
    warm_up = WarmUp()
    _, costs = warm_up.run(FakeLanguageModel(goes_back=False))
    assert costs is None
    again = FakeLanguageModel(goes_back=False)
    assert warm_up.run(again)[1] is None
    assert len(again.evaluated) == 1


def test_what_failed_is_measured_the_next_time() -> None:
    warm_up = WarmUp()
    broken = FakeLanguageModel()

    def fail() -> None:
        raise ModelError("It computes nothing.")

    broken.before_evaluation = fail
    with pytest.raises(ModelError):
        warm_up.run(broken)
    whole = FakeLanguageModel()
    warm_up.run(whole)
    assert len(whole.evaluated) > 10
