"""The coordinator's queue, and what reaches it beside the events that the rooms define."""

from __future__ import annotations

import queue
from concurrent.futures import Future
from dataclasses import dataclass, field

from voiceflow_daemon.audio.capture_events import CaptureEvent
from voiceflow_daemon.config.schema import Settings
from voiceflow_daemon.daemon.control_protocol import Reply, Request
from voiceflow_daemon.daemon.deliverer import Delivered
from voiceflow_daemon.daemon.downloads import DownloadEnded, DownloadProgressed
from voiceflow_daemon.daemon.orders import WorkerEvent
from voiceflow_daemon.errors import VoiceflowError
from voiceflow_daemon.hotkey.listener import HotkeyEvent
from voiceflow_daemon.storage.journal import Orphan


@dataclass(frozen=True)
class Asked:
    """A request over the control socket; the coordinator sets the reply."""

    request: Request
    reply: Future[Reply] = field(default_factory=Future)


@dataclass(frozen=True)
class SettingsLoaded:
    """The config file was read again and is good."""

    settings: Settings


@dataclass(frozen=True)
class SettingsRejected:
    """The config file was read again and has problems: the last good settings stay."""

    error: VoiceflowError


@dataclass(frozen=True)
class ContextChosen:
    """In the tray, or by `voiceflow context NAME`."""

    context: str


@dataclass(frozen=True)
class MicrophoneChosen:
    """In the tray, by description; "" follows the default."""

    microphone: str


@dataclass(frozen=True)
class PauseChosen:
    """The tray's pause item."""

    paused: bool


@dataclass(frozen=True)
class CopyWanted:
    """One of the last texts onto the clipboard; None for the latest."""

    text: str | None


@dataclass(frozen=True)
class InvalidateWanted:
    """Forget all prepared prompts and prepare them again."""


@dataclass(frozen=True)
class PromptsPurged:
    """All prepared prompts are forgotten, files included, or `error` says what is left.

    `asked` is the request that still waits.
    """

    asked: Asked | None
    error: VoiceflowError | None = None


@dataclass(frozen=True)
class ReloadWanted:
    """Read the config file again."""


@dataclass(frozen=True)
class DownloadWanted:
    """Fetch the models that fit this machine."""


@dataclass(frozen=True)
class MicrophonesFound:
    """The sound server's microphones, by description."""

    descriptions: tuple[str, ...]


@dataclass(frozen=True)
class OrphansFound:
    """Recordings that an earlier daemon could not deliver."""

    orphans: tuple[Orphan, ...]


@dataclass(frozen=True)
class Stop:
    """The end of the coordinator's thread."""


TrayEvent = (
    ContextChosen
    | MicrophoneChosen
    | PauseChosen
    | CopyWanted
    | InvalidateWanted
    | ReloadWanted
    | DownloadWanted
)
Message = (
    HotkeyEvent
    | CaptureEvent
    | WorkerEvent
    | Delivered
    | Asked
    | SettingsLoaded
    | SettingsRejected
    | MicrophonesFound
    | OrphansFound
    | PromptsPurged
    | DownloadProgressed
    | DownloadEnded
    | TrayEvent
    | Stop
)


class EventQueue:
    """Where every thread puts what the coordinator should know."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Message] = queue.SimpleQueue()

    def emit(self, message: Message) -> None:
        """Queue an event; any thread may call it, it never blocks."""
        self._queue.put(message)

    def next(self, timeout_s: float | None) -> Message | None:
        """The next event, or None after `timeout_s`."""
        try:
            return self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None
