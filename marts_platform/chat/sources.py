"""The chat's MySQL database as a source: read by index ranges, each read in one snapshot.

MySQL does not show how far its open transactions reach back, so nothing here guesses from times or numbers
what may be missing: numbers have gaps where transactions were rolled back, and a message that commits late
has a number and a time below ones that were read. The state of the newest days is compared with what was
loaded, again and again, and of older days beside them in turn: whatever was committed late, edited or deleted
changes the state of its day.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import dagster as dg

from marts_platform import settings
from marts_platform.core.canonical import Checksum, form_of, mysql_fault, mysql_row
from marts_platform.core.path import Extract
from marts_platform.core.pending import SourceState
from marts_platform.core.table import declared
from marts_platform.core.time_limit import until_over, within
from marts_platform.core.window import Slice, Window, naive_bounds
from marts_platform.io_managers.clickhouse_types import holds_postgres
from marts_platform.resources.mysql import MySQLResource, SelectOut, bound, select_fields, statement
from marts_platform.resources.mysql_text import is_no_time, quoted, source_type
from marts_platform.resources.mysql_zones import in_utc
from marts_platform.resources.postgres import Limits

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping, Sequence

    from pymysql import Connection
    from pymysql.cursors import Cursor

    from marts_platform.core.pending import Key
    from marts_platform.core.run_log import Published
    from marts_platform.settings import Settings

TABLES = ("users", "products", "chats", "messages")
_UTC = ZoneInfo("UTC")
# The settings with the time limits of a probe's statements, and of those that read more.
_PROBE, _STATEMENT = "source_probe_timeout_seconds", "source_statement_timeout_seconds"
# What the fingerprint says of a table without rows, and of a day without messages.
_STATE = "rows {}, newest {}, checksum {}"
_EMPTY = _STATE.format(0, 0, 0)
# No user, chat or product is older than the epoch or younger than the century: such a time stands for none.
_FIRST_TIME, _END_OF_TIMES = "1970-01-01 00:00:01", "2100-01-01"
_NO_TIME = f"({is_no_time('{}')} OR {{}} < '{_FIRST_TIME}' OR {{}} >= '{_END_OF_TIMES}')".replace("{}", "{0}")
# A table is compared by so many rows at once, and so are days that follow each other: what one statement
# reads stays small however busy the chat is.
_ROWS_AT_ONCE = 200_000
_BELOW_ALL = -(2**63)
_NO_VALUES: Mapping[str, object] = MappingProxyType({})
# Of a statement that ran into its time limit: at MySQL, MariaDB and seekdb.
_OUT_OF_TIME = frozenset({3024, 1969, 4012})
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "users": ("id", "username", "avatar_path", "email", "created_at"),
    "products": ("id", "name", "description", "price", "seller_id", "created_at"),
    "chats": ("id", "buyer_id", "seller_id", "product_id", "created_at"),
    "messages": (
        "id", "chat_id", "sender_id", "buyer_id", "seller_id", "message", "created_at", "read_status",
    ),
}  # fmt: skip
# Of the chat's own declaration: NOT NULL. A NULL there stands in quarantine.
_NEVER_NULL: Mapping[str, tuple[str, ...]] = {
    "users": ("username", "avatar_path", "email"),
    "products": ("name", "price", "seller_id"),
    "chats": ("buyer_id", "seller_id", "product_id"),
    "messages": ("message",),
}


class ChatSourceError(settings.ExpectedError):
    """The database is not a chat's that can be read; the message says why."""


class ChatSource(dg.ConfigurableResource[Any]):
    """The chat's database, read through ``MARTS_CHAT_URL``."""

    setting: str = "chat_url"

    @property
    def server(self) -> MySQLResource:
        """The server."""
        return MySQLResource(setting=self.setting)

    def messages(self, slice_: Slice) -> Extract:
        """A day's messages, as a stream.

        Raises:
            ChatSourceError: the database has no such tables.
        """
        assert slice_.window is not None  # the asset is partitioned
        now = settings.load()
        purpose = f"chat {slice_}"
        with self._session(_PROBE, purpose) as connection:
            times = Times.of(connection, now)
        window, params = slice_.window, times.bounds(slice_.window)

        def state(connection: Connection[Cursor]) -> str:
            return _states(connection, times, [window], set(window.days()))[slice_.partition_key or ""]

        stream = self._stream("messages", times, params, purpose)
        stream.state = state
        return _extract("messages", stream, times.warnings)

    def table(self, name: str) -> Extract:
        """All rows of a table, as a stream.

        Raises:
            ChatSourceError: the database has no such tables.
        """
        with self._session(_PROBE, f"chat {name}") as connection:
            times = Times.of(connection, settings.load())
        stream = self._stream(name, times, {}, f"chat {name}")
        stream.state = lambda connection: _state(connection, times, name)
        return _extract(name, stream)

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Mapping[Key, Published] | None = None
    ) -> SourceState:
        """Return the state of a whole table; of messages the states of days, and which days have some.

        Days that were published are not looked for: they count as days with messages, and their states tell
        when they have none any more.

        Raises:
            ChatSourceError: the database has no such tables, or a statement ran into its time limit.
        """
        now = settings.load()
        table = asset.removeprefix("chat/")
        with self._session(_PROBE, "probe") as connection:
            times = Times.of(connection, now)
            if table != "messages":
                state = _state(connection, times, table)
                return SourceState({None}, {None: f"{state}; {scope(now)}"}, scope(now))
            windows = [slice_.window for slice_ in slices if slice_.window is not None]
            if not windows:
                return SourceState((), {}, scope(now))
            before = published or {}
            whole = Window(now.start_time, max(window.end for window in windows))
            known = {day for day in whole.days() if day.isoformat() in before}
            days = known | set(_new_days(connection, times, whole, known))
            rows = {key: entry.rows_written for key, entry in before.items() if key is not None}
            states: dict[str, str] = {}
            for span in until_over(spans(windows, rows)):
                states |= _states(connection, times, [span], days)
        found: dict[Key, str] = {key: f"{state}; {scope(now)}" for key, state in states.items()}
        return SourceState(frozenset(day.isoformat() for day in days), found, scope(now))

    def checksum(self, table: str, slice_: Slice) -> Checksum:
        """Return the checksum of a table, or of a day of messages, as the warehouse can hold its rows.

        A row that stands in quarantine does not count; a value that does reads as missing.
        """
        with self._session(_STATEMENT, "check") as connection:
            times = Times.of(connection, settings.load())
            if slice_.window is None:
                return _sums(connection, times, table, is_judged=True)[0]
            found = _days(connection, times, slice_.window, is_judged=True)
            return found[slice_.partition_key or ""][0] if found else Checksum(0, 0)

    def newest(self, whole: Window) -> datetime | None:
        """The time of the newest message that a partition of a span holds (UTC): one look-up in its index."""
        with self._session(_PROBE, "check") as connection:
            times = Times.of(connection, settings.load())
            found = _value(connection, "chat/source/newest_message.sql", times, times.bounds(whole))
        return None if found is None else found.replace(tzinfo=UTC)

    def outside(self, whole: Window) -> tuple[int, int | None]:
        """How many messages belong to no partition, and the number of the first of them."""
        with self._session(_STATEMENT, "check") as connection:
            times = Times.of(connection, settings.load())
            ((count, first),) = _rows(
                connection, "chat/source/messages_outside.sql", times.names("messages"), times.bounds(whole)
            )
        return int(count), first

    @contextlib.contextmanager
    def _session(self, setting: str, purpose: str) -> Generator[Connection[Cursor]]:
        """A session that only reads, each of its statements within the seconds that a setting says."""
        from pymysql.err import MySQLError

        seconds: int = getattr(settings.load(), setting)
        try:
            with self.server.connect(Limits(within(seconds), read_only=True), purpose=purpose) as connection:
                yield connection
        except MySQLError as error:
            if not error.args or error.args[0] not in _OUT_OF_TIME:
                raise
            raise ChatSourceError(
                f"a statement at the chat's database did not end within the {seconds} seconds of "
                f"{settings.variable(setting)}: set that higher, or see why the server is slow"
            ) from error

    def _stream(self, table: str, times: Times, params: Mapping[str, object], purpose: str) -> SelectOut:
        now = settings.load()
        return SelectOut(
            self.server,
            statement(f"chat/source/{table}.sql", times.names(table)),
            _COLUMNS[table],
            params,
            Limits(now.source_statement_timeout_seconds, read_only=True),
            purpose,
            utc=("created_at",),
            no_time=_NO_TIME,
        )


class Times:
    """How the source keeps times: TIMESTAMP is a time of UTC, DATETIME one of the zone that a setting names.

    Attributes:
        zone: of the tables' local times.
        local: the tables that keep those.
        warnings: what whoever looks at a run should know.
    """

    def __init__(self, zone: ZoneInfo, local: frozenset[str], warnings: Sequence[str]) -> None:
        self.zone = zone
        self.local = local
        self.warnings = list(warnings)

    @classmethod
    def of(cls, connection: Connection[Cursor], now: Settings) -> Times:
        """Looks at the source's own description of its tables.

        Raises:
            ChatSourceError: one of them is missing.
        """
        with connection.cursor() as cursor:
            cursor.execute(statement("chat/source/column_types.sql"))
            found = {str(name).lower(): (str(type_).lower(), int(count)) for name, type_, count in cursor}
        missing = [table for table in TABLES if table not in found]
        if missing:
            raise ChatSourceError(
                f"the database of MARTS_CHAT_URL has no {', '.join(missing)} with created_at: "
                "is it the chat's, and may its user read the tables?"
            )
        warnings: list[str] = []
        if found["messages"][1] == 0:
            warnings.append(
                "messages has no index by created_at, so the source reads all of the table for a day of it: "
                "CREATE INDEX messages_time ON messages (created_at)"
            )
        local = frozenset(table for table, (type_, _) in found.items() if type_ == "datetime")
        return cls(ZoneInfo(now.chat_timezone), local, warnings)

    def names(self, table: str) -> dict[str, str]:
        """What stands for ``{created_at}`` in a statement on a table."""
        column = "given.created_at"
        return {"created_at": in_utc(column, self.zone) if table in self.local else column}

    def bounds(self, window: Window) -> dict[str, object]:
        """The values of a statement on a window of messages: in UTC, and as a range of the indexed column."""
        zone = self.zone if "messages" in self.local else _UTC
        from_local, to_local = naive_bounds(window, zone)
        return {
            "start": window.start.replace(tzinfo=None),
            "end": window.end.replace(tzinfo=None),
            "from_local": from_local,
            "to_local": to_local,
        }


def scope(now: Settings) -> str:
    """The settings that decide which rows come and how: another scope makes a partition stale."""
    return f"local times in {now.chat_timezone}"


def spans(days: Sequence[Window], rows: Mapping[str, int]) -> list[Window]:
    """Join days that follow each other into spans that one statement reads.

    Args:
        days: in the order in which they are wanted, which is that of the spans too.
        rows: how many messages were loaded of them; of a day that was not, nobody knows, and it stays alone.
    """
    place = {window.start: number for number, window in enumerate(days)}
    joined: list[tuple[int, Window]] = []
    held = _ROWS_AT_ONCE
    for window in sorted(days):
        key = window.start.date().isoformat()
        more = rows.get(key, _ROWS_AT_ONCE + 1)
        if joined and joined[-1][1].end == window.start and held + more <= _ROWS_AT_ONCE:
            first, span = joined[-1]
            joined[-1] = (min(first, place[window.start]), Window(span.start, window.end))
            held += more
        else:
            joined.append((place[window.start], window))
            held = more
    return [span for _, span in sorted(joined)]


def _extract(table: str, stream: SelectOut, warnings: Sequence[str] = ()) -> Extract:
    return Extract(
        stream,
        scope=scope(settings.load()),
        warnings=warnings,
        fingerprint=lambda: stream.seen,
        never_null=_NEVER_NULL[table],
        key=("id",),
    )


def _states(
    connection: Connection[Cursor], times: Times, spans: Sequence[Window], days: Collection[date]
) -> dict[str, str]:
    """The state of each day of these spans: a statement for each of them in which there are messages.

    Args:
        connection: to the source.
        times: how it keeps times.
        spans: of whole days.
        days: those that may have messages.
    """
    states = {day.isoformat(): _EMPTY for span in spans for day in span.days()}
    for span in spans:
        if any(day in days for day in span.days()):
            found = _days(connection, times, span, is_judged=False)
            states |= {
                key: _STATE.format(sums.rows, newest, sums.checksum) for key, (sums, newest) in found.items()
            }
    return states


def _days(
    connection: Connection[Cursor], times: Times, span: Window, *, is_judged: bool
) -> dict[str, tuple[Checksum, int]]:
    """The checksum of each day of a span that has messages, and the number of its newest one."""
    params = times.bounds(span)
    names = _text(connection, times, "messages", params, is_judged=is_judged)
    rows = _rows(connection, "chat/source/messages_state.sql", names)
    return {str(key): (Checksum(int(count), int(sum_)), int(newest)) for key, count, newest, sum_ in rows}


def _state(connection: Connection[Cursor], times: Times, table: str) -> str:
    """The state of a whole table."""
    sums, newest = _sums(connection, times, table, is_judged=False)
    return _STATE.format(sums.rows, newest, sums.checksum)


def _sums(
    connection: Connection[Cursor], times: Times, table: str, *, is_judged: bool
) -> tuple[Checksum, int]:
    """The checksum of a whole table: its rows by their numbers, many at once; and the greatest number.

    What is written meanwhile may count or not, and is compared at the next look.
    """
    names = _text(connection, times, table, {}, is_judged=is_judged)
    rows, newest, checksum = 0, 0, 0
    after, taken = _BELOW_ALL, _ROWS_AT_ONCE
    while taken == _ROWS_AT_ONCE:
        params = {"after": after, "most": _ROWS_AT_ONCE, "is_first": after == _BELOW_ALL}
        ((taken, last, added, counted),) = _rows(connection, "chat/source/table_state.sql", names, params)
        if taken:
            after = newest = int(last)
            rows, checksum = rows + int(counted), checksum + int(added)
    return Checksum(rows, checksum), newest


def _text(
    connection: Connection[Cursor],
    times: Times,
    table: str,
    params: Mapping[str, object],
    *,
    is_judged: bool,
) -> dict[str, str]:
    """Return a statement's parts: the table's rows, a row's text, and the condition of a valid row.

    Raises:
        ChatSourceError: a column has a type that its declaration does not hold.
    """
    query = bound(connection, statement(f"chat/source/{table}.sql", times.names(table)), params)
    declaration = declared(f"chat/ddl/{table}.sql")
    fields = select_fields(connection, query)
    types = {one.name: source_type(one, one.name == "created_at") for one in fields}
    columns = [declaration.column(name) for name in _COLUMNS[table]]
    wrong = [
        f"{column.name} is {types[column.name]} at the source, declared {column.type}"
        for column in columns
        if not holds_postgres(column.type, types[column.name])
    ]
    if wrong:
        reasons = "; ".join(wrong)
        raise ChatSourceError(f"chat/{table} cannot hold the {table} of MARTS_CHAT_URL: {reasons}")
    given = [(quoted(column.name), column.type) for column in columns]
    required = [column for column in columns if is_judged and not column.nullable]
    faults = {
        name: mysql_fault(form_of(column.type), name, _NO_TIME) or "FALSE"
        for column in required
        for name in [quoted(column.name)]
    }
    is_row = [f"coalesce(NOT ({fault}), FALSE) AND {name} IS NOT NULL" for name, fault in faults.items()]
    names = {
        "query": query,
        "row": mysql_row(given, shows_faults=not is_judged, bounds=_NO_TIME),
        "is_row": f"({' AND '.join(is_row or ['TRUE'])})",
    }
    return {name: text.replace("%", "%%") for name, text in names.items()}


def _new_days(
    connection: Connection[Cursor], times: Times, span: Window, known: Collection[date]
) -> Iterator[date]:
    # A walk along the index: one look-up for each new day that has messages, none for the empty ones between,
    # and one behind each row of known days. As one recursive statement MariaDB scans the table for each step;
    # and a look-up can take seekdb 14 ms among 800 000 messages: their number must not grow with the history.
    start = span.start
    while start < span.end:
        if start.date() not in known:
            params = times.bounds(Window(start, span.end))
            rows = _rows(connection, "chat/source/next_message.sql", times.names("messages"), params)
            if not rows or rows[0][0].replace(tzinfo=UTC) >= span.end:
                break
            day: date = rows[0][0].date()
            if day not in known:
                yield day
            start = datetime.combine(day, time.min, UTC)
        start += timedelta(days=1)


def _rows(
    connection: Connection[Cursor],
    file: str,
    names: Mapping[str, str],
    params: Mapping[str, object] = _NO_VALUES,
) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement(file, names), dict(params))
        return list(cursor.fetchall())


def _value(
    connection: Connection[Cursor], file: str, times: Times, params: Mapping[str, object] = _NO_VALUES
) -> Any:
    rows = _rows(connection, file, times.names("messages"), params)
    return rows[0][0] if rows else None
