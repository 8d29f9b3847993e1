"""Owns selections: hands out their content, large content in pieces, and knows who read what."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from Xlib import X, Xatom
from Xlib.protocol import event as x_event

from voiceflow_daemon.desktop._x11_connection import Wire
from voiceflow_daemon.desktop.loan import Content, Contents

PIECE_BYTES = 200_000
"""Larger content goes in pieces of this size (ICCCM 2.7.2); X requests end at 256 KB. A multiple of 4."""

TRANSFER_LIMIT_S = 10.0
"""A reader that does not take the next piece for this long is given up."""

TEXT_TARGETS = ("UTF8_STRING", "text/plain;charset=utf-8", "text/plain", "STRING", "TEXT")

HISTORY_HINT = "x-kde-passwordManagerHint"
"""Clipboard histories leave out what carries this target with the content `secret`."""


def text_contents(text: str, *, hidden: bool) -> Contents:
    """`text` under every name that programs ask for; `hidden` from clipboard histories."""
    data = text.encode(errors="replace")
    contents = {
        target: Content("UTF8_STRING" if target == "TEXT" else target, 8, data) for target in TEXT_TARGETS
    }
    try:
        contents["STRING"] = Content("STRING", 8, text.encode("latin-1"))
    except UnicodeEncodeError:
        del contents["STRING"]  # it means Latin-1; no reader shall get question marks
    if hidden:
        contents[HISTORY_HINT] = Content(HISTORY_HINT, 8, b"secret")
    return contents


@dataclass(frozen=True)
class Read:
    """`requestor` (a window) has fetched `target` of `selection`."""

    selection: str
    target: str
    requestor: int


@dataclass
class _Offer:
    contents: Contents
    owned_since: int


@dataclass
class _Transfer:
    requestor: Any
    read: Read
    content: Content
    sent: int
    touched: float


class Offers:
    """The selections that this process owns."""

    def __init__(self, wire: Wire, on_read: Callable[[Read], None], on_lost: Callable[[str], None]) -> None:
        self._wire = wire
        self._on_read = on_read
        self._on_lost = on_lost
        self._offers: dict[str, _Offer] = {}
        self._transfers: dict[tuple[int, int], _Transfer] = {}

    def offer(self, selection: str, contents: Contents) -> bool:
        """Own `selection` with `contents`; with none, leave it without owner. False when refused."""
        moment = self._wire.server_time()
        self._wire.set_owner(selection, owned=bool(contents), server_time=moment)
        owner = self._wire.owner(selection)
        if contents and owner == self._wire.window.id:
            self._offers[selection] = _Offer(contents, moment)
            return True
        self._offers.pop(selection, None)
        return not contents

    def contents(self, selection: str) -> Contents | None:
        """What we offer there; None when another program owns it."""
        offer = self._offers.get(selection)
        return offer.contents if offer else None

    def is_empty(self) -> bool:
        """Whether nothing is owned and nobody is still being served."""
        return not self._offers and not self._transfers

    def handle(self, event: Any) -> None:
        """Serve one event of the X server."""
        if event.type == X.SelectionRequest:
            self._serve(event)
        elif event.type == X.SelectionClear:
            selection = self._wire.name(event.atom)
            # After giving the selection up and taking it again, an old notice may still arrive.
            if self._wire.owner(selection) != self._wire.window.id and self._offers.pop(selection, None):
                self._on_lost(selection)
        elif event.type == X.PropertyNotify and event.state == X.PropertyDelete:
            self._send_piece((event.window.id, event.atom))

    def drop_stale_transfers(self, now: float) -> None:
        """Give up readers that went away in the middle."""
        stale = [
            key for key, transfer in self._transfers.items() if now - transfer.touched > TRANSFER_LIMIT_S
        ]
        for key in stale:
            del self._transfers[key]

    def _serve(self, event: Any) -> None:
        selection, target = self._wire.name(event.selection), self._wire.name(event.target)
        # Clients older than ICCCM name no property: the target's name stands for it.
        place = event.property or event.target
        offer = self._offers.get(selection)
        served = offer is not None and self._put(
            offer, Read(selection, target, event.requestor.id), event, place
        )
        event.requestor.send_event(
            x_event.SelectionNotify(
                time=event.time,
                requestor=event.requestor,
                selection=event.selection,
                target=event.target,
                property=place if served else X.NONE,
            )
        )
        self._wire.display.flush()

    def _put(self, offer: _Offer, read: Read, event: Any, place: int) -> bool:
        """Write what was asked for into the requestor's property; false when it is not on offer."""
        requestor = event.requestor
        if read.target == "TARGETS":
            names = ("TARGETS", "TIMESTAMP", *offer.contents)
            requestor.change_property(place, Xatom.ATOM, 32, [self._wire.atom(name) for name in names])
        elif read.target == "TIMESTAMP":
            requestor.change_property(place, Xatom.INTEGER, 32, [offer.owned_since])
        elif (content := offer.contents.get(read.target)) is None:
            return False
        elif len(content.data) > PIECE_BYTES:
            self._begin_transfer(read, requestor, place, content)
        else:
            kind = self._wire.atom(content.type_name)
            requestor.change_property(place, kind, content.format, content.data)
            self._on_read(read)
        return True

    def _begin_transfer(self, read: Read, requestor: Any, place: int, content: Content) -> None:
        requestor.change_attributes(event_mask=X.PropertyChangeMask)
        requestor.change_property(place, self._wire.atom("INCR"), 32, [len(content.data)])
        self._transfers[requestor.id, place] = _Transfer(requestor, read, content, 0, time.monotonic())

    def _send_piece(self, key: tuple[int, int]) -> None:
        transfer = self._transfers.get(key)
        if transfer is None:
            return
        content = transfer.content
        piece = content.data[transfer.sent : transfer.sent + PIECE_BYTES]
        kind = self._wire.atom(content.type_name)
        transfer.requestor.change_property(key[1], kind, content.format, piece)
        transfer.sent += len(piece)
        transfer.touched = time.monotonic()
        if not piece:
            # An empty piece is the end; only now has the reader got all of it.
            transfer.requestor.change_attributes(event_mask=X.NoEventMask)
            del self._transfers[key]
            self._on_read(transfer.read)
        self._wire.display.flush()


def is_text(read: Read, offered: Mapping[str, Content]) -> bool:
    """Whether a read was of the text itself, not of its hint."""
    return read.target in TEXT_TARGETS and read.target in offered
