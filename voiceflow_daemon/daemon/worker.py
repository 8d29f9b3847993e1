"""The worker thread: owns the models and works on recordings in the order of speaking."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from voiceflow_daemon.audio.recorder import Recorded
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.pipeline import Dictated, Pipeline
from voiceflow_daemon.errors import VoiceflowError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """One recording to be worked on with the settings it began with."""

    recorded: Recorded
    context: str
    settings: Settings


@dataclass(frozen=True)
class Prepare:
    """Make a context's prompt hot."""

    context: str
    settings: Settings


@dataclass(frozen=True)
class Ready:
    """The models are loaded."""


@dataclass(frozen=True)
class LoadFailed:
    """The models could not be loaded."""

    error: VoiceflowError


@dataclass(frozen=True)
class Done:
    """A recording was worked on; `dictated` is None when that failed with `error`."""

    job: Job
    dictated: Dictated | None
    error: VoiceflowError | None = None


class Worker:
    """Loads the pipeline in the background, then works on jobs; results go to `emit`."""

    def __init__(
        self, load: Callable[[], Pipeline], emit: Callable[[Ready | LoadFailed | Done], None]
    ) -> None:
        self._load = load
        self._emit = emit
        self._queue: queue.SimpleQueue[Job | Prepare | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="worker")

    def start(self) -> None:
        """Start the thread; it emits `Ready` or `LoadFailed`."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the present job and end."""
        self._queue.put(None)
        self._thread.join()

    def submit(self, job: Job | Prepare) -> None:
        """Queue a job; never blocks, never drops."""
        self._queue.put(job)

    def _run(self) -> None:
        try:
            pipeline = self._load()
        except VoiceflowError as error:
            self._emit(LoadFailed(error))
            return
        self._emit(Ready())
        while (job := self._queue.get()) is not None:
            try:
                self._work(pipeline, job)
            except Exception:
                log.exception("the worker failed on a job")
        pipeline.close()

    def _work(self, pipeline: Pipeline, job: Job | Prepare) -> None:
        if isinstance(job, Prepare):
            pipeline.preload_prompts(job.context, job.settings)
            return
        try:
            dictated = pipeline.process(job.recorded.samples, job.context, job.settings)
        except VoiceflowError as error:
            self._emit(Done(job, None, error))
            return
        self._emit(Done(job, dictated))
