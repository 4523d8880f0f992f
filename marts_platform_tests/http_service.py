"""HTTP services of a test's own, on real sockets: they answer what it says, and remember what was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What is answered; `value` is sent as JSON, bytes as they are."""

    value: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def content(self) -> bytes:
        """The body."""
        return self.value if isinstance(self.value, bytes) else json.dumps(self.value).encode()


@dataclass
class Service:
    """A service that runs.

    Attributes:
        port: on loopback.
        answer: decides the answer to a request; a test may change it.
        asked: the requests so far.
    """

    port: int
    answer: Callable[[Asked], Answer]
    asked: list[Asked] = field(default_factory=list[Asked])

    def url(self, credentials: str = "") -> str:
        """Its address, with ``user:password`` in it."""
        return f"http://{credentials}{'@' if credentials else ''}{LOOPBACK}:{self.port}"


@contextmanager
def service(answer: Callable[[Asked], Answer]) -> Generator[Service]:
    """A service for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _reply(self) -> None:
            asked = Asked(self.command, self.path, dict(self.headers.items()), self._body())
            running.asked.append(asked)
            given = running.answer(asked)
            # Without a Date of its own where the answer has one.
            (self.send_response_only if "Date" in given.headers else self.send_response)(given.status)
            for name, value in {"Content-Type": "application/json", **given.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.content)))
            self.end_headers()
            self.wfile.write(given.content)

        def _body(self) -> bytes:
            if self.headers.get("transfer-encoding", "") != "chunked":
                return self.rfile.read(int(self.headers.get("content-length", 0)))
            pieces: list[bytes] = []
            while size := int(self.rfile.readline(), 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(pieces)

        do_GET = _reply
        do_POST = _reply

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that does not wait for its answer

    server = Server((LOOPBACK, 0), Handler)
    running = Service(server.server_address[1], answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
