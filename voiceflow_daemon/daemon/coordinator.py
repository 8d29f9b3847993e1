"""The coordinator thread: the sole reader of the event queue, the sole owner of the session."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from voiceflow_daemon.audio.recorder import CaptureFailed, Recorded, Recorder, Spool
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon import session as stage
from voiceflow_daemon.daemon.deliverer import Delivered, Deliverer, Order
from voiceflow_daemon.daemon.worker import Done, Job, LoadFailed, Prepare, Ready, Worker
from voiceflow_daemon.desktop.window import ActiveWindow, Window
from voiceflow_daemon.hotkey.listener import (
    CancelPressed,
    HotkeyEvent,
    KeyDown,
    KeyUp,
    ListenerFailed,
    OtherInput,
)

log = logging.getLogger(__name__)

Message = HotkeyEvent | Recorded | CaptureFailed | Done | Ready | LoadFailed | Delivered | None


@dataclass(frozen=True)
class _Begun:
    """What a recording keeps from the moment its key went down."""

    target: Window | None
    context: str
    settings: Settings


class Coordinator:
    """Turns events into session steps and carries out their commands."""

    def __init__(
        self,
        settings: Settings,
        rules: stage.HotkeyRules,
        active_window: Callable[[], ActiveWindow],
        open_spool: Callable[[int, str], Spool],
        watch_cancel: Callable[[bool], None],
    ) -> None:
        self._settings = settings
        self._rules = rules
        self._open_window = active_window
        self._open_spool = open_spool
        self._watch_cancel = watch_cancel
        self._queue: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._session = stage.Session()
        self._begun: dict[int, _Begun] = {}
        self._thread = threading.Thread(target=self._run, name="coordinator")
        self.recorder: Recorder
        self.worker: Worker
        self.deliverer: Deliverer

    def emit(self, message: Message) -> None:
        """Queue an event; any thread may call it, it never blocks."""
        self._queue.put(message)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        self._active_window = self._open_window()
        while True:
            try:
                message = self._queue.get(timeout=self._wait_s())
            except queue.Empty:
                self._step(stage.Tick())
                continue
            if message is None:
                break
            try:
                self._handle(message)
            except Exception:
                log.exception("the coordinator failed on %s", type(message).__name__)
        self._active_window.close()

    def _wait_s(self) -> float | None:
        due = stage.next_deadline(self._session, self._rules)
        return None if due is None else max(0.0, due - time.monotonic())

    def _handle(self, message: Message) -> None:
        match message:
            case KeyDown():
                self._step(stage.KeyPressed())
            case KeyUp():
                self._step(stage.KeyReleased())
            case OtherInput():
                self._step(stage.OtherInput())
            case CancelPressed():
                self._step(stage.Cancelled())
            case Recorded():
                begun = self._begun[message.recording_id]
                self.worker.submit(Job(message, begun.context, begun.settings))
            case CaptureFailed():
                log.error("%s", message.error)
                self._step(stage.CaptureEnded(message.recording_id, message.recorded is not None))
            case Ready():
                log.info("models loaded")
                self.worker.submit(Prepare(self._settings.context, self._settings))
            case LoadFailed(error):
                log.error("%s", error)
            case Done():
                self._done(message)
            case Delivered():
                self._delivered(message)
            case ListenerFailed(reason):
                log.error("the hotkey is dead: %s", reason)

    def _step(self, event: stage.Event) -> None:
        was_recording = self._session.recording is not None
        self._session, commands = stage.step(self._session, event, time.monotonic(), self._rules)
        for command in commands:
            self._carry_out(command)
        is_recording = self._session.recording is not None
        if is_recording != was_recording:
            self._watch_cancel(is_recording)

    def _carry_out(self, command: stage.Command) -> None:
        match command:
            case stage.StartCapture(recording_id):
                context = self._settings.context
                begun = _Begun(self._active_window.sample(), context, self._settings)
                self._begun[recording_id] = begun
                self.recorder.begin(
                    recording_id, self._settings.audio, lambda: self._open_spool(recording_id, context)
                )
                self.worker.submit(Prepare(context, self._settings))
            case stage.FinishCapture(recording_id):
                self.recorder.finish(recording_id)
            case stage.DropCapture(recording_id):
                self.recorder.drop(recording_id)
                self._begun.pop(recording_id, None)

    def _done(self, done: Done) -> None:
        recorded = done.job.recorded
        if done.dictated is None or not done.dictated.text:
            if done.error is not None:
                log.error("%s", done.error)
            elif recorded.spool is not None:
                recorded.spool.discard()
            self._finish(recorded.recording_id)
            return
        begun = self._begun[recorded.recording_id]
        self.deliverer.submit(Order(done, begun.target, begun.settings))

    def _delivered(self, delivered: Delivered) -> None:
        recorded = delivered.order.done.job.recorded
        if recorded.spool is not None:
            recorded.spool.discard()
        log.info("delivery: %s %s", delivered.delivery.outcome, delivered.delivery.reason)
        self._finish(recorded.recording_id)

    def _finish(self, recording_id: int) -> None:
        self._begun.pop(recording_id, None)
        self._step(stage.WorkEnded(recording_id))
