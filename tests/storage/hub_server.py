"""A model hub on the loopback: the part of the hub's protocol that downloads need, over real HTTP."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Request:
    """One request as it came in."""

    method: str
    path: str
    range: str | None
    accepts: str | None


@dataclass
class Behaviour:
    """What the server does wrong, if anything."""

    cut_after_bytes: int | None = None
    """Break the connection in the next file's body after so many bytes, then answer 503 to files."""
    stall_after_bytes: int | None = None
    """Send so many bytes of a file, then nothing more until the server stops."""
    file_status: int | None = None
    """Answer every file with this status."""
    info_status: int | None = None
    """Answer every question about a repository with this status."""
    error_code: str | None = None
    """The hub's X-Error-Code beside such a status."""
    corrupt: bool = False
    """Send other bytes than announced."""
    ignore_range: bool = False
    """Send the whole file whatever part was asked for."""


@dataclass
class HubServer:
    """Serves `repositories`: id -> file name -> content. Large files (LFS) have a SHA-256."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    lfs: set[str] = field(default_factory=lambda: {"model.bin"})
    behaviour: Behaviour = field(default_factory=Behaviour)
    requests: list[Request] = field(default_factory=list)

    def __enter__(self) -> HubServer:
        self.stopping = threading.Event()
        self.stalled = threading.Event()
        handler = type("Handler", (_Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def ranges(self, file: str) -> list[str | None]:
        """The Range headers of the GET requests for a file, in order."""
        return [
            request.range
            for request in self.requests
            if request.method == "GET" and request.path.endswith(f"/{file}")
        ]


class _Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"
    timeout = 5.0

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append(
            Request(self.command, path, self.headers.get("Range"), self.headers.get("Accept-Encoding"))
        )
        if path.startswith("/api/models/"):
            self._info(path.removeprefix("/api/models/").split("/revision/")[0])
        elif "/resolve/" in path:
            repository, _, rest = path.lstrip("/").partition("/resolve/")
            self._file(repository, rest.partition("/")[2])
        else:
            self._refuse(404, "RepoNotFound")

    def _info(self, repository: str) -> None:
        wrong = self.hub.behaviour.info_status
        if wrong is not None:
            self._refuse(wrong, self.hub.behaviour.error_code)
            return
        files = self.hub.repositories.get(repository)
        if files is None:
            self._refuse(404, "RepoNotFound")
            return
        siblings = [self._sibling(name, content) for name, content in files.items()]
        body = json.dumps({"id": repository, "sha": COMMIT, "siblings": siblings}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _sibling(self, name: str, content: bytes) -> dict[str, object]:
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        described: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": blob}
        if self._is_lfs(name):
            sha256 = hashlib.sha256(content).hexdigest()
            described["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 134}
        return described

    def _is_lfs(self, name: str) -> bool:
        return name in self.hub.lfs or name.endswith(".gguf")

    def _file(self, repository: str, name: str) -> None:
        behaviour = self.hub.behaviour
        content = self.hub.repositories.get(repository, {}).get(name)
        if behaviour.file_status is not None:
            self._refuse(behaviour.file_status, behaviour.error_code)
        elif content is None:
            self._refuse(404, "EntryNotFound")
        else:
            self._send(bytes(len(content)) if behaviour.corrupt else content)

    def _send(self, content: bytes) -> None:
        first = 0
        asked = self.headers.get("Range")
        if asked and not self.hub.behaviour.ignore_range:
            first = int(asked.removeprefix("bytes=").partition("-")[0])
            if first >= len(content):
                self._refuse(416, None)
                return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.end_headers()
        if self.command == "GET":
            self._send_body(content[first:])

    def _send_body(self, body: bytes) -> None:
        behaviour = self.hub.behaviour
        cut, stall = behaviour.cut_after_bytes, behaviour.stall_after_bytes
        for at in range(0, len(body), _PIECE_BYTES):
            piece = body[at : at + _PIECE_BYTES]
            if cut is not None and at + len(piece) > cut:
                behaviour.file_status = 503
                self.close_connection = True
                return
            if stall is not None and at + len(piece) > stall:
                self.hub.stalled.set()
                self.hub.stopping.wait()
                self.close_connection = True
                return
            try:
                self.wfile.write(piece)
            except ConnectionError:
                self.close_connection = True
                return

    def _refuse(self, status: int, code: str | None) -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def end_headers(self) -> None:
        # Kept-alive connections would hold their threads until they time out.
        self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Be quiet."""
