"""Sessions mean the same on servers whose roles, databases and poolers have settings of their own."""

from __future__ import annotations

import time
from contextlib import closing

import psycopg2
import pytest

from marts_platform.core.path import Mart, Replace, load_slice
from marts_platform.core.rows import Query
from marts_platform.core.run_log import Run
from marts_platform.core.table import parse_ddl
from marts_platform.core.window import Slice
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.migrations import runner
from marts_platform.plain_faults import plain
from marts_platform.resources.postgres import Limits, PoolerError, PostgresResource
from marts_platform_tests import databases
from marts_platform_tests.marts import (
    Warehouse,
    WriteSql,
    migrated_database,
    warehouse,
    warehouse_template,
    write_sql,
)
from marts_platform_tests.pooler import pooled

__all__ = ["migrated_database", "warehouse", "warehouse_template", "write_sql"]

SERVER = PostgresResource(setting="warehouse_url")
DDL = """-- Readings.
CREATE TABLE public.readings (
    at timestamptz, -- When.
    value double precision -- What.
)"""
# What an administrator may have set for the role or the database.
STRICT = {
    "default_transaction_read_only": "on",
    "idle_in_transaction_session_timeout": "100ms",
    "statement_timeout": "300ms",
    "transaction_timeout": "400ms",
    "idle_session_timeout": "100ms",
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "Asia/Tokyo",
    "bytea_output": "escape",
    "extra_float_digits": "-10",
    "row_security": "on",
    "enable_seqscan": "off",
    "quote_all_identifiers": "on",
    "default_transaction_isolation": "serializable",
    "transform_null_equals": "on",
    "array_nulls": "off",
}
TEXTS = """
    SELECT
        '2024-03-01 00:00+00'::timestamptz::text, interval '1 day -2 hours'::text,
        decode('00ff', 'hex')::text, (1 / 3.0::float8)::text,
        quote_ident('plain'), (NULL::integer = NULL)::text, current_setting('transaction_isolation')
"""


@pytest.fixture
def strict(warehouse: Warehouse) -> Warehouse:
    """A warehouse whose database has settings of its own."""
    name = warehouse.one("SELECT current_database()")
    alter = f'ALTER DATABASE "{name}" SET'
    warehouse.rows(";".join(f"{alter} {setting} = '{value}'" for setting, value in STRICT.items()))
    return warehouse


def test_a_session_has_our_settings_whoever_set_others(strict: Warehouse) -> None:
    for kept in (SERVER.kept, SERVER.kept, SERVER.connect):  # the second one of a connection that was kept
        with kept(purpose="test") as connection, connection.cursor() as cursor:
            cursor.execute(TEXTS)
            assert cursor.fetchone() == (
                "2024-03-01 00:00:00+00", "1 day -02:00:00", "\\x00ff", "0.3333333333333333", "plain", None,
                "read committed",
            )  # fmt: skip
            cursor.execute("CREATE TEMPORARY TABLE made (n integer)")
            time.sleep(0.5)
            cursor.execute("SELECT pg_sleep(0.5), current_setting('application_name')")
            assert cursor.fetchone() == ("", "marts_platform test")
    with (
        SERVER.kept(Limits(read_only=True)) as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.errors.ReadOnlySqlTransaction),
    ):
        cursor.execute("CREATE TABLE never (n integer)")


def test_a_load_and_a_migration_suit_a_strict_database(strict: Warehouse, write_sql: WriteSql) -> None:
    with closing(psycopg2.connect(strict.url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ WRITE")
        cursor.execute(DDL)
        connection.commit()
    write_sql("probe/slow.sql", "SELECT now() AS at, 1.5::float8 AS value FROM pg_sleep(0.6)")
    mart = Mart("probe/readings", parse_ddl(DDL), Replace())
    load_slice(PostgresIOManager(), mart, Slice(), Run("r", "r"), lambda: Query("probe/slow.sql"))
    assert strict.one("SELECT value FROM readings") == 1.5
    runner.downgrade(strict.url, "0006")
    runner.upgrade(strict.url)


def test_rows_that_a_policy_hides_are_an_error(warehouse: Warehouse) -> None:
    warehouse.rows("CREATE TABLE shown AS SELECT generate_series(1, 9) AS n")
    warehouse.rows("ALTER TABLE shown ENABLE ROW LEVEL SECURITY")
    warehouse.rows("ALTER TABLE shown FORCE ROW LEVEL SECURITY")
    warehouse.rows("CREATE POLICY few ON shown USING (n < 4)")
    assert warehouse.one("SELECT count(*) FROM shown") == 3
    with (
        SERVER.connect(Limits(read_only=True)) as connection,
        connection.cursor() as cursor,
        pytest.raises(psycopg2.errors.InsufficientPrivilege) as raised,
    ):
        cursor.execute("SELECT count(*) FROM shown")
    assert "ALTER ROLE … BYPASSRLS" in plain(raised.value)


@pytest.mark.parametrize("options", [(), ("ignore_startup_parameters = options",)])
def test_a_pooler_in_transaction_mode_is_refused_by_name(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    with pooled(warehouse.url, "transaction", *options) as url:
        monkeypatch.setenv("MARTS_WAREHOUSE_URL", url)
        for open_ in (SERVER.connect, SERVER.kept):
            with (
                pytest.raises(
                    PoolerError, match=r"MARTS_WAREHOUSE_URL names a pooler .* pool_mode = session"
                ),
                open_(),
            ):
                pass


def test_a_pooler_in_session_mode_serves_loads(
    warehouse: Warehouse, write_sql: WriteSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.rows(DDL)
    write_sql("probe/one.sql", "SELECT now() AS at, 1.5::float8 AS value")
    with pooled(warehouse.url, "session") as url:
        monkeypatch.setenv("MARTS_WAREHOUSE_URL", url)
        mart = Mart("probe/readings", parse_ddl(DDL), Replace())
        for _ in range(2):
            load_slice(PostgresIOManager(), mart, Slice(), Run("r", "r"), lambda: Query("probe/one.sql"))
        with SERVER.kept() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('TimeZone'), current_setting('lock_timeout')")
            assert cursor.fetchone() == ("UTC", "30s")
    # Its connections have gone with it.
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", warehouse.url)
    assert warehouse.log() == ["success", "success"]


def test_the_oldest_warehouse_has_the_settings_that_it_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", databases.service("MARTS_TEST_OLDEST_WAREHOUSE_URL"))
    with SERVER.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_timeout', true), current_setting('row_security')")
        assert cursor.fetchone() == (None, "off")
