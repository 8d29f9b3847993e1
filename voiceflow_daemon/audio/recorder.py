"""The capture thread: one recording after the other from the microphone, each with its journal file."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from voiceflow_daemon.audio.capture_events import (
    CaptureEvent,
    CaptureFailed,
    MicrophoneReplaced,
    Recorded,
    SegmentClosed,
    SpoolFailed,
)
from voiceflow_daemon.audio.line import Block, CaptureLimits, Line
from voiceflow_daemon.audio.listening import Detector, listen
from voiceflow_daemon.audio.opening import Opening
from voiceflow_daemon.audio.orders import Begin, Drop, Finish, Message, OpenRecording, Prepare, Tick
from voiceflow_daemon.audio.source import AudioSource
from voiceflow_daemon.audio.take import SAMPLE_RATE_HZ, Spool, Take
from voiceflow_daemon.config.schema import AudioSettings, SpeechSettings
from voiceflow_daemon.errors import MicrophoneError

__all__ = [
    "SAMPLE_RATE_HZ",
    "CaptureEvent",
    "CaptureFailed",
    "CaptureLimits",
    "MicrophoneReplaced",
    "Recorded",
    "Recorder",
    "SegmentClosed",
    "Spool",
    "SpoolFailed",
]

log = logging.getLogger(__name__)


class Recorder:
    """Makes recordings one after the other; its methods only enqueue and return at once."""

    def __init__(
        self,
        source: AudioSource,
        emit: Callable[[CaptureEvent], None],
        limits: CaptureLimits | None = None,
        detector: Detector | None = None,
    ) -> None:
        self._source = source
        self._emit = emit
        self._limits = limits or CaptureLimits()
        self._detector = detector
        self._queue: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._settings = AudioSettings()
        self._line: Line | None = None
        self._open: OpenRecording | None = None
        self._missing = ""
        # A daemon thread: closing a stream of a frozen sound server blocks for as long as that is frozen.
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)

    def start(self) -> None:
        """Start the capture thread."""
        self._thread.start()

    def stop(self, limit_s: float = 5.0) -> None:
        """End the thread; an open recording stays in the journal."""
        self._queue.put(None)
        self._thread.join(limit_s)
        if self._thread.is_alive():
            log.warning("the sound system does not answer; the capture thread is left to it")

    def prepare(self, settings: AudioSettings) -> None:
        """Open the microphone ahead, or close it, as `keep_open` says: at the start and after a reload."""
        self._queue.put(Prepare(settings))

    def begin(
        self,
        recording_id: int,
        settings: AudioSettings,
        open_spool: Callable[[], Spool],
        speech: SpeechSettings | None = None,
    ) -> None:
        """Open the microphone and record; `open_spool` runs on the capture thread and may raise OSError.

        When that takes too long, `CaptureFailed` tells, and nothing is recorded.
        With `speech`, and where the detector is loaded, `SegmentClosed` is emitted at pauses.
        """
        opening = Opening(recording_id, self._limits.open_s, self._emit)
        self._queue.put(Begin(recording_id, settings, open_spool, speech, opening))

    def finish(self, recording_id: int) -> None:
        """Record the tail, close the microphone and emit `Recorded`."""
        self._queue.put(Finish(recording_id))

    def drop(self, recording_id: int) -> None:
        """Close the microphone and forget the recording."""
        self._queue.put(Drop(recording_id))

    # ------------------------------------------------------------------------- the capture thread
    def _run(self) -> None:
        while (message := self._next()) is not None:
            try:
                self._handle(message)
            except Exception:
                log.exception("the capture thread failed on %s", type(message).__name__)
                self._give_up(message)
        if self._open is not None:
            self._open.take.release()
        self._hang_up()

    def _next(self) -> Message | None:
        due = [] if self._line is None else [self._line.silent_at]
        if self._open is not None and self._open.ends_by is not None:
            due.append(self._open.ends_by)
        try:
            return self._queue.get(timeout=max(0.0, min(due) - time.monotonic()) if due else None)
        except queue.Empty:
            return Tick()

    def _handle(self, message: Message) -> None:
        match message:
            case Block():
                self._block(message)
            case Begin():
                self._begin(message)
            case Finish(recording_id) if self._is_open(recording_id):
                self._finish()
            case Drop(recording_id) if self._is_open(recording_id):
                self._drop()
            case Prepare(settings):
                self._prepare(settings)
            case Tick():
                self._tick(time.monotonic())

    def _is_open(self, recording_id: int) -> bool:
        return self._open is not None and self._open.recording_id == recording_id

    def _block(self, block: Block) -> None:
        if block.line is not self._line:
            return
        opened = self._open
        if opened is None:
            block.line.preroll.add(block.samples, self._settings.preroll_ms)
            return
        take = opened.take
        opened.add(block.samples)
        if opened.ends_at_frame is not None and take.frames >= opened.ends_at_frame:
            self._complete()
        elif take.frames >= self._limits.longest_s * take.sample_rate_hz:
            self._fail(MicrophoneError("The recording grew too long and was ended."))

    def _begin(self, begin: Begin) -> None:
        if self._open is not None:
            self._emit(self._recorded())
        self._settings = begin.settings
        line = self._opened(begin)
        if line is None:
            return
        self._tell_replaced(begin.recording_id, line)
        listening = listen(self._detector, begin.recording_id, begin.speech, self._emit)
        tail_s = begin.settings.tail_ms / 1000
        self._open = OpenRecording(begin.recording_id, tail_s, self._new_take(begin, line), listening)
        for samples in line.preroll.take():
            self._open.add(samples)

    def _opened(self, begin: Begin) -> Line | None:
        """The line for a recording; None, and told, when it was refused or took too long."""
        if begin.opening.failed:
            return None
        try:
            line = self._connect(begin.settings.microphone)
        except MicrophoneError as error:
            self._fail_to_begin(begin, error)
            return None
        if begin.opening.end():
            return line
        self._rest()
        return None

    def _fail_to_begin(self, begin: Begin, error: MicrophoneError) -> None:
        if begin.opening.end():
            self._emit(CaptureFailed(begin.recording_id, error, None))

    def _new_take(self, begin: Begin, line: Line) -> Take:
        def spool_failed(error: OSError) -> None:
            self._emit(SpoolFailed(begin.recording_id, error))

        spool: Spool | None = None
        try:
            spool = begin.open_spool()
        except OSError as error:
            spool_failed(error)
        return Take(line.stream.sample_rate_hz, spool, spool_failed)

    def _finish(self) -> None:
        opened = self._open
        if opened is None or opened.ends_by is not None:
            return
        opened.ends_at_frame = opened.take.frames + round(opened.tail_s * opened.take.sample_rate_hz)
        opened.ends_by = time.monotonic() + opened.tail_s + self._limits.late_tail_s
        if opened.tail_s == 0:
            self._complete()
        elif opened.listening is not None and opened.listening.spoken_until is not None:
            # Most likely the tail is silent; whether it is, `Recorded.spoken_until` will tell.
            self._emit(opened.so_far())

    def _drop(self) -> None:
        opened, self._open = self._open, None
        if opened is not None:
            opened.take.discard()
        self._rest()

    def _prepare(self, settings: AudioSettings) -> None:
        self._settings = settings
        if self._open is not None:
            return
        self._rest()
        if settings.keep_open:
            try:
                self._connect(settings.microphone)
            except MicrophoneError as error:
                log.warning("the microphone is not kept open: %s", error)

    # ----------------------------------------------------------------------- how a recording ends
    def _complete(self) -> None:
        # The text waits for this; it does not wait for the closing.
        self._emit(self._recorded())
        self._rest()

    def _fail(self, error: MicrophoneError) -> None:
        recorded = self._recorded()
        self._emit(CaptureFailed(recorded.recording_id, error, recorded))
        self._hang_up()

    def _recorded(self) -> Recorded:
        opened, self._open = self._open, None
        assert opened is not None
        return opened.finish()

    def _tick(self, now: float) -> None:
        opened = self._open
        if opened is not None and opened.ends_by is not None and now >= opened.ends_by:
            self._complete()
        if self._line is None or now < self._line.silent_at:
            return
        if self._open is None:
            log.warning("the microphone that was kept open stopped sending sound")
            self._hang_up()
            return
        hint = "Was it unplugged? What it sent until then is not lost."
        self._fail(MicrophoneError("The microphone stopped sending sound.", hint))

    def _give_up(self, message: Message) -> None:
        """A defect of ours must not leave the user speaking into nothing."""
        if isinstance(message, Begin) and not self._is_open(message.recording_id):
            error = MicrophoneError("The recording could not be started.", "The log says why.")
            self._fail_to_begin(message, error)
            self._hang_up()

    # ------------------------------------------------------------------------------ the microphone
    def _connect(self, microphone: str) -> Line:
        """The line to a microphone, the open one if it is the same and alive."""
        if self._line is not None and self._line.microphone == microphone and self._line.is_alive():
            return self._line
        self._hang_up()
        line = Line(microphone, self._limits, self._queue.put)
        line.connect(self._source)
        self._line = line
        return line

    def _tell_replaced(self, recording_id: int, line: Line) -> None:
        missing = line.microphone if line.stream.is_substitute else ""
        if missing and missing != self._missing:
            self._emit(MicrophoneReplaced(recording_id, missing))
        self._missing = missing

    def _rest(self) -> None:
        """Between recordings the microphone is closed, unless the settings keep it open."""
        line, settings = self._line, self._settings
        if line is None or (
            settings.keep_open and line.microphone == settings.microphone and not line.stream.is_substitute
        ):
            return
        self._hang_up()

    def _hang_up(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.stream.close()
