"""What the tray shows and what can be chosen in it; how, is the adapter's matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Activity(StrEnum):
    """What the daemon is doing; each has an icon."""

    IDLE = "idle"
    RECORDING = "recording"
    WORKING = "working"
    PAUSED = "paused"
    ERROR = "error"


@dataclass(frozen=True)
class TrayView:
    """Everything that the tray shows. Equal views show nothing new.

    `status` is one line for the user; `last_texts` newest first; `microphones` are descriptions and
    `microphone` the chosen one ("" follows the default). `offers_download` shows the item that starts
    the download of models. `demo` says that demo models are in use.
    """

    activity: Activity = Activity.IDLE
    status: str = ""
    contexts: tuple[str, ...] = ()
    context: str = ""
    microphones: tuple[str, ...] = ()
    microphone: str = ""
    last_texts: tuple[str, ...] = ()
    paused: bool = False
    offers_download: bool = False
    demo: bool = False


@dataclass(frozen=True)
class TrayActions:
    """What the menu's items do; called on the tray's thread, each only enqueues and returns at once."""

    choose_context: Callable[[str], None]
    choose_microphone: Callable[[str], None]
    set_paused: Callable[[bool], None]
    copy_text: Callable[[str | None], None]
    """The text that the entry shows (the list may have moved on meanwhile); None for the latest."""
    reload: Callable[[], None]
    invalidate_prompts: Callable[[], None]
    open_config: Callable[[], None]
    open_log: Callable[[], None]
    download_models: Callable[[], None]
    quit: Callable[[], None]


class Tray(Protocol):
    """An icon with a menu. `run` belongs to the main thread, `show` and `stop` to any."""

    def run(self, ready: Callable[[], None]) -> None:
        """Show the icon and return after `stop` (or raise `DisplayError`); calls `ready` once it is up."""

    def show(self, view: TrayView) -> None:
        """Show `view` from now on; returns at once."""

    def stop(self) -> None:
        """End `run`."""
