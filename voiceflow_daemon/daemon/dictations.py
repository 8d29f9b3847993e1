"""Every dictation between its key press and its end. Used by the coordinator's thread alone."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from voiceflow_daemon.audio.capture_events import (
    CaptureFailed,
    Recorded,
    Releasing,
    SegmentClosed,
    SpoolFailed,
)
from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.beginning import Beginning
from voiceflow_daemon.daemon.board import ON_REQUEST, Board, LastText
from voiceflow_daemon.daemon.deliverer import Delivered, is_at_cursor
from voiceflow_daemon.daemon.dictation import Dictation
from voiceflow_daemon.daemon.open_dictation import Found, Kept, OpenDictation
from voiceflow_daemon.daemon.orders import Done, Fixed, Forget, Guess, Hear, Job, MakeHot
from voiceflow_daemon.daemon.parts import Parts
from voiceflow_daemon.daemon.unheard import InMemory, in_memory
from voiceflow_daemon.desktop.inserter import Outcome
from voiceflow_daemon.desktop.window import focused
from voiceflow_daemon.errors import VoiceflowError

log = logging.getLogger(__name__)

UNDELIVERED = "It was never delivered."
IN_MEMORY = "The disk does not keep it either: if no model can hear it before voiceflow ends, it is lost."
BEGUN = "Its beginning may stand where you dictated it; this is the whole text."


class Dictations:
    """Carries recordings through worker and delivery. Methods return True where a dictation ended."""

    def __init__(self, parts: Parts, board: Board, context_of: Callable[[], Settings]) -> None:
        self._parts = parts
        self._board = board
        self._settings = context_of
        self._open: dict[int, OpenDictation] = {}
        self._dropped: set[int] = set()
        """Recordings that nobody wants, whatever the capture thread had sent of them by then."""
        self._unheard: list[InMemory] = []
        self._recovered_ids = itertools.count(-1, -1)

    @property
    def have_work(self) -> bool:
        """Whether one is being spoken, worked on or delivered; one that is offered needs nothing more."""
        return any(entry.orphan is None or entry.dictated is None for entry in self._open.values())

    # ------------------------------------------------------------------------------- recording
    def begin(self, recording_id: int) -> None:
        """The key went down: start the capture, sample the window, make the prompt hot."""
        settings, parts, beginning = self._settings(), self._parts, Beginning()
        dictation = Dictation(recording_id, settings.context, settings, None)
        self._open[recording_id] = OpenDictation(dictation, beginning=beginning)
        parts.recorder.begin(
            recording_id,
            settings.audio,
            lambda: beginning.record(parts.journal, settings.context, SAMPLE_RATE_HZ),
            settings.speech,
        )
        dictation.target = focused(parts.active_window)
        parts.worker.submit(MakeHot(settings.context, settings, recording_id))

    def finish(self, recording_id: int, released_at: float) -> None:
        """The key went up at `released_at`; the grace is over."""
        self._parts.recorder.finish(recording_id)
        self._open[recording_id].dictation.released(released_at)
        self._deliver_ahead()

    def drop(self, recording_id: int) -> None:
        """The user cancelled, or the press did not count."""
        self._parts.recorder.drop(recording_id)
        self._parts.worker.submit(Forget(recording_id))
        self._open.pop(recording_id, None)
        self._dropped.add(recording_id)

    def ahead(self, news: SegmentClosed | Releasing) -> None:
        """The recording goes on, but something can be done already."""
        entry = self._open.get(news.recording_id)
        if entry is None:
            return
        context, settings = entry.dictation.context, entry.dictation.settings
        match news:
            case SegmentClosed():
                entry.gaps = entry.gaps.and_then(news)
                self._parts.worker.submit(Hear(news.recording_id, news, context, settings))
            case Releasing(recording_id, samples, gap_ms):
                gaps = replace(entry.gaps, last_ms=gap_ms)
                self._parts.worker.submit(Guess(recording_id, samples, context, settings, gaps))

    def recorded(self, recorded: Recorded) -> None:
        """The capture thread handed the recording over."""
        entry = self._open.get(recorded.recording_id)
        if entry is None:
            self._unexpected(recorded)
            return
        entry.spool = recorded.spool
        entry.duration_s = len(recorded.samples) / SAMPLE_RATE_HZ
        dictation = entry.dictation
        dictation.reached("tail")
        self._parts.worker.submit(
            Job(
                recorded.recording_id,
                recorded.samples,
                dictation.context,
                dictation.settings,
                recorded.spoken_until,
                replace(entry.gaps, last_ms=recorded.gap_ms),
            )
        )
        entry.peak = recorded.peak

    def _unexpected(self, recorded: Recorded) -> None:
        """Only what was dropped is deleted; anything else is kept, and offered at the next start."""
        if recorded.recording_id in self._dropped:
            _discard(recorded.spool)
        elif recorded.spool is not None:
            log.error("nobody waits for recording %d, which is kept", recorded.recording_id)
            self._leave(recorded.spool)

    def spool_failed(self, failed: SpoolFailed) -> None:
        """The recording goes on in memory alone."""
        entry = self._open.get(failed.recording_id)
        if entry is not None:
            entry.is_on_disk = False
        self._parts.notify("journal", "The recording cannot be kept on disk", str(failed.error))

    def capture_failed(self, failed: CaptureFailed) -> None:
        """The microphone failed; what was recorded until then is worked on all the same."""
        self._parts.notify("microphone", failed.error.message, failed.error.hint)
        if failed.recorded is None:
            self._parts.worker.submit(Forget(failed.recording_id))
            self._open.pop(failed.recording_id, None)
            return
        entry = self._open.get(failed.recording_id)
        if entry is not None and not entry.dictation.released_at:
            entry.dictation.released(entry.dictation.clock())
        self.recorded(failed.recorded)

    # ---------------------------------------------------------------------------------- results
    def done(self, done: Done) -> bool:
        """The worker is through with a recording."""
        entry = self._open.get(done.job.job_id)
        if entry is None:
            return True
        if done.dictated is None:
            return self._failed(done.job, entry, done.error)
        if not done.dictated.text:
            return self._nothing_to_write(done.job.job_id, entry, spoken=bool(done.dictated.raw))
        entry.dictated = done.dictated
        entry.dictation.reached("queue", done.dictated.stages_ms)
        if entry.dictation.settings.log.show_text:
            log.info("heard %r, wrote %r", done.dictated.raw, done.dictated.text)
        if entry.orphan is not None:
            return self._offer(done.job.job_id, entry, entry.orphan)
        self._parts.deliverer.submit(entry.order(done.dictated.text, is_last=True))
        return False

    def delivered(self, delivered: Delivered) -> bool:
        """A text stands at the cursor, or on the clipboard, or nowhere."""
        if delivered.order.order_id <= ON_REQUEST:
            self._handed_out(delivered)
            return False
        if not delivered.order.is_last:
            self._began(delivered)
            return False
        entry = self._close(delivered.order.order_id)
        entry.dictation.reached("delivery")
        self._remember(entry, delivered)
        self._tell_about(delivered)
        stored = delivered.delivery is not None or self._store(entry, delivered)
        if stored:
            _discard(entry.spool)
        else:
            self._leave(entry.spool)
        if delivered.delivery is not None and entry.dictation.settings.history.enabled:
            self._parts.chores.submit(self._store, entry, delivered)
        return True

    # ---------------------------------------------------------------------- sentence by sentence
    def fixed(self, news: Fixed) -> None:
        """Something of a text is certain while the rest is still spoken, heard or written."""
        entry = self._open.get(news.job_id)
        if entry is not None:
            entry.beginning.fixed = news.text
            self._deliver_ahead()

    def _deliver_ahead(self) -> None:
        """Of the dictation that was spoken first: the others wait for their turn."""
        first = next((entry for number, entry in self._open.items() if number > 0), None)
        if first is not None and first.dictated is None:
            text = first.beginning.take(first.dictation)
            if text:
                self._parts.deliverer.submit(first.order(text, is_last=False))

    def _began(self, delivered: Delivered) -> None:
        """The beginning of a text was delivered, or not: that is told with the rest."""
        entry = self._open.get(delivered.order.order_id)
        if entry is not None and is_at_cursor(delivered.delivery) and not entry.beginning.stands:
            entry.beginning.stands = True
            self._parts.metrics.observe_ms("release_to_beginning_ms", entry.dictation.since_release_ms)

    def _close(self, number: int) -> OpenDictation:
        """A dictation has ended, and it is the next one's turn."""
        entry = self._open.pop(number)
        self._deliver_ahead()
        return entry

    def _remember(self, entry: OpenDictation, delivered: Delivered) -> None:
        dictation = entry.dictation
        assert entry.dictated is not None
        self._board.last.appendleft(LastText(entry.dictated.raw, delivered.order.text, dictation.context))
        if is_at_cursor(delivered.delivery):
            self._board.release_to_text_ms = dictation.release_to_text_ms
            self._board.stages_ms = dict(dictation.stages_ms)
            self._parts.metrics.observe_ms("release_to_text_ms", dictation.release_to_text_ms)
        shares = ", ".join(f"{name} {ms:.0f}" for name, ms in dictation.stages_ms.items())
        outcome = delivered.delivery.outcome if delivered.delivery is not None else "failed"
        log.info("%s after %.0f ms (%s)", outcome, dictation.release_to_text_ms, shares)

    def _tell_about(self, delivered: Delivered) -> None:
        if delivered.delivery is None:
            reason = str(delivered.error) if delivered.error is not None else ""
            self._parts.notify("delivery", "The text could not be delivered", reason)
        elif delivered.delivery.outcome is Outcome.KEPT:
            what = "The rest of your text" if delivered.delivery.inserted else "Your text"
            reason = delivered.delivery.reason
            self._parts.notify("delivery", f"{what} is on the clipboard", f"It was not pasted: {reason}.")

    def _failed(self, job: Job, entry: OpenDictation, error: VoiceflowError | None) -> bool:
        """The recording stays where it is and is offered once a model can hear it."""
        log.error("a recording could not be transcribed: %s", error)
        if entry.is_on_disk and entry.spool is not None:
            self._parts.notify("models", "Your recording is kept, but could not be written yet", str(error))
            self._leave(entry.spool)
        else:
            self._parts.notify("models", "Your recording could not be written yet", f"{error} {IN_MEMORY}")
            self._unheard.append(in_memory(entry, job))
            self._board.waiting_in_memory = len(self._unheard)
        self._close(job.job_id)
        return True

    def _leave(self, recording: Kept | None) -> None:
        """To the journal: it is found when models are loaded, or at the next start."""
        if recording is not None:
            recording.release()
            self._board.waiting_recordings += 1

    def _nothing_to_write(self, job_id: int, entry: OpenDictation, *, spoken: bool) -> bool:
        _discard(entry.spool)
        self._close(job_id)
        if spoken:
            self._parts.notify("heard", "Nothing is left to write", "You took back all that you said.")
        elif entry.orphan is None:
            self._parts.notify("heard", "Nothing was heard", _why_nothing(entry))
        return True

    # --------------------------------------------------------------------------------- recovery
    def models_loaded(self) -> None:
        """Have heard what waits in memory for it."""
        unheard, self._unheard = self._unheard, []
        self._board.waiting_in_memory = 0
        for recording in unheard:
            self.recover(recording)

    def recover(self, orphan: Found) -> None:
        """Transcribe a recording that was left unheard; its text is offered, never pasted."""
        job_id = next(self._recovered_ids)
        settings = self._settings()
        dictation = Dictation(job_id, orphan.header.context, settings, None)
        samples = orphan.read()
        entry = OpenDictation(
            dictation,
            spool=orphan,
            is_on_disk=not isinstance(orphan, InMemory),
            orphan=orphan,
            duration_s=len(samples) / SAMPLE_RATE_HZ,
        )
        self._open[job_id] = entry
        self._parts.worker.submit(Job(job_id, samples, orphan.header.context, settings))

    def _offer(self, job_id: int, entry: OpenDictation, orphan: Found) -> bool:
        assert entry.dictated is not None
        self._board.last.appendleft(
            LastText(entry.dictated.raw, entry.dictated.text, entry.dictation.context, job_id)
        )
        spoken_at = datetime.fromtimestamp(orphan.header.started_at).astimezone()
        self._parts.notify(
            "recovered",
            f"Recovered what you said at {spoken_at:%H:%M}",
            f"{BEGUN if orphan.is_begun else UNDELIVERED} Tray: Copy last text; or `voiceflow last --copy`.",
        )
        if self._settings().history.enabled and self._store(entry, None):
            _discard(orphan)
            del self._open[job_id]
        return True

    def _handed_out(self, delivered: Delivered) -> None:
        """A text that the user asked for again: its recording, if it still waits, has served."""
        self._tell_about(delivered)
        entry = self._open.get(delivered.order.order_id)
        if entry is not None and entry.orphan is not None and delivered.delivery is not None:
            _discard(entry.orphan)
            del self._open[delivered.order.order_id]

    def release_all(self) -> None:
        """The daemon ends: what is not delivered stays in the journal for the next start."""
        for entry in self._open.values():
            if entry.spool is not None:
                entry.spool.release()
        for recording in self._unheard:
            recording.release()
        self._open.clear()

    # ---------------------------------------------------------------------------------- history
    def _store(self, entry: OpenDictation, delivered: Delivered | None) -> bool:
        """Write the history's row; False when it is switched off or the disk refuses."""
        dictated = entry.dictated
        if dictated is None or not entry.dictation.settings.history.enabled:
            return False
        row = entry.history_row(dictated, delivered.delivery if delivered is not None else None)
        try:
            self._parts.history.add(row, self._settings().history.keep_days)
        except VoiceflowError as error:
            log.error("%s", error)
            return False
        return True


def _why_nothing(entry: OpenDictation) -> str:
    if not entry.duration_s:
        return "The microphone had not sent any sound by then: press again, and hold the key for longer."
    return "The microphone sends only silence: is it muted?" if entry.peak == 0.0 else "Nobody spoke."


def _discard(spool: Kept | None) -> None:
    """Delete a recording that has served; a folder that refuses must not hold up the dictation's end."""
    if spool is not None:
        try:
            spool.discard()
        except OSError as error:
            log.error("a recording could not be deleted: %s", error)
