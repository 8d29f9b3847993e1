"""What the coordinator gives orders to. Protocols, so that whole dictations run on fakes in tests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from voiceflow_daemon.audio.take import Spool
from voiceflow_daemon.config.schema import AudioSettings, Settings, SpeechSettings
from voiceflow_daemon.daemon.deliverer import Order
from voiceflow_daemon.daemon.hotkeys import HotkeyHost
from voiceflow_daemon.daemon.orders import Order as WorkOrder
from voiceflow_daemon.desktop.tray import TrayView
from voiceflow_daemon.desktop.window import ActiveWindow
from voiceflow_daemon.llm.kv_cache import PromptEntry
from voiceflow_daemon.metrics import Metrics
from voiceflow_daemon.storage.history import History
from voiceflow_daemon.storage.journal import Journal


class Recording(Protocol):
    """The capture thread's face (`audio.recorder.Recorder`)."""

    def prepare(self, settings: AudioSettings) -> None:
        """Open the microphone ahead, or close it, as the settings want it."""

    def begin(
        self,
        recording_id: int,
        settings: AudioSettings,
        open_spool: Callable[[], Spool],
        speech: SpeechSettings | None = None,
    ) -> None:
        """Open the microphone and record; with `speech`, tell of segments as they close."""

    def finish(self, recording_id: int) -> None:
        """Record the tail and hand over."""

    def drop(self, recording_id: int) -> None:
        """Forget the recording."""


class Working(Protocol):
    """The worker thread's face (`daemon.worker.Worker`)."""

    def submit(self, order: WorkOrder) -> None:
        """Queue it."""

    def invalidate_prompts(self, *, everything: bool = False) -> None:
        """Forget the templates; with `everything`, what was tokenized and evaluated as well, files too."""

    def prompt_entries(self) -> tuple[PromptEntry, ...]:
        """Where each context's evaluated prompt is now."""

    def prompt_problem(self) -> str:
        """Why evaluated prompts are not kept on disk; empty when they are."""


class Delivering(Protocol):
    """The delivery thread's face (`daemon.deliverer.Deliverer`)."""

    def submit(self, order: Order) -> None:
        """Queue a text."""


class Notifying(Protocol):
    """Tells the user something; `topic` replaces an earlier message of the same topic."""

    enabled: bool

    def __call__(self, topic: str, title: str, body: str = "") -> None:
        """Return at once."""


@dataclass
class Parts:
    """All that the coordinator commands."""

    recorder: Recording
    worker: Working
    deliverer: Delivering
    hotkeys: HotkeyHost
    active_window: ActiveWindow
    journal: Journal
    history: History
    metrics: Metrics
    notify: Notifying
    show: Callable[[TrayView], None]
    context_names: Callable[[Settings], tuple[str, ...]]
    list_microphones: Callable[[], tuple[str, ...]]
    write_setting: Callable[[str, str], None]
    """Write a dotted key into the config file; raises `ConfigError`."""
    reload_config: Callable[[], None]
    """Read the config file again now; the outcome comes as an event."""
    download_models: Callable[[tuple[str, ...]], None]
    """Fetch models for a user of these languages; how it goes comes as events."""
    quit: Callable[[], None]
    chores: Executor
    """One thread for slow odd jobs that nobody waits for."""
