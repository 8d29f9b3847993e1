"""The coordinator thread: the sole reader of the event queue, the sole owner of the session."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from voiceflow_daemon.audio.capture_events import (
    CaptureEvent,
    CaptureFailed,
    MicrophoneReplaced,
    Recorded,
    Releasing,
    SegmentClosed,
    SpoolFailed,
)
from voiceflow_daemon.config.effects import effects
from voiceflow_daemon.config.schema import Effect, Settings
from voiceflow_daemon.daemon import events, requests
from voiceflow_daemon.daemon import session as stage
from voiceflow_daemon.daemon.board import ON_REQUEST, Board
from voiceflow_daemon.daemon.control_protocol import Reply, Request
from voiceflow_daemon.daemon.deliverer import Delivered, Order
from voiceflow_daemon.daemon.dictations import Dictations
from voiceflow_daemon.daemon.downloads import DownloadEnded, DownloadProgressed
from voiceflow_daemon.daemon.log_file import set_level
from voiceflow_daemon.daemon.orders import Done, Fixed, Loaded, LoadFailed, Prepared, Preparing, Unloaded
from voiceflow_daemon.daemon.parts import Parts
from voiceflow_daemon.daemon.readiness import NO_MODEL, Readiness
from voiceflow_daemon.desktop.window import focused
from voiceflow_daemon.errors import ConfigError, VoiceflowError
from voiceflow_daemon.hotkey.keys import parse_hotkey
from voiceflow_daemon.hotkey.listener import (
    CancelPressed,
    KeyDown,
    KeyUp,
    ListenerFailed,
    OtherInput,
)

log = logging.getLogger(__name__)

FAILED = VoiceflowError("The daemon failed.", "See its log.")

_KEYS: dict[type, stage.Event] = {
    KeyDown: stage.KeyPressed(),
    KeyUp: stage.KeyReleased(),
    OtherInput: stage.OtherInput(),
    CancelPressed: stage.Cancelled(),
}


class Coordinator:
    """Turns events into steps of the session and carries out their commands."""

    def __init__(self, settings: Settings, parts: Parts, incoming: events.EventQueue) -> None:
        self._settings = settings
        self._parts = parts
        self._incoming = incoming
        self._session = stage.Session()
        self._rules = stage.HotkeyRules()
        self._board = Board(contexts=parts.context_names(settings))
        self._dictations = Dictations(parts, self._board, lambda: self._settings)
        self._readiness = Readiness(parts, self._board, incoming)
        self._released_at = 0.0
        self._reload_asked = False
        self._thread = threading.Thread(target=self._run, name="coordinator")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread; recordings that are not delivered stay in the journal."""
        self._incoming.emit(events.Stop())
        self._thread.join()

    # ----------------------------------------------------------------------------------- loop
    def _run(self) -> None:
        self._guarded(self._begin)
        while not isinstance(message := self._incoming.next(self._wait_s()), events.Stop):
            self._guarded(partial(self._handle, message))
        self._parts.hotkeys.let_go()
        self._dictations.release_all()

    def _guarded(self, act: Callable[[], None]) -> None:
        """One failure must not end the thread that everything waits for."""
        try:
            act()
            self._readiness.rest(self._settings, busy=self._dictations.have_work)
            self._parts.show(self._board.tray_view(self._session, self._settings))
        except Exception:
            log.exception("the coordinator failed")

    def _begin(self) -> None:
        self._take_hotkey()
        self._readiness.load(self._settings)
        self._readiness.find_microphones()
        self._parts.recorder.prepare(self._settings.audio)

    def _wait_s(self) -> float | None:
        dues = (
            stage.next_deadline(self._session, self._rules),
            self._readiness.unload_due(self._settings),
        )
        due = min((each for each in dues if each is not None), default=None)
        return None if due is None else max(0.0, due - time.monotonic())

    def _handle(self, message: events.Message | None) -> None:
        match message:
            case None:
                self._step(stage.Tick())
            case KeyDown() | KeyUp() | OtherInput() | CancelPressed():
                self._key(message)
            case ListenerFailed(reason):
                self._step(stage.KeyReleased())
                self._problem("hotkey", f"The hotkey is dead: {reason}", "")
            case (
                SegmentClosed()
                | Releasing()
                | Recorded()
                | CaptureFailed()
                | SpoolFailed()
                | MicrophoneReplaced()
            ):
                self._captured(message)
            case Fixed():
                self._dictations.fixed(message)
            case Done():
                self._end_work(message.job.job_id, ended=self._dictations.done(message))
            case Delivered():
                self._end_work(message.order.order_id, ended=self._dictations.delivered(message))
                if message.order.is_last:
                    self._readiness.find_microphones()
            case events.Asked():
                self._answer(message)
            case events.SettingsLoaded() | events.SettingsRejected():
                self._config_read(message)
            case Loaded() | Unloaded() | LoadFailed() | Preparing() | Prepared():
                self._worker_told(message)
            case events.OrphansFound() | events.MicrophonesFound() | DownloadProgressed() | DownloadEnded():
                self._readiness.found(message, self._settings, self._dictations.recover)
            case events.PromptsPurged():
                self._readiness.purged(message, self._settings)
            case events.Stop():
                pass
            case _:
                self._chosen(message)

    def _captured(self, message: CaptureEvent) -> None:
        match message:
            case SegmentClosed() | Releasing():
                self._dictations.ahead(message)
            case Recorded():
                self._dictations.recorded(message)
            case CaptureFailed():
                recorded = message.recorded is not None
                self._step(stage.CaptureEnded(message.recording_id, recorded=recorded))
                self._dictations.capture_failed(message)
            case SpoolFailed():
                self._dictations.spool_failed(message)
            case MicrophoneReplaced(wanted=wanted):
                self._parts.notify("microphone", f"{wanted} is not there", "The default microphone is used.")

    def _worker_told(self, message: Loaded | Unloaded | LoadFailed | Preparing | Prepared) -> None:
        self._readiness.worker_event(message, self._settings)
        if isinstance(message, Loaded):
            self._dictations.models_loaded()

    # ---------------------------------------------------------------------------------- session
    def _key(self, message: KeyDown | KeyUp | OtherInput | CancelPressed) -> None:
        if isinstance(message, KeyDown) and self._session.press is None and self._lacks_model:
            self._parts.notify("models", NO_MODEL.message, NO_MODEL.hint)
            return
        if isinstance(message, KeyUp):
            self._released_at = time.monotonic()
        self._step(_KEYS[type(message)])

    @property
    def _lacks_model(self) -> bool:
        """Whether a recording must not begin; one that is being made can always be ended."""
        return self._board.models_missing and self._session.recording is None

    def _step(self, event: stage.Event) -> None:
        recording = self._session.recording
        self._session, commands = stage.step(self._session, event, time.monotonic(), self._rules)
        for command in commands:
            match command:
                case stage.StartCapture(recording_id):
                    self._readiness.wake(self._settings)
                    self._dictations.begin(recording_id)
                case stage.FinishCapture(recording_id):
                    self._dictations.finish(recording_id, self._release_time())
                    self._tell_if_too_long(recording)
                case stage.DropCapture(recording_id):
                    self._dictations.drop(recording_id)
        is_recording = self._session.recording is not None
        if is_recording != (recording is not None):
            self._parts.hotkeys.watch_cancel(is_recording)

    def _tell_if_too_long(self, recording: stage.Recording | None) -> None:
        """Who holds the key for longer must know that nothing more is heard."""
        longest_s = self._rules.max_recording_s
        if recording is not None and time.monotonic() - recording.started_at >= longest_s:
            self._parts.notify(
                "recording",
                f"The recording was ended after {longest_s:.0f} s",
                "What was said until then is being written; max_recording_s in [hotkey] is the limit.",
            )

    def _release_time(self) -> float:
        """When the key physically went up, for a recording that ends by its release; else now."""
        now = time.monotonic()
        recent = now - self._released_at <= 2 * self._rules.release_grace_s + 0.05
        return self._released_at if recent else now

    def _end_work(self, recording_id: int, *, ended: bool) -> None:
        if ended and recording_id > 0:
            self._step(stage.WorkEnded(recording_id))

    # --------------------------------------------------------------------------------- settings
    def _take_hotkey(self) -> None:
        try:
            self._rules = hotkey_rules(self._settings)
            self._parts.hotkeys.take(self._settings.hotkey)
            self._board.problems.pop("hotkey", None)
        except VoiceflowError as error:
            self._hotkey_problem(error.message, error.hint)
        except Exception as error:
            log.exception("the hotkey cannot be taken")
            self._hotkey_problem(f"The hotkey cannot be taken ({type(error).__name__}).", "See the log.")

    def _hotkey_problem(self, title: str, hint: str) -> None:
        """Each is told once: where there can be no hotkey, it would be told at every reload."""
        if self._board.problems.get("hotkey") != title:
            self._problem("hotkey", title, hint)

    def _exchange_hotkey(self, *, is_another: bool) -> None:
        """Take it anew. A recording goes on, unless the end that its user knows for it goes."""
        if is_another or self._session.press is not None:
            self._step(stage.FinishRequested())
            # The new listener never tells that the old key went up.
            self._step(stage.KeyReleased())
        if is_another:
            self._board.problems.pop("hotkey", None)
        self._take_hotkey()
        if self._session.recording is not None:
            self._parts.hotkeys.watch_cancel(True)

    def _reload_config(self) -> None:
        self._reload_asked = True
        self._parts.reload_config()

    def _config_read(self, message: events.SettingsLoaded | events.SettingsRejected) -> None:
        is_wish, self._reload_asked = self._reload_asked, False
        match message:
            case events.SettingsLoaded(settings):
                self._apply(settings, is_wish=is_wish)
            case events.SettingsRejected(error):
                title = "The config file has problems; the last good settings stay"
                self._problem("config", title, str(error))

    def _apply(self, settings: Settings, *, is_wish: bool) -> None:
        """Do just what the changed fields take."""
        needed = effects(self._settings, settings)
        self._settings = settings
        self._board.problems.pop("config", None)
        self._board.contexts = self._parts.context_names(settings)
        self._parts.notify.enabled = settings.notifications
        self._parts.recorder.prepare(settings.audio)
        set_level(settings.log)
        self._parts.worker.invalidate_prompts()
        if Effect.HOTKEY in needed or not self._parts.hotkeys.is_alive():
            self._exchange_hotkey(is_another=Effect.HOTKEY in needed)
        self._readiness.reload(settings, models_changed=Effect.MODELS in needed, is_wish=is_wish)
        log.info("config reloaded%s", f": {', '.join(sorted(needed))}" if needed else "")

    def _write(self, key: str, value: str) -> None:
        """Write a choice back into the config file, so that it outlives the daemon."""

        def write() -> None:
            try:
                self._parts.write_setting(key, value)
            except ConfigError as error:
                self._parts.notify(
                    "config", "The choice could not be written into the config file", str(error)
                )

        self._parts.chores.submit(write)

    def _problem(self, topic: str, title: str, hint: str) -> None:
        log.error("%s %s", title, hint)
        self._board.problems[topic] = title
        self._parts.notify(topic, title, hint)

    # --------------------------------------------------------------------------------- choices
    def _chosen(self, message: events.TrayEvent) -> None:
        match message:
            case events.ContextChosen(context):
                self._choose_context(context)
            case events.MicrophoneChosen(microphone):
                audio = self._settings.audio.model_copy(update={"microphone": microphone})
                self._settings = self._settings.model_copy(update={"audio": audio})
                self._write("audio.microphone", microphone)
            case events.PauseChosen(paused):
                self._step(stage.PauseSet(paused))
            case events.CopyWanted(text):
                self._copy_one_of_the_last(text)
            case events.InvalidateWanted():
                self._readiness.purge(None)
            case events.ReloadWanted():
                self._reload_config()
            case events.DownloadWanted():
                self._parts.download_models(tuple(self._settings.speech.languages))

    def _choose_context(self, context: str) -> None:
        self._settings = self._settings.model_copy(update={"context": context})
        self._write("context", context)
        self._readiness.make_hot(self._settings)

    def _copy_one_of_the_last(self, text: str | None) -> None:
        for known in self._board.last:
            if text is None or known.text == text:
                self._copy_text(known.text_id, known.text)
                return
        if text is not None:
            self._copy_text(ON_REQUEST, text)

    def _copy_text(self, text_id: int, text: str) -> None:
        settings = self._settings.delivery.model_copy(update={"method": "copy"})
        self._parts.deliverer.submit(Order(text_id, text, None, settings))

    # ---------------------------------------------------------------------------------- requests
    def _answer(self, asked: events.Asked) -> None:
        if not asked.reply.set_running_or_notify_cancel():
            return  # the client has given up: what it asked for must not happen behind its back
        if asked.request.command == "invalidate":
            self._readiness.purge(asked)  # answered when that is done
            return
        reply = requests.refused(FAILED)
        try:
            reply = self._reply(asked.request)
        except VoiceflowError as error:
            reply = requests.refused(error)
        finally:  # Whatever fails: who asked must not wait for an answer that never comes.
            asked.reply.set_result(reply)

    def _reply(self, request: Request) -> Reply:
        match request.command:
            case "press" | "toggle" if self._lacks_model:
                raise NO_MODEL
            case "press":
                self._step(stage.StartRequested())
            case "release":
                self._step(stage.FinishRequested())
            case "toggle":
                self._step(stage.ToggleRequested())
            case "cancel":
                self._step(stage.Cancelled())
            case "context":
                return self._context(request.argument)
            case "status":
                return self._status()
            case "last":
                return self._last(request.argument)
            case "reload":
                self._reload_config()
            case "stop":
                self._parts.quit()
        return requests.done(recording=self._session.recording is not None)

    def _status(self) -> Reply:
        worker = self._parts.worker
        shown = self._board.status(
            self._session,
            self._settings,
            self._parts.metrics,
            worker.prompt_entries(),
            worker.prompt_problem(),
        )
        return requests.done(**shown)

    def _context(self, name: str) -> Reply:
        if name and name not in self._board.contexts:
            known = ", ".join(self._board.contexts)
            raise VoiceflowError(f"There is no context {name!r}.", f"There are: {known}.")
        if name:
            self._choose_context(name)
        return requests.done(context=self._settings.context, contexts=list(self._board.contexts))

    def _last(self, how: str) -> Reply:
        reply = requests.last_text(self._board, self._parts.history)
        if reply.ok and how == "copy":
            self._copy_text(reply.data["text_id"], reply.data["text"])
        elif reply.ok and how == "paste":
            target = focused(self._parts.active_window)
            order = Order(reply.data["text_id"], reply.data["text"], target, self._settings.delivery)
            self._parts.deliverer.submit(order)
        return reply


def hotkey_rules(settings: Settings) -> stage.HotkeyRules:
    """The stage machine's rules from the settings."""
    key = settings.hotkey
    return stage.HotkeyRules(
        mode=key.mode,
        single_modifier=parse_hotkey(key.key).single_modifier,
        min_hold_s=key.min_hold_ms / 1000,
        release_grace_s=key.release_grace_ms / 1000,
        max_recording_s=key.max_recording_s,
    )
