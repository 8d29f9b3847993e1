"""What stands in the tray's menu for a view, and when a menu has to be made anew. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial

from voiceflow_daemon.desktop.tray import Activity, TrayActions, TrayView

TEXT_LENGTH = 40
"""Characters of a text that the menu shows."""

STATUS_LENGTH = 100
"""A problem's sentences are longer; the notification has told them whole."""

DEFAULT_MICROPHONE = "Default microphone"
NAME = "voiceflow"

BUSY = frozenset({Activity.RECORDING, Activity.WORKING})


class Kind(StrEnum):
    """How an entry looks."""

    ITEM = "item"
    CHECK = "check"
    RADIO = "radio"
    SEPARATOR = "separator"
    STATUS = "status"


@dataclass(frozen=True)
class Entry:
    """One line of the menu. Without `action` and `children` it can be read but not chosen."""

    label: str
    action: Callable[[], None] | None = None
    kind: Kind = Kind.ITEM
    checked: bool = False
    children: tuple[Entry, ...] = ()

    @property
    def enabled(self) -> bool:
        """Whether it can be chosen."""
        return self.action is not None or bool(self.children)


SEPARATOR = Entry("", kind=Kind.SEPARATOR)


def menu_entries(view: TrayView, actions: TrayActions) -> tuple[Entry, ...]:
    """The whole menu."""
    download = [Entry("Download models…", actions.download_models)] if view.offers_download else []
    return (
        Entry(status_label(view), kind=Kind.STATUS),
        *download,
        SEPARATOR,
        *(_radio(name, view.context, partial(actions.choose_context, name)) for name in view.contexts),
        SEPARATOR,
        Entry("Pause", partial(actions.set_paused, not view.paused), Kind.CHECK, view.paused),
        Entry("Microphone", children=_microphones(view, actions)),
        SEPARATOR,
        Entry("Copy last text", partial(actions.copy_text, None) if view.last_texts else None),
        Entry("Last texts", children=_last_texts(view, actions)),
        SEPARATOR,
        Entry("Reload config", actions.reload),
        Entry("Invalidate prompt cache", actions.invalidate_prompts),
        Entry("Open config", actions.open_config),
        Entry("Open log", actions.open_log),
        SEPARATOR,
        Entry("Quit", actions.quit),
    )


def status_label(view: TrayView) -> str:
    """The line at the top of the menu; never empty, and DEMO when demo models are in use."""
    status = one_line(view.status, STATUS_LENGTH) or str(view.activity).capitalize()
    return f"DEMO · {status}" if view.demo and "DEMO" not in status else status


def title(view: TrayView) -> str:
    """What the icon says of itself, which most panels show as its tool tip."""
    return f"{NAME}: {status_label(view)}"


def one_line(text: str, length: int = TEXT_LENGTH) -> str:
    """A text as the menu shows it: one line of at most `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def menu_due(shown: TrayView, new: TrayView) -> bool:
    """Whether the menu, made for `shown`, has to be made anew for `new` now.

    Making it anew closes it where it is open. So what changes by itself waits until the daemon is
    idle; what the user chooses is shown at once, for the choice has closed the menu already.
    """
    if (shown.context, shown.microphone, shown.paused) != (new.context, new.microphone, new.paused):
        return True
    return menu_changed(shown, new) and new.activity not in BUSY


def menu_changed(old: TrayView, new: TrayView) -> bool:
    """Whether more than the icon, its title and the status line differs."""
    quiet = {"activity": Activity.IDLE, "status": "", "demo": False}
    return replace(old, **quiet) != replace(new, **quiet)  # type: ignore[arg-type]


def _radio(label: str, chosen: str, action: Callable[[], None]) -> Entry:
    return Entry(label, action, Kind.RADIO, checked=label == chosen)


def _microphones(view: TrayView, actions: TrayActions) -> tuple[Entry, ...]:
    default = partial(actions.choose_microphone, "")
    listed = tuple(
        _radio(name, view.microphone, partial(actions.choose_microphone, name)) for name in view.microphones
    )
    missing = view.microphone and view.microphone not in view.microphones
    gone = (Entry(f"{view.microphone} (not found)", kind=Kind.RADIO, checked=True),) if missing else ()
    return (Entry(DEFAULT_MICROPHONE, default, Kind.RADIO, not view.microphone), *listed, *gone)


def _last_texts(view: TrayView, actions: TrayActions) -> tuple[Entry, ...]:
    return tuple(
        Entry(one_line(text) or "(empty)", partial(actions.copy_text, text)) for text in view.last_texts
    )
