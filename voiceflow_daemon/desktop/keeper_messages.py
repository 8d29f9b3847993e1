"""What the daemon says to the clipboard's keeper, and what it answers: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

MAX_LINE_BYTES = 16 * 1024 * 1024
"""No message is longer; a peer that sends more is cut off."""

CLIPBOARD = "CLIPBOARD"
PRIMARY = "PRIMARY"


@dataclass(frozen=True)
class Lend:
    """Save what stands on `selections`, then put `text` there for one paste, hidden from histories.

    What stood there is given back afterwards, or replaced by the text `afterwards`, which is not hidden.
    """

    text: str
    selections: tuple[str, ...] = (CLIPBOARD,)
    afterwards: str | None = None


@dataclass(frozen=True)
class Put:
    """Put `text` there to stay. What was saved for a loan is forgotten."""

    text: str
    selections: tuple[str, ...] = (CLIPBOARD,)


@dataclass(frozen=True)
class Expect:
    """Paste keys are about to be sent: from now on, reads by the program of `windows` are its receipt."""

    windows: tuple[int, ...]


@dataclass(frozen=True)
class AwaitRead:
    """Answer once the text was read by the expected program, or after `limit_s`."""

    limit_s: float


@dataclass(frozen=True)
class GiveBack:
    """Put back what was saved, as soon as the reader has asked for all that it wants."""


Command = Lend | Put | Expect | AwaitRead | GiveBack


class Answer(StrEnum):
    """The end of one command."""

    DONE = "done"
    STUCK = "stuck"
    """The present owner does not hand out its content; the selection was left alone."""
    REFUSED = "refused"
    """The X server did not make us the owner."""
    READ = "read"
    UNREAD = "unread"
    """Nobody who counts read the text within the limit, or another program took the selection."""


class MessageError(ValueError):
    """A line that is none of ours, or too long."""


_COMMANDS: dict[str, type[Any]] = {
    "lend": Lend,
    "put": Put,
    "expect": Expect,
    "await_read": AwaitRead,
    "give_back": GiveBack,
}
_NAMES = {kind: name for name, kind in _COMMANDS.items()}


def encode(message: Command | Answer) -> bytes:
    """One line. Raises `MessageError` for a text that is too long."""
    if isinstance(message, Answer):
        body: dict[str, Any] = {"answer": message.value}
    else:
        body = {"do": _NAMES[type(message)], **asdict(message)}
    line = json.dumps(body).encode("ascii") + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise MessageError(f"a message of {len(line)} bytes is too long")
    return line


def decode_command(line: bytes) -> Command:
    """The command in `line`. Raises `MessageError`."""
    body = _object(line)
    kind = _COMMANDS.get(str(body.pop("do", "")))
    if kind is None:
        raise MessageError("not a command")
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in body.items()}
    try:
        command: Command = kind(**fields)
    except TypeError as error:
        raise MessageError(str(error)) from error
    return command


def decode_answer(line: bytes) -> Answer:
    """The answer in `line`. Raises `MessageError`."""
    try:
        return Answer(str(_object(line).get("answer")))
    except ValueError as error:
        raise MessageError("not an answer") from error


def _object(line: bytes) -> dict[str, Any]:
    try:
        body = json.loads(line)
    except ValueError as error:
        raise MessageError("not JSON") from error
    if not isinstance(body, dict):
        raise MessageError("not an object")
    return body


@dataclass
class Lines:
    """Cuts a stream of bytes into lines."""

    _pending: bytearray = field(default_factory=bytearray)

    def feed(self, received: bytes) -> list[bytes]:
        """The lines that `received` completes. Raises `MessageError` when one grows too long."""
        self._pending += received
        *whole, rest = self._pending.split(b"\n")
        self._pending = bytearray(rest)
        if len(self._pending) > MAX_LINE_BYTES:
            raise MessageError("a line without end")
        return [bytes(line) for line in whole]
