"""The worker thread: owns the models and works on recordings in the order of speaking."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.loading import LoadedModels
from voiceflow_daemon.daemon.pipeline import Dictated, Pipeline
from voiceflow_daemon.errors import ModelError, VoiceflowError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Load:
    """Load the models that `settings` name; the present ones are freed first."""

    settings: Settings


@dataclass(frozen=True)
class Prepare:
    """Make the contexts' prompts ready, the first one hot."""

    contexts: tuple[str, ...]
    settings: Settings


@dataclass(frozen=True)
class Job:
    """One recording (mono int16 at 16 kHz) to be worked on with the settings it began with."""

    job_id: int
    samples: NDArray[np.int16]
    context: str
    settings: Settings


@dataclass(frozen=True)
class Loaded:
    """The models that `settings` name are loaded and warm; `warnings` are for the user."""

    settings: Settings
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class LoadFailed:
    """The models could not be loaded; jobs come back with an error until the next `Load`."""

    settings: Settings
    error: VoiceflowError


@dataclass(frozen=True)
class Done:
    """A job's end; `dictated` is None when it failed with `error`."""

    job: Job
    dictated: Dictated | None
    error: VoiceflowError | None = None


@dataclass(frozen=True)
class Prepared:
    """The prompts are ready; or `error` says which one cannot be used, and rules write its texts."""

    error: VoiceflowError | None = None


WorkerEvent = Loaded | LoadFailed | Done | Prepared


class Worker:
    """Loads the pipeline in the background, then works on jobs; results go to `emit`."""

    def __init__(self, load: Callable[[Settings], LoadedModels], emit: Callable[[WorkerEvent], None]) -> None:
        self._load = load
        self._emit = emit
        self._queue: queue.SimpleQueue[Load | Prepare | Job | None] = queue.SimpleQueue()
        self._pipeline: Pipeline | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="worker")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Abort the present job (its recording stays in the journal) and end."""
        self._stopping.set()
        pipeline = self._pipeline
        if pipeline is not None:
            pipeline.abort()
        self._queue.put(None)
        self._thread.join()

    def submit(self, message: Load | Prepare | Job) -> None:
        """Queue it; never blocks, never drops."""
        self._queue.put(message)

    def invalidate_prompts(self, *, everything: bool = False) -> None:
        """Forget the templates; with `everything`, what was tokenized and evaluated as well.

        Any thread may call it, also while the worker decodes.
        """
        pipeline = self._pipeline
        if pipeline is not None:
            pipeline.invalidate_prompt_cache(everything=everything)

    def _run(self) -> None:
        while (message := self._queue.get()) is not None and not self._stopping.is_set():
            try:
                self._work(message)
            except Exception as error:
                log.exception("the worker failed on %s", type(message).__name__)
                failure = ModelError(f"Working on it failed ({type(error).__name__}).", "See the log.")
                self._fail(message, failure)
        self._unload()

    def _work(self, message: Load | Prepare | Job) -> None:
        try:
            match message:
                case Load(settings):
                    self._unload()
                    loaded = self._load(settings)
                    self._pipeline = loaded.pipeline
                    self._emit(Loaded(settings, loaded.warnings))
                case Prepare(contexts, settings):
                    self._prepare(contexts, settings)
                case Job():
                    self._emit(Done(message, self._process(message)))
        except VoiceflowError as error:
            self._fail(message, error)

    def _prepare(self, contexts: tuple[str, ...], settings: Settings) -> None:
        if self._pipeline is not None:
            for context in contexts:
                self._pipeline.preload_prompts(context, settings)
        self._emit(Prepared())

    def _process(self, job: Job) -> Dictated:
        if self._pipeline is None:
            raise ModelError("No models are loaded.", "See `voiceflow doctor`.")
        return self._pipeline.process(job.samples, job.context, job.settings)

    def _fail(self, message: Load | Prepare | Job, error: VoiceflowError) -> None:
        if self._stopping.is_set():
            return
        match message:
            case Load(settings):
                self._emit(LoadFailed(settings, error))
            case Job():
                self._emit(Done(message, None, error))
            case Prepare():
                self._emit(Prepared(error))

    def _unload(self) -> None:
        pipeline, self._pipeline = self._pipeline, None
        if pipeline is not None:
            pipeline.close()
