"""Tray items and their menus, as a panel sees and clicks them over D-Bus."""

import time
from dataclasses import dataclass
from typing import Any

from tests.desktop.rig.session_bus import BusError, SessionBus
from tests.desktop.rig.waiting import until

WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
ROOT_ID = 0
ALL_LEVELS = -1


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """One line of a menu, as it was when the menu was read."""

    id: int
    label: str
    enabled: bool
    visible: bool
    checked: bool
    kind: str
    """`standard`, `separator`, `checkmark` or `radio`."""
    children: tuple["MenuEntry", ...]

    def find(self, *labels: str) -> "MenuEntry":
        """Follow labels downwards.

        Raises:
            LookupError: naming the labels that stand there instead.
        """
        entry = self
        for label in labels:
            matching = [child for child in entry.children if child.label == label]
            if not matching:
                there = [child.label for child in entry.children]
                raise LookupError(f"no {label!r} under {entry.label!r}; there are {there}")
            entry = matching[0]
        return entry

    def outline(self, depth: int = 0) -> str:
        """The tree as indented lines, for people."""
        mark = "•" if self.checked else "-"
        name = self.label if self.kind != "separator" else "――"
        state = "" if self.enabled else "  (disabled)"
        lines = [f"{'  ' * depth}{mark} {name}{state}"]
        return "\n".join([*lines, *(child.outline(depth + 1) for child in self.children if child.visible)])


class TrayItem:
    """One program's icon in the tray."""

    def __init__(self, bus: SessionBus, address: str) -> None:
        self._bus = bus
        self._service, slash, path = address.partition("/")
        self._path = slash + path or "/StatusNotifierItem"

    def properties(self) -> dict[str, Any]:
        return self._bus.properties(self._service, self._path, ITEM)

    @property
    def id(self) -> str:
        return str(self.properties()["Id"])

    @property
    def title(self) -> str:
        return str(self.properties().get("Title", ""))

    @property
    def icon_name(self) -> str:
        """Name or file of the icon; libappindicator is given a file."""
        return str(self.properties().get("IconName", ""))

    @property
    def tooltip(self) -> str:
        """Title of the tool tip; empty where the backend sets none."""
        tooltip = self.properties().get("ToolTip")
        return str(tooltip[2]) if tooltip else ""

    def menu(self) -> MenuEntry:
        """The whole menu, freshly read: ids are only good until its next change."""
        path = self._menu_path()
        self._bus.call(self._service, path, MENU, "AboutToShow", "i", (ROOT_ID,))
        _, root = self._bus.call(self._service, path, MENU, "GetLayout", "iias", (ROOT_ID, ALL_LEVELS, []))
        return _entry(root)

    def labels(self, *path: str) -> list[str]:
        """Labels of the visible entries below `path`, without separators."""
        below = self.menu().find(*path).children
        return [e.label for e in below if e.visible and e.kind != "separator"]

    def checked_labels(self, *path: str) -> list[str]:
        """Labels of the checked entries below `path`, at one moment.

        Right after a click a radio group may have two: the menu is changed entry by entry.
        """
        return [e.label for e in self.menu().find(*path).children if e.checked]

    def is_checked(self, *labels: str) -> bool:
        return self.menu().find(*labels).checked

    def click(self, *labels: str) -> None:
        """Choose the entry at the end of the labels.

        Raises:
            LookupError: if it is not there, is hidden or cannot be chosen. (Over D-Bus a disabled
                entry would still run its callback, which no mouse can do.)
        """
        entry = self.menu().find(*labels)
        if not (entry.enabled and entry.visible):
            raise LookupError(f"{' / '.join(labels)!r} cannot be chosen: {entry}")
        now = int(time.time()) & 0xFFFFFFFF
        body = (entry.id, "clicked", ("s", ""), now)
        self._bus.call(self._service, self._menu_path(), MENU, "Event", "isvu", body)

    def _menu_path(self) -> str:
        return str(self.properties()["Menu"])


class Tray:
    """The panel's list of tray items."""

    def __init__(self, bus: SessionBus) -> None:
        self._bus = bus

    def items(self) -> list[TrayItem]:
        watcher = self._bus.properties(WATCHER, "/StatusNotifierWatcher", WATCHER)
        return [TrayItem(self._bus, address) for address in watcher["RegisteredStatusNotifierItems"]]

    def find(self, item_id: str) -> TrayItem | None:
        """The item whose id contains `item_id`; None while there is none."""
        for item in self.items():
            try:
                if item_id in item.id:
                    return item
            except BusError:
                continue  # its program has just ended
        return None

    def await_item(self, item_id: str, limit_s: float = 10.0) -> TrayItem:
        """Wait for an item whose id contains `item_id` and whose menu can be read.

        Also while the panel has no list: its plugin is a process of its own, which it starts again.
        """

        def ready() -> TrayItem | None:
            try:
                item = self.find(item_id)
                return item if item is not None and item.menu().children else None
            except BusError:
                return None

        item = until(f"a tray item {item_id!r} with a menu", ready, limit_s)
        assert item is not None
        return item


def _entry(node: Any) -> MenuEntry:
    """Build an entry from dbusmenu's `(id, properties, children)`."""
    number, wrapped, children = node
    properties = {name: value for name, (_, value) in wrapped.items()}
    standard = str(properties.get("type", "standard"))
    return MenuEntry(
        id=number,
        label=str(properties.get("label", "")),
        enabled=bool(properties.get("enabled", True)),
        visible=bool(properties.get("visible", True)),
        checked=properties.get("toggle-state", 0) == 1,
        kind=str(properties.get("toggle-type") or standard),
        children=tuple(_entry(child) for _, child in children),
    )
