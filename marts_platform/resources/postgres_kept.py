"""Connections that a process keeps between its loads: to make one costs more than a small load's statements.

One that is handed out is as new: no transaction, no lock, no temporary table, no setting of whoever had it
before. One in whose use something failed is closed, and with it everything that it held.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from marts_platform.core.sql import compose

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from psycopg2.extensions import connection as Connection

# A load holds two at once; more would stand at the server for nothing.
_MOST = 4

_idle: list[tuple[str, Connection]] = []
_lock = threading.Lock()


@contextlib.contextmanager
def kept(key: str, purpose: str, connect: Callable[[], Connection]) -> Generator[Connection]:
    """A connection, outside any transaction, that others use afterwards.

    Args:
        key: says to which server, and with which limits: only connections of the same key are alike.
        purpose: its ``application_name`` meanwhile.
        connect: makes one where none is kept.
    """
    connection = _usable(key, purpose) or _named(connect(), purpose)
    try:
        yield connection
    except BaseException:
        connection.close()
        raise
    _keep(key, connection)


def _usable(key: str, purpose: str) -> Connection | None:
    import psycopg2

    while (connection := _take(key)) is not None:
        # The server may have ended it meanwhile.
        with contextlib.suppress(psycopg2.Error):
            return _named(connection, purpose)
        connection.close()
    return None


def _named(connection: Connection, purpose: str) -> Connection:
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(compose("postgres/application_name.sql"), {"name": purpose})
    connection.autocommit = False
    return connection


def _take(key: str) -> Connection | None:
    with _lock:
        for place in reversed(range(len(_idle))):
            if _idle[place][0] == key:
                return _idle.pop(place)[1]
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
    with _lock:
        _idle.append((key, connection))
        spare = [_idle.pop(0)[1] for _ in range(len(_idle) - _MOST)]
    for other in spare:
        other.close()


def _forget() -> None:
    """A forked child has its parent's descriptors: the driver closes none of them there."""
    global _lock
    _lock = threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
