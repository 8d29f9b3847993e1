"""The worker thread: owns the models, works on recordings in the order of speaking, then on prompts."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.heap import give_back
from voiceflow_daemon.daemon.live import LiveDictation, NotWantedError
from voiceflow_daemon.daemon.loading import LoadedModels
from voiceflow_daemon.daemon.orders import (
    Done,
    Fixed,
    Forget,
    Guess,
    Hear,
    Job,
    Load,
    Loaded,
    LoadFailed,
    Order,
    Prepare,
    Prepared,
    Preparing,
    Unload,
    Unloaded,
    WorkerEvent,
)
from voiceflow_daemon.daemon.pipeline import Pipeline
from voiceflow_daemon.daemon.preloading import Step
from voiceflow_daemon.daemon.work_queue import Work, WorkQueue, Write, is_borne_out
from voiceflow_daemon.errors import ModelError, VoiceflowError
from voiceflow_daemon.llm.kv_cache import PromptEntry

log = logging.getLogger(__name__)

ABORT_AGAIN_S = 0.05
"""At the end: the work may have gone from one stage to the next just when it was aborted."""


class Worker:
    """Loads the pipeline in the background, then works on jobs; results go to `emit`."""

    def __init__(
        self,
        load: Callable[[Settings], LoadedModels],
        emit: Callable[[WorkerEvent], None],
        delete_prompts: Callable[[], None] = lambda: None,
    ) -> None:
        """`delete_prompts` removes the files of evaluated prompts, where no model is loaded that has them."""
        self._load = load
        self._emit = emit
        self._delete_prompts = delete_prompts
        self._queue = WorkQueue(self._abort, self._leave_room)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._pipeline: Pipeline | None = None
        self._freed: Pipeline | None = None
        """The one whose models were freed for want of dictations: it knows which prompts are on disk."""
        self._purge_due = False
        self._spoken: dict[int, LiveDictation] = {}
        """Dictations that are being spoken; the thread's own."""
        self._guessed: tuple[Guess, Dictated] | None = None
        self._heard_at = 0.0
        """When what was transcribed last ahead of a release was there."""
        self._thread = threading.Thread(target=self._run, name="worker")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Abort the present job (its recording stays in the journal) and end."""
        self._stopping.set()
        self._queue.close()
        while self._thread.is_alive():
            self._abort()
            self._thread.join(ABORT_AGAIN_S)

    def submit(self, order: Order) -> None:
        """Queue it; never waits for the worker, never drops a recording."""
        self._queue.put(order)

    def invalidate_prompts(self, *, everything: bool = False) -> None:
        """Forget the templates; with `everything`, tokens and evaluated prompts in all tiers as well.

        Any thread may call it, also while the worker decodes; the files are gone when it returns (while
        models are being loaded: before they are used). A dictation that begins after it has returned
        uses nothing that was there before. Raises `PrefixFilesError` when files are left on disk; all
        else is forgotten even then.
        """
        try:
            if everything:
                self._delete_prompts()
        finally:
            self._forget_prompts(everything=everything)

    def _forget_prompts(self, *, everything: bool) -> None:
        told: Pipeline | None = None
        while not self._is_told(told, everything=everything):
            told = self._pipeline
            if told is not None:
                told.invalidate_prompt_cache(everything=everything)
        if everything:
            self._queue.interrupt_step()

    def _is_told(self, told: Pipeline | None, *, everything: bool) -> bool:
        """Whether `told` is the pipeline in use; the one that is being loaded is told when it is there."""
        with self._lock:
            if self._pipeline is None:
                self._purge_due |= everything
                return True
            return self._pipeline is told

    def prompt_entries(self) -> tuple[PromptEntry, ...]:
        """Where each context's evaluated prompt is now. Any thread; does not wait for the worker."""
        pipeline = self._pipeline or self._freed
        return pipeline.prompt_entries() if pipeline is not None else ()

    def prompt_problem(self) -> str:
        """Why evaluated prompts are not kept on disk; empty when they are. Any thread."""
        pipeline = self._pipeline or self._freed
        return pipeline.prompt_problem() if pipeline is not None else ""

    def _abort(self) -> None:
        pipeline = self._pipeline
        if pipeline is not None:
            pipeline.abort()

    def _leave_room(self, room: bool) -> None:
        pipeline = self._pipeline
        if pipeline is not None:
            pipeline.leave_room(room)

    # ------------------------------------------------------------------------------- the thread
    def _run(self) -> None:
        while (work := self._queue.take()) is not None:
            try:
                self._work(work)
            except Exception as error:
                log.exception("the worker failed on %s", type(work).__name__)
                self._fail(
                    work, ModelError(f"Working on it failed ({type(error).__name__}).", "See the log.")
                )
        self._unload()

    def _work(self, work: Work) -> None:
        try:
            match work:
                case Load(settings):
                    self._reload(settings)
                case Unload():
                    self._free()
                case Job(job_id) if job_id < 0:
                    self._recover(work)
                case Job():
                    dictated = self._process(work, self._goes_on)
                    if self._goes_on():
                        self._emit(Done(work, dictated))
                case Forget(job_id):
                    self._forget(job_id)
                case Hear() | Guess() | Write():
                    self._work_ahead(work)
                case Step():
                    self._prepare(work)
        except NotWantedError:
            log.info("a dictation was left off; its recording is kept")
        except VoiceflowError as error:
            self._fail(work, error)

    def _reload(self, settings: Settings) -> None:
        self._unload()
        self._freed = None
        loaded = self._load(settings)
        with self._lock:
            self._pipeline = loaded.pipeline
            purge_due, self._purge_due = self._purge_due, False
        if purge_due:
            loaded.pipeline.invalidate_prompt_cache(everything=True)
        self._emit(Loaded(settings, loaded.warnings))

    def _free(self) -> None:
        self._freed = self._pipeline
        self._unload()
        give_back()
        self._emit(Unloaded())

    def _recover(self, job: Job) -> None:
        """One that an earlier daemon left gives way to whoever speaks, and is begun anew afterwards."""
        again = False
        try:
            dictated = self._process(job, self._queue.is_wanted)
            again = not self._queue.is_wanted()
            if not again:
                self._emit(Done(job, dictated))
        except NotWantedError:
            again = True
        finally:
            self._queue.end()
            if again:
                self._queue.put_back(job)

    def _process(self, job: Job, wanted: Callable[[], bool]) -> Dictated:
        if self._pipeline is None:
            raise ModelError("No models are loaded.", "See `voiceflow doctor`.")
        live = self._spoken.pop(job.job_id, None) or self._pipeline.begin(job.context, job.settings)
        waited_ms = max(0.0, self._heard_at - job.ordered_at) * 1e3
        guessed = self._guessed_for(job.job_id)
        if guessed is not None and is_borne_out(guessed[0], job):
            return self._pipeline.after_waiting(self._pipeline.accept(guessed[1]), 0.0)
        gap_s = job.gaps.before_s(live.heard_until)
        dictated = self._pipeline.finish(live, job.samples, gap_s, wanted)
        return dictated if job.job_id < 0 else self._pipeline.after_waiting(dictated, waited_ms)

    def _forget(self, job_id: int) -> None:
        self._guessed_for(job_id)
        if self._spoken.pop(job_id, None) is not None and self._pipeline is not None:
            self._pipeline.forget_dictation()

    def _guessed_for(self, job_id: int) -> tuple[Guess, Dictated] | None:
        """What was made of that recording before its end, which then is forgotten."""
        if self._guessed is None or self._guessed[0].job_id != job_id:
            return None
        guessed, self._guessed = self._guessed, None
        return guessed

    # ------------------------------------------------------------------ while somebody speaks
    def _work_ahead(self, work: Hear | Guess | Write) -> None:
        """What is done before the release is done in vain at worst: it never fails a dictation."""
        try:
            match work:
                case Hear(job_id, segment):
                    live = self._live(work)
                    if live is not None:
                        live.hear(segment, self._queue.is_wanted)
                        self._offer(job_id, live)
                case Write(job_id):
                    live = self._spoken.get(job_id)
                    if live is not None:
                        live.write_next(self._queue.is_wanted)
                        self._offer(job_id, live)
                case Guess(samples=samples, gaps=gaps):
                    live = self._live(work)
                    if live is not None:
                        gap_s = gaps.before_s(live.heard_until)
                        self._guessed = (work, live.finish(samples, gap_s, self._queue.is_wanted))
                        if not self._queue.is_wanted():
                            self._guessed = None
        except NotWantedError:
            pass
        finally:
            if not isinstance(work, Write):
                self._heard_at = time.monotonic()
            self._queue.end()

    def _live(self, work: Hear | Guess) -> LiveDictation | None:
        if self._pipeline is None:
            return None
        if work.job_id not in self._spoken:
            self._spoken[work.job_id] = self._pipeline.begin(work.context, work.settings)
        return self._spoken[work.job_id]

    def _offer(self, job_id: int, live: LiveDictation) -> None:
        if live.has_pending:
            self._queue.write(job_id)
        if live.fixed:
            self._emit(Fixed(job_id, live.fixed))

    def _goes_on(self) -> bool:
        return not self._stopping.is_set()

    def _prepare(self, step: Step) -> None:
        if isinstance(step.order, Prepare):
            self._emit(Preparing(step.order, *step.progress))
        ready = self._pipeline is None or self._pipeline.preload_prompts(
            step.context, step.settings, self._queue.is_wanted
        )
        self._end_step(ready=ready)

    def _end_step(self, *, ready: bool, error: VoiceflowError | None = None) -> None:
        finished = self._queue.end_step(ready=ready, error=error)
        if finished is not None:
            self._emit(Prepared(finished.order, finished.failures))

    def _fail(self, work: Work, error: VoiceflowError) -> None:
        match work:
            case Load(settings):
                self._emit(LoadFailed(settings, error))
            case Unload():
                self._emit(Unloaded())
            case Job():
                self._emit(Done(work, None, error))
            case Step():
                self._end_step(ready=False, error=error)
            case _:
                log.warning("nothing was done ahead of the release: %s", error)

    def _unload(self) -> None:
        with self._lock:
            pipeline, self._pipeline = self._pipeline, None
        for job_id in self._spoken:
            self._emit(Fixed(job_id, ""))
        self._spoken.clear()
        self._guessed = None
        if pipeline is not None:
            pipeline.close()
