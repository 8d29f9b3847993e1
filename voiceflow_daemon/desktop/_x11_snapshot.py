"""Fetches all that another program offers on a selection, large content in pieces."""

from __future__ import annotations

import itertools
import struct
import time
from typing import Any

from Xlib import X

from voiceflow_daemon.desktop._x11_connection import Wire
from voiceflow_daemon.desktop.loan import Content, Contents

SILENCE_LIMIT_S = 0.3
"""An owner that shows no sign of life for this long is stuck."""

TOTAL_LIMIT_S = 1.5
"""An owner that is alive but takes longer than this for all its targets keeps its clipboard."""

SIZE_LIMIT_BYTES = 256 * 1024 * 1024
"""More than this is not copied: the owner keeps its clipboard."""

NOT_CONTENT = frozenset(
    {
        "TARGETS", "MULTIPLE", "TIMESTAMP", "SAVE_TARGETS",  # the protocol's own questions
        "DELETE", "INSERT_SELECTION", "INSERT_PROPERTY",  # orders, which would change the owner's document
        "PIXMAP", "BITMAP", "DRAWABLE", "COLORMAP", "WINDOW", "CLIENT_WINDOW",  # die with the owner
    }
)  # fmt: skip


_places = itertools.cycle(range(64))


class OwnerStuckError(Exception):
    """The owner does not hand out what it offers, or not in time."""


class _Refused(Exception):  # noqa: N818  # no error: an owner may refuse single targets
    """The owner does not have this target after all."""


def snapshot(wire: Wire, selection: str) -> Contents:
    """Every target that the owner offers; empty without an owner. Raises `OwnerStuckError`."""
    if not wire.owner(selection):
        return {}
    return _Snapshot(wire, selection).take()


class _Snapshot:
    def __init__(self, wire: Wire, selection: str) -> None:
        self._wire = wire
        self._selection = wire.atom(selection)
        self._place = 0
        self._moment = wire.server_time()
        self._deadline = time.monotonic() + TOTAL_LIMIT_S
        self._size = 0

    def take(self) -> Contents:
        taken: dict[str, Content] = {}
        for target in self._targets():
            if target not in NOT_CONTENT and target not in taken:
                try:
                    taken[target] = self._fetch(target)
                except _Refused:
                    continue
        return taken

    def _targets(self) -> list[str]:
        try:
            listed = self._fetch("TARGETS")
        except _Refused:
            return ["UTF8_STRING", "STRING"]  # an owner older than TARGETS
        if listed.format != 32:
            return ["UTF8_STRING", "STRING"]
        return [self._wire.name(atom) for atom in struct.unpack(f"={len(listed.data) // 4}I", listed.data)]

    def _fetch(self, target: str) -> Content:
        atom = self._wire.atom(target)
        # A place and a time of its own: an owner given up earlier may still answer what was asked then.
        self._place = self._wire.atom(f"VOICEFLOW_SAVED_{next(_places)}")
        self._wire.window.delete_property(self._place)
        self._wire.window.convert_selection(self._selection, atom, self._place, self._moment)
        answer = self._await(
            lambda seen: (
                seen.type == X.SelectionNotify and seen.target == atom and seen.time in (self._moment, 0)
            )
        )
        if not answer.property:
            raise _Refused
        kind, content = self._take_property()
        if kind != self._wire.atom("INCR"):
            return content
        return self._collect()

    def _collect(self) -> Content:
        """The pieces until an empty one; deleting the property asks for the next."""
        pieces: list[bytes] = []
        first: Content | None = None
        while True:
            self._await(
                lambda seen: (
                    seen.type == X.PropertyNotify
                    and seen.window == self._wire.window
                    and seen.atom == self._place
                    and seen.state == X.PropertyNewValue
                )
            )
            _, piece = self._take_property()
            first = first or piece
            if not piece.data:
                return Content(first.type_name, first.format, b"".join(pieces))
            pieces.append(piece.data)

    def _take_property(self) -> tuple[int, Content]:
        found = self._wire.window.get_full_property(self._place, X.AnyPropertyType, sizehint=100_000)
        self._wire.window.delete_property(self._place)
        if found is None:
            raise _Refused
        data = found.value if isinstance(found.value, bytes) else found.value.tobytes()
        self._size += len(data)
        if self._size > SIZE_LIMIT_BYTES:
            raise OwnerStuckError
        return found.property_type, Content(self._wire.name(found.property_type), found.format, data)

    def _await(self, wanted: Any) -> Any:
        left = self._deadline - time.monotonic()
        event = self._wire.wait(wanted, min(SILENCE_LIMIT_S, left)) if left > 0 else None
        if event is None:
            raise OwnerStuckError
        return event
