"""MySQL, MariaDB and OceanBase's seekdb: connections with limits, and a SELECT as a stream of COPY's text."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import dagster as dg

from marts_platform import settings
from marts_platform.core.sql import read_sql
from marts_platform.fault_origin import naming_server
from marts_platform.resources.mysql_address import Address, address_of, tls_context
from marts_platform.resources.mysql_text import Field, line, quoted, source_type
from marts_platform.resources.postgres import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from pymysql import Connection
    from pymysql.cursors import Cursor, SSCursor

# Nothing is cut, rounded away or taken for a date in silence, whatever the server's own mode is.
_SQL_MODE = ("STRICT_ALL_TABLES", "ERROR_FOR_DIVISION_BY_ZERO", "NO_ENGINE_SUBSTITUTION")
# Of a session that writes. To one that reads they would make NULL of a zero date within an expression.
_NO_ZEROS = ("NO_ZERO_IN_DATE", "NO_ZERO_DATE")
# A server's own values of these would leave rows out, refuse statements, or change what they mean.
_MEANING: Mapping[str, object] = {
    "sql_select_limit": 9223372036854775807,
    "sql_safe_updates": 0,
    "sql_auto_is_null": 0,
    "div_precision_increment": 4,
}
# How long a session may wait for its next statement: the other engine may be busy.
_IDLE_SECONDS = 8 * 3600
_NO_LIMIT_SECONDS = 24 * 3600  # seekdb takes no 0 for it
# How long a server waits for a client that takes or gives no rows: the other engine may be busy.
_NETWORK_SECONDS = 600
_UNLIMITED = Limits()
# Rows that are passed on at once.
_ROWS = 1000
Kind: TypeAlias = Literal["mysql", "mariadb", "seekdb"]
_SERVERS: Mapping[str, Kind] = {"MariaDB": "mariadb", "OceanBase": "seekdb"}


class MySQLStreamError(Exception):
    """The server could not give a row as it is."""


class MySQLResource(dg.ConfigurableResource[Any]):
    """A MySQL server, named by the setting that holds its URL, ``mysql://user:password@host:port/database``.

    Options of the URL say how its TLS is checked: `tls_context`.

    The URL itself is no configuration of the resource: Dagster's UI shows that.
    """

    setting: str

    @contextlib.contextmanager
    def connect(
        self,
        limits: Limits = _UNLIMITED,
        *,
        purpose: str = "",
        loads_files: bool = False,
    ) -> Generator[Connection[Cursor]]:
        """A connection, outside any transaction; it closes at the end, rolling back what is open.

        Each statement is a transaction of its own unless one is begun. Times are UTC; text is utf8mb4.

        Args:
            limits: of the session.
            purpose: what for; it stands in the connection's attribute ``program_name``.
            loads_files: whether the server may ask for local files at all, as LOAD DATA LOCAL INFILE does; it
                gets the one that is `offering`.

        Raises:
            SettingsError: the URL is not set, or is none of MySQL's, or its TLS options do not do.
            pymysql.err.OperationalError: the server cannot be reached or refuses.
        """
        from pymysql.err import MySQLError

        variable = settings.variable(self.setting)
        with naming_server(variable, MySQLError):
            connection = self._open(purpose, loads_files=loads_files)
        try:
            with naming_server(variable, MySQLError):
                with connection.cursor() as cursor:
                    cursor.execute(session_settings(server_kind(connection), limits))
                yield connection
        finally:
            # What was not read of a result is not waited for.
            abandon(connection)
            connection.close()

    def _open(self, purpose: str, *, loads_files: bool = False) -> Connection[Cursor]:
        from pymysql.converters import conversions

        from marts_platform.resources.mysql_driver import Connection

        address = self.address()
        return Connection(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=address.database,
            charset="utf8mb4",
            connect_timeout=10,
            read_timeout=None,
            autocommit=True,
            local_infile=loads_files,
            ssl=tls_context(settings.variable(self.setting), address.tls),
            conv={**conversions, datetime: _moment},
            program_name=f"marts_platform {purpose}".strip()[:63],
        )

    def address(self) -> Address:
        """Where the server is, and as whom it is used.

        Raises:
            SettingsError: the URL is not set, or is none of MySQL's, or has an unknown option.
        """
        return address_of(settings.variable(self.setting), settings.load().url(self.setting))

    def kill_query(self, connection_id: int) -> None:
        """Ends what another connection of the same role does."""
        with contextlib.closing(self._open("cancel")) as connection, connection.cursor() as cursor:
            cursor.execute("KILL QUERY %s", (connection_id,))


def server_kind(connection: Connection[Any]) -> Kind:
    """Which of the servers that speak MySQL's protocol this is."""
    with connection.cursor() as cursor:
        # In its greeting seekdb is a plain 5.7.
        cursor.execute("SELECT version()")
        ((version,),) = cursor.fetchall()
    found: list[Kind] = [kind for word, kind in _SERVERS.items() if word in version]
    return found[0] if found else "mysql"


def session_settings(kind: Kind, limits: Limits) -> str:
    """The statement that gives a session its zone, mode and limits."""
    assignments = ", ".join(
        f"SESSION {name} = {value}" for name, value in session_variables(kind, limits).items()
    )
    return f"SET {assignments}"


def session_variables(kind: Kind, limits: Limits) -> dict[str, object]:
    """A session's zone, mode and limits, as literals by the names of the server's variables."""
    seconds = limits.statement_timeout
    values: dict[str, object] = {
        "time_zone": "'+00:00'",
        "sql_mode": f"'{','.join(_SQL_MODE + (() if limits.read_only else _NO_ZEROS))}'",
        "net_write_timeout": _NETWORK_SECONDS,
        "net_read_timeout": _NETWORK_SECONDS,
        "wait_timeout": _IDLE_SECONDS,
        **_MEANING,
        "lock_wait_timeout": max(1, int(limits.lock_timeout)),
        "innodb_lock_wait_timeout": max(1, int(limits.lock_timeout)),
    }
    if kind == "mariadb":
        values["max_statement_time"] = seconds
    else:
        values["max_execution_time"] = int(seconds * 1000)
    if kind == "seekdb":
        values["ob_query_timeout"] = int((seconds or _NO_LIMIT_SECONDS) * 1_000_000)
        values["ob_trx_lock_timeout"] = int(limits.lock_timeout * 1_000_000)
    # MariaDB and seekdb have the older names of these.
    prefix = "transaction" if kind == "mysql" else "tx"
    values[f"{prefix}_read_only"] = int(limits.read_only)
    values[f"{prefix}_isolation"] = "'REPEATABLE-READ'"
    return values


def statement(file: str, names: Mapping[str, str] | None = None) -> str:
    """A file as MySQL's SQL, its ``{name}`` places filled with names or SQL; values are bound later."""
    return read_sql(file).format(**(names or {}))


def bound(connection: Connection[Any], query: str, params: Mapping[str, object]) -> str:
    """A statement with its values in it, as literals of the connection's character set."""
    with connection.cursor() as cursor:
        text: str = cursor.mogrify(query, dict(params))
        return text


@dataclass(slots=True)
class SelectOut:
    """The rows of a SELECT at a MySQL server, as the text of Postgres' COPY, in one snapshot.

    The server renders the lines; a single SELECT sees one state of its tables.

    Attributes:
        server: the source.
        query: the SELECT, its values as ``%(name)s``.
        columns: what it gives, in order.
        params: its values.
        limits: of the source's session.
        purpose: for the connection's attributes.
        utc: columns whose DATETIME, which has no zone, is a time of UTC. A TIMESTAMP is one anyway.
        no_time: the condition that a time ``{0}`` is none; '' for dates such as 0000-00-00 alone. Such a time
            comes as a text that the receiver takes for none.
        state: reads the state of the source in the snapshot of the rows, before them.
        format: of the bytes.
        refuse: looks at the names and types that the SELECT really gives, before anything is sent.
        seen: what `state` read when the rows were last sent.
    """

    server: MySQLResource
    query: str
    columns: tuple[str, ...]
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    limits: Limits = Limits(read_only=True)
    purpose: str = "extract"
    utc: tuple[str, ...] = ()
    no_time: str = ""
    state: Callable[[Connection[Cursor]], str] | None = field(default=None, repr=False)
    format: str = "postgres-text"
    refuse: Callable[[Mapping[str, str]], None] | None = field(default=None, repr=False)
    seen: str = field(default="", init=False, repr=False)
    _connection_id: int | None = field(default=None, init=False, repr=False)

    def describe(self) -> dict[str, str]:
        """The columns that the SELECT would give, in order, with their types."""
        with self.server.connect(self.limits, purpose=self.purpose) as connection:
            fields = select_fields(connection, bound(connection, self.query, self.params))
        return self._types(fields)

    def send(self, sink: BinaryIO) -> int:
        """Writes everything to a sink and returns the number of rows.

        Raises:
            MySQLStreamError: a row is longer than the server's max_allowed_packet.
        """
        with self.server.connect(self.limits, purpose=self.purpose) as connection:
            query = bound(connection, self.query, self.params)
            fields = select_fields(connection, query)
            if self.refuse is not None:
                self.refuse(self._types(fields))
            by_name = {found.name: found for found in fields}
            converted = other_character_sets(connection, query, fields)
            text = line([by_name[name] for name in self.columns], self.no_time, converted)
            if self.state is not None:
                begin_snapshot(connection)
                self.seen = self.state(connection)
            self._connection_id = connection.thread_id()
            rows = 0
            of_lines = f"SELECT {text} FROM ({query}\n) AS given"  # noqa: S608 # made of quoted names
            for lines in _batches(connection, of_lines):
                sink.write(lines)
                rows += lines.count(b"\n")
            self._connection_id = None
        return rows

    def cancel(self) -> None:
        """Ends the SELECT at the server; safe from another thread."""
        from pymysql.err import MySQLError

        if self._connection_id is not None:
            # It may have ended by itself meanwhile, or be the fault that this comes of.
            with contextlib.suppress(MySQLError):
                self.server.kill_query(self._connection_id)

    def _types(self, fields: list[Field]) -> dict[str, str]:
        return {found.name: source_type(found, found.name in self.utc) for found in fields}


def begin_snapshot(connection: Connection[Cursor]) -> None:
    """Begin a transaction whose statements all see one state of the tables."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")


def select_fields(connection: Connection[Cursor], query: str) -> list[Field]:
    """The columns that a SELECT would give; it gives no rows here."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({query}\n) AS given LIMIT 0")  # noqa: S608 # the caller's SELECT
        # The driver's description leaves out character set and flags.
        result = cast("Any", connection)._result
    found: list[Any] = result.fields
    return [Field(one.name, one.type_code, one.flags, one.charsetnr, one.length, one.scale) for one in found]


def other_character_sets(
    connection: Connection[Cursor], query: str, fields: Sequence[Field]
) -> frozenset[str]:
    """Return the columns of a SELECT whose text is stored in another character set than utf8mb4.

    The protocol describes texts as they are sent. The SELECT is not carried out.

    Args:
        connection: to the server.
        query: the SELECT, with its values.
        fields: its columns.
    """
    texts = [field.name for field in fields if field.is_text]
    if not texts:
        return frozenset()
    sets = ", ".join(f"charset(given.{quoted(name)})" for name in texts)
    no_row = f"SELECT * FROM ({query}\n) AS asked LIMIT 0"  # noqa: S608 # the caller's SELECT
    with connection.cursor() as cursor:
        # An outer join gives the one row in which the server names them, also of a table without rows.
        cursor.execute(f"SELECT {sets} FROM (SELECT 1 AS one) AS alone LEFT JOIN ({no_row}) AS given ON TRUE")  # noqa: S608
        (found,) = cursor.fetchall()
    return frozenset(name for name, stored in zip(texts, found, strict=True) if stored != "utf8mb4")


def _batches(connection: Connection[Cursor], query: str) -> Iterator[bytes]:
    """Lines of a SELECT of one column of text, many at once."""
    from pymysql.cursors import SSCursor

    connection.use_unicode = False  # bytes, as they come
    cursor = connection.cursor(SSCursor)
    cursor.execute(query)
    rows = _values(cursor)
    while batch := list(itertools.islice(rows, _ROWS)):
        try:
            yield b"\n".join(batch) + b"\n"  # pyright: ignore[reportArgumentType]
        except TypeError:
            raise MySQLStreamError(
                "a row of the source is longer than its server's max_allowed_packet; nothing was taken"
            ) from None


def _values(cursor: SSCursor) -> Iterator[bytes | None]:
    """The values of a result of one column while it is being sent.

    The cursor itself makes a tuple of each row and asks for it four calls deep: half of what a read took. It
    is held here, since one that is let go reads the rest of its result first.
    """
    result = cast("Any", cursor)._result
    read_packet = result.connection._read_packet
    while not result._check_packet_is_eof(packet := read_packet()):
        yield packet.read_length_coded_string()
    result.unbuffered_active = False
    result.connection = None


def abandon(connection: Connection[Any]) -> None:
    """Lets a connection be closed in the middle of a result: the driver would read the rest of it first."""
    result: Any = getattr(connection, "_result", None)
    if result is not None and result.unbuffered_active:
        result.unbuffered_active = False
        result.connection = None


def _moment(value: datetime, _mapping: object = None) -> str:
    """A time as a literal; the driver's own way drops the zone."""
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return f"'{value.isoformat(sep=' ', timespec='microseconds')}'"
