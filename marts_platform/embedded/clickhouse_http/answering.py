"""Sending an answer as a ClickHouse server does.

Which headers there are, and how an error looks whose status is gone: ClickHouse, src/Server/HTTPHandler.cpp
and src/Server/HTTP/HTTP1/HTTP1ServerResponse.cpp.
"""

from __future__ import annotations

import asyncio
import platform
import secrets
import string

from starlette.types import Send

from marts_platform.embedded.clickhouse_http import compression
from marts_platform.embedded.clickhouse_http.engine import Engine
from marts_platform.embedded.clickhouse_http.errors import ClientGoneError, ServerError
from marts_platform.embedded.clickhouse_http.request import Request
from marts_platform.embedded.clickhouse_http.statements import Answer

_SEND_SECONDS = 300  # a server gives up after 30 s (http_send_timeout); a person at a debugger takes longer
_INLINE_BYTES = 1 << 16  # compressing more than that would keep the event loop from others
_EXCEPTION = b"__exception__"
_EXCEPTION_BYTES = 16 << 10


class Answering:
    """Sends one answer: status and headers with the first piece, compressed as the client asked."""

    def __init__(self, send: Send, engine: Engine, request: Request, answer: Answer) -> None:
        self.begun = False
        self._send = send
        self._engine = engine
        self._request = request
        self._answer = answer
        self._tag = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
        self._encoders: list[compression.Encoder] = []

    async def write(self, data: bytes) -> None:
        """Sends a piece of the result.

        Raises:
            ClientGoneError: the client takes nothing any more.
        """
        if not self.begun:
            await self._begin(200, self._result_headers())
        for encoder in self._encoders:
            if len(data) > _INLINE_BYTES:
                data = await asyncio.to_thread(encoder.compress, data)
            else:
                data = encoder.compress(data)
        await self._put(data)

    async def end(self) -> None:
        """Ends the answer well.

        Raises:
            ClientGoneError: the client takes nothing any more.
        """
        if not self.begun:
            await self._begin(200, self._result_headers())
        await self._flush()
        await self._send({"type": "http.response.body", "body": b""})

    async def fail(self, error: ServerError) -> None:
        """Ends the answer with an error: by its status, or where that is gone already, inside the body.

        In the latter case the answer stays without an end, so that no client takes half a result for a whole
        one; the server then closes the connection.

        Raises:
            ClientGoneError: the client takes nothing any more.
        """
        text = error.body(self._engine.version)
        if not self.begun:
            headers = {"X-ClickHouse-Exception-Code": str(error.code)}
            if error.status == 401:
                headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
            await self._begin(error.status, headers)
            await self._send({"type": "http.response.body", "body": text})
            return
        text = text[: _EXCEPTION_BYTES - 128].rstrip(b"\n") + b"\n"
        tag = self._tag.encode()
        footer = text + b"%d " % len(text) + tag
        await self.write(b"\r\n".join((b"", _EXCEPTION, tag, footer, _EXCEPTION, b"")))
        await self._flush()

    async def _flush(self) -> None:
        """Ends every layer of compression; what one gives last passes through the next ones."""
        data = b""
        for encoder in self._encoders:
            data = (encoder.compress(data) if data else b"") + encoder.flush()
        await self._put(data)

    def _result_headers(self) -> dict[str, str]:
        data_format = self._answer.format
        if data_format is None:
            return {}  # nor a body, and readers stumble over an empty compressed frame
        headers = {"Content-Type": self._engine.content_type(data_format), "X-ClickHouse-Format": data_format}
        if self._request.native_compression:
            self._encoders.append(compression.native_encoder())
        chosen = compression.encoder(self._request.http_compression, self._request.compression_level)
        if chosen is not None:
            headers["Content-Encoding"], encoder = chosen
            self._encoders.append(encoder)
        return headers

    async def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.begun = True
        fixed = {
            "Content-Type": "text/plain; charset=UTF-8",
            "X-ClickHouse-Server-Display-Name": platform.node(),
            "X-ClickHouse-Query-Id": self._request.query_id,
            "X-ClickHouse-Timezone": self._request.settings.get("session_timezone") or self._engine.timezone,
            "X-ClickHouse-Exception-Tag": self._tag,
            "X-ClickHouse-Summary": self._answer.summary.header(),
        }
        pairs = [
            (name.lower().encode(), value.encode("latin-1", "replace"))
            for name, value in (fixed | headers).items()
        ]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def _put(self, data: bytes) -> None:
        if not data:
            return
        message = {"type": "http.response.body", "body": data, "more_body": True}
        try:
            # Not wait_for: in Python 3.11 it swallows a cancellation that comes just as the send is done.
            async with asyncio.timeout(_SEND_SECONDS):
                await self._send(message)
        except TimeoutError:
            raise ClientGoneError from None
