"""The HTTP side: requests in, answers out, on the event loop, which never waits for the engine.

What a server sends and when: ClickHouse, src/Server/HTTPHandler.cpp and HTTP/HTTP1/HTTP1ServerResponse.cpp. The first
megabyte of a result is held back, so an error on the way to it still has a status of its own; after that the status
is sent, and an error comes in the body, framed by X-ClickHouse-Exception-Tag, and ends the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import platform
import secrets
import string
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from marts_platform.embedded.clickhouse_http import compression
from marts_platform.embedded.clickhouse_http.body import Body
from marts_platform.embedded.clickhouse_http.engine import Engine
from marts_platform.embedded.clickhouse_http.errors import (
    ClientGoneError,
    Code,
    ServerError,
    raised_here,
)
from marts_platform.embedded.clickhouse_http.request import Request, authenticate, read
from marts_platform.embedded.clickhouse_http.sessions import Sessions
from marts_platform.embedded.clickhouse_http.statements import Answer, Statements

MAX_STATEMENTS = (
    100  # the server's max_concurrent_queries would be that for its max_concurrent_select_queries
)

_PIPE_BYTES = 1 << 20
_EXPIRE_SECONDS = 10
_KILL_SECONDS = 0.1
_SEND_SECONDS = 300  # a server gives up after 30 s (http_send_timeout); a person at a debugger takes longer
_INLINE_BYTES = 1 << 16  # compressing more than that keeps the event loop too long


class Answering:
    """Sends one answer: status and headers at the first piece, then the pieces, compressed as the client asked."""

    def __init__(self, send: Send, engine: Engine, request: Request, answer: Answer) -> None:
        self.begun = False
        self._send = send
        self._engine = engine
        self._request = request
        self._answer = answer
        self._tag = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
        self._encoders: list[compression.Encoder] = []

    async def write(self, data: bytes) -> None:
        """Sends a piece of the result."""
        if not self.begun:
            await self._begin(200, self._result_headers())
        for encoder in self._encoders:
            if len(data) > _INLINE_BYTES:
                data = await asyncio.to_thread(encoder.compress, data)
            else:
                data = encoder.compress(data)
        if data:
            await self._put(data)

    async def end(self) -> None:
        """Ends the answer well."""
        if not self.begun:
            await self._begin(200, self._result_headers())
        await self._flush()
        await self._put(b"", more=False)

    async def fail(self, error: ServerError) -> None:
        """Ends the answer with an error: by its status, or if that is gone, inside the body, and breaks off."""
        text = error.body(self._engine.version)
        if not self.begun:
            headers = {"X-ClickHouse-Exception-Code": str(error.code)}
            if error.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
            await self._begin(error.status, headers)
            await self._put(text, more=False)
            return
        text = text[: (16 << 10) - 128].rstrip(b"\n") + b"\n"
        tag = self._tag.encode()
        marker = b"__exception__"
        lines = (b"", marker, tag, text + b"%d " % len(text) + tag, marker, b"")
        await self.write(b"\r\n".join(lines))
        await self._flush()
        # Without a last chunk the HTTP answer is visibly incomplete: no client takes half a result for a whole one.

    async def _flush(self) -> None:
        """Ends every layer of compression; what one gives last passes through the next ones."""
        data = b""
        for encoder in self._encoders:
            data = (encoder.compress(data) if data else b"") + encoder.flush()
        if data:
            await self._put(data)

    def _result_headers(self) -> dict[str, str]:
        if self._request.native_compression:
            self._encoders.append(compression.native_encoder())
        headers: dict[str, str] = {}
        chosen = compression.encoder(self._request.http_compression, self._request.compression_level)
        # An answer without a result has no body to compress, and readers stumble over an empty frame.
        if chosen is not None and self._answer.format is not None:
            headers["Content-Encoding"], encoder = chosen
            self._encoders.append(encoder)
        if self._answer.format is not None:
            headers["Content-Type"] = self._engine.content_type(self._answer.format)
            headers["X-ClickHouse-Format"] = self._answer.format
        return headers

    async def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.begun = True
        timezone = self._request.settings.get("session_timezone") or self._engine.timezone
        fixed = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-ClickHouse-Server-Display-Name": platform.node(),
            "X-ClickHouse-Query-Id": self._request.query_id,
            "X-ClickHouse-Timezone": timezone,
            "X-ClickHouse-Exception-Tag": self._tag,
            "X-ClickHouse-Summary": self._answer.summary.header(),
        }
        pairs = [
            (name.lower().encode(), value.encode("latin-1", "replace"))
            for name, value in (fixed | headers).items()
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def _put(self, data: bytes, *, more: bool = True) -> None:
        message = {"type": "http.response.body", "body": data, "more_body": more}
        try:
            await asyncio.wait_for(self._send(message), _SEND_SECONDS)
        except (TimeoutError, OSError):
            raise ClientGoneError from None


class Server:
    """Answers statements. An ASGI application."""

    def __init__(self, engine: Engine, password: str, spool: Path) -> None:
        """Answers for an engine.

        Args:
            engine: the engine.
            password: of the one user.
            spool: a folder for the results of wait_end_of_query, which are sent when they are complete; nothing in it
                has a name, so nothing stays in it.
        """
        self._engine = engine
        self._password = password
        self._spool = spool
        self._sessions = Sessions(engine)
        self._statements = Statements(engine, self._sessions)
        self._threads = ThreadPoolExecutor(MAX_STATEMENTS, "statement")
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        answer = Answer()
        try:
            request = read(scope["method"], scope["query_string"], headers)
        except ServerError as error:
            await Answering(send, self._engine, read("GET", b"", {}), answer).fail(error)
            return
        if request.method == "GET" and not request.query and "query" not in request.fields:
            await PlainTextResponse("Ok.\n")(scope, receive, send)
            return
        answering = Answering(send, self._engine, request, answer)
        try:
            authenticate(request, headers, self._password)
            if self._running >= MAX_STATEMENTS:
                raise raised_here(
                    Code.TOO_MANY_SIMULTANEOUS_QUERIES,
                    f"Too many simultaneous queries. Maximum: {MAX_STATEMENTS}.",
                )
            self._running += 1
            try:
                await self._run(request, receive, answering, answer)
            finally:
                self._running -= 1
        except ServerError as error:
            await answering.fail(error)
        except ClientGoneError:
            return

    async def expire_sessions(self) -> None:
        """Ends the sessions whose time is up, for ever."""
        while True:
            await asyncio.sleep(_EXPIRE_SECONDS)
            await asyncio.to_thread(self._sessions.expire)

    async def _run(self, request: Request, receive: Receive, answering: Answering, answer: Answer) -> None:
        loop = asyncio.get_running_loop()
        body = Body(receive, loop)
        source, target = _pipe()
        statement = loop.run_in_executor(self._threads, self._statements.run, request, body, answer, target)
        sending = loop.create_task(self._send_result(request, source, statement, answering))
        leaving = loop.create_task(body.gone())
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if sending.done():
                await sending
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.wait((sending, leaving))
            # The engine may wait in a full pipe; without a reader it writes on into the void.
            os.close(source)
            await self._abandon(statement, answer)

    async def _send_result(
        self, request: Request, source: int, statement: asyncio.Future[None], answering: Answering
    ) -> None:
        with tempfile.SpooledTemporaryFile(request.buffer_bytes, dir=self._spool) as held:
            async for piece in _pieces(source):
                if answering.begun:
                    await answering.write(piece)
                    continue
                held.write(piece)
                if held.tell() >= request.buffer_bytes and not request.waits_for_end:
                    await _release(held, answering)
            await asyncio.shield(statement)
            if not answering.begun:
                await _release(held, answering)
        await answering.end()

    async def _abandon(self, statement: asyncio.Future[None], answer: Answer) -> None:
        """Waits for a statement that nobody waits for any more; one that only reads is stopped."""
        while not statement.done():
            if answer.mark:
                await asyncio.to_thread(self._engine.kill, answer.mark)
            await asyncio.wait((statement,), timeout=_KILL_SECONDS)
        if not statement.cancelled():
            statement.exception()  # looked at, else asyncio complains


def application(engine: Engine, password: str, spool: Path) -> ASGIApp:
    """The ASGI application of a server; see `Server` for the arguments."""
    server = Server(engine, password, spool)

    async def ok(_: HttpRequest) -> PlainTextResponse:
        return PlainTextResponse("Ok.\n")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        expiring = asyncio.create_task(server.expire_sessions())
        yield
        expiring.cancel()

    routes = [Route("/ping", ok), Route("/replicas_status", ok), Route("/", server, methods=["GET", "POST"])]
    return Starlette(routes=routes, lifespan=lifespan)


def _pipe() -> tuple[int, int]:
    source, target = os.pipe()
    os.set_blocking(source, False)
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # A user's pipes may not exceed a limit together; then this one stays at 64 kB, and is slower.
        with contextlib.suppress(OSError):
            fcntl.fcntl(target, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return source, target


async def _pieces(source: int) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    while True:
        try:
            piece = os.read(source, _PIPE_BYTES)
        except BlockingIOError:
            ready = asyncio.Event()
            loop.add_reader(source, ready.set)
            try:
                await ready.wait()
            finally:
                loop.remove_reader(source)
            continue
        if not piece:
            return
        yield piece


async def _release(held: tempfile.SpooledTemporaryFile[bytes], answering: Answering) -> None:
    """Sends what was held back."""
    held.seek(0)
    while piece := held.read(_PIPE_BYTES):
        await answering.write(piece)
