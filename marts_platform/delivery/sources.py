"""The delivery service's database as a source: its replica, or itself where none is configured."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dagster as dg

from marts_platform import settings
from marts_platform.core.checks import Outside
from marts_platform.core.faults import PassingFault
from marts_platform.core.path import Extract, Rejected
from marts_platform.core.pending import SourceState
from marts_platform.core.sql import compose
from marts_platform.core.time_limit import within
from marts_platform.core.window import Slice, Window
from marts_platform.delivery.bounds import replica_bound
from marts_platform.delivery.replica_status import ReplicaError, subscription_of
from marts_platform.resources.postgres import CopyOut, Limits, PostgresResource
from marts_platform.resources.postgres_source import (
    CommitBound,
    commit_bound,
    one_row,
    refuse_scans,
    states_of,
)

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable, Composed

    from marts_platform.core.pending import Key
    from marts_platform.core.run_log import Published
    from marts_platform.settings import Settings


@dataclass(frozen=True, slots=True)
class Feed:
    """How an ODS table is read.

    Attributes:
        table: the service's table whose time says to which day a row belongs.
        column: that time.
        columns: what `raw/<name>.sql` selects.
        required: columns that no row of the service's table lacks; a row without a value in one is refused.
        undated: the file that counts the rows which no day holds.
        refused: the file that selects the rows which are refused.
    """

    table: str
    column: str
    columns: tuple[str, ...]
    required: tuple[str, ...]
    undated: str = "delivery/raw/undated.sql"
    refused: str = "delivery/raw/refused.sql"


_TIMES = ("created_at", "started_at", "finished_at")
FEEDS: Mapping[str, Feed] = {
    "orders": Feed(
        "order",
        "registered_at",
        ("id", "source_address_id", "target_address_id", "extra", "registered_at", "is_valid"),
        ("source_address_id", "target_address_id"),
    ),
    "pipelines": Feed(
        "pipeline",
        "created_at",
        ("id", "order_id", "order_registered_at", "status", "message", *_TIMES, "source_times", "is_valid"),
        ("order_id", "status"),
    ),
    "stages": Feed(
        "stage",
        "created_at",
        ("id", "pipeline_id", "name", "status", "message", *_TIMES, "source_times", "is_valid"),
        ("pipeline_id", "name", "status"),
    ),
    "deliveries": Feed(
        "pipeline",
        "created_at",
        (
            "pipeline_id",
            "cost",
            "estimated_at",
            "performer_id",
            "assigned_at",
            "released_at",
            "created_at",
            "order_id",
            "order_type",
            "status",
            "source_cost",
            "source_times",
            "is_valid",
        ),
        ("order_id", "status"),
        "delivery/raw/deliveries_undated.sql",
        "delivery/raw/deliveries_refused.sql",
    ),
}
"""By ODS table."""

# An index range of this many rows, twice, is read in milliseconds.
_DRAWN_ROWS = 5_000

_NOTHING_YET: Mapping[Key, Published] = MappingProxyType({})
_NO_REPLICA = (
    "no replica is configured (MARTS_DELIVERY_REPLICA_URL): the delivery service's own database is read"
)


class DeliverySource(dg.ConfigurableResource[Any]):
    """The service's tables, read from ``MARTS_DELIVERY_REPLICA_URL``, or else from ``MARTS_DELIVERY_URL``."""

    source_setting: str = "delivery_url"
    replica_setting: str = "delivery_replica_url"

    @property
    def is_replicated(self) -> bool:
        """Whether a replica is configured."""
        return settings.load().delivery_replica_url is not None

    @property
    def server(self) -> PostgresResource:
        """The server that is read."""
        return PostgresResource(setting=self.replica_setting if self.is_replicated else self.source_setting)

    def rows(self, table: str, slice_: Slice) -> Extract:
        """The rows of a day, of an ODS table, as a stream. The open day ends at the commit-safe bound.

        Args:
            table: of `FEEDS`.
            slice_: the day.

        Raises:
            ReplicaError: the replica that is configured has not been made.
            PassingFault: it is still being filled.
            SourceScanRefusedError: the server would scan a big table.
        """
        assert slice_.window is not None  # the assets are partitioned
        now = settings.load()
        limits = Limits(now.source_statement_timeout_seconds, read_only=True, by_index=True)
        query, purpose = compose(f"delivery/raw/{table}.sql"), f"delivery {table} {slice_}"
        with self._connected(limits, purpose) as connection:
            bound = self._bound(connection, now)
            readable = slice_.window.until(bound.moment)
            params = _window_params(slice_.window, readable)
            refuse_scans(connection, query, params, f"delivery/{table}, {slice_}")
            refused, refused_state = _refused(connection, FEEDS[table], params)
        is_open = readable != slice_.window
        warnings = bound.warnings if is_open else []
        return Extract(
            rows=CopyOut(self.server, query, FEEDS[table].columns, params, limits, purpose),
            read_until=bound.moment if is_open else None,
            scope=refused_state,
            params={"bound": bound.moment},
            rejected=refused,
            warnings=warnings if self.is_replicated else [_NO_REPLICA, *warnings],
        )

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Mapping[Key, Published] = _NOTHING_YET
    ) -> SourceState:
        """Which days have rows, and the fingerprints of some: indexed probes under a short time limit."""
        now = settings.load()
        table = asset.split("/")[-1]
        limits = Limits(within(now.source_probe_timeout_seconds), read_only=True, by_index=True)
        with self._connected(limits, "probe") as connection:
            bound = self._bound(connection, now)
            probe, required = _probe(connection, table)
            days = self._days(connection, FEEDS[table], now, bound)

            def params_of(slice_: Slice) -> Mapping[str, object]:
                assert slice_.window is not None  # the assets are partitioned
                until = _compared_until(bound, slice_.window, published.get(slice_.partition_key))
                return _window_params(slice_.window, slice_.window.until(until)) | required

            asked = states_of(connection, probe, slices, params_of, now.source_probe_timeout_seconds)
        return SourceState(
            frozenset(days),
            asked.states,
            "",
            is_certain=bound.warning is None,
            warnings=bound.warnings,
            out_of_time=asked.out_of_time,
        )

    def fingerprint(self, table: str, slice_: Slice, read_until: datetime | None) -> str:
        """The state of a day at the source, up to where it was read."""
        assert slice_.window is not None  # the assets are partitioned
        limits = Limits(settings.load().source_statement_timeout_seconds, read_only=True)
        with self._connected(limits, "check") as connection:
            return _fingerprint(connection, table, slice_.window, read_until or slice_.window.end)

    def outside(self, table: str, whole: Window) -> Outside:
        """Count the rows whose time is in no partition, and the deliveries without a pipeline.

        Args:
            table: of `FEEDS`.
            whole: the window of all partitions.

        Raises:
            SourceScanRefusedError: the server would scan a big table.
        """
        from psycopg2.sql import Identifier

        feed = FEEDS[table]
        names = {
            "table": Identifier("public", feed.table),
            "column": Identifier(feed.column),
            "key": Identifier("id"),
        }
        query = compose(feed.undated, names)
        # Of deliveries without a pipeline only a look at each could tell: a stretch of them is looked at.
        params = {"start": whole.start, "end": whole.end, "drawn": str(uuid4()), "most": _DRAWN_ROWS}
        limits = Limits(settings.load().source_statement_timeout_seconds, read_only=True, by_index=True)
        with self._connected(limits, "check") as connection:
            refuse_scans(connection, query, params, f"the rows of {feed.table} outside of all days")
            return Outside(*one_row(connection, query, params))

    @contextmanager
    def _connected(self, limits: Limits, purpose: str) -> Generator[Connection]:
        with self.server.connect(limits, purpose=purpose) as connection:
            if self.is_replicated:
                _refuse_unmade(connection)
                connection.rollback()
            yield connection

    def _bound(self, connection: Connection, now: Settings) -> CommitBound:
        if self.is_replicated and not _is_standby(connection):
            bound = replica_bound(connection, PostgresResource(setting=self.source_setting), now)
        else:
            bound = commit_bound(connection, timedelta(seconds=now.commit_margin_seconds))
        connection.rollback()  # the rows' snapshot has to be younger than the bound
        return bound

    def _days(self, connection: Connection, feed: Feed, now: Settings, bound: CommitBound) -> list[str]:
        from psycopg2.sql import Identifier

        names = {"table": Identifier("public", feed.table), "column": Identifier(feed.column)}
        query = compose("delivery/raw/days_with_rows.sql", names)
        params = {"start": now.start_time, "bound": bound.moment}
        refuse_scans(connection, query, params, f"the days of {feed.table}")
        (days,) = one_row(connection, query, params)
        return list(days or ())


def _refuse_unmade(connection: Connection) -> None:
    """Refuses a replica that has not been made, that lacks a table, or that is not filled yet."""
    if _is_standby(connection):
        return
    subscription = subscription_of(connection)
    if subscription is None:
        raise ReplicaError(
            "the database of MARTS_DELIVERY_REPLICA_URL subscribes to nothing: make the replica with "
            "`marts replica create`"
        )
    if subscription.missing:
        # Its days would be published as empty, and compared with the same empty table.
        raise ReplicaError(
            f"the replica does not follow {', '.join(subscription.missing)}: run `marts replica create`, "
            f"which adds what the publication has"
        )
    if subscription.tables_copying:
        raise PassingFault(f"{subscription.tables_copying} tables of the replica are still being copied")


def _is_standby(connection: Connection) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_is_in_recovery()")
        row = cursor.fetchone()
    return bool(row and row[0])


def _window_params(whole: Window, readable: Window | None) -> dict[str, object]:
    """The bound values of a window for the source's queries; an empty range if nothing is readable."""
    return {"from": whole.start, "to": readable.end if readable else whole.start}


def _compared_until(bound: CommitBound, window: Window, published: Published | None) -> datetime:
    """Return up to where a day is compared with its last load.

    A bound that is a guess may lie before what was read when it was certain. What was read then is compared:
    the replica still has it, and a shorter part of the day would never be as that load found it.
    """
    if bound.warning is None or published is None:
        return bound.moment
    return max(bound.moment, published.read_until or window.end)


def _fingerprint(connection: Connection, table: str, window: Window, until: datetime) -> str:
    (state,) = one_row(connection, _state(table), _window_params(window, window.until(until)))
    return str(state)


def _state(table: str) -> Composed:
    """Return the SELECT of a window's state, of the rows that can be read."""
    from psycopg2.sql import SQL

    rows = SQL("({}) AS staged").format(compose(f"delivery/raw/{table}.sql"))
    return compose(f"delivery/raw/{table}_fingerprint.sql", {"staged": rows})


def _probe(connection: Connection, table: str) -> tuple[Composable, dict[str, object]]:
    """Return the SELECT of a window's state and its values, with the refused rows where some can be."""
    feed = FEEDS[table]
    required = _nullable(connection, feed)
    if not required:
        return _state(table), {}
    refused = compose("delivery/raw/refused_state.sql", {"refused": _refused_rows(feed)})
    names = {"fingerprint": _state(table), "refused_state": refused}
    return compose("delivery/raw/state_with_refused.sql", names), {"required": required}


def _nullable(connection: Connection, feed: Feed) -> list[str]:
    """Return the required columns in which the service's table takes NULL all the same."""
    values = {"table": f'public."{feed.table}"', "required": list(feed.required)}
    (columns,) = one_row(connection, compose("delivery/raw/nullable_columns.sql"), values)
    return list(columns or ())


def _refused_rows(feed: Feed) -> Composed:
    from psycopg2.sql import SQL, Identifier

    names = {
        "table": Identifier("public", feed.table),
        "column": Identifier(feed.column),
        "key": Identifier("id"),
        "columns": SQL(", ").join(Identifier("given", name) for name in feed.required),
    }
    return compose(feed.refused, names)


def _refused(connection: Connection, feed: Feed, params: Mapping[str, object]) -> tuple[list[Rejected], str]:
    """Return the rows of a window that lack a required value, and their state; none where none can."""
    required = _nullable(connection, feed)
    if not required:
        return [], ""
    values = {**params, "required": required}
    state = compose("delivery/raw/refused_state.sql", {"refused": _refused_rows(feed)})
    (state,) = one_row(connection, state, values)
    with connection.cursor() as cursor:
        cursor.execute(_refused_rows(feed), values)
        return [Rejected(*row) for row in cursor.fetchall()], state or ""
