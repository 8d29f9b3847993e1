"""Both models are loaded, warmed up once each, and what is missing is told."""

from __future__ import annotations

from pathlib import Path
from typing import Never

import pytest

from tests.fakes.language_model import FakeLanguageModel
from tests.fakes.transcriber import FakeTranscriber
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon import loading
from voiceflow_daemon.daemon.loading import load_models
from voiceflow_daemon.errors import ModelError, ModelMissingError
from voiceflow_daemon.llm.warm_up import WarmUp
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.paths import Paths

DEMO = Settings.model_validate({"speech": {"model": "demo"}, "llm": {"model": "demo"}})


class Models:
    """What the rooms would load; `broken` is why the language model cannot be."""

    def __init__(self) -> None:
        self.transcribers: list[FakeTranscriber] = []
        self.language_models: list[FakeLanguageModel] = []
        self.broken: Exception | None = None

    def transcriber(self, *_: object) -> FakeTranscriber:
        self.transcribers.append(FakeTranscriber())
        return self.transcribers[-1]

    def language_model(self, *_: object) -> FakeLanguageModel:
        if self.broken is not None:
            raise self.broken
        self.language_models.append(FakeLanguageModel())
        return self.language_models[-1]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Models:
    made = Models()
    monkeypatch.setattr(loading, "load_transcriber", made.transcriber)
    monkeypatch.setattr(loading, "load_language_model", made.language_model)
    monkeypatch.setattr(loading, "load_voice_detector", lambda: None)
    return made


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(*(tmp_path / name for name in ("config", "data", "cache", "state", "runtime")))


def test_both_are_warm_before_they_are_used(models: Models, paths: Paths) -> None:
    loaded = load_models(DEMO, paths, Metrics(), WarmUp())
    assert loaded.warnings == ()
    assert models.transcribers[0].warmed_up
    assert models.transcribers[0].heard == []
    assert models.language_models[0].evaluated
    assert models.language_models[0].length() == 0
    loaded.pipeline.close()
    assert models.transcribers[0].closed
    assert models.language_models[0].closed


def test_a_model_that_is_loaded_again_is_not_measured_again(models: Models, paths: Paths) -> None:
    warm_up = WarmUp()
    for _ in range(2):
        load_models(DEMO, paths, Metrics(), warm_up).pipeline.close()
    assert all(transcriber.warmed_up for transcriber in models.transcribers)
    first, second = models.language_models
    assert len(first.evaluated) > 10
    assert len(second.evaluated) == 1


@pytest.mark.parametrize("error", [ModelError("It is damaged."), PermissionError("no")])
def test_without_a_language_model_rules_write_and_a_warning_says_so(
    models: Models, paths: Paths, error: Exception
) -> None:
    models.broken = error
    loaded = load_models(DEMO, paths, Metrics(), WarmUp())
    (warning,) = loaded.warnings
    assert str(error) in warning
    assert loaded.pipeline.preload_prompts("default", DEMO)
    assert loaded.pipeline.prompt_entries() == ()


def test_without_a_speech_model_nothing_is_loaded(models: Models, paths: Paths) -> None:
    with pytest.raises(ModelMissingError, match="No speech model is chosen"):
        load_models(Settings(), paths, Metrics(), WarmUp())
    assert models.language_models == []


class BrokenWarmUp(WarmUp):
    """Fails when the language model is loaded already."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def run(self, _model: object) -> Never:
        raise self._error


def test_a_language_model_that_cannot_be_warmed_up_does_not_stay_in_memory(
    models: Models, paths: Paths
) -> None:
    loaded = load_models(DEMO, paths, Metrics(), BrokenWarmUp(ModelError("It cannot be evaluated.")))
    assert "It cannot be evaluated." in loaded.warnings[0]
    assert models.language_models[0].closed
    assert not models.transcribers[0].closed
    loaded.pipeline.close()


def test_nothing_stays_in_memory_when_loading_is_broken_off(models: Models, paths: Paths) -> None:
    with pytest.raises(KeyboardInterrupt):
        load_models(DEMO, paths, Metrics(), BrokenWarmUp(KeyboardInterrupt()))
    assert models.language_models[0].closed
    assert models.transcribers[0].closed
