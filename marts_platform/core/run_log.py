"""The run log (``ops.etl_run_log``) and the quarantine (``ops.quarantine``), in the Postgres warehouse.

The log is the ledger of what is done: sensors compare its fingerprints with the sources, a retry
skips what its chain of runs has published. Success is written in the transaction that publishes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from marts_platform.core.sql import compose
from marts_platform.masking import cleaned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor
    from psycopg2.sql import Composable

    from marts_platform.core.path import Rejected
    from marts_platform.core.window import Slice

Engine: TypeAlias = Literal["clickhouse", "mysql"]

# An error in the log is for reading.
_ERROR_CHARACTERS = 4000
# A load's end is noted before its commit shows it, so a load that began later may have missed it. A few days
# taken in twice cost little; one that was missed would look as if it were in step, for ever.
_COMMIT_MARGIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Run:
    """Whose load it is.

    Attributes:
        run_id: Dagster's run.
        root_run_id: the run that its chain of retries began with; itself if it goes on from none.
    """

    run_id: str
    root_run_id: str


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of a load. Rows read = rows written + rows quarantined, always."""

    rows_read: int = 0
    rows_written: int = 0
    rows_quarantined: int = 0
    values_quarantined: int = 0
    rows_kept: int = 0
    bytes_read: int | None = None

    def __post_init__(self) -> None:
        if self.rows_read != self.rows_written + self.rows_quarantined:
            raise ValueError(
                f"{self.rows_read} rows read are not {self.rows_written} written "
                f"+ {self.rows_quarantined} quarantined: rows were lost or made up"
            )

    @classmethod
    def of(cls, staged: Staged, rejected: Sequence[Rejected], quarantined: Quarantined) -> Figures:
        """Of a load: what was staged, what its extract rejected, what stands in quarantine."""
        rows_read = staged.rows_read + sum(entry.is_row for entry in rejected)
        return cls(
            rows_read=rows_read,
            rows_written=rows_read - quarantined.rows,
            rows_quarantined=quarantined.rows,
            values_quarantined=quarantined.values,
            rows_kept=staged.rows_kept,
            bytes_read=staged.bytes_read,
        )


class Staged(Protocol):
    """What a staging table was filled with: rows given, rows kept of those published before, bytes."""

    rows_read: int
    rows_kept: int
    bytes_read: int | None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What stands in quarantine for a slice: rows not published, and values missing in published ones."""

    rows: int = 0
    values: int = 0


@dataclass(frozen=True, slots=True)
class Published:
    """A successful entry of the run log.

    Without a `fingerprint`, the rows that the load published are not known to stand there any more. Of an
    open partition `read_until` is the bound up to where it was read.
    """

    log_id: int
    partition_key: str | None
    run_id: str
    root_run_id: str
    fingerprint: str | None
    rows_written: int
    started_at: datetime
    finished_at: datetime
    read_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Failures:
    """How often a partition failed since it last succeeded, and when last (UTC)."""

    count: int
    last: datetime | None


def start(
    connection: Connection, asset: str, slice_: Slice, run: Run, warehouse_id: str | None = None
) -> int:
    """Writes that a load begins and returns the entry's id; the caller commits.

    The caller holds the table's writer lock, so an earlier entry that still says ``running`` belongs
    to a process that went away: it becomes ``killed``.

    Args:
        connection: of the Postgres warehouse.
        asset: the asset's key, ``domain/table``.
        slice_: what is loaded.
        run: who loads it.
        warehouse_id: the identity of the warehouse that is loaded; None for Postgres, or if not known yet.
    """
    values = {
        "asset": asset,
        "partition_key": slice_.partition_key,
        "run_id": run.run_id,
        "root_run_id": run.root_run_id,
        "window_start": slice_.window.start if slice_.window else None,
        "window_end": slice_.window.end if slice_.window else None,
        "warehouse_id": warehouse_id,
    }
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/run_log_mark_killed.sql"), values)
        cursor.execute(compose("ops/run_log_start.sql"), values)
        row = cursor.fetchone()
    assert row is not None  # INSERT … RETURNING gives one row
    return int(row[0])


def forget(connection: Connection, days: int) -> None:
    """Deletes entries that ended so many days ago and that a later success of their partition has replaced.

    Whatever is asked of the log stays: the newest success of each partition, and what has failed since. The
    caller commits.
    """
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/run_log_forget.sql"), {"days": days})


def succeed(
    connection: Connection,
    log_id: int,
    figures: Figures,
    fingerprint: str | None,
    read_until: datetime | None,
    warehouse_id: str | None = None,
) -> None:
    """Writes success, in the transaction that publishes."""
    values: dict[str, Any] = {
        "id": log_id,
        "fingerprint": fingerprint,
        "read_until": read_until,
        "warehouse_id": warehouse_id,
        **{name: getattr(figures, name) for name in Figures.__slots__},
    }
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/run_log_succeed.sql"), values)


def fail(connection: Connection, log_id: int, error: str) -> None:
    """Write that a load failed and why, without secrets and values of rows; the caller commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            compose("ops/run_log_fail.sql"), {"id": log_id, "error": cleaned(error)[:_ERROR_CHARACTERS]}
        )


def unsettle(connection: Connection, asset: str, moments: Sequence[datetime]) -> None:
    """Forget the data version of the partitions that hold these times; the caller commits.

    Args:
        connection: of the warehouse.
        asset: the asset's key.
        moments: times of rows that another partition has taken.
    """
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/run_log_unsettle.sql"), {"asset": asset, "moments": list(moments)})


def last_published(
    connection: Connection, asset: str, elsewhere: Sequence[str] = ()
) -> dict[str | None, Published]:
    """Return the last successful load of each partition of an asset, by partition key.

    Args:
        connection: of the Postgres warehouse.
        asset: the asset's key, ``domain/table``.
        elsewhere: identities of warehouses whose loads do not count: those that the settings do not name.
    """
    values = {"asset": asset, "elsewhere": list(elsewhere)}
    return _published(connection, "ops/run_log_last_published.sql", values)


def last_published_of(
    connection: Connection, asset: str, partition_key: str | None, elsewhere: Sequence[str] = ()
) -> dict[str | None, Published]:
    """Those of them that a slice of a mart can be computed from.

    Of the same partition, and of the whole table. A mart without partitions is computed from all there are.
    """
    if partition_key is None:
        return last_published(connection, asset, elsewhere)
    values = {"asset": asset, "partition_key": partition_key, "elsewhere": list(elsewhere)}
    return _published(connection, "ops/run_log_last_published_of.sql", values)


def _published(
    connection: Connection, file: str, values: Mapping[str, object]
) -> dict[str | None, Published]:
    with connection.cursor() as cursor:
        cursor.execute(compose(file), values)
        entries = [Published(*row) for row in cursor.fetchall()]
    return {entry.partition_key: entry for entry in entries}


def upstream_state(published: Mapping[str | None, Published], partition_key: str | None) -> str | None:
    """The state of an upstream asset that a slice of a mart is computed from; None if there is none.

    Of an upstream with the same partition that one's fingerprint; of an unpartitioned one its own; a mart
    without partitions is computed from all of them.

    Args:
        published: the upstream's last successful loads, by partition key.
        partition_key: of the mart's slice, None for the whole table.
    """
    entries = upstream_entries(published, partition_key)
    if len(entries) == 1 and entries[0].partition_key in (partition_key, None):
        return entries[0].fingerprint
    if not entries:
        return None
    states = "; ".join(f"{key}: {entry.fingerprint}" for key, entry in sorted(published.items(), key=str))
    return f"{len(published)} partitions {hashlib.sha256(states.encode()).hexdigest()[:16]}"


def upstream_entries(published: Mapping[str | None, Published], partition_key: str | None) -> list[Published]:
    """The last successful loads of an upstream asset that a slice of a mart is computed from."""
    for key in (partition_key, None):
        if key in published:
            return [published[key]]
    return list(published.values()) if partition_key is None else []


def upstream_states(
    connection: Connection,
    assets: Iterable[str],
    partition_key: str | None,
    elsewhere: Sequence[str] = (),
) -> dict[str, str | None]:
    """`upstream_state` of several assets, as the log has it now."""
    return {
        asset: upstream_state(last_published_of(connection, asset, partition_key, elsewhere), partition_key)
        for asset in assets
    }


def days_loaded_since(
    connection: Connection, asset: str, upstream: Iterable[str], elsewhere: Sequence[str] = ()
) -> list[str]:
    """The partition keys of upstream assets that were loaded since an asset's last successful load began.

    All of them if it has had none. One that was published while that load read is among them.
    """
    own = last_published_of(connection, asset, None, elsewhere).get(None)
    return days_since(own, [last_published(connection, one, elsewhere) for one in upstream])


def days_since(own: Published | None, upstream: Iterable[Mapping[str | None, Published]]) -> list[str]:
    """Which days of upstream assets a load of a whole table, the last one, may not have seen.

    Args:
        own: that load, None if there was none.
        upstream: the last successful loads of each upstream asset.
    """
    return sorted(
        {
            key
            for published in upstream
            for key, entry in published.items()
            if key is not None and (own is None or entry.finished_at >= own.started_at - _COMMIT_MARGIN)
        }
    )


def published_by(
    connection: Connection, asset: str, root_run_id: str, elsewhere: Sequence[str] = ()
) -> dict[str | None, int]:
    """The partitions that a chain of runs has published already, with the rows of each."""
    values = {"asset": asset, "root_run_id": root_run_id, "elsewhere": list(elsewhere)}
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/run_log_published_by.sql"), values)
        return dict(cursor.fetchall())


def failures_since_success(
    connection: Connection,
    asset: str,
    partition_keys: Iterable[str | None],
    elsewhere: Sequence[str] = (),
) -> dict[str | None, Failures]:
    """How often, and when last, each partition failed or was killed since it last succeeded."""
    keys = set(partition_keys)
    values = {
        "asset": asset,
        "partition_keys": [key for key in keys if key is not None],
        "whole_table": None in keys,
        "elsewhere": list(elsewhere),
    }
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/run_log_failures.sql"), values)
        return {row[0]: Failures(int(row[1]), row[2]) for row in cursor.fetchall()}


@dataclass(frozen=True, slots=True)
class KnownWarehouse:
    """A ClickHouse or MySQL warehouse that loads of this log went into.

    Attributes:
        id: its identity.
        engine: ``clickhouse`` or ``mysql``.
        setting: the setting that named its URL.
    """

    id: str
    engine: Engine
    setting: str


def known_warehouses(connection: Connection) -> list[KnownWarehouse]:
    """Return the warehouses that the log has met, in that order."""
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/warehouses.sql"))
        return [KnownWarehouse(*row) for row in cursor.fetchall()]


def register_warehouse(connection: Connection, warehouse: KnownWarehouse) -> None:
    """Note a warehouse that the log has not met before; idempotent, the caller commits."""
    values = {"id": warehouse.id, "engine": warehouse.engine, "setting": warehouse.setting}
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/warehouse_register.sql"), values)


def adopt(connection: Connection, warehouse_id: str, assets: Sequence[str]) -> int:
    """Assign entries without a warehouse to one, and return their number; the caller commits."""
    with connection.cursor() as cursor:
        values = {"warehouse_id": warehouse_id, "assets": list(assets)}
        cursor.execute(compose("ops/run_log_adopt.sql"), values)
        return cursor.rowcount


def supersede_quarantine(
    connection: Connection,
    asset: str,
    slice_: Slice,
    run: Run,
    find: Sequence[Callable[[Cursor], object]],
    judged: Literal["all", "landed", "new"] = "all",
) -> Quarantined:
    """Brings the quarantine of a slice in step with what its load found.

    Entries found again stay as they are, new ones join, and those that the load judged and did not find any
    more are marked as replayed. It belongs into the transaction that publishes.

    Args:
        connection: of the warehouse.
        asset: the asset's key, ``domain/table``.
        slice_: what is being published.
        run: who publishes.
        find: each adds to the temporary table ``quarantine_found``: `found_by_query`, `found_rejected`,
            `found_landed`.
        judged: which entries the load has judged anew: all of the slice, those that landed raw (a replay), or
            none, since it read only what is new.

    Returns:
        What stands for the slice now.
    """
    values: dict[str, object] = {
        "asset": asset,
        "partition_key": slice_.partition_key,
        "run_id": run.run_id,
        "with_context": judged == "landed",
    }
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/quarantine_create_found.sql"))
        for add in find:
            add(cursor)
        if judged != "new":
            cursor.execute(compose("ops/quarantine_replayed.sql"), values)
        cursor.execute(compose("ops/quarantine_add.sql"), values)
        cursor.execute(compose("ops/quarantine_count.sql"))
        row = cursor.fetchone()
        cursor.execute(compose("ops/quarantine_drop_found.sql"))
    return Quarantined(*(map(int, row) if row else (0, 0)))


def found_by_query(query: Composable, params: Mapping[str, object]) -> Callable[[Cursor], object]:
    """Adds to ``quarantine_found`` what a SELECT of source_key, reason, payload, is_row gives."""

    def add(cursor: Cursor) -> None:
        cursor.execute(compose("ops/quarantine_read.sql", {"found": query}), params)
        cursor.execute(compose("ops/quarantine_found.sql"))
        cursor.execute(compose("ops/quarantine_drop_read.sql"))

    return add


def found_landed(query: Composable) -> Callable[[Cursor], object]:
    """Adds to ``quarantine_found`` the rows that a landing rejects, with the context of a replay."""
    return lambda cursor: cursor.execute(compose("ops/quarantine_landed.sql", {"found": query}))


def found_rejected(rejected: Sequence[Rejected]) -> Callable[[Cursor], object]:
    """Adds to ``quarantine_found`` the rows and values that an extract rejected."""
    values = {
        "source_keys": [row.source_key for row in rejected],
        "reasons": [row.reason for row in rejected],
        "payloads": [row.payload for row in rejected],
        "are_rows": [row.is_row for row in rejected],
    }
    return lambda cursor: cursor.execute(compose("ops/quarantine_rejected.sql"), values)
