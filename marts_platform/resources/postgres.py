"""Postgres: connections with limits, and COPY as a stream between two servers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.core.sql import compose
from marts_platform.fault_origin import naming_server
from marts_platform.resources.postgres_kept import kept

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping
    from typing import BinaryIO

    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor
    from psycopg2.sql import Composable

# More than a numeric's column can ask for; the driver says 65535 where it asks for nothing.
_MAX_DIGITS = 1000
_COPY_FORMATS = {"postgres-binary": "binary", "postgres-text": "text"}
# How often two sessions compare their backends, and by URL the poolers that keep them.
_LOOKS_AT_POOLER = 3
_kept_backends: set[str] = set()
# Fewer, larger reads: psycopg2 asks the file for this much at a time.
COPY_BUFFER_BYTES = 1 << 18


class PoolerError(settings.ExpectedError):
    """The address is a pooler that does not keep sessions."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session may take of a server.

    Attributes:
        statement_timeout: seconds of one statement; 0 for no limit.
        lock_timeout: seconds of waiting for a lock.
        read_only: whether the session cannot write.
        by_index: whether the planner is to take an index wherever there is one. Of a young table a day may
            be the larger part and a scan the cheaper plan; but then a scan tells nothing of a missing index.
            One process reads then: a source has other work, and wide rows cost much to hand over.
    """

    statement_timeout: float = 0
    lock_timeout: float = 30
    read_only: bool = False
    by_index: bool = False


class PostgresResource(dg.ConfigurableResource[Any]):
    """A Postgres server, named by the setting that holds its URL.

    The URL itself is no configuration of the resource: Dagster's UI shows that.
    """

    setting: str

    @contextlib.contextmanager
    def connect(self, limits: Limits = Limits(), *, purpose: str = "") -> Generator[Connection]:  # frozen
        """A connection, outside any transaction; it closes at the end, rolling back what is open.

        Args:
            limits: of the session.
            purpose: what for; it stands in ``application_name`` beside marts_platform.

        Raises:
            SettingsError: the URL is not set.
            psycopg2.OperationalError: the server cannot be reached or refuses.
        """
        connection = self._connection(session_settings(limits, purpose))
        try:
            with self._naming_server(connection):
                yield connection
        finally:
            connection.close()

    @contextlib.contextmanager
    def kept(self, limits: Limits = Limits(), *, purpose: str = "") -> Generator[Connection]:  # frozen
        """A connection as of `connect` that the process keeps for the next one who asks for its like.

        What fails in its use closes it.
        """
        url, wanted = settings.load().url(self.setting), session_settings(limits, purpose)
        make, prepare = partial(self._connection, wanted), partial(prepared, wanted=wanted)
        with (
            kept(f"{url} {session_options(limits)}", make, prepare) as connection,
            self._naming_server(connection),
        ):
            yield connection

    def _naming_server(self, connection: Connection) -> contextlib.AbstractContextManager[None]:
        import psycopg2

        def is_its_own(error: Exception) -> bool:
            # Within this connection's use another server's may fail: rows are sent from one to the other.
            cursor = getattr(error, "cursor", None)
            return cursor is None or cursor.connection is connection

        return naming_server(settings.variable(self.setting), psycopg2.Error, is_its_own)

    def _connection(self, wanted: Mapping[str, str]) -> Connection:
        import psycopg2

        url = settings.load().url(self.setting)
        with naming_server(settings.variable(self.setting), psycopg2.Error):
            connection = _connected(url, wanted["application_name"])
            try:
                backend = prepared(connection, wanted=wanted)
                if backend != connection.info.backend_pid:
                    refuse_transaction_pooling(connection, url, settings.variable(self.setting))
            except BaseException:
                connection.close()
                raise
            return connection


def _connected(url: str, application: str) -> Connection:
    import psycopg2

    # Without other settings: poolers refuse to start a session with them.
    return psycopg2.connect(
        url,
        application_name=application,
        client_encoding="UTF8",
        connect_timeout=10,
        keepalives_idle=30,
    )


def prepared(connection: Connection, *, wanted: Mapping[str, str]) -> int:
    """Give a session its settings, and return the number of its backend."""
    connection.autocommit = True
    with connection.cursor() as cursor:
        values = {"names": list(wanted), "values": list(wanted.values())}
        cursor.execute(compose("postgres/session.sql"), values)
        row = cursor.fetchone()
    connection.autocommit = False
    assert row is not None  # an aggregate gives one row
    return int(row[0])


def refuse_transaction_pooling(connection: Connection, url: str, variable: str) -> None:
    """Refuse a pooler that gives a session another backend for each transaction.

    Settings, advisory locks and temporary tables belong to a backend. A pooler that keeps it for the session
    does no harm: a second session never gets the backend of a first one that is still there.

    Raises:
        PoolerError: the pooler does not.
    """
    if url in _kept_backends:
        return
    second = _connected(url, "marts_platform pooler")
    try:
        connection.autocommit = second.autocommit = True
        for _ in range(_LOOKS_AT_POOLER):
            if _backend_pid(connection) == _backend_pid(second):
                raise PoolerError(
                    f"{variable} names a pooler in transaction mode, which keeps no time zone, time-outs and "
                    f"locks for a session: name the server itself, or a pool with pool_mode = session"
                )
    finally:
        second.close()
    connection.autocommit = False
    _kept_backends.add(url)


def _backend_pid(connection: Connection) -> int:
    with connection.cursor() as cursor:
        cursor.execute(compose("postgres/backend_pid.sql"))
        row = cursor.fetchone()
    assert row is not None  # a SELECT without FROM gives one row
    return int(row[0])


def session_settings(limits: Limits, purpose: str) -> dict[str, str]:
    """Return the settings of a session: what its role, database or server set otherwise does not count.

    Only the ``search_path`` is left to them.
    """
    return {
        "application_name": f"marts_platform {purpose}".strip()[:63],
        **_limits(limits),
        # Others would give values another text.
        "DateStyle": "ISO",
        "IntervalStyle": "postgres",
        "bytea_output": "hex",
        "standard_conforming_strings": "on",
        "lc_numeric": "C",
        "quote_all_identifiers": "off",
        # Others would give statements another meaning, or another fate.
        "default_transaction_isolation": "read committed",
        "transform_null_equals": "off",
        "array_nulls": "on",
        # A policy that would hide rows is an error, not a shorter result.
        "row_security": "off",
        # Time-outs of a role would end loads that take long, or wait for another server.
        "transaction_timeout": "0",
        "idle_session_timeout": "0",
    }


def session_options(limits: Limits) -> str:
    """Libpq's ``options`` for a session of another driver."""
    return " ".join(f"-c {name}={value}" for name, value in _limits(limits).items())


def _limits(limits: Limits) -> dict[str, str]:
    """Return UTC, time-outs, and read-only where asked for.

    A transaction that is left idle is ended, and a backend whose client has gone ends its statement
    (PostgreSQL 14 and newer; older ones ignore the check, so it is set later where it is known).
    """
    return {
        "TimeZone": "UTC",
        "client_encoding": "UTF8",
        # A role's or a database's own value would round the texts of floats.
        "extra_float_digits": "3",
        "statement_timeout": f"{int(limits.statement_timeout * 1000)}ms",
        "lock_timeout": f"{int(limits.lock_timeout * 1000)}ms",
        "idle_in_transaction_session_timeout": "15min",
        "default_transaction_read_only": "on" if limits.read_only else "off",
        "enable_seqscan": "off" if limits.by_index else "on",
    } | ({"max_parallel_workers_per_gather": "0"} if limits.by_index else {})


@dataclass(slots=True)
class CopyOut:
    """The rows of a SELECT at another server, as COPY's bytes, in one read-only snapshot.

    Attributes:
        server: the source.
        query: the SELECT.
        columns: what it gives, in order.
        params: its values.
        limits: of the source's session.
        purpose: for ``application_name``.
        format: ``postgres-binary`` between Postgres servers, ``postgres-text`` into ClickHouse and MySQL.
        refuse: looks at the names and types that the SELECT really gives, before anything is sent: COPY's
            binary format says neither, so columns in another order, or a double for a bigint, would pass.
    """

    server: PostgresResource
    query: Composable
    columns: tuple[str, ...]
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    limits: Limits = Limits(read_only=True)
    purpose: str = "extract"
    format: str = "postgres-binary"
    refuse: Callable[[Mapping[str, str]], None] | None = field(default=None, repr=False)
    _connection: Connection | None = field(default=None, init=False, repr=False)
    _using: Lock = field(default_factory=Lock, init=False, repr=False)

    def describe(self) -> dict[str, str]:
        """The columns that the SELECT would give, in order, with their types' names; it is not run."""
        with (
            self.server.kept(self.limits, purpose=self.purpose) as connection,
            connection.cursor() as cursor,
        ):
            return column_types(cursor, self.query, self.params, with_digits=True)

    def send(self, sink: BinaryIO) -> int:
        """Writes everything to a sink and returns the number of rows, as the server counts them."""
        with self.server.kept(self.limits, purpose=self.purpose) as connection:
            self._connection = connection
            try:
                return self._copy(connection, sink)
            finally:
                with self._using:
                    self._connection = None

    def cancel(self) -> None:
        """Ends the COPY at the server; safe from another thread."""
        import psycopg2

        # Held so that the connection cannot have become somebody else's.
        with self._using:
            if self._connection is not None and not self._connection.closed:
                # It may have closed by itself meanwhile, or be the fault that this comes of.
                with contextlib.suppress(psycopg2.Error):
                    self._connection.cancel()

    def _copy(self, connection: Connection, sink: BinaryIO) -> int:
        from psycopg2.sql import SQL

        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection.cursor() as cursor:
            if self.refuse is not None:
                self.refuse(column_types(cursor, self.query, self.params))
            names = {"query": self.query, "format": SQL(_COPY_FORMATS[self.format])}
            copy = compose("postgres/copy_out.sql", names)
            text: bytes = cursor.mogrify(copy, self.params)
            cursor.copy_expert(text.decode(), sink, COPY_BUFFER_BYTES)
            return cursor.rowcount


def column_types(
    cursor: Cursor, query: Composable, params: Mapping[str, object], *, with_digits: bool = False
) -> dict[str, str]:
    """The columns that a SELECT would give, in order, with their types' names; it is not run.

    Args:
        cursor: of the server.
        query: the SELECT.
        params: its values.
        with_digits: whether a numeric comes with its precision and scale, where its column limits them:
            other engines' decimals have a fixed number of digits.
    """
    cursor.execute(compose("postgres/query_columns.sql", {"query": query}), params)
    described = cursor.description or ()
    cursor.execute(compose("postgres/type_names.sql"), {"oids": [column.type_code for column in described]})
    types = {column.name: row[0] for column, row in zip(described, cursor.fetchall(), strict=True)}
    if with_digits:
        types |= {
            column.name: f"numeric({column.precision},{column.scale})"
            for column in described
            if types[column.name] == "numeric" and 0 < (column.precision or 0) <= _MAX_DIGITS
        }
    return types
