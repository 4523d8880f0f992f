"""PyMySQL's connection: it makes what is the same for all of them once, and sends the file offered alone."""

from __future__ import annotations

import os
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from pymysql.connections import Connection as PyMySQLConnection
from pymysql.connections import MySQLResult

if TYPE_CHECKING:
    from collections.abc import Generator

    from pymysql.cursors import Cursor

    _Base = PyMySQLConnection[Cursor]  # of its stubs; the class itself takes no parameter
else:
    _Base = PyMySQLConnection

_contexts: list[ssl.SSLContext] = []


class FileRefusedError(Exception):
    """The server asked for a file that was not offered to it; the connection is closed."""


class _Result(MySQLResult):
    """A result that looks at what file the server wants: it may name any, in answer to any statement."""

    def _read_load_local_packet(self, first_packet: Any) -> None:
        connection = cast("Any", self.connection)
        wanted: bytes = first_packet.get_all_data()[1:]
        if connection.offered is None or wanted != os.fsencode(connection.offered):
            connection._force_close()
            raise FileRefusedError(f"the server wants the local file {wanted[:200]!r}, which is not sent")
        cast("Any", super())._read_load_local_packet(first_packet)


class Connection(_Base):
    """A connection whose TLS context is the process's, and whose server gets no file but the offered one.

    The driver reads the system's certificates for each connection, also where the server offers no TLS: that
    takes longer than all else that connecting does, and a load opens several. And it sends whatever local
    file the server names, as long as the session may load files at all.

    Attributes:
        offered: the path of the file that the server may ask for, None for no file.
    """

    offered: str | None = None

    def _read_query_result(self, unbuffered: bool = False) -> int:
        # As the driver does it, with a result that looks.
        self._result = None
        result = cast("Any", _Result(self))
        if unbuffered:
            result.init_unbuffered_query()
        else:
            result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows

    def _create_ssl_ctx(self, sslp: Any) -> ssl.SSLContext:
        make = cast("Any", super())._create_ssl_ctx  # its stubs leave it out
        if sslp:
            return make(sslp)
        if not _contexts:
            _contexts.append(make(sslp))  # TLS if the server has it
        return _contexts[0]


@contextmanager
def offering(connection: PyMySQLConnection[Cursor], path: str) -> Generator[None]:
    """While this lasts, the connection's server may ask for the local file of this path."""
    offering_one = cast("Connection", connection)  # whoever connects gets one of these
    offering_one.offered = path
    try:
        yield
    finally:
        offering_one.offered = None
