"""A request's body: received by the event loop, pulled chunk by chunk by the thread that works on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass

from starlette.types import Receive

from marts_platform.embedded.clickhouse_http.errors import ClientGoneError, Code, raised_here

# A server waits 30 s (http_receive_timeout). Here, a source that pauses between two rows keeps its insert.
_SECONDS = 300


class Body:
    """The body of one request, as an iterator for another thread; the client waits while nobody pulls."""

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._receive = receive
        self._loop = loop
        self._complete = asyncio.Event()

    def __iter__(self) -> Iterator[bytes]:
        while not self._complete.is_set():
            try:
                chunk = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
            except (CancelledError, TimeoutError):
                raise ClientGoneError from None
            if chunk:
                yield chunk

    async def gone(self) -> None:
        """Returns when the client has closed its connection; while the body arrives, `__iter__` tells."""
        await self._complete.wait()
        while (await self._receive())["type"] != "http.disconnect":
            continue

    async def _next(self) -> bytes:
        async with asyncio.timeout(_SECONDS):
            message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        if not message.get("more_body", False):
            self._complete.set()
        return message.get("body", b"")


@dataclass(frozen=True)
class Part:
    """A part of a form: a field's value, or a file's content."""

    name: str
    is_file: bool
    content: bytes


def parts(content: bytes, boundary: bytes) -> list[Part]:
    """The parts of a multipart/form-data body: a statement, its parameters, tables of external data.

    Raises:
        ServerError: the body is no such form.
    """
    # RFC 2046: a boundary stands on a line of its own, and the line break before it belongs to it.
    pieces = (b"\r\n" + content).split(b"\r\n--" + boundary)
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise raised_here(Code.BAD_ARGUMENTS, "The multipart/form-data body is not complete.")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    head, found, content = piece.partition(b"\r\n\r\n")
    attributes: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        header, _, value = line.partition(":")
        if header.strip().lower() == "content-disposition":
            for pair in value.split(";")[1:]:
                name, _, quoted = pair.strip().partition("=")
                attributes[name] = quoted.strip('"')
    if not found or "name" not in attributes:
        raise raised_here(Code.BAD_ARGUMENTS, "A part of the multipart/form-data body has no name.")
    return Part(attributes["name"], "filename" in attributes, content)
