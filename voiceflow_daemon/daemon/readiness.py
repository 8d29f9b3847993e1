"""What must be there before a text can be written: models, prompts; and what waited for them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.board import Board
from voiceflow_daemon.daemon.downloads import DownloadEnded, DownloadProgressed
from voiceflow_daemon.daemon.events import EventQueue, MicrophonesFound, OrphansFound
from voiceflow_daemon.daemon.parts import Parts
from voiceflow_daemon.daemon.worker import Load, Loaded, LoadFailed, Prepare, Prepared
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

    def load(self, settings: Settings) -> None:
        """Load the models that the settings name, or tell the user that they name none."""
        board = self._board
        board.models_missing = not settings.speech.model
        board.load_failed = False
        board.problems.pop("models", None)
        if board.models_missing:
            self._parts.notify("models", NO_MODEL.message, NO_MODEL.hint)
            self._find_orphans()
            return
        board.loading = True
        self._ordered = settings
        self._parts.worker.submit(Load(settings))

    def worker_event(self, event: Loaded | LoadFailed | Prepared, settings: Settings) -> None:
        """The worker is through with loading or preparing."""
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
            case LoadFailed(error=error):
                log.error("%s", error)
                self._board.loading = False
                self._board.load_failed = True
                self._board.problems["models"] = error.message
                self._parts.notify("models", error.message, error.hint)
                self._find_orphans()
            case Prepared(None):
                self._board.preparing = False
                self._board.problems.pop("prompts", None)
            case Prepared(VoiceflowError() as error):
                log.error("%s", error)
                self._board.preparing = False
                self._board.problems["prompts"] = error.message
                self._parts.notify("prompts", error.message, error.hint)

    def found(
        self,
        event: OrphansFound | MicrophonesFound | DownloadProgressed | DownloadEnded,
        recover: Callable[[Orphan], None],
    ) -> None:
        """The outcome of something that took its time: microphones, orphans, the download of models."""
        match event:
            case MicrophonesFound(descriptions):
                self._board.microphones = descriptions
            case OrphansFound(orphans):
                self._orphans_found(orphans, recover)
            case DownloadProgressed(line):
                self._board.downloading = line
            case DownloadEnded(None):
                self._board.downloading = ""
                self._board.download_failed = False
                self._parts.notify("models", "The models are downloaded", "They are being loaded now.")
            case DownloadEnded(error):
                self._board.downloading = ""
                self._board.download_failed = True
                log.error("%s", error)
                self._parts.notify("models", "The download did not finish", str(error))

    def prepare(self, settings: Settings) -> None:
        """Make the active context's prompt ready in the background."""
        self._board.preparing = True
        self._parts.worker.submit(Prepare((settings.context,), settings))

    def find_microphones(self) -> None:
        """Ask the sound server; the answer comes as an event."""

        def find() -> None:
            self._incoming.emit(MicrophonesFound(self._parts.list_microphones()))

        self._parts.chores.submit(find)

    def _find_orphans(self) -> None:
        def find() -> None:
            self._incoming.emit(OrphansFound(tuple(self._parts.journal.orphans())))

        self._parts.chores.submit(find)

    def _orphans_found(self, orphans: tuple[Orphan, ...], recover: Callable[[Orphan], None]) -> None:
        """Have them transcribed, or keep them until there is a model that can."""
        can_hear = not self._board.models_missing and not self._board.load_failed
        self._board.waiting_recordings = 0 if can_hear else len(orphans)
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
