"""BionicPRO's world for a test: telemetry in Postgres, a CRM over HTTP, and both warehouses."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dagster as dg
import psycopg2
from psycopg2.extras import execute_values

from marts_platform import materialization
from marts_platform.bionicpro import assets
from marts_platform.bionicpro.sources import CrmSource, TelemetrySource
from marts_platform.core.mart import mart_of, slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.core.path import load_slice
from marts_platform.core.rows import Query
from marts_platform.core.run_log import Run
from marts_platform.core.window import Slice
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform_tests.http_service import Service
from marts_platform_tests.marts import Warehouse

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from marts_platform.core.path import Extract, Outcome
    from marts_platform.materialization import AssetResult

TELEMETRY, CRM = assets.telemetry.key.to_user_string(), assets.crm_users.key.to_user_string()
MART = assets.reports_data_mart.key.to_user_string()
SUMMARY = assets.user_reports_summary.key.to_user_string()
DAY = date(2024, 3, 1)

COLUMNS = (
    "user_id", "prosthesis_id", "created_at", "response_time_ms", "action_type", "battery_level",
    "duration_seconds",
)  # fmt: skip

Row = dict[str, Any]


def action(
    user: int = 1,
    when: datetime | None = None,
    response: float | None = 100.0,
    kind: str | None = "grasp",
    battery: float | None = 50.0,
    seconds: int | None = 60,
    *,
    prosthesis: str | None = None,
) -> Row:
    """An action of a user, by default at noon; its time is as the source has it, without a zone."""
    name = prosthesis or f"PROT-{user:03}"
    return dict(zip(COLUMNS, (user, name, when or at(12), response, kind, battery, seconds), strict=True))


def at(hour: int, minute: int = 0, *, day: date = DAY) -> datetime:
    """A time of a day as the source has it."""
    return datetime.combine(day, time(hour, minute))


def customer(user: int, **other: Any) -> Row:
    """What the CRM tells of a user."""
    return {
        "user_id": user,
        "email": f"user{user}@example.com",
        "first_name": "User",
        "last_name": f"Number {user}",
        "prosthesis_id": f"PROT-{user:03}",
        "order_date": "2024-01-15",
        "status": "active",
        **other,
    }


@dataclass
class World:
    """All of it.

    Attributes:
        source_url: the telemetry's database, for its owner.
        crm: the CRM; it answers `customers`.
        postgres: the warehouse with the run log and the quarantine.
        clickhouse: a client that looks at the marts.
        instance: Dagster's.
        customers: what the CRM tells.
    """

    source_url: str
    crm: Service
    postgres: Warehouse
    clickhouse: Client
    instance: dg.DagsterInstance
    customers: list[Any] = field(default_factory=list[Any])

    def source(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Executes and commits a statement at the telemetry's source."""
        with (
            closing(psycopg2.connect(self.source_url)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def write(self, *actions: Row) -> None:
        """Writes actions into the telemetry."""
        statement = f"INSERT INTO telemetry_data ({', '.join(COLUMNS)}) VALUES %s"
        rows = [tuple(row[name] for name in COLUMNS) for row in actions]
        with (
            closing(psycopg2.connect(self.source_url)) as connection,
            connection,
            connection.cursor() as cursor,
        ):
            execute_values(cursor, statement, rows)

    def load(self, *days: date, assets: Sequence[str] = (TELEMETRY, MART, SUMMARY)) -> list[Outcome]:
        """Loads days as a run does, asset by asset, without Dagster around it.

        Raises:
            Exception: whatever the path raises.
        """
        return [
            self._load(asset, slice_of(DAILY, day.isoformat())) for asset in assets for day in days or (DAY,)
        ]

    def snapshot(self) -> Outcome:
        """Takes a snapshot of the CRM."""
        return self._load(CRM, Slice())

    def _load(self, asset: str, slice_: Slice) -> Outcome:
        run = str(uuid4())
        mart = mart_of(dg.AssetKey.from_user_string(asset)).mart
        return load_slice(ClickHouseIOManager(), mart, slice_, Run(run, run), partial(_rows, asset, slice_))

    def run(
        self, first: date = DAY, days: int = 1, selection: str = "bionicpro", *, with_checks: bool = False
    ) -> list[AssetResult]:
        """Loads days in Dagster, as ``marts materialize`` does.

        Raises:
            MaterializationError: a run failed.
        """
        registered = materialization.select(selection)
        work = materialization.days_between(first, first + timedelta(days=days), registered)
        return materialization.materialize(work, self.instance, with_checks=with_checks)

    def pending(self) -> dict[str, list[str | None]]:
        """What ``marts materialize bionicpro`` would load, by asset."""
        found: dict[str, list[str | None]] = {}
        for batch in materialization.pending_batches(materialization.select("bionicpro")):
            for asset in batch.assets:
                found.setdefault(asset, []).extend(batch.partition_keys or [None])
        return found

    def rows(self, statement: str) -> list[Row]:
        """The rows of a SELECT in ClickHouse."""
        return list(self.clickhouse.query(statement).named_results())

    def one(self, statement: str) -> Any:
        """The one value of a SELECT in ClickHouse."""
        ((value,),) = self.clickhouse.query(statement).result_rows
        return value

    def reports(self, columns: str = "* EXCEPT (created_at, updated_at)") -> list[Row]:
        """The mart, in its key's order."""
        return self.rows(
            f"SELECT {columns} FROM bionicpro_reports.reports_data_mart "
            "ORDER BY user_id, report_date, prosthesis_id"
        )

    def summary(self) -> list[Row]:
        """The summary, in its key's order."""
        return self.rows("SELECT * FROM bionicpro_reports.user_reports_summary ORDER BY user_id, report_date")

    def quarantine(self, asset: str) -> list[tuple[Any, ...]]:
        """Key, reason and payload of what stands in quarantine."""
        return self.postgres.rows(
            "SELECT source_key, reason, payload FROM ops.quarantine "
            "WHERE asset = %s AND replayed_at IS NULL ORDER BY id",
            asset,
        )

    def lost_rows(self) -> list[tuple[Any, ...]]:
        """The entries of the run log whose rows read are not the rows written and quarantined."""
        return self.postgres.rows(
            "SELECT * FROM ops.etl_run_log "
            "WHERE status = 'success' AND (rows_read <> rows_written + rows_quarantined) IS NOT FALSE"
        )


def _rows(asset: str, slice_: Slice) -> Extract | Query:
    if asset == TELEMETRY:
        return TelemetrySource().actions(slice_)
    if asset == CRM:
        return CrmSource().snapshot()
    return Query({
        MART: "bionicpro/marts/reports_data_mart.sql",
        SUMMARY: "bionicpro/marts/user_reports_summary_states.sql",
    }[asset])  # fmt: skip


def utc(*parts: int) -> datetime:
    """An aware moment."""
    return datetime(*parts, tzinfo=UTC)
