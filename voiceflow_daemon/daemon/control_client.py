"""Asks the running daemon over its control socket."""

from __future__ import annotations

import socket
from pathlib import Path

from voiceflow_daemon.daemon.control_protocol import (
    REQUEST_LIMIT_S,
    ProtocolError,
    Reply,
    Request,
    decode_reply,
    encode_request,
)
from voiceflow_daemon.errors import DaemonNotRunningError, VoiceflowError

REPLY_LIMIT_BYTES = 4 * 1024 * 1024
"""A status with five long texts stays far below this."""


def ask(socket_file: Path, request: Request) -> Reply:
    """Send one request and wait for its reply.

    Raises `DaemonNotRunningError` when nobody listens, `VoiceflowError` when the daemon does not
    answer in time or answers nonsense.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(REQUEST_LIMIT_S)
        try:
            connection.connect(str(socket_file))
        except (FileNotFoundError, ConnectionRefusedError, PermissionError) as error:
            raise DaemonNotRunningError(
                "The voiceflow daemon is not running.", "Start it with `voiceflow run`."
            ) from error
        try:
            connection.sendall(encode_request(request))
            return decode_reply(_read_line(connection))
        except (TimeoutError, OSError, ProtocolError) as error:
            raise VoiceflowError(
                f"The daemon did not answer ({error}).", "See `voiceflow status` and the log."
            ) from error


def _read_line(connection: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n"):
        part = connection.recv(65536)
        if not part:
            raise ProtocolError("it hung up")
        received += part
        if len(received) > REPLY_LIMIT_BYTES:
            raise ProtocolError("the answer is too long")
    return bytes(received)
