"""Sessions: what one request leaves for the next ones with the same session_id, and keeps from all others.

A request without a session gets a connection of its own. So does one with a session, until a statement
changes that session (SET, USE, a temporary table): from then on the session keeps its connection.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from marts_platform.core.clickhouse import literal, quoted
from marts_platform.embedded.clickhouse_http.engine import Connection, Engine
from marts_platform.embedded.clickhouse_http.errors import Code, raised_here
from marts_platform.embedded.clickhouse_http.request import Request, Session


@dataclass
class _Kept:
    """A session between its requests."""

    connection: Connection | None = None
    busy: bool = False
    seconds: int = 0
    expires: float = 0.0


class Sessions:
    """The sessions of a server."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    @contextmanager
    def connection(
        self, request: Request, *, changes: bool, uses_database: bool = False
    ) -> Generator[Connection]:
        """The connection to run a request's statement on, with the request's database and settings in force.

        Args:
            request: names the session, if any.
            changes: the statement changes its session, so the connection stays.
            uses_database: the statement is USE: the database it names stays in force.

        Raises:
            ServerError: the session is in use, does not exist, or a setting or the database is unknown.
        """
        if request.session is None:
            with self._fresh(request) as connection:
                yield connection
            return
        kept = self._enter(request.session)
        try:
            if kept.connection is None and not changes:
                with self._fresh(request) as connection:
                    yield connection
                return
            kept.connection = kept.connection or self._engine.connect()
            with _borrowed(kept.connection, request, keep_database=uses_database):
                yield kept.connection
        finally:
            self._leave(request.session, kept)

    def expire(self) -> None:
        """Ends the sessions whose time is up."""
        now = time.monotonic()
        with self._lock:
            names = [name for name, kept in self._kept.items() if not kept.busy and kept.expires <= now]
            ended = [self._kept.pop(name) for name in names]
        for kept in ended:
            if kept.connection is not None:
                kept.connection.close()

    @contextmanager
    def _fresh(self, request: Request) -> Generator[Connection]:
        connection = self._engine.connect()
        try:
            _apply(connection, request)
            yield connection
        finally:
            connection.close()

    def _enter(self, session: Session) -> _Kept:
        self.expire()
        with self._lock:
            kept = self._kept.get(session.name)
            if kept is None:
                if session.must_exist:
                    raise raised_here(Code.SESSION_NOT_FOUND, f"Session {session.name} not found.")
                kept = self._kept[session.name] = _Kept()
            if kept.busy:
                raise raised_here(
                    Code.SESSION_IS_LOCKED, f"Session {session.name} is locked by a concurrent client."
                )
            kept.busy = True
            return kept

    def _leave(self, session: Session, kept: _Kept) -> None:
        with self._lock:
            kept.busy = False
            kept.expires = time.monotonic() + (0 if session.close else session.seconds)
        if session.close:
            self.expire()


def _apply(connection: Connection, request: Request) -> None:
    if request.database is not None:
        connection.execute(_use(request.database))
    if request.settings:
        connection.execute(_set(request.settings))


@contextmanager
def _borrowed(connection: Connection, request: Request, *, keep_database: bool) -> Generator[None]:
    """Puts a request's database and settings in force, and afterwards those that were before."""
    with ExitStack() as undo:
        if request.database is not None:
            ((current,),) = _rows(connection, b"SELECT currentDatabase()")
            connection.execute(_use(request.database))
            if not keep_database:
                undo.callback(connection.execute, _use(current))
        if "readonly" in request.settings:
            raise raised_here(
                Code.NOT_IMPLEMENTED,
                "readonly cannot be taken back: set it without session_id, or for a session of its own.",
            )
        if request.settings:
            before = _changed(connection, request.settings)
            connection.execute(_set(request.settings))
            undo.callback(connection.execute, _set({name: before.get(name) for name in request.settings}))
        yield


def _changed(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """The values of those of the settings that are not at their default."""
    listed = ", ".join(literal(name) for name in names)
    query = f"SELECT name, value FROM system.settings WHERE changed AND name IN ({listed})"  # noqa: S608 # literals
    return dict(_rows(connection, query.encode()))


def _rows(connection: Connection, query: bytes) -> list[list[str]]:
    return json.loads(connection.execute(query + b" FORMAT JSONCompact"))["data"]


def _use(database: str) -> bytes:
    return f"USE {quoted(database)}".encode()


def _set(values: Mapping[str, str | None]) -> bytes:
    """SET to these values; None is the default."""
    pairs = ", ".join(
        f"{quoted(name)} = {'DEFAULT' if value is None else literal(value)}" for name, value in values.items()
    )
    return f"SET {pairs}".encode()
