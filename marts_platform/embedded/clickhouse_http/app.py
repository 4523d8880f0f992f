"""The HTTP side: requests in, answers out, on the event loop, which never waits for the engine.

The first megabyte of a result is held back, as on a server, so that an error on the way to it still has a
status of its own; with ``wait_end_of_query`` all of it is, on disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from marts_platform.embedded.clickhouse_http import pipes
from marts_platform.embedded.clickhouse_http.answering import Answering
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
from marts_platform.embedded.clickhouse_http.statements import MAX_STATEMENTS, Answer, Statements

_EXPIRE_SECONDS = 10
_KILL_SECONDS = 0.1


class Server:
    """Answers statements. An ASGI application."""

    def __init__(self, engine: Engine, password: str, spool: Path) -> None:
        """Answers for an engine.

        Args:
            engine: the engine.
            password: of the one user.
            spool: a folder for results that wait for their end; its files have no names, so none is left.
        """
        self._engine = engine
        self._password = password
        self._spool = spool
        self._sessions = Sessions(engine)
        self._statements = Statements(engine, self._sessions)
        self._threads = ThreadPoolExecutor(MAX_STATEMENTS, "statement")
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request to ``/``."""
        headers = Headers(scope=scope)
        answer = Answer()
        try:
            request = read(scope["method"], scope["query_string"], headers)
        except ServerError as error:
            await Answering(send, self._engine, read("GET", b"", {}), answer).fail(error)
            return
        if request.method == "GET" and "query" not in request.fields:
            await PlainTextResponse("Ok.\n")(scope, receive, send)
            return
        answering = Answering(send, self._engine, request, answer)
        try:
            try:
                authenticate(request, headers, self._password)
                await self._admit(request, receive, answering, answer)
            except ServerError as error:
                await answering.fail(error)
        except ClientGoneError:
            return

    async def expire_sessions(self) -> None:
        """Ends the sessions whose time is up, again and again."""
        while True:
            await asyncio.sleep(_EXPIRE_SECONDS)
            await asyncio.to_thread(self._sessions.expire)

    async def _admit(self, request: Request, receive: Receive, answering: Answering, answer: Answer) -> None:
        if self._running >= MAX_STATEMENTS:
            message = f"Too many simultaneous queries. Maximum: {MAX_STATEMENTS}."
            raise raised_here(Code.TOO_MANY_SIMULTANEOUS_QUERIES, message)
        self._running += 1
        try:
            await self._run(request, receive, answering, answer)
        finally:
            self._running -= 1

    async def _run(self, request: Request, receive: Receive, answering: Answering, answer: Answer) -> None:
        loop = asyncio.get_running_loop()
        body = Body(receive, loop)
        source, target = pipes.new_pipe()
        os.set_blocking(source, False)
        statement = loop.run_in_executor(self._threads, self._statements.run, request, body, answer, target)
        sending = loop.create_task(self._send_result(request, source, statement, answering))
        leaving = loop.create_task(body.receive())
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone = not sending.done()
            sending.cancel()
            leaving.cancel()
            await asyncio.wait((sending, leaving))
            await self._stop(statement, source, answer)
        if not gone:
            await sending  # for what it raised

    async def _send_result(
        self, request: Request, source: int, statement: asyncio.Future[None], answering: Answering
    ) -> None:
        with tempfile.SpooledTemporaryFile(request.buffer_bytes, dir=str(self._spool)) as held:
            async for piece in pipes.pieces(source):
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

    async def _stop(self, statement: asyncio.Future[None], source: int, answer: Answer) -> None:
        """Closes the pipe, and waits for the statement to end; one that only reads is made to."""
        try:
            # While it waits in a full pipe. Without a reader it would write on into the void, at full speed.
            await self._kill(statement, answer)
        finally:
            os.close(source)
        while not statement.done():
            await self._kill(statement, answer)  # again: it may not have begun before
            await asyncio.wait((statement,), timeout=_KILL_SECONDS)
        statement.exception()  # looked at, else asyncio complains

    async def _kill(self, statement: asyncio.Future[None], answer: Answer) -> None:
        if answer.mark and not statement.done():
            await asyncio.to_thread(self._engine.kill, answer.mark)


def application(engine: Engine, password: str, spool: Path) -> ASGIApp:
    """The ASGI application of a server; see `Server` for the arguments."""
    server = Server(engine, password, spool)

    async def ok(_: HttpRequest) -> PlainTextResponse:
        return PlainTextResponse("Ok.\n")

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        expiring = asyncio.create_task(server.expire_sessions())
        yield
        expiring.cancel()

    routes = [
        Route("/ping", ok),
        Route("/replicas_status", ok),
        Route("/", server, methods=["GET", "POST"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _release(held: tempfile.SpooledTemporaryFile[bytes], answering: Answering) -> None:
    """Sends what was held back."""
    held.seek(0)
    while piece := held.read(pipes.PIPE_BYTES):
        await answering.write(piece)
