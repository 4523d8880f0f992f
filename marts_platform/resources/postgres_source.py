"""What any Postgres source needs: a bound that late commits cannot undercut, and no scans of big tables."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from marts_platform import settings
from marts_platform.core.path import Extract
from marts_platform.core.pending import SourceState
from marts_platform.core.sql import compose
from marts_platform.core.time_limit import is_over, within
from marts_platform.core.window import naive_bounds, naive_bounds_are_exact
from marts_platform.resources.postgres import CopyOut, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable

    from marts_platform.core.pending import Key
    from marts_platform.core.window import Slice, Window
    from marts_platform.resources.postgres import PostgresResource

# Where others' transactions cannot be seen, one may have been open for this long.
BLIND_MARGIN = timedelta(minutes=5)
# What commits is done with sooner, so nobody would otherwise know why no new rows arrive.
_LONG = timedelta(hours=1)
# 8 KiB pages: a table of 80 MB is scanned in the time of a few hundred look-ups.
_SCANNABLE_PAGES = 10_000
# The states of so many windows are asked for by one statement: more while it takes less than a quarter of the
# time that it may.
_WINDOWS_AT_FIRST, _WINDOWS_AT_MOST = 8, 64
_QUICK = 4


class SourceScanRefusedError(settings.ExpectedError):
    """The source's planner would scan a big table; nothing was read."""


@dataclass(frozen=True, slots=True)
class NaiveSource:
    """A table whose indexed time column has no zone, read window by window.

    Its queries take the bound values of `window_params`.

    Attributes:
        server: where it is.
        zone: the time zone of its naive times.
        what: the asset that is fed, for messages.
        purpose: for ``application_name``.
        scope: the settings that decide which rows come.
        params: more bound values.
    """

    server: PostgresResource
    zone: str
    what: str
    purpose: str
    scope: str
    params: Mapping[str, object]

    def extract(
        self,
        slice_: Slice,
        compose_query: Callable[[Connection], Composable],
        columns: tuple[str, ...],
        format: str = "postgres-binary",
    ) -> Extract:
        """A window's rows as a stream; an open window ends at the commit-safe bound.

        Args:
            slice_: the partition.
            compose_query: the SELECT, for what the source turns out to be.
            columns: what it gives, in order.
            format: COPY's, as `CopyOut` names it.

        Raises:
            SourceScanRefusedError: the source would scan a big table.
        """
        assert slice_.window is not None  # the asset is partitioned
        now = settings.load()
        limits = Limits(now.source_statement_timeout_seconds, read_only=True, by_index=True)
        purpose = f"{self.purpose} {slice_}"
        with self.server.connect(limits, purpose=purpose) as connection:
            bound = commit_bound(connection, timedelta(seconds=now.commit_margin_seconds))
            query = compose_query(connection)
            window = slice_.window.until(bound.moment)
            params = self._params(slice_.window, window)
            refuse_scans(connection, query, params, f"{self.what}, {slice_}")
        is_whole = window == slice_.window
        return Extract(
            rows=CopyOut(self.server, query, columns, params, limits, purpose, format),
            read_until=None if is_whole else bound.moment,
            scope=self.scope,
            warnings=[] if is_whole else bound.warnings,
        )

    def state(
        self,
        slices: Sequence[Slice],
        compose_fingerprint: Callable[[Connection], Composable],
        days_with_rows: Composable,
    ) -> SourceState:
        """Which days have rows, and the fingerprints of some: indexed probes under a short time limit.

        Args:
            slices: whose fingerprints are wanted.
            compose_fingerprint: gives one text for a window.
            days_with_rows: gives an array of days; takes ``zone``, ``start`` and ``bound``.
        """
        now = settings.load()
        limits = Limits(statement_timeout=within(now.source_probe_timeout_seconds), read_only=True)
        with self.server.connect(limits, purpose="probe") as connection:
            bound = commit_bound(connection, timedelta(seconds=now.commit_margin_seconds))
            probe = compose_fingerprint(connection)
            values = {"zone": self.zone, "start": now.start_time, "bound": bound.moment}
            (days,) = one_row(connection, days_with_rows, values)
            asked = states_of(
                connection,
                probe,
                slices,
                lambda slice_: self._read_params(slice_, bound.moment),
                now.source_probe_timeout_seconds,
            )
        states: dict[str | None, str] = {key: f"{state}; {self.scope}" for key, state in asked.states.items()}
        return SourceState(
            frozenset(days or ()),
            states,
            self.scope,
            is_certain=bound.warning is None,
            warnings=bound.warnings,
            out_of_time=asked.out_of_time,
        )

    def check_row(
        self,
        slice_: Slice,
        read_until: datetime | None,
        query: Composable | Callable[[Connection], Composable],
    ) -> tuple[Any, ...]:
        """The one row that a check's SELECT gives for a partition, up to where it was read."""
        with self._checking("check") as connection:
            composed = query(connection) if callable(query) else query
            return one_row(connection, composed, self._read_params(slice_, read_until))

    def window_rows(
        self, slice_: Slice, read_until: datetime | None, compose_query: Callable[[Connection], Composable]
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a SELECT that gives few for a partition, up to where it was read."""
        with self._checking(f"{self.purpose} {slice_}") as connection, connection.cursor() as cursor:
            cursor.execute(compose_query(connection), self._read_params(slice_, read_until))
            return cursor.fetchall()

    def _checking(self, purpose: str) -> AbstractContextManager[Connection]:
        limits = Limits(settings.load().source_statement_timeout_seconds, read_only=True, by_index=True)
        return self.server.connect(limits, purpose=purpose)

    def _read_params(self, slice_: Slice, read_until: datetime | None) -> dict[str, object]:
        assert slice_.window is not None  # the asset is partitioned
        return self._params(slice_.window, slice_.window.until(read_until) if read_until else slice_.window)

    def _params(self, whole: Window, readable: Window | None) -> dict[str, object]:
        return {**window_params(whole, readable, self.zone), **self.params}


@dataclass(frozen=True, slots=True)
class CommitBound:
    """Up to where a source can be read so that no row appears below it any more.

    Attributes:
        moment: the bound, UTC; rows from it on are read by a later load.
        warning: why the bound is a guess, None if it is certain.
        held_back: who keeps it far in the past; None if nobody does.
    """

    moment: datetime
    warning: str | None = None
    held_back: str | None = None

    @property
    def warnings(self) -> list[str]:
        """What whoever looks at a load of an open partition should know."""
        return [text for text in (self.warning, self.held_back) if text]


def commit_bound(connection: Connection, margin: timedelta) -> CommitBound:
    """Reads the commit-safe bound of a source.

    A row's time is set before its commit, so rows of open transactions may yet appear below the
    newest one. The oldest open or prepared transaction is the bound; the margin is for applications
    that read their clock before their transaction begins. Take the snapshot to read from *after*.

    Args:
        connection: of the source.
        margin: how far below the oldest transaction to stay.
    """
    with connection.cursor() as cursor:
        cursor.execute(compose("postgres/commit_safe_bound.sql"), {"long": _LONG})
        row = cursor.fetchone()
    assert row is not None  # a SELECT without FROM gives one row
    moment, is_hidden, is_replica, whose = row
    held_back = whose and (
        f"{whose} at the source has had a transaction open since {moment.astimezone(UTC):%Y-%m-%d %H:%M} "
        f"UTC: newer rows are not read before it ends. End it, or wait"
    )
    if is_replica:
        reason = "the source is a replica, which does not show its primary's open transactions"
    elif is_hidden:
        reason = (
            "the source's role cannot see others' transactions "
            "(GRANT pg_read_all_stats TO it would show them)"
        )
    else:
        return CommitBound(moment - margin, held_back=held_back)
    minutes = int(BLIND_MARGIN.total_seconds() // 60)
    return CommitBound(
        moment - max(margin, BLIND_MARGIN),
        f"{reason}: the open partition is read up to {minutes} minutes ago only, and the sensor "
        f"compares twice as many days, since a later commit cannot be ruled out",
        held_back,
    )


def window_params(whole: Window, readable: Window | None, zone: str) -> dict[str, object]:
    """The bound values of a window of naive times; an empty range if nothing of it is readable.

    Returns:
        ``from`` and ``to`` (UTC), ``from_local`` and ``to_local`` (the range of the index), ``zone``, and
        ``is_exact``: the range alone gives the window's rows, and none need be converted to be judged.
    """
    window = readable or whole
    from_local, to_local = naive_bounds(window, ZoneInfo(zone))
    return {
        "from": window.start,
        "to": window.end if readable else window.start,
        "from_local": from_local,
        "to_local": to_local,
        "zone": zone,
        "is_exact": readable is not None and naive_bounds_are_exact(window, ZoneInfo(zone)),
    }


def one_row(connection: Connection, query: Composable, params: Mapping[str, object]) -> tuple[Any, ...]:
    """The one row of a SELECT at a source.

    Raises:
        ValueError: it gave none.
    """
    with connection.cursor() as cursor:
        cursor.execute(query, params)
        row = cursor.fetchone()
    connection.rollback()  # a snapshot held over many probes would hinder the source's vacuum
    if row is None:
        raise ValueError("a probe of the source gave no row")
    return row


@dataclass(frozen=True, slots=True)
class States:
    """The answers of a source about partitions, within the time.

    Attributes:
        states: by partition, of those that it told.
        out_of_time: partitions whose state took longer than a probe may.
    """

    states: Mapping[Key, str]
    out_of_time: Collection[Key]


def states_of(
    connection: Connection,
    probe: Composable,
    slices: Iterable[Slice],
    params_of: Callable[[Slice], Mapping[str, object]],
    most_seconds: float,
) -> States:
    """Read the states of many windows in few round trips: many by one statement.

    A window that takes longer than a probe may is left out, and the others come all the same. The reading
    ends with the evaluation's time.

    Args:
        connection: of the source.
        probe: a SELECT of one text for a window.
        slices: the partitions, in the order in which they are wanted.
        params_of: gives the values that the probe takes of a partition.
        most_seconds: how long a statement may take.
    """
    import psycopg2.errors

    waiting = list(slices)
    states: dict[Key, str] = {}
    out_of_time: list[Key] = []
    size = _WINDOWS_AT_FIRST
    while waiting and not (states and is_over()):
        asked, limit = waiting[:size], within(most_seconds)
        began = time.monotonic()
        try:
            states |= _states(connection, probe, asked, params_of, limit)
        except psycopg2.errors.QueryCanceled:
            connection.rollback()
            if is_over():
                break
            size = max(len(asked) // 2, 1)
            if len(asked) == 1 and limit == most_seconds:
                out_of_time.append(waiting.pop(0).partition_key)
            continue
        del waiting[: len(asked)]
        if time.monotonic() - began < most_seconds / _QUICK:
            size = min(2 * size, _WINDOWS_AT_MOST)
    return States(states, out_of_time)


def _states(
    connection: Connection,
    probe: Composable,
    slices: Sequence[Slice],
    params_of: Callable[[Slice], Mapping[str, object]],
    seconds: float,
) -> dict[Key, str]:
    """Ask for the states of a few windows by one statement, which ends after so many seconds."""
    with connection.cursor() as cursor:
        parts: list[bytes] = []
        for slice_ in slices:
            assert slice_.partition_key is not None  # a probe of partitions
            values = {**params_of(slice_), "named_key": slice_.partition_key}
            parts.append(cursor.mogrify(compose("postgres/state_of_window.sql", {"probe": probe}), values))
        # One message to the server: each has the way there and back once.
        limit = cursor.mogrify("SET LOCAL statement_timeout = %s;\n", [int(seconds * 1000)])
        cursor.execute(limit + b"\nUNION ALL\n".join(parts))
        told = dict(cursor.fetchall())
    connection.rollback()  # a snapshot held over many probes would hinder the source's vacuum
    return told


def refuse_scans(
    connection: Connection, statement: Composable, params: Mapping[str, object], what: str
) -> None:
    """Refuses a SELECT whose plan scans a big table from end to end.

    Raises:
        SourceScanRefusedError: it would; the message names the table and what to look at.
    """
    with connection.cursor() as cursor:
        cursor.execute(compose("postgres/explain.sql", {"query": statement}), params)
        row = cursor.fetchone()
        assert row is not None  # EXPLAIN gives its plan
        plan = row[0][0]["Plan"]
        cursor.execute(compose("postgres/index_leads.sql"), {"indexes": sorted(set(used_indexes(plan)))})
        scanned = sorted(set(scanned_tables(plan, dict(cursor.fetchall()))))
        cursor.execute(compose("postgres/table_pages.sql"), {"tables": scanned})
        big = [(name, pages) for name, pages in cursor.fetchall() if pages > _SCANNABLE_PAGES]
    if big:
        names = ", ".join(f"{name} ({pages * 8 // 1024} MB)" for name, pages in big)
        raise SourceScanRefusedError(
            f"{what}: the source would scan {names} from end to end, nothing was read. Is the index on the "
            f"time column there, and has the table been analyzed?"
        )


def used_indexes(plan: Mapping[str, Any]) -> Iterator[str]:
    """The indexes of a plan (of EXPLAIN in JSON)."""
    if "Index Name" in plan:
        yield str(plan["Index Name"])
    for part in plan.get("Plans", ()):
        yield from used_indexes(part)


def scanned_tables(plan: Mapping[str, Any], leads: Mapping[str, Collection[str]]) -> Iterator[str]:
    """The tables that a plan (of EXPLAIN in JSON) reads from end to end: as they are, or by a whole index.

    Args:
        plan: the plan, or a part of it.
        leads: by which column an index is ordered first, as `index_leads.sql` tells it.
    """
    if "Relation Name" in plan and not _is_ranged(plan, leads):
        yield str(plan["Relation Name"])
    for part in plan.get("Plans", ()):
        yield from scanned_tables(part, leads)


def _is_ranged(node: Mapping[str, Any], leads: Mapping[str, Collection[str]]) -> bool:
    """Whether a node reads a part of its table only.

    An index that leads with another column than those of its condition is walked from end to end. To the
    planner that is an index scan, and the only way where sequential ones are disabled.
    """
    kind = node["Node Type"]
    if kind == "Seq Scan":
        return False
    if kind in ("Bitmap Heap Scan", "BitmapAnd", "BitmapOr"):
        parts = [_is_ranged(part, leads) for part in node["Plans"]]
        return any(parts) if kind == "BitmapAnd" else all(parts)
    if "Index Name" not in node:
        return True
    if "Index Cond" not in node:
        return False
    # Without its texts, in which anything may stand.
    condition = re.sub(r"'(?:[^']|'')*'", "''", node["Index Cond"])
    first = leads.get(node["Index Name"], ())
    return not first or any(re.search(rf'(?<![\w"]){re.escape(name)}(?![\w"])', condition) for name in first)
