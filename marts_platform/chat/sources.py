"""The chat's MySQL database as a source: read by index ranges, each read in one snapshot.

MySQL does not show how far its open transactions reach back, so nothing here guesses from times or numbers
what may be missing: numbers have gaps where transactions were rolled back, and a message that commits late
has a number and a time below ones that were read. The state of the newest days is compared with what was
loaded, again and again, and at each look some older days beside them: whatever was committed late, edited or
deleted changes the state of its day.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import dagster as dg

from marts_platform import settings
from marts_platform.core.path import Extract
from marts_platform.core.pending import SourceState
from marts_platform.core.window import Slice, Window, naive_bounds
from marts_platform.resources.mysql import MySQLResource, SelectOut, statement
from marts_platform.resources.mysql_zones import in_utc
from marts_platform.resources.postgres import Limits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pymysql import Connection
    from pymysql.cursors import Cursor

    from marts_platform.core.pending import Key
    from marts_platform.settings import Settings

TABLES = ("users", "products", "chats", "messages")
_UTC = ZoneInfo("UTC")
# What the fingerprint says of a day without messages.
_EMPTY = "rows 0, newest 0, checksum 0"
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "users": ("id", "username", "avatar_path", "email", "created_at"),
    "products": ("id", "name", "description", "price", "seller_id", "created_at"),
    "chats": ("id", "buyer_id", "seller_id", "product_id", "created_at"),
    "messages": (
        "id", "chat_id", "sender_id", "buyer_id", "seller_id", "message", "created_at", "read_status",
    ),
}  # fmt: skip


class ChatSourceError(Exception):
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
        with self.server.connect(_probe_limits(now), purpose=purpose) as connection:
            times = Times.of(connection, now)
        params = times.bounds(slice_.window)
        stream = self._stream("messages", times, params, purpose)
        return Extract(stream, scope=scope(now), warnings=times.warnings)

    def table(self, name: str) -> Extract:
        """All rows of a table, as a stream.

        Raises:
            ChatSourceError: the database has no such tables.
        """
        now = settings.load()
        with self.server.connect(_probe_limits(now), purpose=f"chat {name}") as connection:
            times = Times.of(connection, now)
        return Extract(self._stream(name, times, {}, f"chat {name}"), scope=scope(now))

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Collection[Key] = ()
    ) -> SourceState:
        """The state of a whole table; of messages that of days, and which days have some.

        To the days asked for come some older ones, in turns that the hour decides: so each of them is looked
        at again and again, and there is no cursor to lose. Days that were published are not looked for: they
        count as days with messages, and their states tell when they have none any more.
        """
        now = settings.load()
        table = asset.removeprefix("chat/")
        limits = _probe_limits(now)
        with self.server.connect(limits, purpose="probe") as connection:
            times = Times.of(connection, now)
            if table != "messages":
                state = _value(connection, f"chat/source/{table}_fingerprint.sql", times, table)
                return SourceState({None}, {None: f"{state}; {scope(now)}"}, scope(now))
            windows = [slice_.window for slice_ in slices if slice_.window is not None]
            if not windows:
                return SourceState((), {}, scope(now))
            newest = Window(min(window.start for window in windows), max(window.end for window in windows))
            whole = Window(now.start_time, newest.end)
            known = {day for day in whole.days() if day.isoformat() in published}
            days = known | set(_new_days(connection, times, whole, known))
            states = _states(connection, times, newest)
            first = min(days, default=newest.start.date())
            if first < newest.start.date():
                count = int(_value(connection, "chat/source/message_numbers.sql", times, "messages") or 0)
                turns = -(-count // now.chat_sweep_messages)
                older = sweep(now.start_time, first, newest.start, turns, datetime.now(UTC))
                states |= _states(connection, times, older)
        found: dict[Key, str] = {key: f"{state}; {scope(now)}" for key, state in states.items()}
        return SourceState(frozenset(day.isoformat() for day in days), found, scope(now))

    def fingerprint(self, table: str, slice_: Slice) -> str:
        """The state of a table, or of a day of messages, without the scope."""
        now = settings.load()
        limits = Limits(now.source_statement_timeout_seconds, read_only=True)
        with self.server.connect(limits, purpose="check") as connection:
            times = Times.of(connection, now)
            if slice_.window is None:
                return str(_value(connection, f"chat/source/{table}_fingerprint.sql", times, table))
            return _states(connection, times, slice_.window)[slice_.partition_key or ""]

    def newest(self) -> datetime | None:
        """The time of the newest message (UTC): one look-up in its index."""
        now = settings.load()
        with self.server.connect(_probe_limits(now), purpose="check") as connection:
            found = _value(
                connection, "chat/source/newest_message.sql", Times.of(connection, now), "messages"
            )
        return None if found is None else found.replace(tzinfo=UTC)

    def outside(self, whole: Window) -> tuple[int, int | None]:
        """How many messages belong to no partition, and the number of the first of them."""
        now = settings.load()
        limits = Limits(now.source_statement_timeout_seconds, read_only=True)
        with self.server.connect(limits, purpose="check") as connection:
            times = Times.of(connection, now)
            ((count, first),) = _rows(
                connection, "chat/source/messages_outside.sql", times, "messages", times.bounds(whole)
            )
        return int(count), first

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
            zero_dates_are_null=table != "messages",
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


def sweep(start: datetime, first: date, newest: datetime, turns: int, now: datetime) -> Window:
    """The older days that are looked at now: all of them in turns, the next ones each hour.

    Args:
        start: of the first partition. Days before the first message cost nothing to look at, and one that was
            emptied may be among them.
        first: the first day with messages; it lies before `newest`.
        newest: the start of the days that are looked at anyway.
        turns: in how many.
        now: decides whose turn it is.
    """
    begin = datetime.combine(first, time.min, UTC)
    older = (newest - begin).days
    turns = max(1, min(turns, older))
    turn = int(now.timestamp()) // 3600 % turns
    bounds = [begin + timedelta(days=older * number // turns) for number in range(turns + 1)]
    bounds[0] = min(start, begin)
    return Window(bounds[turn], bounds[turn + 1])


def _states(connection: Connection[Cursor], times: Times, span: Window) -> dict[str, str]:
    rows = _rows(connection, "chat/source/messages_fingerprint.sql", times, "messages", times.bounds(span))
    empty = {day.isoformat(): _EMPTY for day in span.days()}
    return empty | {str(key): str(state) for key, state in rows}


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
            rows = _rows(connection, "chat/source/next_message.sql", times, "messages", params)
            if not rows or rows[0][0].replace(tzinfo=UTC) >= span.end:
                break
            day: date = rows[0][0].date()
            if day not in known:
                yield day
            start = datetime.combine(day, time.min, UTC)
        start += timedelta(days=1)


def _rows(
    connection: Connection[Cursor], file: str, times: Times, table: str, params: Mapping[str, object]
) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement(file, times.names(table)), dict(params))
        return list(cursor.fetchall())


def _value(connection: Connection[Cursor], file: str, times: Times, table: str) -> Any:
    rows = _rows(connection, file, times, table, {})
    return rows[0][0] if rows else None


def _probe_limits(now: Settings) -> Limits:
    return Limits(statement_timeout=now.source_probe_timeout_seconds, read_only=True)
