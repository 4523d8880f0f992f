"""Connections that a process keeps between its loads: to make one costs more than a small load's statements.

One that is handed out is as new: no transaction, no lock, no temporary table, no setting of whoever had it
before. One in whose use something failed is closed, and with it everything that it held.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from marts_platform.resources.idle import Idle

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from psycopg2.extensions import connection as Connection

# A load holds two at once; more would stand at the server for nothing.
_MOST = 4

_idle: Idle[Connection] = Idle(_MOST)


@contextlib.contextmanager
def kept(
    key: str, connect: Callable[[], Connection], prepare: Callable[[Connection], object]
) -> Generator[Connection]:
    """A connection, outside any transaction, that others use afterwards.

    Args:
        key: says to which server, and with which limits: only connections of the same key are alike.
        connect: makes one where none is kept.
        prepare: gives it the settings of its session; `DISCARD ALL` has taken those that it had.
    """
    connection = _usable(key, prepare) or connect()
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    _keep(key, connection)


def _usable(key: str, prepare: Callable[[Connection], object]) -> Connection | None:
    import psycopg2

    while (connection := _idle.take(key)) is not None:
        # The server may have ended it meanwhile.
        with contextlib.suppress(psycopg2.Error):
            prepare(connection)
            return connection
        connection.close()
    return None


def _keep(key: str, connection: Connection) -> None:
    import psycopg2

    try:
        if not connection.closed:
            connection.rollback()
            connection.set_session(isolation_level="default", readonly="default", autocommit=True)
            with connection.cursor() as cursor:
                cursor.execute("DISCARD ALL")
    except psycopg2.Error:
        connection.close()
    if connection.closed:
        return
    for other in _idle.keep(key, connection):
        other.close()
