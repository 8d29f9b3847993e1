"""Each phase by itself; the model's sequence is empty afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.language_model import FakeLanguageModel
from voiceflow_daemon.bench.first_token import FirstTokenModel
from voiceflow_daemon.bench.phases import Phases
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.errors import ModelError
from voiceflow_daemon.llm.backend import StateBytes
from voiceflow_daemon.llm.prompts import ContextPrompts
from voiceflow_daemon.storage.paths import assets_dir


class NoState(FakeLanguageModel):
    def state(self) -> StateBytes:
        raise ModelError("It gives none.")


class NoWayBack(FakeLanguageModel):
    def restore(self, state: StateBytes, length: int) -> bool:
        return False


def phases(fake: FakeLanguageModel) -> Phases:
    model = FirstTokenModel(fake)
    return Phases(model, ContextPrompts(model.render_chat, assets_dir() / "prompts", Path()), Settings())


def test_one_prefill_and_one_restore() -> None:
    fake = FakeLanguageModel()
    times = phases(fake).measure("email")
    assert times.restore_ms_per_10mb is not None
    assert times.copy_ms_per_10mb is not None
    assert times.restore_ms_per_10mb > 0
    assert len(fake.evaluated) == 1
    assert fake.length() == 0


@pytest.mark.parametrize("kind", [NoState, NoWayBack])
def test_without_states_there_is_no_restoring(kind: type[FakeLanguageModel]) -> None:
    times = phases(kind()).measure("email")
    assert times.restore_ms_per_10mb is None
    assert times.copy_ms_per_10mb is None
    assert times.state > 0
