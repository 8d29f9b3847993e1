"""A whole daemon on fakes: real coordinator, capture, worker and delivery threads, no hardware."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from tests.fakes.audio_source import FakeSource
from tests.fakes.disk_tier import FakeDiskTier
from tests.fakes.hotkey_listener import FakeListener
from tests.fakes.inserter import FakeInserter
from tests.fakes.language_model import FakeLanguageModel
from tests.fakes.transcriber import FakeTranscriber
from voiceflow_daemon.audio.line import CaptureLimits
from voiceflow_daemon.audio.recorder import Recorder
from voiceflow_daemon.config.schema import HotkeySettings, Settings, SpeechSettings
from voiceflow_daemon.daemon import events
from voiceflow_daemon.daemon.control_protocol import Reply, Request
from voiceflow_daemon.daemon.coordinator import Coordinator
from voiceflow_daemon.daemon.deliverer import Deliverer
from voiceflow_daemon.daemon.formatting import Formatter
from voiceflow_daemon.daemon.hotkeys import HotkeyHost
from voiceflow_daemon.daemon.loading import LoadedModels
from voiceflow_daemon.daemon.parts import Parts
from voiceflow_daemon.daemon.pipeline import Pipeline
from voiceflow_daemon.daemon.worker import Worker
from voiceflow_daemon.desktop.tray import TrayView
from voiceflow_daemon.desktop.window import Window
from voiceflow_daemon.errors import ConfigError, VoiceflowError
from voiceflow_daemon.hotkey.listener import EmitHotkey
from voiceflow_daemon.llm.budget import Speed
from voiceflow_daemon.llm.engine import LlmEngine
from voiceflow_daemon.llm.prompt_cache import PromptCache
from voiceflow_daemon.llm.prompts import ContextPrompts, context_names
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.history import History
from voiceflow_daemon.storage.journal import Journal
from voiceflow_daemon.storage.paths import assets_dir

EDITOR = Window(1, "Editor")
BROWSER = Window(2, "Browser")
LIMIT_S = 20.0

SETTINGS = Settings(
    hotkey=HotkeySettings(key="f9", release_grace_ms=0), speech=SpeechSettings(model="scripted")
)


class RecordedNotes:
    """Notifications, by topic."""

    def __init__(self) -> None:
        self.enabled = True
        self.shown: list[tuple[str, str, str]] = []

    def __call__(self, topic: str, title: str, body: str = "") -> None:
        if self.enabled:
            self.shown.append((topic, title, body))

    def topics(self) -> list[str]:
        return [topic for topic, _, _ in self.shown]


class FakeFocus:
    """The window that has the focus."""

    def __init__(self) -> None:
        self.window: Window | None = EDITOR

    def sample(self) -> Window | None:
        return self.window

    def close(self) -> None:
        """Nothing is held."""


HEADER_BYTES = 1000
"""More than a journal file has before there is sound in it."""


class World:
    """A context manager; `script` is what the recogniser hears, one text a recording.

    Rules write, unless there is a `language_model`.
    """

    def __init__(
        self, folder: Path, script: Sequence[str] = ("hello world",), settings: Settings = SETTINGS
    ) -> None:
        self.settings = settings
        self.source = FakeSource()
        self.capture_limits = CaptureLimits()
        self.focus = FakeFocus()
        self.inserter = FakeInserter(EDITOR)
        self.transcriber = FakeTranscriber(script)
        self.language_model: FakeLanguageModel | None = None
        self.disk = FakeDiskTier()
        self.load_error: VoiceflowError | None = None
        self.load_warnings: tuple[str, ...] = ()
        self.loaded: list[Settings] = []
        self.before_load: Callable[[], None] = lambda: None
        self.notes = RecordedNotes()
        self.views: list[TrayView] = []
        self.written_settings: list[tuple[str, str]] = []
        self.write_error: ConfigError | None = None
        self.downloads: list[tuple[str, ...]] = []
        self.quits = 0
        self.journal = Journal(folder / "journal")
        self.history = History(folder / "history.sqlite3")
        self.metrics = Metrics()
        self.incoming = events.EventQueue()
        self.listeners: list[FakeListener] = []
        self.hotkey_taken = False
        """By another program."""
        self._folder = folder
        self._running = ExitStack()

    def __enter__(self) -> Self:
        emit = self.incoming.emit
        chores = self._running.enter_context(ThreadPoolExecutor(1))
        hotkeys = HotkeyHost(lambda _: self._listener(emit))
        recorder = Recorder(self.source, emit, self.capture_limits)
        worker = Worker(self._load, emit, self._delete_prompts)
        deliverer = Deliverer(lambda: self.inserter, hotkeys.is_down, emit)
        parts = Parts(
            recorder=recorder,
            worker=worker,
            deliverer=deliverer,
            hotkeys=hotkeys,
            active_window=self.focus,
            journal=self.journal,
            history=self.history,
            metrics=self.metrics,
            notify=self.notes,
            show=self.views.append,
            context_names=context_names,
            list_microphones=lambda: tuple(m.description for m in self.source.microphones()),
            write_setting=self._write,
            reload_config=lambda: emit(events.SettingsLoaded(self.settings)),
            download_models=self.downloads.append,
            quit=self._quit,
            chores=chores,
        )
        coordinator = Coordinator(self.settings, parts, self.incoming)
        for part in (worker, recorder, coordinator, deliverer):
            part.start()
            self._running.callback(part.stop)
        self.until(lambda: bool(self.listeners) and bool(self.views))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._running.close()

    def _listener(self, emit: EmitHotkey) -> FakeListener:
        self.listeners.append(FakeListener(emit, taken=self.hotkey_taken))
        return self.listeners[-1]

    def _load(self, settings: Settings) -> LoadedModels:
        self.before_load()
        self.loaded.append(settings)
        if self.load_error is not None:
            raise self.load_error
        self.transcriber.closed = False
        return LoadedModels(Pipeline(self.transcriber, self._formatter(), self.metrics), self.load_warnings)

    def _formatter(self) -> Formatter:
        model = self.language_model
        if model is None:
            return Formatter(None, None, self.metrics)
        model.closed = False
        model.truncate(0)
        prompts = ContextPrompts(model.render_chat, assets_dir() / "prompts", self._folder)
        engine = LlmEngine(model, self.metrics, self.disk, Speed(1e-6, 1e-5))
        return Formatter(engine, PromptCache(prompts.template, self.metrics), self.metrics)

    def _delete_prompts(self) -> None:
        self.disk.purge()

    def _write(self, key: str, value: str) -> None:
        if self.write_error is not None:
            raise self.write_error
        self.written_settings.append((key, value))

    def _quit(self) -> None:
        self.quits += 1

    # ---------------------------------------------------------------------------------- the user
    @property
    def key(self) -> FakeListener:
        return self.listeners[-1]

    @property
    def view(self) -> TrayView:
        return self.views[-1]

    def until(self, condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + LIMIT_S
        while not condition():
            assert time.monotonic() < limit, "waited in vain"
            time.sleep(0.002)

    def ask(self, command: str, argument: str = "") -> Reply:
        asked = events.Asked(Request(command, argument))
        self.incoming.emit(asked)
        return asked.reply.result(LIMIT_S)

    def speak(self, *, level: float = 0.3, seconds: float = 0.2) -> None:
        """Sound into the open microphone; returns once one is open."""
        self.until(lambda: bool(self.source.open_streams()))
        self.source.open_streams()[-1].send(np.full((int(16_000 * seconds), 1), level, np.float32))

    def has_recorded(self, count: int) -> bool:
        """Whether so many recordings are in the journal, with sound in them."""
        files = (self._folder / "journal").glob("*")
        return sum(path.stat().st_size > HEADER_BYTES for path in files) == count

    def dictate(self, *, level: float = 0.3) -> None:
        """Hold the key, speak, let go; and go on speaking, so that the tail has something to record."""
        opened = len(self.source.streams)
        self.key.press()
        self.until(lambda: len(self.source.streams) > opened)
        self.speak(level=level)
        self.key.release()
        self.until(lambda: self.view.activity != "recording")
        while self.source.open_streams():
            self.speak(level=level, seconds=0.05)
            time.sleep(0.005)

    def await_text(self, text: str, window: Window = EDITOR) -> None:
        self.until(lambda: self.inserter.written.get(window.window_id) == text)

    def await_quiet(self) -> None:
        """All dictations have ended."""
        self.until(lambda: self.ask("status").data["in_work"] == 0)
