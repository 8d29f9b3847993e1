"""The control socket: who is heard, what is refused, and that no client holds up another."""

import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voiceflow_daemon.daemon.control import CONNECTIONS, ControlServer, peer_uid
from voiceflow_daemon.daemon.control_client import ask
from voiceflow_daemon.daemon.control_protocol import (
    COMMANDS,
    MESSAGE_LIMIT_BYTES,
    ProtocolError,
    Reply,
    Request,
    decode_reply,
    decode_request,
    encode_reply,
    encode_request,
)
from voiceflow_daemon.errors import DaemonNotRunningError, VoiceflowError


class Daemon:
    """Answers each request with its own words, or leaves it unanswered."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def answer(self, request: Request) -> Future[Reply]:
        self.asked.append(request)
        reply: Future[Reply] = Future()
        reply.set_result(Reply(ok=True, data={"echo": request.argument}))
        return reply


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
def socket_file(tmp_path: Path, daemon: Daemon) -> Iterator[Path]:
    path = tmp_path / "run" / "control.sock"
    server = ControlServer(path, daemon.answer)
    server.start()
    yield path
    server.stop()
    assert not path.exists()


def talk(path: Path, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        received = b""
        with suppress(ConnectionError):  # the daemon may hang up before it has read all
            connection.sendall(data)
            while part := connection.recv(65536):
                received += part
        return received


def test_a_request_is_answered(socket_file: Path, daemon: Daemon) -> None:
    assert ask(socket_file, Request("context", "é mail")).data == {"echo": "é mail"}
    assert daemon.asked == [Request("context", "é mail")]


def test_only_the_user_may_enter(socket_file: Path) -> None:
    assert stat.S_IMODE(socket_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket_file.parent.stat().st_mode) == 0o700


def test_the_peer_is_known() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer_uid(ours) == os.getuid()


def test_another_user_gets_no_answer(
    socket_file: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voiceflow_daemon.daemon.control.peer_uid", lambda _: os.getuid() + 1)
    assert talk(socket_file, encode_request(Request("status"))) == b""
    assert daemon.asked == []


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"press\n",
        b"[]\n",
        b'{"command": "format the disk"}\n',
        b'{"command": "press", "argument": 7}\n',
        b"\xff\xfe\n",
        b'{"command": "press", "argument": "' + b"x" * MESSAGE_LIMIT_BYTES + b'"}\n',
    ],
)
def test_nonsense_is_refused_and_the_next_is_served(socket_file: Path, daemon: Daemon, line: bytes) -> None:
    reply = decode_reply(talk(socket_file, line))
    assert not reply.ok
    assert reply.exit_code == 1
    assert daemon.asked == []
    assert ask(socket_file, Request("status")).ok


def test_silent_clients_hold_up_nobody(socket_file: Path) -> None:
    silent = [socket.socket(socket.AF_UNIX) for _ in range(CONNECTIONS - 1)]
    for connection in silent:
        connection.connect(str(socket_file))
    assert ask(socket_file, Request("status")).ok
    for connection in silent:
        connection.close()


def test_stopping_leaves_waiting_clients_without_an_answer(tmp_path: Path) -> None:
    asked = threading.Event()

    def never(_request: Request) -> Future[Reply]:
        asked.set()
        return Future()

    server = ControlServer(tmp_path / "run" / "control.sock", never)
    server.start()
    outcome: list[VoiceflowError] = []

    def client() -> None:
        with pytest.raises(VoiceflowError) as caught:
            ask(tmp_path / "run" / "control.sock", Request("status"))
        outcome.append(caught.value)

    thread = threading.Thread(target=client)
    thread.start()
    assert asked.wait(10)
    server.stop()
    thread.join(10)
    assert "did not answer" in outcome[0].message


def test_without_a_daemon_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(DaemonNotRunningError) as caught:
        ask(tmp_path / "control.sock", Request("status"))
    assert "voiceflow run" in caught.value.hint


def test_a_dead_daemons_socket_file_is_replaced(tmp_path: Path, daemon: Daemon) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(DaemonNotRunningError):
        ask(path, Request("status"))
    server = ControlServer(path, daemon.answer)
    server.start()
    assert ask(path, Request("status")).ok
    server.stop()


@given(st.sampled_from(sorted(COMMANDS)), st.text(max_size=200))
def test_requests_survive_the_way(command: str, argument: str) -> None:
    request = Request(command, argument.encode("utf-8", "replace").decode())
    assert decode_request(encode_request(request)) == request


@given(st.booleans(), st.dictionaries(st.text(), st.integers()), st.text(), st.integers(0, 255))
def test_replies_survive_the_way(ok: bool, data: dict[str, int], message: str, code: int) -> None:
    reply = Reply(ok, json.loads(json.dumps(data)), message, "", code)
    assert decode_reply(encode_reply(reply)) == reply


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_refused(line: bytes) -> None:
    with suppress(ProtocolError):
        assert decode_request(line).command in COMMANDS
