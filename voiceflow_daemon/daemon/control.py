"""The control socket: `voiceflow press` and its like reach the daemon here.

A thread with an event loop of its own; a slow or hostile client holds up nobody. Only processes of
the same user are heard: the folder is 0700, the socket 0600, and the peer's uid is checked.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

from voiceflow_daemon.daemon.control_protocol import (
    MESSAGE_LIMIT_BYTES,
    REQUEST_LIMIT_S,
    ProtocolError,
    Reply,
    Request,
    decode_request,
    encode_reply,
)
from voiceflow_daemon.storage.paths import private_dir

log = logging.getLogger(__name__)

CONNECTIONS = 16
"""More at once are turned away."""

LAST_ANSWERS_S = 0.5
"""How long the end waits for answers that are on their way."""

Answer = Callable[[Request], "Future[Reply]"]
"""Called on the control thread; it only enqueues."""


class ControlServer:
    """Listens on `socket_file` from `start` to `stop`."""

    def __init__(self, socket_file: Path, answer: Answer) -> None:
        self._socket_file = socket_file
        self._answer = answer
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="control")

    def start(self) -> None:
        """Make the socket and listen; raises OSError when the folder refuses it.

        A socket file that is there already belongs to a dead daemon: the caller holds the lock.
        """
        private_dir(self._socket_file.parent)
        self._socket_file.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        previous = os.umask(0o177)
        try:
            listener.bind(str(self._socket_file))
            # From here on clients wait until the thread serves them, none is refused.
            listener.listen(CONNECTIONS)
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(previous)
        self._listener = listener
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and end the thread; clients that wait for an answer are hung up on."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._socket_file.unlink(missing_ok=True)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        async with await asyncio.start_unix_server(
            self._connected, sock=self._listener, limit=MESSAGE_LIMIT_BYTES
        ):
            await self._stopped.wait()
            connections = list(self._connections)
            if connections:
                # `voiceflow stop` still wants its answer.
                await asyncio.wait(connections, timeout=LAST_ANSWERS_S)
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if peer_uid(writer.get_extra_info("socket")) == os.getuid() and self._has_room():
                reply = await self._reply(reader)
                writer.write(encode_reply(reply))
                await asyncio.wait_for(writer.drain(), REQUEST_LIMIT_S)
        except (OSError, TimeoutError):
            log.debug("a client of the control socket went away")
        finally:
            writer.close()

    def _has_room(self) -> bool:
        return len(self._connections) <= CONNECTIONS

    async def _reply(self, reader: asyncio.StreamReader) -> Reply:
        try:
            line = await asyncio.wait_for(reader.readline(), REQUEST_LIMIT_S)
            request = decode_request(line)
        except (ProtocolError, ValueError) as error:
            return Reply(ok=False, message=f"The daemon did not understand: {error}.", exit_code=1)
        return await asyncio.wait_for(asyncio.wrap_future(self._answer(request)), REQUEST_LIMIT_S)


def peer_uid(connection: socket.socket) -> int:
    """The user id of the process at the other end (Linux `SO_PEERCRED`: pid, uid, gid)."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])
