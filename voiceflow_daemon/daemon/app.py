"""The composition root: starts everything in reading order and stops it in reverse."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from voiceflow_daemon import audio
from voiceflow_daemon.audio.recorder import Recorder
from voiceflow_daemon.audio.voice import BackgroundDetector
from voiceflow_daemon.config.edit import set_value
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.config.template import write_first
from voiceflow_daemon.config.watch import ConfigWatcher
from voiceflow_daemon.daemon import events
from voiceflow_daemon.daemon.checked_settings import load_checked
from voiceflow_daemon.daemon.control import ControlServer
from voiceflow_daemon.daemon.control_protocol import Reply, Request
from voiceflow_daemon.daemon.coordinator import Coordinator
from voiceflow_daemon.daemon.deliverer import Deliverer
from voiceflow_daemon.daemon.downloads import Downloads
from voiceflow_daemon.daemon.heap import use_one_arena
from voiceflow_daemon.daemon.hotkeys import HotkeyHost
from voiceflow_daemon.daemon.loading import load_models
from voiceflow_daemon.daemon.lock import DaemonLock
from voiceflow_daemon.daemon.log_file import close_log, open_log
from voiceflow_daemon.daemon.parts import Parts
from voiceflow_daemon.daemon.signals import EndingSignals
from voiceflow_daemon.daemon.worker import Worker
from voiceflow_daemon.desktop.notify import Notifier, open_notifier
from voiceflow_daemon.desktop.select import open_active_window, open_inserter
from voiceflow_daemon.desktop.tray import Tray, TrayActions, TrayView
from voiceflow_daemon.desktop.tray_choice import choose_tray
from voiceflow_daemon.desktop.window import ActiveWindow
from voiceflow_daemon.errors import ConfigError, DisplayError
from voiceflow_daemon.hotkey.echoes import EchoFilter
from voiceflow_daemon.hotkey.select import open_listener
from voiceflow_daemon.llm.prompts import context_names
from voiceflow_daemon.llm.warm_up import WarmUp
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.history import History, HistoryError
from voiceflow_daemon.storage.journal import Journal
from voiceflow_daemon.storage.paths import Paths
from voiceflow_daemon.storage.prefixes import delete_prefixes

log = logging.getLogger(__name__)


def run(paths: Paths, *, verbose: bool) -> int:
    """Run the daemon until a signal, the tray's Quit or `voiceflow stop`; returns the exit code.

    Raises `AlreadyRunningError` when another daemon of this user runs.
    """
    use_one_arena()
    with ExitStack() as running:
        running.enter_context(DaemonLock(paths.lock_file))
        settings, problem = _first_settings(paths.config_file)
        running.callback(close_log, open_log(paths.log_file, settings.log, to_terminal=verbose))
        Daemon(settings, paths, problem).run(running)
    return 0


def _first_settings(config_file: Path) -> tuple[Settings, ConfigError | None]:
    """A bad file at start leaves the defaults, until it is mended: the daemon must not be missing."""
    try:
        write_first(config_file)
        return load_checked(config_file), None
    except ConfigError as error:
        print(f"voiceflow: {error}", file=sys.stderr)
        return Settings(), error


class Daemon:
    """All parts, wired."""

    def __init__(self, settings: Settings, paths: Paths, problem: ConfigError | None) -> None:
        self._settings = settings
        self._paths = paths
        self._incoming = events.EventQueue()
        self._quit = threading.Event()
        self._tray: Tray | None = None
        if problem is not None:
            self._incoming.emit(events.SettingsRejected(problem))

    def run(self, running: ExitStack) -> None:
        """Start, show the tray until the end; leaving `running` stops everything in reverse."""
        choice = choose_tray(self._actions())
        self._tray = choice.tray
        self._start(running, choice.reason)
        if self._tray is None:
            print(f"voiceflow runs without a tray icon: {choice.reason}", file=sys.stderr)
        hotkey = self._settings.hotkey
        use = "hold {}, speak, let go" if hotkey.mode == "hold" else "press {}, speak, press it again"
        print(f"voiceflow is running: {use.format(hotkey.key)}. Ctrl-C ends it. Log: {self._paths.log_file}")
        log.info("ready")
        self._wait(self._tray)

    def _wait(self, tray: Tray | None) -> None:
        """Until the end, which the display's is too; the tray needs the main thread."""
        if tray is not None:
            try:
                tray.run(lambda: None)
            except DisplayError as error:
                log.error("the tray is gone: %s", error)
        else:
            self._quit.wait()

    def quit(self) -> None:
        """End the daemon; any thread may call it."""
        self._quit.set()
        if self._tray is not None:
            self._tray.stop()

    def _start(self, running: ExitStack, tray_reason: str) -> None:
        emit, paths = self._incoming.emit, self._paths
        metrics, echoes = Metrics(), EchoFilter()
        running.enter_context(EndingSignals(self.quit))
        notify, chores = self._open_notifications(running)
        window = _active_window()
        running.callback(window.close)
        hotkeys = HotkeyHost(lambda hotkey: open_listener(hotkey, emit, echoes))
        watcher = self._config_watcher()
        source = audio.select()
        detector = BackgroundDetector()
        recorder = Recorder(source, emit, detector=detector)
        downloads = Downloads(paths, emit)
        worker = Worker(
            partial(load_models, paths=paths, metrics=metrics, warm_up=WarmUp()),
            emit,
            lambda: delete_prefixes(paths.prefixes_dir),
        )
        deliverer = Deliverer(lambda: open_inserter(echoes.announce), hotkeys.is_down, emit)
        parts = Parts(
            recorder=recorder,
            worker=worker,
            deliverer=deliverer,
            hotkeys=hotkeys,
            active_window=window,
            journal=Journal(paths.journal_dir),
            history=self._open_history(notify, chores),
            metrics=metrics,
            notify=notify,
            show=self._show,
            context_names=context_names,
            list_microphones=lambda: tuple(found.description for found in source.microphones()),
            write_setting=lambda key, value: set_value(paths.config_file, key, value),
            reload_config=watcher.reload_now,
            download_models=downloads.start,
            quit=self.quit,
            chores=chores,
        )
        coordinator = Coordinator(self._settings, parts, self._incoming)
        control = ControlServer(paths.socket_file, self._ask)
        if tray_reason:
            notify("tray", "voiceflow has no full tray menu", tray_reason)
        running.callback(downloads.stop)
        # The deliverer ends before the coordinator, which must still hear what was delivered.
        for part in (detector, worker, recorder, coordinator, deliverer, watcher, control):
            part.start()
            running.callback(part.stop)

    def _open_notifications(self, running: ExitStack) -> tuple[Notifications, ThreadPoolExecutor]:
        notifier = open_notifier()
        running.callback(notifier.close)
        chores = running.enter_context(ThreadPoolExecutor(1, thread_name_prefix="chores"))
        return Notifications(chores, notifier, enabled=self._settings.notifications), chores

    def _open_history(self, notify: Notifications, chores: ThreadPoolExecutor) -> History:
        def tell(moved_to: Path) -> None:
            kept = f"The old one is kept: {moved_to.name}"
            notify("history", "The history was damaged; a new one is begun", kept)

        history = History(self._paths.history_file, on_damaged=tell)
        chores.submit(_purge, history, self._settings.history.keep_days)
        return history

    def _config_watcher(self) -> ConfigWatcher:
        emit = self._incoming.emit
        return ConfigWatcher(
            self._paths.config_file,
            lambda settings: emit(events.SettingsLoaded(settings)),
            lambda error: emit(events.SettingsRejected(error)),
            known=self._settings,
            load=load_checked,
        )

    def _show(self, view: TrayView) -> None:
        if self._tray is not None:
            self._tray.show(view)

    def _ask(self, request: Request) -> Future[Reply]:
        asked = events.Asked(request)
        self._incoming.emit(asked)
        return asked.reply

    def _actions(self) -> TrayActions:
        emit, paths = self._incoming.emit, self._paths
        return TrayActions(
            choose_context=lambda name: emit(events.ContextChosen(name)),
            choose_microphone=lambda name: emit(events.MicrophoneChosen(name)),
            set_paused=lambda paused: emit(events.PauseChosen(paused)),
            copy_text=lambda text: emit(events.CopyWanted(text)),
            reload=lambda: emit(events.ReloadWanted()),
            invalidate_prompts=lambda: emit(events.InvalidateWanted()),
            open_config=_opening(paths.config_file),
            open_log=_opening(paths.log_file),
            download_models=lambda: emit(events.DownloadWanted()),
            quit=self.quit,
        )


def _active_window() -> ActiveWindow:
    """Raises `DisplayError` that speaks of the desktop: nothing else is there without a window."""
    try:
        return open_active_window()
    except DisplayError as error:
        raise DisplayError(
            "There is no desktop here.",
            "Start voiceflow in a desktop session, or install xclip or wl-clipboard;"
            " `voiceflow demo` works without one.",
        ) from error


class Notifications:
    """Shows notifications one after the other on the chores' thread."""

    def __init__(self, chores: ThreadPoolExecutor, notifier: Notifier, *, enabled: bool) -> None:
        self._chores = chores
        self._notifier = notifier
        self.enabled = enabled

    def __call__(self, topic: str, title: str, body: str = "") -> None:
        """Return at once; an earlier message of the same topic is replaced."""
        if self.enabled:
            self._chores.submit(self._notifier.show, title, body, topic=topic)


def _purge(history: History, keep_days: int) -> None:
    try:
        history.purge(keep_days)
    except HistoryError as error:
        log.error("%s", error)


def _opening(path: Path) -> Callable[[], None]:
    """Open a file in the user's own program for it."""

    def open_file() -> None:
        try:
            subprocess.Popen(
                ["xdg-open", path],
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            log.error("%s cannot be opened: %s", path, error)

    return open_file
