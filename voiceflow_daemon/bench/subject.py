"""What is measured: models, their settings, and the prompts of their contexts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.llm.backend import LanguageModel
from voiceflow_daemon.llm.prompts import BUILT_IN, ContextPrompts, split_prompt
from voiceflow_daemon.llm.select import load_language_model
from voiceflow_daemon.storage.models import ModelKind, resolve
from voiceflow_daemon.storage.paths import Paths, assets_dir

DEADLINE_S = 120.0
"""Nothing may be cut short, nor a longer dictation into parts: every side gets the same tokens."""


@dataclass(frozen=True)
class Subject:
    """A model file with the settings that the daemon would load it with.

    `prompts_dir` has the built-in contexts' prompts, `cache_dir` the verdicts on llama.cpp's kernels.
    """

    name: str
    model: Path
    settings: Settings
    prompts_dir: Path
    config_dir: Path
    cache_dir: Path

    def load(self) -> LanguageModel:
        """The model, as the daemon loads it; raises `ModelError`."""
        return load_language_model(self.model, self.settings.llm, self.cache_dir)

    def prompts(self, model: LanguageModel) -> ContextPrompts:
        """The contexts' prompts in the model's chat template."""
        return ContextPrompts(model.render_chat, self.prompts_dir, self.config_dir)


@dataclass(frozen=True)
class DictationSubject:
    """Both models by their settings. Stand-ins are the demo models, widened or not."""

    name: str
    settings: Settings
    paths: Paths
    is_stand_in: bool

    @property
    def speech_path(self) -> Path:
        """The recogniser's folder; raises `ModelMissingError`."""
        return resolve(ModelKind.SPEECH, self.settings.speech.model, self.paths.models_dir, assets_dir())

    @property
    def llm_path(self) -> Path:
        """The language model's file; raises `ModelMissingError`."""
        return resolve(ModelKind.LANGUAGE, self.settings.llm.model, self.paths.models_dir, assets_dir())


def patient(settings: Settings) -> Settings:
    """The same settings without a deadline that could cut a measurement short."""
    return settings.model_copy(update={"llm": settings.llm.model_copy(update={"deadline_s": DEADLINE_S})})


def shorten_prompts(subject: Subject, model: LanguageModel, folder: Path, most_tokens: int) -> None:
    """Write the prompts into `folder` without the last words that make a prefix longer than that."""
    prompts = subject.prompts(model)
    for context in BUILT_IN:
        words = re.findall(r"\s*\S+", prompts.system_prompt(context, subject.settings))
        while len(words) > 1 and _prefix_tokens(model, "".join(words)) > most_tokens:
            words.pop()
        (folder / f"{context}.txt").write_text("".join(words), encoding="utf-8")


def _prefix_tokens(model: LanguageModel, system: str) -> int:
    prefix, _ = split_prompt(model.render_chat, system)
    return len(model.tokenize(prefix, special=True))
