"""The warehouse's schema: up, down and up again, and the same as the declared DDL, whoever migrates."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from marts_platform.core import sql
from marts_platform.migrations import runner
from marts_platform.migrations.ddl import FrozenFileChangedError, declared_postgres_tables
from marts_platform_tests import databases
from marts_platform_tests.marts import Warehouse
from marts_platform_tests.migrations.catalog import catalog
from marts_platform_tests.sql_dialects import files_of

ROOT = Path(__file__).resolve().parents[2]


def marts_migrate(url: str) -> subprocess.Popen[str]:
    """The command, as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "marts_platform.cli", "migrate"],
        env={**os.environ, "MARTS_WAREHOUSE_URL": url, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_up_from_nothing_down_to_nothing_and_up_again(database_url: str) -> None:
    nothing = catalog(database_url)
    revision = runner.upgrade(database_url)
    full = catalog(database_url)
    assert {"camunda", "ops"} <= {str(name) for (name,) in full["schemas"]}
    assert runner.downgrade(database_url, "base") == "base"
    # The schema ops stays: it holds the version.
    assert catalog(database_url) == nothing | {"schemas": sorted([*nothing["schemas"], ("ops",)], key=str)}
    assert runner.upgrade(database_url) == revision
    assert catalog(database_url) == full


def test_up_again_is_harmless(warehouse: Warehouse) -> None:
    before = catalog(warehouse.url)
    warehouse.rows(
        "INSERT INTO ops.etl_run_log (asset, run_id, root_run_id, status) VALUES ('a/b', 'r', 'r', 'success')"
    )
    runner.upgrade(warehouse.url)
    assert catalog(warehouse.url) == before
    assert warehouse.log() == ["success"]


def test_down_takes_published_partitions_along(warehouse: Warehouse) -> None:
    warehouse.rows(
        "CREATE TABLE camunda_partitions.act_hi_detail_20240301 PARTITION OF camunda.act_hi_detail "
        "FOR VALUES FROM ('2024-03-01') TO ('2024-03-02')"
    )
    runner.downgrade(warehouse.url, "base")
    assert {name for (name,) in catalog(warehouse.url)["schemas"]} == {"ops", "public"}


def test_migrating_gives_what_the_ddl_files_declare(warehouse: Warehouse, database_url: str) -> None:
    _execute_all(database_url)
    migrated, declared = catalog(warehouse.url), catalog(database_url)
    for kind in migrated:
        assert migrated[kind] == declared[kind], kind


def _execute_all(url: str) -> None:
    """Executes every DDL file of the Postgres warehouse; one that needs another waits for it."""
    waiting = [sql.read_sql(file) for file in files_of("postgres") if "/ddl/" in file]
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        for schema in ("ops", "camunda", "camunda_partitions", "shop", "ods", "ods_partitions"):
            cursor.execute(f"CREATE SCHEMA {schema}")
        while waiting:
            left: list[str] = []
            for text in waiting:
                try:
                    cursor.execute(text)
                except (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedFunction):
                    left.append(text)
            assert len(left) < len(waiting), left
            waiting = left


def test_descriptions_are_in_the_database(warehouse: Warehouse) -> None:
    tables = list(declared_postgres_tables())
    assert tables
    for table in tables:
        comment = "SELECT obj_description(to_regclass(%s), 'pg_class')"
        assert warehouse.one(comment, table.qualified) == table.description
        columns = warehouse.rows(
            "SELECT attname, col_description(attrelid, attnum) FROM pg_attribute "
            "WHERE attrelid = to_regclass(%s) AND attnum > 0 ORDER BY attnum",
            table.qualified,
        )
        assert columns == [(column.name, column.description) for column in table.columns]


def test_a_description_that_changed_arrives_with_the_next_migration(warehouse: Warehouse) -> None:
    warehouse.rows("COMMENT ON COLUMN ops.etl_run_log.asset IS 'an older text'")
    runner.upgrade(warehouse.url)
    test_descriptions_are_in_the_database(warehouse)


@pytest.mark.parametrize(
    "file", ["camunda/ddl/process_variables_by_process.sql", "ops/ddl/etl_run_log_by_run.sql"]
)
def test_an_edited_ddl_file_is_refused_and_nothing_is_made(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    edited = shutil.copytree(sql.sql_root(), tmp_path / "sql")
    text = (edited / file).read_text("utf-8")
    (edited / file).write_text(f"-- Edited after its release.\n{text}", "utf-8")
    monkeypatch.setattr(sql, "sql_root", lambda: edited)
    sql.read_sql.cache_clear()
    before = catalog(database_url)
    try:
        with pytest.raises(FrozenFileChangedError, match=f"{file} is part of a revision .* add a revision"):
            runner.upgrade(database_url)
    finally:
        sql.read_sql.cache_clear()
    assert catalog(database_url) == before


def test_several_migrations_at_once_take_turns(warehouse: Warehouse, database_url: str) -> None:
    migrations = [marts_migrate(database_url) for _ in range(3)]
    for migration in migrations:
        output, errors = migration.communicate(timeout=120)
        assert migration.returncode == 0, errors
        assert "is at revision" in output
    assert catalog(database_url) == catalog(warehouse.url)


def test_a_migration_keeps_no_reader_waiting_behind_a_long_report(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "_LOCK_WAIT_SECONDS", 1)
    before = catalog(warehouse.url)
    with closing(psycopg2.connect(warehouse.url, application_name="a long report")) as reader:
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM camunda.process_documents")
        with pytest.raises(
            runner.WarehouseInUseError, match=rf"pid {reader.info.backend_pid} \(.*a long report"
        ):
            runner.downgrade(warehouse.url, "0005")
        assert catalog(warehouse.url) == before
    assert runner.downgrade(warehouse.url, "0005") == "0005"


def test_a_warehouse_older_than_16_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    owner = databases.service("MARTS_TEST_CAMUNDA_URL")  # a PostgreSQL 15
    with databases.scratch_database(owner, databases.user_of(owner)) as name:
        url = databases.at_database(owner, name)
        before = catalog(url)
        with pytest.raises(runner.WarehouseTooOldError, match="PostgreSQL 15, it has to be 16 or newer"):
            runner.upgrade(url)
        migration = marts_migrate(url)
        _, errors = migration.communicate(timeout=120)
        assert migration.returncode == 1
        assert "marts: the warehouse is PostgreSQL 15, it has to be 16 or newer" in errors
        assert "Traceback" not in errors
        assert catalog(url) == before
