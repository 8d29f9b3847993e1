"""The clipboard's keeper: a small process that owns the selection and outlives the daemon.

Started by `_x11_keeper_link`, one for each connection of a daemon, over an inherited socket. It ends
when its daemon is gone and nothing is left to keep, or when the X server goes. So neither what the
user had copied nor a text meant to stay on the clipboard dies with the daemon.
"""

from __future__ import annotations

import os
import resource
import select
import socket
import sys
import time

from voiceflow_daemon.desktop._x11_connection import DISCONNECTED, Wire, open_display, same_program
from voiceflow_daemon.desktop._x11_offers import Offers, Read, is_text, text_contents
from voiceflow_daemon.desktop._x11_snapshot import OwnerStuckError, snapshot
from voiceflow_daemon.desktop.keeper_messages import (
    Answer,
    AwaitRead,
    Command,
    Expect,
    GiveBack,
    Lend,
    Lines,
    MessageError,
    Put,
    decode_command,
    encode,
)
from voiceflow_daemon.desktop.loan import Contents, Loan

HOUSEKEEPING_S = 5.0


class Keeper:
    """Owns the selections for one daemon."""

    def __init__(self, link: socket.socket) -> None:
        """Raises `DisplayError`."""
        self._display = open_display()
        self._wire = Wire(self._display, self._dispatch)
        self._offers = Offers(self._wire, self._read, self._lost)
        self._link: socket.socket | None = link
        self._lines = Lines()
        self._loan: Loan | None = None
        self._waiting_until: float | None = None
        """Until when the daemon's `AwaitRead` is answered; None when it asked nothing."""

    def run(self) -> None:
        """Serve until nobody needs it any more."""
        self._answer(Answer.DONE)
        while True:
            while self._display.pending_events():
                self._dispatch(self._display.next_event())
            self._settle(time.monotonic())
            if self._link is None and self._offers.is_empty():
                return
            sources = [self._display.fileno(), *([self._link] if self._link else [])]
            # Settling may have read further events into the library's queue, where select is blind.
            timeout = 0 if self._display.pending_events() else self._until_next(time.monotonic())
            ready, _, _ = select.select(sources, [], [], timeout)
            if self._link is not None and self._link in ready:
                self._receive(self._link)

    # --- the daemon

    def _receive(self, link: socket.socket) -> None:
        try:
            received = link.recv(1 << 18)
            commands = [decode_command(line) for line in self._lines.feed(received)]
        except (OSError, MessageError):
            received, commands = b"", []
        if not received:
            self._daemon_gone()
        for command in commands:
            self._obey(command)

    def _obey(self, command: Command) -> None:
        match command:
            case Lend():
                self._linger()
                self._answer(self._lend(command))
            case Put(text, selections):
                self._linger()
                self._give_back_others(selections)
                self._loan = None
                taken = [self._offers.offer(each, text_contents(text, hidden=False)) for each in selections]
                self._answer(Answer.DONE if all(taken) else Answer.REFUSED)
            case Expect(windows):
                if self._loan is not None:
                    self._loan.expect(windows)
                self._answer(Answer.DONE)
            case AwaitRead(limit_s):
                self._waiting_until = time.monotonic() + limit_s
            case GiveBack():
                if self._loan is not None:
                    self._loan.end(time.monotonic())
                self._answer(Answer.DONE)

    def _lend(self, wish: Lend) -> Answer:
        self._wire.server_time()  # and with it every notice that was sent before: what is lost, what is ours
        saved: dict[str, Contents]
        if wish.afterwards is None:
            try:
                saved = {each: self._content_of(each) for each in wish.selections}
            except OwnerStuckError:
                return Answer.STUCK
        else:
            saved = {each: text_contents(wish.afterwards, hidden=False) for each in wish.selections}
        self._give_back_others(wish.selections)
        self._loan = Loan(saved)
        passing = text_contents(wish.text, hidden=True)
        offered = [self._offers.offer(each, passing) for each in wish.selections]
        return Answer.DONE if all(offered) else Answer.REFUSED

    def _linger(self) -> None:
        """A program that still fetches the text before must not get the next one in its place."""
        while self._loan is not None and self._loan.due is not None:
            left = self._loan.due - time.monotonic()
            if left <= 0:
                return
            self._wire.wait(lambda _event: False, left)

    def _content_of(self, selection: str) -> Contents:
        """What the user has there: what an unfinished loan took from there, ours, or another program's."""
        if self._loan is not None and selection in self._loan.saved:
            return self._loan.saved[selection]
        own = self._offers.contents(selection)
        return own if own is not None else snapshot(self._wire, selection)

    def _give_back_others(self, selections: tuple[str, ...]) -> None:
        """End what an unfinished loan holds beyond `selections`."""
        if self._loan is not None:
            for selection in self._loan.saved.keys() - set(selections):
                self._offers.offer(selection, self._loan.saved[selection])

    def _answer(self, answer: Answer) -> None:
        if self._link is not None:
            try:
                self._link.sendall(encode(answer))
            except OSError:
                self._daemon_gone()

    def _daemon_gone(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        self._waiting_until = None
        if self._loan is not None:
            self._loan.borrower_gone(time.monotonic())

    # --- the desktop

    def _dispatch(self, event: object) -> None:
        self._offers.handle(event)

    def _read(self, read: Read) -> None:
        loan = self._loan
        offered = self._offers.contents(read.selection)
        if loan is None or offered is None or read.selection not in loan.saved or not is_text(read, offered):
            return
        expected = any(same_program(self._display, read.requestor, window) for window in loan.windows)
        loan.requested(time.monotonic(), expected)

    def _lost(self, selection: str) -> None:
        """Another program copied something: that is what the user wants there now."""
        if self._loan is not None:
            self._loan.saved.pop(selection, None)
            if not self._loan.saved:
                self._loan = None

    # --- time

    def _settle(self, now: float) -> None:
        """Do what is due."""
        self._offers.drop_stale_transfers(now)
        if self._waiting_until is not None:
            was_read = self._loan is not None and self._loan.was_read
            if was_read or self._loan is None or now >= self._waiting_until:
                self._waiting_until = None
                self._answer(Answer.READ if was_read else Answer.UNREAD)
        if self._loan is not None and self._loan.due is not None and now >= self._loan.due:
            loan, self._loan = self._loan, None
            for selection, contents in loan.saved.items():
                self._offers.offer(selection, contents)

    def _until_next(self, now: float) -> float:
        """Seconds until something is due."""
        times = [now + HOUSEKEEPING_S]
        if self._waiting_until is not None:
            times.append(self._waiting_until)
        if self._loan is not None and self._loan.due is not None:
            times.append(self._loan.due)
        return max(0.0, min(times) - now)


def main(link_fd: int) -> None:
    """Leave the starter's session and serve the daemon at the other end of `link_fd`."""
    # A child of nobody: the daemon need not wait for it, and its end leaves no zombie there.
    if os.fork():
        os._exit(0)
    # What the user copied belongs in no core file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with socket.socket(fileno=link_fd) as link:
        try:
            Keeper(link).run()
        except DISCONNECTED:
            return  # the X server has gone, and the selections with it


if __name__ == "__main__":
    main(int(sys.argv[1]))
