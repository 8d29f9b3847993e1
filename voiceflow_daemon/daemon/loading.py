"""Loads the models that the settings name."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from voiceflow_daemon.audio.voice import load_voice_detector
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.formatting import Formatter
from voiceflow_daemon.daemon.pipeline import Pipeline
from voiceflow_daemon.errors import ModelMissingError, VoiceflowError
from voiceflow_daemon.llm.engine import LlmEngine
from voiceflow_daemon.llm.prompt_cache import PromptCache
from voiceflow_daemon.llm.prompts import ContextPrompts
from voiceflow_daemon.llm.select import load_language_model
from voiceflow_daemon.llm.warm_up import WarmUp
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.speech.select import load_transcriber
from voiceflow_daemon.speech.transcriber import Transcriber
from voiceflow_daemon.storage.models import ModelKind, resolve
from voiceflow_daemon.storage.paths import Paths, assets_dir
from voiceflow_daemon.storage.prefixes import PrefixStore

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedModels:
    """A pipeline that is ready, and what the user should know about it."""

    pipeline: Pipeline
    warnings: tuple[str, ...]


def load_models(settings: Settings, paths: Paths, metrics: Metrics, warm_up: WarmUp) -> LoadedModels:
    """Load and warm up both models. Without a language model, rules format and a warning says so.

    With the `warm_up` of an earlier load, a model that it knows is not measured again. Raises
    `ModelMissingError` or `ModelError` when there is no speech model to hear with.
    """
    transcriber = _load_transcriber(settings, paths)
    warnings: tuple[str, ...] = ()
    with _closed_on_error(transcriber):
        try:
            formatter = load_formatter(settings, paths, metrics, warm_up=warm_up)
        except (VoiceflowError, OSError) as error:
            log.error("no language model: %s", error)
            warnings = (f"Texts are formatted by rules only: {error}",)
            formatter = Formatter(None, None, metrics)
    return LoadedModels(Pipeline(transcriber, formatter, metrics), warnings)


def load_formatter(
    settings: Settings,
    paths: Paths,
    metrics: Metrics,
    prefixes_dir: Path | None = None,
    warm_up: WarmUp | None = None,
) -> Formatter:
    """Load the language model; a formatter by rules where the settings name none.

    Evaluated prompts are kept in `prefixes_dir`, by default the user's, which the daemon uses too.
    Raises `ModelMissingError` or `ModelError`.
    """
    if not settings.llm.model:
        return Formatter(None, None, metrics)
    path = resolve(ModelKind.LANGUAGE, settings.llm.model, paths.models_dir, assets_dir())
    model = load_language_model(path, settings.llm, paths.cache_dir)
    with _closed_on_error(model):
        prompts = ContextPrompts(model.render_chat, assets_dir() / "prompts", paths.config_dir)
        cache = PromptCache(prompts.template, metrics)
        limit_bytes = settings.prompt_cache.disk_mb << 20
        store = PrefixStore(prefixes_dir or paths.prefixes_dir, limit_bytes, metrics)
        speed, costs = (warm_up or WarmUp()).run(model)
        return Formatter(LlmEngine(model, metrics, store, speed, costs), cache, metrics)


@contextmanager
def open_pipeline(
    settings: Settings, paths: Paths, *, formats: bool = True, prefixes_dir: Path | None = None
) -> Iterator[Pipeline]:
    """A pipeline for one command; with `formats` false no language model is loaded."""
    metrics = Metrics()
    transcriber = _load_transcriber(settings, paths)
    with _closed_on_error(transcriber):
        formatter = Formatter(None, None, metrics)
        if formats:
            formatter = load_formatter(settings, paths, metrics, prefixes_dir)
    with closing(Pipeline(transcriber, formatter, metrics)) as pipeline:
        yield pipeline


@contextmanager
def open_formatter(settings: Settings, paths: Paths) -> Iterator[Formatter]:
    """A formatter for one command."""
    with closing(load_formatter(settings, paths, Metrics())) as formatter:
        yield formatter


def _load_transcriber(settings: Settings, paths: Paths) -> Transcriber:
    if not settings.speech.model:
        raise ModelMissingError(
            "No speech model is chosen.",
            "Run `voiceflow models download`, or set speech.model in the config.",
        )
    path = resolve(ModelKind.SPEECH, settings.speech.model, paths.models_dir, assets_dir())
    transcriber = load_transcriber(path, settings.speech, load_voice_detector())
    with _closed_on_error(transcriber):
        transcriber.warm_up()
    return transcriber


class _Closes(Protocol):
    def close(self) -> None: ...


@contextmanager
def _closed_on_error(part: _Closes) -> Iterator[None]:
    """A model that nobody will own keeps its memory for as long as the process lives, unless closed."""
    try:
        yield
    except BaseException:
        part.close()
        raise
