"""Warehouses for tests, each a copy of the migrated schema, and marts of a test's own beside the platform's.

A package's ``conftest.py`` imports the fixtures that its tests take.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg2
import pytest

from marts_platform import settings
from marts_platform.core import mart, sql, table
from marts_platform.embedded.stack import Stack
from marts_platform.migrations import runner
from marts_platform_tests import databases
from marts_platform_tests.databases import at_database


@pytest.fixture(scope="session")
def warehouse_template(stack: Stack) -> Iterator[str]:
    """The name of a database with the migrated schema: migrating takes a second, copying it does not."""
    url = settings.load().url("warehouse_url")
    with databases.scratch_database(stack.owner_url("warehouse"), databases.user_of(url)) as name:
        runner.upgrade(at_database(url, name))
        yield name


@pytest.fixture
def migrated_database(stack: Stack, warehouse_template: str) -> Iterator[str]:
    """The URL of a migrated, empty warehouse, which is dropped after the test."""
    url = settings.load().url("warehouse_url")
    with databases.scratch_database(
        stack.owner_url("warehouse"), databases.user_of(url), warehouse_template
    ) as name:
        yield at_database(url, name)


@pytest.fixture
def warehouse(migrated_database: str, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A migrated, empty warehouse; ``MARTS_WAREHOUSE_URL`` points at it."""
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", migrated_database)
    return Warehouse(migrated_database)


@dataclass(frozen=True)
class Warehouse:
    """A database, looked at from outside the platform."""

    url: str

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a statement, in a transaction of its own."""
        with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("SET TIME ZONE 'UTC'")
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, *values: object) -> Any:
        """The one value of a statement, or its one row."""
        rows = self.rows(statement, *values)
        assert len(rows) == 1, rows
        return rows[0][0] if len(rows[0]) == 1 else rows[0]

    def log(self, columns: str = "status", asset: str = "%") -> list[Any]:
        """Columns of the run log, oldest entry first."""
        statement = f"SELECT {columns} FROM ops.etl_run_log WHERE asset LIKE %s ORDER BY id"
        rows = self.rows(statement, asset)
        return [row[0] if len(row) == 1 else row for row in rows]


WriteSql = Callable[[str, str], str]


@pytest.fixture
def write_sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WriteSql]:
    """Writes an SQL file that lives as long as the test, beside the real ones; returns the file's name.

    Marts that the test defines are forgotten after it.
    """
    root = tmp_path / "sql"
    root.mkdir()
    for folder in sql.sql_root().iterdir():
        (root / folder.name).symlink_to(folder)

    def write(file: str, text: str) -> str:
        path = root / file
        assert not (root / path.relative_to(root).parts[0]).is_symlink(), "that folder is the product's"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        _forget_files()
        return file

    monkeypatch.setattr(sql, "sql_root", lambda: root)
    monkeypatch.setattr(mart, "_registry", dict(mart.marts()))
    _forget_files()
    yield write
    _forget_files()


def _forget_files() -> None:
    sql.read_sql.cache_clear()
    table.declared.cache_clear()


def start_on(day: date, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the partitions of every mart begin on a day, as ``MARTS_START`` does."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    definition = dg.DailyPartitionsDefinition(start_date=start, timezone="UTC", end_offset=1)
    later = {
        key: dataclasses.replace(found, partitions_def=found.partitions_def and definition)
        for key, found in mart.marts().items()
    }
    monkeypatch.setattr(mart, "_registry", later)
