"""The warehouse of these tests: loaded through the platform's surface, compared with the oracle."""

from __future__ import annotations

import math
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from marts_platform import materialization, settings
from marts_platform.core.mart import MAX_PARTITIONS_PER_RUN
from marts_platform.core.pending import batches, stages_of
from marts_platform.core.planning import plan
from marts_platform.definitions import RESOURCES
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform_tests.delivery.oracle import KEYS, Seen, tables_of
from marts_platform_tests.delivery.service import Service
from marts_platform_tests.marts import Warehouse

if TYPE_CHECKING:
    from clickhouse_connect.driver.httpclient import HttpClient
    from dagster import DagsterInstance

    from marts_platform.core.mart import RegisteredMart
    from marts_platform.materialization import AssetResult

DATABASE_ASSETS = 'key:"delivery/replica"+'
DATABASES = ("dds", "delivery_marts")
# Beside what the oracle tells: when the row came.
_BESIDES = "processed_dttm"


@dataclass
class DeliveryWarehouse:
    """Both warehouses, and what the service ever had."""

    service: Service
    postgres: Warehouse
    clickhouse: HttpClient
    instance: DagsterInstance
    seen: Seen = field(default_factory=Seen)

    @classmethod
    @contextmanager
    def emptied(
        cls, service: Service, postgres: Warehouse, instance: DagsterInstance
    ) -> Generator[DeliveryWarehouse]:
        """A warehouse without rows: ClickHouse is shared by the session's tests."""
        empty_clickhouse()
        with ClickHouseResource().client(database="default") as client:
            yield cls(service, postgres, client, instance)

    def look(self) -> None:
        """Notes what the service has now: a load of it comes next."""
        self.seen.look({table: self.service.table(table) for table in KEYS})

    def load(self, *days: date) -> list[AssetResult]:
        """Loads days in one run, and what has no days after it."""
        work = materialization.days_between(days[0], days[-1] + timedelta(days=1), from_the_database())
        return materialization.materialize(work, self.instance, with_checks=False)

    def load_pending(self, *, with_checks: bool = False) -> list[AssetResult]:
        """Loads what is new, changed or failed, as a sensor finds it that draws every old day by lot."""
        registered = from_the_database()
        pending = plan(registered, RESOURCES, 3, swept=100).pending
        work = batches(pending, MAX_PARTITIONS_PER_RUN, stages_of([found.mart for found in registered]))
        return materialization.materialize(work, self.instance, with_checks=with_checks)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """All rows of a table of ClickHouse."""
        answer = self.clickhouse.query(f"SELECT * FROM {table}")
        places = [place for place, name in enumerate(answer.column_names) if name != _BESIDES]
        return [tuple(row[place] for place in places) for row in answer.result_rows]

    def expect_what_the_oracle_says(self) -> None:
        """Compares every fact, hourly view and mart, row by row, and the ODS."""
        expected = tables_of(self.seen, settings.load().delivery_payout_share)
        for table, rows in expected.items():
            assert rows, table
            same(table, self.rows(table), rows)
        for table, source in (("orders", "order"), ("pipelines", "pipeline"), ("stages", "stage")):
            there = self.postgres.rows(f"SELECT id::text, is_valid FROM ods.{table}")
            now = {str(row["id"]) for row in self.service.table(source)}
            assert dict(there) == {str(row["id"]): str(row["id"]) in now for row in self.seen[source]}, table
        performers = {row["performer_id"] for row in self.seen["delivery"]} - {None}
        assert self.postgres.one("SELECT count(*) FROM ods.performers") == len(performers)
        assert self.lost_rows() == []

    def lost_rows(self) -> list[tuple[Any, ...]]:
        """The entries of the run log whose rows read are not the rows written and quarantined."""
        return self.postgres.rows(
            "SELECT asset, partition_key FROM ops.etl_run_log "
            "WHERE status = 'success' AND (rows_read <> rows_written + rows_quarantined) IS NOT FALSE"
        )


def empty_clickhouse() -> None:
    """Empties the domain's tables, which are shared by the session's tests; each has a run log of its own."""
    with ClickHouseResource().client(database="default") as client:
        tables = client.query(
            "SELECT concat(database, '.', name) FROM system.tables "
            "WHERE database IN {databases:Array(String)} AND engine LIKE '%MergeTree'",
            {"databases": list(DATABASES)},
        ).result_rows
        for (table,) in tables:
            client.command(f"TRUNCATE TABLE {table}")
        client.command("TRUNCATE TABLE ops.etl_run_log_entries")


def from_the_database() -> list[RegisteredMart]:
    """The assets that come of the service's database: not of its topics, nor of Prometheus."""
    return materialization.select(DATABASE_ASSETS)


def same(table: str, rows: Collection[tuple[Any, ...]], expected: Collection[tuple[Any, ...]]) -> None:
    """Compares rows without regard to their order; floats to fifteen digits."""
    here, there = sorted(map(_text, rows)), sorted(map(_text, expected))
    if here != there:
        only_here, only_there = sorted(set(here) - set(there)), sorted(set(there) - set(here))
        raise AssertionError(
            f"{table}: {len(here)} rows, expected {len(there)}\n"
            f"only here: {only_here[:3]}\nmissing: {only_there[:3]}"
        )


def _text(row: Sequence[Any]) -> str:
    return repr(tuple(_plain(value) for value in row))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else f"{value:.12g}"
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "normalize"):
        return str(value.normalize() + 0)
    return str(value) if value is not None else None
