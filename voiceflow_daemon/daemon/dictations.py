"""Every dictation between its key press and its end. Used by the coordinator's thread alone."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from voiceflow_daemon.audio.capture_events import CaptureFailed, Recorded, Releasing, SegmentClosed
from voiceflow_daemon.audio.take import Spool
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.board import ON_REQUEST, Board, LastText
from voiceflow_daemon.daemon.deliverer import Delivered, Order, is_at_cursor
from voiceflow_daemon.daemon.dictation import Dictation
from voiceflow_daemon.daemon.live import Dictated
from voiceflow_daemon.daemon.orders import Done, Forget, Guess, Hear, Job, MakeHot
from voiceflow_daemon.daemon.parts import Parts
from voiceflow_daemon.desktop.inserter import Outcome
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.storage.history import HistoryRow
from voiceflow_daemon.storage.journal import Orphan

log = logging.getLogger(__name__)


@dataclass
class _Open:
    """A dictation that has not ended, with what it has so far."""

    dictation: Dictation
    spool: Spool | None = None
    dictated: Dictated | None = None
    duration_s: float = 0.0
    peak: float = 0.0
    orphan: Orphan | None = None


class Dictations:
    """Carries recordings through worker and delivery. Methods return True where a dictation ended."""

    def __init__(self, parts: Parts, board: Board, context_of: Callable[[], Settings]) -> None:
        self._parts = parts
        self._board = board
        self._settings = context_of
        self._open: dict[int, _Open] = {}
        self._recovered_ids = itertools.count(-1, -1)

    @property
    def have_work(self) -> bool:
        """Whether one is being spoken, worked on or delivered; one that is offered needs nothing more."""
        return any(entry.orphan is None or entry.dictated is None for entry in self._open.values())

    # ------------------------------------------------------------------------------- recording
    def begin(self, recording_id: int) -> None:
        """The key went down: start the capture, sample the window, make the prompt hot."""
        settings, parts = self._settings(), self._parts
        parts.recorder.begin(
            recording_id,
            settings.audio,
            lambda: parts.journal.begin(settings.context, 16_000),
            settings.speech,
        )
        dictation = Dictation(recording_id, settings.context, settings, parts.active_window.sample())
        self._open[recording_id] = _Open(dictation)
        parts.worker.submit(MakeHot(settings.context, settings))

    def finish(self, recording_id: int, released_at: float) -> None:
        """The key went up at `released_at`; the grace is over."""
        self._open[recording_id].dictation.released(released_at)
        self._parts.recorder.finish(recording_id)

    def drop(self, recording_id: int) -> None:
        """The user cancelled, or the press did not count."""
        self._parts.recorder.drop(recording_id)
        self._parts.worker.submit(Forget(recording_id))
        self._open.pop(recording_id, None)

    def ahead(self, news: SegmentClosed | Releasing) -> None:
        """The recording goes on, but something can be done already."""
        entry = self._open.get(news.recording_id)
        if entry is None:
            return
        context, settings = entry.dictation.context, entry.dictation.settings
        match news:
            case SegmentClosed():
                self._parts.worker.submit(Hear(news.recording_id, news, context, settings))
            case Releasing(recording_id, samples, gap_ms):
                self._parts.worker.submit(Guess(recording_id, samples, context, settings, gap_ms))

    def recorded(self, recorded: Recorded) -> None:
        """The capture thread handed the recording over."""
        entry = self._open.get(recorded.recording_id)
        if entry is None:
            _discard(recorded.spool)
            return
        entry.spool = recorded.spool
        entry.duration_s = len(recorded.samples) / 16_000
        dictation = entry.dictation
        dictation.reached("tail")
        self._parts.worker.submit(
            Job(
                recorded.recording_id,
                recorded.samples,
                dictation.context,
                dictation.settings,
                recorded.spoken_until,
                recorded.gap_ms,
            )
        )
        entry.peak = recorded.peak

    def capture_failed(self, failed: CaptureFailed) -> None:
        """The microphone failed; what was recorded until then is worked on all the same."""
        self._parts.notify("microphone", failed.error.message, failed.error.hint)
        if failed.recorded is None:
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
            return self._failed(done.job.job_id, entry, done.error)
        if not done.dictated.text:
            return self._nothing_to_write(done.job.job_id, entry, spoken=bool(done.dictated.raw))
        entry.dictated = done.dictated
        entry.dictation.reached("queue", done.dictated.stages_ms)
        if entry.dictation.settings.log.show_text:
            log.info("heard %r, wrote %r", done.dictated.raw, done.dictated.text)
        if entry.orphan is not None:
            return self._offer(done.job.job_id, entry, entry.orphan)
        self._parts.deliverer.submit(
            Order(
                done.job.job_id,
                done.dictated.text,
                entry.dictation.target,
                entry.dictation.settings.delivery,
            )
        )
        return False

    def delivered(self, delivered: Delivered) -> bool:
        """A text stands at the cursor, or on the clipboard, or nowhere."""
        if delivered.order.order_id <= ON_REQUEST:
            self._handed_out(delivered)
            return False
        entry = self._open.pop(delivered.order.order_id)
        entry.dictation.reached("delivery")
        self._remember(entry, delivered)
        self._tell_about(delivered)
        stored = delivered.delivery is not None or self._store(entry, delivered)
        if stored:
            _discard(entry.spool)
        elif entry.spool is not None:
            entry.spool.release()
        if delivered.delivery is not None and entry.dictation.settings.history.enabled:
            self._parts.chores.submit(self._store, entry, delivered)
        return True

    def _remember(self, entry: _Open, delivered: Delivered) -> None:
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
            reason = delivered.delivery.reason
            self._parts.notify("delivery", "Your text is on the clipboard", f"It was not pasted: {reason}.")

    def _failed(self, job_id: int, entry: _Open, error: VoiceflowError | None) -> bool:
        """The recording stays in the journal and is offered once a model can hear it."""
        log.error("a recording could not be transcribed: %s", error)
        self._parts.notify("models", "Your recording is kept, but could not be written yet", str(error))
        if entry.spool is not None:
            entry.spool.release()
            self._board.waiting_recordings += 1
        del self._open[job_id]
        return True

    def _nothing_to_write(self, job_id: int, entry: _Open, *, spoken: bool) -> bool:
        _discard(entry.spool)
        del self._open[job_id]
        if spoken:
            self._parts.notify("heard", "Nothing is left to write", "You took back all that you said.")
        elif entry.orphan is None:
            silent = entry.peak == 0.0
            hint = "The microphone sends only silence: is it muted?" if silent else "Nobody spoke."
            self._parts.notify("heard", "Nothing was heard", hint)
        return True

    # --------------------------------------------------------------------------------- recovery
    def recover(self, orphan: Orphan) -> None:
        """Transcribe a recording that an earlier daemon left; its text is offered, never pasted."""
        job_id = next(self._recovered_ids)
        settings = self._settings()
        dictation = Dictation(job_id, orphan.header.context, settings, None)
        samples = orphan.read()
        entry = _Open(dictation, spool=orphan, orphan=orphan, duration_s=len(samples) / 16_000)
        self._open[job_id] = entry
        self._parts.worker.submit(Job(job_id, samples, orphan.header.context, settings))

    def _offer(self, job_id: int, entry: _Open, orphan: Orphan) -> bool:
        assert entry.dictated is not None
        self._board.last.appendleft(
            LastText(entry.dictated.raw, entry.dictated.text, entry.dictation.context, job_id)
        )
        spoken_at = datetime.fromtimestamp(orphan.header.started_at).astimezone()
        self._parts.notify(
            "recovered",
            f"Recovered what you said at {spoken_at:%H:%M}",
            "It was never delivered. Tray: Copy last text; or `voiceflow last --copy`.",
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
        self._open.clear()

    # ---------------------------------------------------------------------------------- history
    def _store(self, entry: _Open, delivered: Delivered | None) -> bool:
        """Write the history's row; False when it is switched off or the disk refuses."""
        dictation, dictated = entry.dictation, entry.dictated
        if dictated is None or not dictation.settings.history.enabled:
            return False
        delivery = delivered.delivery if delivered is not None else None
        row = HistoryRow(
            context=dictation.context,
            application=dictation.target.application if dictation.target is not None else "",
            raw=dictated.raw,
            text=dictated.text,
            rung=str(dictated.rung),
            outcome=str(delivery.outcome) if delivery is not None else "offered",
            release_to_text_ms=dictation.release_to_text_ms if entry.orphan is None else None,
            duration_s=entry.duration_s,
        )
        try:
            self._parts.history.add(row)
        except VoiceflowError as error:
            log.error("%s", error)
            return False
        return True


def _discard(spool: Spool | None) -> None:
    """Delete a recording that has served; a folder that refuses must not hold up the dictation's end."""
    if spool is not None:
        try:
            spool.discard()
        except OSError as error:
            log.error("a recording could not be deleted: %s", error)
