"""The control socket's language: one JSON object a line, one request and one reply a connection.

Light on purpose: `voiceflow press` imports this and nothing heavy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

MESSAGE_LIMIT_BYTES = 64 * 1024
"""A longer request is refused unread."""

REQUEST_LIMIT_S = 5.0
"""How long a client may take to say what it wants, and how long it waits for the answer."""

COMMANDS = frozenset(
    {"press", "release", "toggle", "cancel", "context", "status", "last", "reload", "invalidate", "stop"}
)


@dataclass(frozen=True)
class Request:
    """What a client asks. `argument` is the context's name, or how `last` is wanted."""

    command: str
    argument: str = ""


@dataclass(frozen=True)
class Reply:
    """The answer: `data` when `ok`, else a message, a hint and an exit code for the user."""

    ok: bool
    data: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    hint: str = ""
    exit_code: int = 0


class ProtocolError(Exception):
    """The other side does not speak this language."""


def encode_request(request: Request) -> bytes:
    """One line."""
    return _line({"command": request.command, "argument": request.argument})


def decode_request(line: bytes) -> Request:
    """Raises `ProtocolError` unless the line is a known request."""
    if len(line) > MESSAGE_LIMIT_BYTES:
        raise ProtocolError("the message is too long")
    fields = _object(line)
    command, argument = fields.get("command"), fields.get("argument", "")
    if command not in COMMANDS or not isinstance(argument, str):
        raise ProtocolError("no such command")
    return Request(command, argument)


def encode_reply(reply: Reply) -> bytes:
    """One line."""
    return _line(
        {
            "ok": reply.ok,
            "data": reply.data,
            "message": reply.message,
            "hint": reply.hint,
            "exit_code": reply.exit_code,
        }
    )


def decode_reply(line: bytes) -> Reply:
    """Raises `ProtocolError` unless the line is a reply."""
    fields = _object(line)
    try:
        return Reply(
            ok=bool(fields["ok"]),
            data=dict(fields["data"]),
            message=str(fields["message"]),
            hint=str(fields["hint"]),
            exit_code=int(fields["exit_code"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProtocolError("not a reply") from error


def _line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=False).encode() + b"\n"


def _object(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not JSON") from error
    if not isinstance(fields, dict):
        raise ProtocolError("not an object")
    return fields
