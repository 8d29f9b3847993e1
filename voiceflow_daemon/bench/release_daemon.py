"""The daemon without a desktop: a recording for a microphone, a hand on a key, a sink for a cursor.

Everything between them is the daemon's own: capture, coordinator, worker, models, delivery thread, journal.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from voiceflow_daemon.audio.capture_events import CaptureFailed
from voiceflow_daemon.audio.recorder import Recorder
from voiceflow_daemon.audio.voice import BackgroundDetector, load_voice_detector
from voiceflow_daemon.bench.moments import work_after
from voiceflow_daemon.bench.place import NOWHERE, Place
from voiceflow_daemon.bench.played_microphone import PlayedMicrophone
from voiceflow_daemon.bench.release_parts import Cursor, Hand, LastNote, SameWindow, TimedMetrics
from voiceflow_daemon.bench.utterances import Utterance
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon import events
from voiceflow_daemon.daemon.control_protocol import Request
from voiceflow_daemon.daemon.coordinator import Coordinator
from voiceflow_daemon.daemon.deliverer import Delivered, Deliverer, is_at_cursor
from voiceflow_daemon.daemon.dictated import Dictated
from voiceflow_daemon.daemon.hotkeys import HotkeyHost
from voiceflow_daemon.daemon.loading import LoadedModels, load_formatter
from voiceflow_daemon.daemon.orders import Done, LoadFailed, Prepared
from voiceflow_daemon.daemon.parts import Parts
from voiceflow_daemon.daemon.pipeline import Pipeline
from voiceflow_daemon.daemon.worker import Worker
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.speech.select import load_transcriber
from voiceflow_daemon.storage.history import History
from voiceflow_daemon.storage.journal import Journal
from voiceflow_daemon.storage.models import ModelKind, resolve
from voiceflow_daemon.storage.paths import Paths, assets_dir

LIMIT_S = 300.0
"""For anything that is waited for, beyond the time that one speaks."""
TICK_S = 1.0
"""How often it is told how far somebody has spoken: often would cost what is measured."""

Heard = Callable[[float], None]
"""Called with the seconds since the press."""


@dataclass(frozen=True)
class Spoken:
    """One dictation. `stages_ms` are the daemon's own, `work_ms` by `moments.KINDS`.

    `cpu_s` is the process's from the press to the text; `counted` what the daemon's counters grew by.
    """

    dictated: Dictated
    release_ms: float
    stages_ms: dict[str, float]
    work_ms: dict[str, float]
    cpu_s: float
    counted: dict[str, int]
    writing_s: float


class ReleaseDaemon:
    """Speaks utterances to a daemon that is ready."""

    def __init__(self, settings: Settings, paths: Paths, folder: Path, place: Place) -> None:
        """`folder` takes the journal and the evaluated prompts, `place` the texts."""
        self._settings = settings
        self._paths = paths
        self._folder = folder
        self._metrics = TimedMetrics()
        self._incoming = events.EventQueue()
        self._news: queue.SimpleQueue[events.Message] = queue.SimpleQueue()
        self._note = LastNote()
        self._window = SameWindow(place.window)
        self._cursor = Cursor(place.open_inserter)
        self._hand = Hand(self._emit)
        self._microphone = PlayedMicrophone(self._hand.release)

    def start(self, running: ExitStack) -> None:
        """Start all parts, and wait until models and prompt are ready; raises `VoiceflowError`."""
        emit = self._emit
        detector = BackgroundDetector()
        recorder = Recorder(self._microphone, emit, detector=detector)
        worker = Worker(self._load, emit)
        hotkeys = HotkeyHost(lambda _: self._hand)
        deliverer = Deliverer(self._cursor.open, hotkeys.is_down, emit)
        parts = Parts(
            recorder=recorder,
            worker=worker,
            deliverer=deliverer,
            hotkeys=hotkeys,
            active_window=self._window,
            journal=Journal(self._folder / "journal"),
            history=History(self._folder / "history.sqlite3"),
            metrics=self._metrics,
            notify=self._note,
            show=_nothing,
            context_names=lambda settings: (settings.context,),
            list_microphones=tuple,
            write_setting=_nothing,
            reload_config=_nothing,
            download_models=_nothing,
            quit=_nothing,
            chores=running.enter_context(ThreadPoolExecutor(1, thread_name_prefix="chores")),
        )
        coordinator = Coordinator(self._settings, parts, self._incoming)
        for part in (detector, worker, recorder, coordinator, deliverer):
            part.start()
            running.callback(part.stop)
        self._await_ready()

    def dictate(self, utterance: Utterance, heard: Heard = lambda _: None) -> Spoken:
        """Speak it with the key held, and let go with the last word.

        Raises `VoiceflowError` when no text comes.
        """
        self._microphone.insert(utterance)
        self._forget_news()
        counters, cpu_s = self._metrics.counters(), time.process_time()
        self._hand.press()
        dictated = self._await_text(utterance.seconds, heard)
        stages_ms = self._stages_ms()
        released_at, delivered_at = self._hand.released_at, self._cursor.delivered_at
        moments = self._metrics.take_moments()
        return Spoken(
            dictated=dictated,
            release_ms=(delivered_at - released_at) * 1e3,
            stages_ms=stages_ms,
            work_ms=work_after(moments, released_at, delivered_at),
            cpu_s=self._cursor.cpu_s - cpu_s,
            counted={name: count - counters.get(name, 0) for name, count in self._metrics.counters().items()},
            writing_s=sum(each.ms for each in moments if each.name == "decode") / 1e3,
        )

    # ---------------------------------------------------------------------------------- inside
    def _load(self, settings: Settings) -> LoadedModels:
        """As the daemon loads them, but the evaluated prompts are kept in a folder of our own."""
        path = resolve(ModelKind.SPEECH, settings.speech.model, self._paths.models_dir, assets_dir())
        transcriber = load_transcriber(path, settings.speech, load_voice_detector())
        transcriber.warm_up()
        formatter = load_formatter(settings, self._paths, self._metrics, self._folder / "prefixes")
        return LoadedModels(Pipeline(transcriber, formatter, self._metrics), ())

    def _emit(self, message: events.Message) -> None:
        self._incoming.emit(message)
        self._news.put(message)

    def _await_ready(self) -> None:
        limit = time.perf_counter() + LIMIT_S
        while True:
            match self._next(limit):
                case LoadFailed(error=error):
                    raise error
                case Prepared(failures=failures):
                    for _, error in failures:
                        raise error
                    return

    def _await_text(self, seconds: float, heard: Heard) -> Dictated:
        """Until all of the text is delivered, and the daemon knows."""
        began, dictated = time.perf_counter(), None
        while True:
            match self._next(began + seconds + LIMIT_S, lambda: heard(time.perf_counter() - began)):
                case CaptureFailed(error=error):
                    raise error
                case Done(dictated=None, error=VoiceflowError() as error):
                    raise error
                case Done(dictated=Dictated(text="")):
                    raise VoiceflowError("Nothing was heard in a sample recording.", self._note.text)
                case Done() as done:
                    dictated = done.dictated
                case Delivered(delivery=delivery, error=error) if not is_at_cursor(delivery):
                    raise error or VoiceflowError(
                        "A text could not be put at the cursor.", delivery.reason if delivery else ""
                    )
                case Delivered(order=order) if dictated is not None and order.is_last:
                    return dictated

    def _next(self, limit: float, on_tick: Callable[[], None] = lambda: None) -> events.Message:
        while time.perf_counter() < limit:
            try:
                return self._news.get(timeout=TICK_S)
            except queue.Empty:
                on_tick()
        raise VoiceflowError("The daemon's threads do not answer any more.", self._note.text)

    def _forget_news(self) -> None:
        self._metrics.take_moments()
        while not self._news.empty():
            self._news.get()

    def _stages_ms(self) -> dict[str, float]:
        """Of the dictation that was delivered last, by the daemon's own clock."""
        asked = events.Asked(Request("status"))
        self._incoming.emit(asked)
        return dict(asked.reply.result(LIMIT_S).data["stages_ms"])


def _nothing(*_arguments: object) -> None:
    """There is no desktop."""


@contextmanager
def release_daemon(
    settings: Settings, paths: Paths, folder: Path, place: Place = NOWHERE
) -> Iterator[ReleaseDaemon]:
    """A daemon that is ready; raises `VoiceflowError`."""
    with ExitStack() as running:
        daemon = ReleaseDaemon(settings, paths, folder, place)
        daemon.start(running)
        yield daemon
