"""PyMySQL's connection, which makes what is the same for all of them once."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, cast

from pymysql.connections import Connection as PyMySQLConnection

if TYPE_CHECKING:
    from pymysql.cursors import Cursor

    _Base = PyMySQLConnection[Cursor]  # of its stubs; the class itself takes no parameter
else:
    _Base = PyMySQLConnection

_contexts: list[ssl.SSLContext] = []


class Connection(_Base):
    """A connection whose TLS context is the process's.

    The driver reads the system's certificates for each connection, also where the server offers no TLS: that
    takes longer than all else that connecting does, and a load opens several.
    """

    def _create_ssl_ctx(self, sslp: dict[str, Any]) -> ssl.SSLContext:
        make = cast("Any", super())._create_ssl_ctx  # its stubs leave it out
        if sslp:
            return make(sslp)
        if not _contexts:
            _contexts.append(make(sslp))  # TLS if the server has it
        return _contexts[0]
