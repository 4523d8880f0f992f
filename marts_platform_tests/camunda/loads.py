"""The warehouse of these tests: loaded through the platform's surface, looked at with SQL."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, LiteralString, cast
from uuid import uuid4

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier
from psycopg.types.json import set_json_loads

from marts_platform import materialization
from marts_platform.camunda.sources import CamundaSource
from marts_platform.core.mart import slice_of
from marts_platform.core.path import Extract, load_slice
from marts_platform.core.run_log import Run
from marts_platform.core.sql import read_sql
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform_tests.camunda.oracle import Json

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from marts_platform.core.mart import RegisteredMart
    from marts_platform.core.window import Slice
    from marts_platform.materialization import AssetResult

Row = dict[str, Any]


class Warehouse:
    """The warehouse's database, and loads into it."""

    def __init__(self, url: str, connection: psycopg.Connection[Row], instance: DagsterInstance) -> None:
        self.url = url
        self.instance = instance
        self._connection = connection

    @classmethod
    @contextmanager
    def connected(cls, url: str, instance: DagsterInstance) -> Generator[Warehouse]:
        """Connects; jsonb comes as `Json`, its numbers not rounded to doubles."""
        with psycopg.Connection[Row].connect(url, autocommit=True, row_factory=dict_row) as connection:
            set_json_loads(lambda text: Json(json.loads(text, parse_float=Decimal)), connection)
            yield cls(url, connection, instance)

    def rows(self, statement: LiteralString, *values: object) -> list[Row]:
        """The rows of a SELECT."""
        return self._connection.execute(statement, values or None).fetchall()

    def execute(self, statement: LiteralString, *values: object) -> None:
        """Executes and commits a statement behind the platform's back."""
        self._connection.execute(statement, values or None)

    def one(self, statement: LiteralString, *values: object) -> Any:
        """The row of a SELECT that gives one; its value if it has one."""
        (row,) = self.rows(statement, *values)
        return next(iter(row.values())) if len(row) == 1 else row

    def load(
        self, first: date, end: date | None = None, selection: str = "camunda", *, with_checks: bool = False
    ) -> list[AssetResult]:
        """Loads the days from ``first`` up to, and without, ``end`` (one day by default), in one run.

        Raises:
            MaterializationError: the run failed.
        """
        registered = materialization.select(selection)
        batches = materialization.days_between(first, end or first + timedelta(days=1), registered)
        return materialization.materialize(batches, self.instance, with_checks=with_checks)

    def load_bare(self, *days: date, selection: str = "camunda") -> None:
        """The same loads as `load`, without Dagster around them: for long sequences of loads."""
        run = Run(str(uuid4()), str(uuid4()))
        for registered in materialization.select(selection):
            assert registered.partitions_def is not None
            for day in days:
                slice_ = slice_of(registered.partitions_def, day.isoformat())
                load_slice(
                    PostgresIOManager(), registered.mart, slice_, run, partial(_rows, registered, slice_)
                )

    def load_pending(self, *, with_checks: bool = False) -> list[AssetResult]:
        """Loads what is new, changed or failed, as ``marts materialize`` without days does."""
        work = materialization.pending_batches(materialization.select("camunda"))
        return materialization.materialize(work, self.instance, with_checks=with_checks)

    def quarantine(self, asset: str = "camunda/process_documents") -> list[Row]:
        """The quarantine of an asset, in the order of the rows' keys."""
        return self.rows("SELECT * FROM ops.quarantine WHERE asset = %s ORDER BY source_key, id", asset)

    def warnings(self) -> list[str]:
        """The warnings in the log of the newest run."""
        run = self.instance.get_runs(limit=1)[0]
        return [
            entry.user_message
            for entry in self.instance.all_logs(run.run_id)
            if entry.level == logging.WARNING
        ]

    def lost_rows(self) -> list[Row]:
        """The entries of the run log whose rows read are not the rows written and quarantined."""
        return self.rows("""
            SELECT * FROM ops.etl_run_log
            WHERE status = 'success' AND (rows_read <> rows_written + rows_quarantined) IS NOT FALSE
        """)

    def table(self, name: str, key: str) -> dict[str, Row]:
        """All rows of a table of the schema camunda, by a unique column."""
        statement = SQL("SELECT * FROM {}").format(Identifier("camunda", name))
        return {row[key]: row for row in self._connection.execute(statement)}

    def rebuilt(self, mart: str, key: str) -> dict[str, Row]:
        """The rows that the definition of a keyed mart gives for all keys of the raw history, by key."""
        keys = SQL("""
            (SELECT DISTINCT {key}, NULL::timestamptz AS since FROM camunda.act_hi_detail
            WHERE {key} IS NOT NULL)
        """).format(key=Identifier(key))
        definition = SQL(cast("LiteralString", read_sql(f"camunda/marts/{mart}_rebuild.sql")))
        return {
            row[key]: row
            for row in self._connection.execute(definition.format(touched=keys), {"since": None})
        }


def _rows(registered: RegisteredMart, slice_: Slice) -> Extract:
    return CamundaSource().changes(slice_) if registered.source else Extract(None)
