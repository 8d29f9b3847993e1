"""What must be there before a text can be written: models, prompts; and what waited for them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon import requests
from voiceflow_daemon.daemon.board import Board
from voiceflow_daemon.daemon.downloads import DownloadEnded, DownloadProgressed
from voiceflow_daemon.daemon.events import Asked, EventQueue, MicrophonesFound, OrphansFound, PromptsPurged
from voiceflow_daemon.daemon.idle import Idle
from voiceflow_daemon.daemon.orders import (
    Load,
    Loaded,
    LoadFailed,
    MakeHot,
    Prepare,
    Prepared,
    Preparing,
    Unload,
    Unloaded,
)
from voiceflow_daemon.daemon.parts import Parts
from voiceflow_daemon.errors import ModelMissingError, VoiceflowError
from voiceflow_daemon.storage.journal import Orphan

log = logging.getLogger(__name__)

NO_MODEL = ModelMissingError(
    "No speech model is chosen yet, so nothing is recorded.",
    "Choose Download models in the tray, or run `voiceflow models download`.",
)
"""What a press says as long as no model is configured."""


class Readiness:
    """Orders the worker to load and prepare, and keeps the board true. The coordinator's thread alone."""

    def __init__(self, parts: Parts, board: Board, incoming: EventQueue) -> None:
        self._parts = parts
        self._board = board
        self._incoming = incoming
        self._ordered: Settings | None = None
        self._prompts_ordered: Prepare | None = None
        self._unusable: dict[str, VoiceflowError] = {}
        self._disk_problems_told: set[str] = set()
        self._idle = Idle()
        self._at_rest = False
        """The models were freed, or the worker is told to."""

    def load(self, settings: Settings) -> None:
        """Load the models that the settings name, or tell the user that they name none."""
        board = self._board
        board.models_missing = not settings.speech.model
        board.load_failed = board.unloaded = self._at_rest = False
        board.preparing = self._prompts_ordered = None
        board.problems.pop("models", None)
        if board.models_missing:
            self._parts.notify("models", NO_MODEL.message, NO_MODEL.hint)
            self._find_orphans()
            return
        board.loading = True
        self._ordered = settings
        self._parts.worker.submit(Load(settings))

    def reload(self, settings: Settings, *, models_changed: bool, is_wish: bool = False) -> None:
        """Take new settings. Models at rest stay there, unless these settings let none rest.

        A load that failed is tried again. One without a language model is only where the user asked for
        the reload: each choice in the tray changes the config file.
        """
        if self._at_rest and settings.speech.model and settings.models.unload_after_min > 0:
            return
        is_incomplete = self._board.load_failed or (is_wish and "models" in self._board.problems)
        if self._at_rest or models_changed or is_incomplete:
            self.load(settings)
        else:
            self.prepare(settings)

    # ------------------------------------------------------------------------------------ rest
    def wake(self, settings: Settings) -> None:
        """A dictation begins: load what was freed, while the user speaks.

        Where models are loaded again and again, one load that failed is no reason to give up.
        """
        failed = self._board.load_failed and settings.models.unload_after_min > 0
        if self._at_rest or failed:
            self.load(settings)

    def rest(self, settings: Settings, *, busy: bool) -> None:
        """Free the models if no dictation has needed them for as long as the settings say."""
        now = time.monotonic()
        self._idle = self._idle.after(now, busy=busy or not self._is_ready)
        due = self.unload_due(settings)
        if due is not None and due <= now:
            log.info("no dictation for %g minutes: the models are freed", settings.models.unload_after_min)
            self._at_rest = True
            self._idle = Idle()
            self._parts.worker.submit(Unload())

    def unload_due(self, settings: Settings) -> float | None:
        """When `rest` would free the models, in `time.monotonic`, if nothing happened until then."""
        return self._idle.unload_due(settings.models.unload_after_min)

    @property
    def _is_ready(self) -> bool:
        """Whether there are models that could be freed, and all prompts have been prepared."""
        board = self._board
        missing = board.models_missing or board.loading or board.load_failed or self._at_rest
        return not missing and board.preparing is None

    def worker_event(
        self, event: Loaded | Unloaded | LoadFailed | Preparing | Prepared, settings: Settings
    ) -> None:
        """The worker is through with loading, freeing or preparing."""
        match event:
            case Loaded() | LoadFailed() if event.settings is not self._ordered:
                pass  # the settings have changed meanwhile, and the next load is on its way
            case Loaded(warnings=warnings):
                log.info("models loaded")
                self._board.loading = False
                for warning in warnings:
                    self._board.problems["models"] = warning
                    self._parts.notify("models", warning)
                self.prepare(settings)
                self._find_orphans()
            case Unloaded():
                # A key press may have come meanwhile, and the next load be on its way.
                self._board.unloaded = self._at_rest
            case LoadFailed(error=error):
                log.error("%s", error)
                self._board.loading = False
                self._board.load_failed = True
                self._board.problems["models"] = error.message
                self._parts.notify("models", error.message, error.hint)
                self._find_orphans()
            case Preparing(order, number, total):
                if order is self._prompts_ordered:
                    self._board.preparing = (number, total)
            case Prepared():
                self._prepared(event)

    def found(
        self,
        event: OrphansFound | MicrophonesFound | DownloadProgressed | DownloadEnded,
        settings: Settings,
        recover: Callable[[Orphan], None],
    ) -> None:
        """The outcome of something that took its time: microphones, orphans, the download of models."""
        match event:
            case MicrophonesFound(descriptions):
                self._board.microphones = descriptions
            case OrphansFound(orphans):
                self._orphans_found(orphans, settings, recover)
            case DownloadProgressed(line):
                self._board.downloading = line
            case DownloadEnded(None):
                self._board.downloading = ""
                self._board.download_failed = False
                when = "at the next dictation" if self._at_rest else "now"
                self._parts.notify("models", "The models are downloaded", f"They are loaded {when}.")
            case DownloadEnded(error):
                self._board.downloading = ""
                self._board.download_failed = True
                log.error("%s", error)
                self._parts.notify("models", "The download did not finish", str(error))

    # ---------------------------------------------------------------------------------- prompts
    def prepare(self, settings: Settings) -> None:
        """Make all contexts' prompts ready in the background, the active one first; once there are models."""
        if self._at_rest:
            return
        others = (name for name in self._board.contexts if name != settings.context)
        self._prompts_ordered = Prepare((settings.context, *others), settings)
        self._board.preparing = (1, len(self._prompts_ordered.contexts))
        self._parts.worker.submit(self._prompts_ordered)

    def make_hot(self, settings: Settings) -> None:
        """The active context has changed: have its prompt at hand, unless the models are at rest."""
        if self._at_rest:
            return
        self._idle = Idle()
        self._parts.worker.submit(MakeHot(settings.context, settings))

    def purge(self, asked: Asked | None) -> None:
        """Forget all prepared prompts, files included; `PromptsPurged` tells when that is done."""

        def purge() -> None:
            error: VoiceflowError | None = None
            try:
                self._parts.worker.invalidate_prompts(everything=True)
            except VoiceflowError as known:
                error = known
            except Exception:
                # The chore's outermost place: whoever asked still waits for an answer.
                log.exception("prompts could not be forgotten")
                error = VoiceflowError("The prompts could not be forgotten.", "See the log.")
            self._incoming.emit(PromptsPurged(asked, error))

        self._parts.chores.submit(purge)

    def purged(self, event: PromptsPurged, settings: Settings) -> None:
        """Prepare them again; what went wrong is told to who asked, or shown."""
        self.prepare(settings)
        error = event.error
        if error is not None:
            log.error("%s", error)
        if event.asked is not None:
            event.asked.reply.set_result(requests.done() if error is None else requests.refused(error))
        elif error is not None:
            self._parts.notify("invalidate", error.message, error.hint)

    def _prepared(self, event: Prepared) -> None:
        """All was tried: of one context, or of all, where no newer order has been given since."""
        match event.order:
            case MakeHot(context=context):
                still = {name: error for name, error in self._unusable.items() if name != context}
            case order:
                if order is not self._prompts_ordered:
                    return
                self._board.preparing = None
                still = {}
        self._tell_unusable(still | dict(event.failures))
        self._tell_disk_problem()

    def _tell_unusable(self, unusable: dict[str, VoiceflowError]) -> None:
        """Each failure is told once, not at each key press."""
        told = {name: error.message for name, error in self._unusable.items()}
        new = {name: error for name, error in unusable.items() if told.get(name) != error.message}
        self._unusable = unusable
        self._board.problems.pop("prompts", None)
        if unusable:
            self._board.problems["prompts"] = f"{_cannot_use(unusable)}: {_messages(unusable)}"
        for name, error in new.items():
            log.error("the prompt of the context %r cannot be used: %s", name, error)
        if new:
            hints = dict.fromkeys(str(error) for error in new.values())
            self._parts.notify("prompts", _cannot_use(new), "\n".join(hints))

    def _tell_disk_problem(self) -> None:
        """Prompts that are not on disk are evaluated again at the next start: worth one word, no alarm."""
        problem = self._parts.worker.prompt_problem()
        if problem and problem not in self._disk_problems_told:
            self._disk_problems_told.add(problem)
            log.warning("prompts are not kept on disk: %s", problem)
            sentence = f"{problem[0].upper()}{problem[1:]}."
            self._parts.notify("prompt disk", "Prepared prompts are not kept on disk", sentence)

    # ----------------------------------------------------------------------- microphones, orphans

    def find_microphones(self) -> None:
        """Ask the sound server; the answer comes as an event."""

        def find() -> None:
            self._incoming.emit(MicrophonesFound(self._parts.list_microphones()))

        self._parts.chores.submit(find)

    def _find_orphans(self) -> None:
        def find() -> None:
            self._incoming.emit(OrphansFound(tuple(self._parts.journal.orphans())))

        self._parts.chores.submit(find)

    def _orphans_found(
        self, orphans: tuple[Orphan, ...], settings: Settings, recover: Callable[[Orphan], None]
    ) -> None:
        """Have them transcribed, or keep them until there is a model that can."""
        can_hear = not self._board.models_missing and not self._board.load_failed
        self._board.waiting_recordings = 0 if can_hear else len(orphans)
        if orphans and can_hear:
            self.wake(settings)
        for orphan in orphans:
            try:
                if can_hear:
                    recover(orphan)
                    continue
            except OSError as error:
                log.error("a recording cannot be read: %s", error)
            orphan.release()
        if orphans and not can_hear:
            self._parts.notify(
                "recovered", f"{len(orphans)} recording(s) wait for a speech model", NO_MODEL.hint
            )


def _cannot_use(unusable: Mapping[str, VoiceflowError]) -> str:
    names = ", ".join(unusable)
    return f"The prompt{'s' if len(unusable) > 1 else ''} of {names} cannot be used"


def _messages(unusable: Mapping[str, VoiceflowError]) -> str:
    return " ".join(dict.fromkeys(error.message for error in unusable.values()))
