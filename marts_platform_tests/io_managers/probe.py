"""A small domain of the tests' own: readings of sensors, from each kind of source into each kind of table."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import uuid4

import dagster as dg
import psycopg2
from psycopg2.extras import execute_values
from psycopg2.sql import SQL

from marts_platform.core.mart import mart, mart_of, slice_of
from marts_platform.core.path import Extract, Replace, load_slice
from marts_platform.core.rows import Query
from marts_platform.core.run_log import Run
from marts_platform.core.window import Slice
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.resources.postgres import CopyOut, PostgresResource
from marts_platform_tests.marts import Warehouse, WriteSql

if TYPE_CHECKING:
    import pandas as pd

    from marts_platform.core.path import Outcome
    from marts_platform.core.rows import Rows

    Source: TypeAlias = Callable[[Slice], Rows | Extract]

ASSET = "probe/readings"
DAILY = dg.DailyPartitionsDefinition(start_date=datetime(2024, 1, 1, tzinfo=UTC), timezone="UTC")
DAYS = [(date(2024, 3, 1) + timedelta(days=place)).isoformat() for place in range(10)]
COLUMNS = ("at", "sensor", "value")

PLAIN = """
-- Readings of sensors.
CREATE TABLE probe.readings (
    at timestamptz NOT NULL, -- When it was read.
    sensor integer NOT NULL, -- Which sensor.
    value text -- What it read.
)
"""
PARTITIONED = PLAIN.strip() + "\nPARTITION BY RANGE (at)"
FEED = "SELECT at, sensor, value FROM probe.feed WHERE at >= %(start)s AND at < %(end)s"
WHOLE_FEED = "SELECT at, sensor, value FROM probe.feed"

Row = tuple[datetime, int, str | None]


def row(day: str, sensor: int, value: str | None = None, *, hour: int = 12) -> Row:
    """A reading at an hour of a day (UTC)."""
    at = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=hour)
    return at, sensor, value


def day_of(key: str) -> Slice:
    """The slice of a day."""
    return slice_of(DAILY, key)


@dataclass
class Probe:
    """The domain's tables and how they are loaded.

    Attributes:
        warehouse: where the mart lives; it has the feed too, for queries of the same server.
        source_url: another database with the feed, for streams.
        write_sql: writes SQL files.
        instance: Dagster's.
        manager: of the warehouse that holds the mart.
        engine: its resource key.
    """

    warehouse: Warehouse
    source_url: str
    write_sql: WriteSql
    instance: dg.DagsterInstance
    manager: PostgresIOManager | ClickHouseIOManager = field(default_factory=PostgresIOManager)
    engine: str = "postgres"
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _sources: dict[dg.AssetKey, Source] = field(default_factory=dict[dg.AssetKey, "Source"])

    def create(self, ddl: str = PLAIN, *indexes: str) -> None:
        """Declares the table and makes it."""
        self.write_sql("probe/ddl/readings.sql", ddl.strip())
        self.warehouse.rows(ddl)
        for index in indexes:
            self.warehouse.rows(index)

    def create_partitioned(self) -> None:
        """The table as partitions of days, with a unique index and another one."""
        self.create(
            PARTITIONED,
            "CREATE UNIQUE INDEX readings_key ON probe.readings (sensor, at)",
            "CREATE INDEX readings_by_value ON probe.readings (value)",
        )

    def feed(self, *rows: Row) -> None:
        """What the sources hold from now on."""
        for url in (self.warehouse.url, self.source_url):
            with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
                cursor.execute("TRUNCATE probe.feed")
                if rows:
                    execute_values(cursor, "INSERT INTO probe.feed VALUES %s", rows)

    def query(self, text: str = FEED, **params: object) -> Query:
        """A query of the warehouse's server; ``%`` of its own has to be doubled."""
        return Query(self.write_sql(f"probe/raw/query_{next(self._numbers)}.sql", text), params)

    def stream(self, slice_: Slice, text: str = FEED, columns: Sequence[str] = COLUMNS) -> CopyOut:
        """The same rows of the other database, as COPY's bytes."""
        bounds = {
            "start": slice_.window.start if slice_.window else None,
            "end": slice_.window.end if slice_.window else None,
        }
        return CopyOut(PostgresResource(setting="camunda_url"), SQL(text), tuple(columns), bounds)

    def frame(self, slice_: Slice) -> pd.DataFrame:
        """The same rows as a DataFrame."""
        import pandas as pd

        window = slice_.window
        text = FEED if window else WHOLE_FEED
        with closing(psycopg2.connect(self.source_url)) as connection, connection.cursor() as cursor:
            cursor.execute(text, {"start": window.start, "end": window.end} if window else None)
            return pd.DataFrame(cursor.fetchall(), columns=list(COLUMNS))

    def asset(self, rows: Source | Query | None = None, **options: Any) -> dg.AssetsDefinition:
        """The mart ``probe/readings``, by default of a query of the feed, in windows of days."""
        source = rows or self.query()

        def readings(slice_: Slice) -> Rows | Extract:
            return source if isinstance(source, Query) else source(slice_)

        self._sources[dg.AssetKey.from_user_string(options.get("asset", ASSET))] = readings

        given: dict[str, Any] = {
            "asset": ASSET,
            "ddl": "probe/ddl/readings.sql",
            "publication": Replace("at"),
            "warehouse": self.engine,
            "partitions_def": DAILY,
        }
        return mart(**(given | options))(readings)

    def run(
        self,
        asset: dg.AssetsDefinition | Sequence[dg.AssetsDefinition],
        first: str | None = None,
        last: str | None = None,
        **options: Any,
    ) -> dg.ExecuteInProcessResult:
        """Materialises in Dagster: a day, a range of days, or the whole table. A failure does not raise."""
        tags = {
            "dagster/asset_partition_range_start": first,
            "dagster/asset_partition_range_end": last or first,
        }
        return dg.materialize(
            [asset] if isinstance(asset, dg.AssetsDefinition) else asset,
            instance=self.instance,
            resources={self.engine: self.manager, **options.pop("resources", {})},
            tags={**({name: value for name, value in tags.items() if value}), **options.pop("tags", {})},
            # pytest captures what the console would show, and that costs more than the run.
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
            **options,
        )

    def load(self, asset: dg.AssetsDefinition, *days: str) -> list[Outcome]:
        """Loads days, or the whole table, one after another, without Dagster: as a run does, and quicker.

        Raises:
            Exception: whatever the path raises.
        """
        slices = [day_of(day) for day in days] or [Slice()]
        mart, source = mart_of(asset.key).mart, self._sources[asset.key]
        run = str(uuid4())
        return [
            load_slice(self.manager, mart, slice_, Run(run, run), partial(source, slice_))
            for slice_ in slices
        ]

    def published(self) -> list[Row]:
        """The mart's rows, in their order of time and sensor."""
        return self.warehouse.rows("SELECT at, sensor, value FROM probe.readings ORDER BY at, sensor, value")

    def leftovers(self) -> list[str]:
        """Tables that are neither declared nor partitions of a declared one."""
        found = self.warehouse.rows(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
            "AND (relnamespace::regnamespace::text IN ('probe', 'probe_partitions') "
            "OR relpersistence = 't') ORDER BY 1"
        )
        return [name for (name,) in found if name not in ("probe.feed", "probe.readings")]


def failure(result: dg.ExecuteInProcessResult) -> str:
    """The innermost error of a run that failed; '' of one that did not."""
    for event in result.all_events:
        if event.is_step_failure and event.step_failure_data.error is not None:
            error = event.step_failure_data.error
            while error.cause is not None:
                error = error.cause
            return f"{error.cls_name}: {error.message.strip()}"
    return ""
