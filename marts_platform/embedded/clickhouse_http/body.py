"""A request's body: received by the event loop, pulled chunk by chunk by the thread that works on it."""

from __future__ import annotations

import asyncio
import queue
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.types import Receive

from marts_platform.embedded.clickhouse_http.errors import ClientGoneError, Code, raised_here

_AHEAD_BYTES = 1 << 20
# A server waits 30 s (http_receive_timeout). Here, a source that pauses between two rows keeps its insert.
_SECONDS = 300


class Body:
    """The body of one request, as an iterator for another thread.

    A megabyte is received ahead, so that the two threads need not meet for every packet; beyond that the
    client waits until somebody pulls.
    """

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._receive = receive
        self._loop = loop
        # A chunk; None at the end of the body; the exception if it does not come.
        self._arrived: queue.SimpleQueue[bytes | ClientGoneError | None] = queue.SimpleQueue()
        self._ahead = 0
        self._room = asyncio.Event()

    async def receive(self) -> None:
        """Receives the body, and returns when the client has closed its connection, maybe long after."""
        while (message := await self._receive())["type"] != "http.disconnect":
            chunk: bytes = message.get("body", b"")
            if chunk:
                self._ahead += len(chunk)
                self._arrived.put(chunk)
            if not message.get("more_body", False):
                self._arrived.put(None)
            self._room.clear()
            if self._ahead > _AHEAD_BYTES:
                await self._room.wait()
        self._arrived.put(ClientGoneError())

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                found = [self._arrived.get(timeout=_SECONDS)]
            except queue.Empty:
                raise ClientGoneError from None
            while not self._arrived.empty():
                found.append(self._arrived.get())
            chunks = [chunk for chunk in found if isinstance(chunk, bytes)]
            if chunks:
                self._loop.call_soon_threadsafe(self._pulled, sum(map(len, chunks)))
                yield b"".join(chunks)
            if None in found:
                return
            if len(chunks) < len(found):
                raise ClientGoneError

    def _pulled(self, size: int) -> None:
        self._ahead -= size
        self._room.set()


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
