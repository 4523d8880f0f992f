"""What any Postgres source needs: a bound that late commits cannot undercut, and no scans of big tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from marts_platform.core.sql import compose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable

# Where others' transactions cannot be seen, one may have been open for this long.
BLIND_MARGIN = timedelta(minutes=5)
# 8 KiB pages: a table of 80 MB is scanned in the time of a few hundred look-ups.
_SCANNABLE_PAGES = 10_000


class SourceScanRefusedError(Exception):
    """The source's planner would scan a big table; nothing was read."""


@dataclass(frozen=True, slots=True)
class CommitBound:
    """Up to where a source can be read so that no row appears below it any more.

    Attributes:
        moment: the bound, UTC; rows from it on are read by a later load.
        warning: why the bound is a guess, None if it is certain.
    """

    moment: datetime
    warning: str | None = None


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
        cursor.execute(compose("postgres/commit_safe_bound.sql"))
        row = cursor.fetchone()
    assert row is not None  # a SELECT without FROM gives one row
    moment, is_hidden, is_replica = row
    if is_replica:
        reason = "the source is a replica, which does not show its primary's open transactions"
    elif is_hidden:
        reason = (
            "the source's role cannot see others' transactions "
            "(GRANT pg_read_all_stats TO it would show them)"
        )
    else:
        return CommitBound(moment - margin)
    minutes = int(BLIND_MARGIN.total_seconds() // 60)
    return CommitBound(
        moment - max(margin, BLIND_MARGIN),
        f"{reason}: the open partition is read up to {minutes} minutes ago only, and the sensor "
        f"compares twice as many days, since a later commit cannot be ruled out",
    )


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
        scanned = sorted(set(scanned_tables(row[0][0]["Plan"])))
        cursor.execute(compose("postgres/table_pages.sql"), {"tables": scanned})
        big = [(name, pages) for name, pages in cursor.fetchall() if pages > _SCANNABLE_PAGES]
    if big:
        names = ", ".join(f"{name} ({pages * 8 // 1024} MB)" for name, pages in big)
        raise SourceScanRefusedError(
            f"{what}: the source would scan {names} from end to end, nothing was read. Is the index on the "
            f"time column there, and has the table been analyzed?"
        )


def scanned_tables(plan: Mapping[str, Any]) -> Iterator[str]:
    """The tables that a plan (of EXPLAIN in JSON) reads sequentially."""
    if plan.get("Node Type") == "Seq Scan":
        yield str(plan["Relation Name"])
    for part in plan.get("Plans", ()):
        yield from scanned_tables(part)
