"""The run log: what a look at it costs, however long it is, and that it tells what happened."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest

from marts_platform.core import run_log
from marts_platform.core.run_log import Figures, Run
from marts_platform.core.sql import compose
from marts_platform.core.window import Slice
from marts_platform_tests.marts import Warehouse

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

ASSET, MART = "camunda/act_hi_detail", "camunda/sums"
DAYS = [f"2024-03-{day:02}" for day in range(1, 31)]
# Loads of the asset, of an older one and of a newer one, by day and as a whole, every tenth of them failed.
LOADS = """
    INSERT INTO ops.etl_run_log (asset, partition_key, run_id, root_run_id, status, rows_written, finished_at)
    SELECT
        asset, key, 'run', 'root', CASE WHEN n %% 10 = 5 THEN 'failed' ELSE 'success' END,
        n, clock_timestamp()
    FROM generate_series(1, 10) AS n
    CROSS JOIN unnest(array_append(%s::text[], NULL)) AS key
    CROSS JOIN unnest('{camunda/a, camunda/act_hi_detail, camunda/z}'::text[]) AS asset
    ORDER BY n
"""
MORE_OF_A_DAY = """
    INSERT INTO ops.etl_run_log (asset, partition_key, run_id, root_run_id, status, rows_written, finished_at)
    SELECT 'camunda/act_hi_detail', key, 'run', 'root', status, n, clock_timestamp()
    FROM generate_series(1, 10000) AS n
    CROSS JOIN unnest('{2024-03-30, NULL}'::text[]) AS key
    CROSS JOIN unnest(CASE WHEN n = 10000 THEN '{success}' ELSE '{failed, success}' END::text[]) AS status
"""
# A partition that never was loaded.
NEVER = """
    INSERT INTO ops.etl_run_log (asset, partition_key, run_id, root_run_id, status, finished_at)
    SELECT 'camunda/act_hi_detail', '2024-04-01', 'run', 'root', 'failed', clock_timestamp()
    FROM generate_series(1, 50)
"""
LOOKS = {
    "ops/run_log_last_published.sql": 31,
    "ops/run_log_last_published_of.sql": 2,
    "ops/run_log_read_until.sql": 1,
    "ops/run_log_failures.sql": 1,
    "ops/run_log_mark_killed.sql": 0,
}


@pytest.fixture
def connection(warehouse: Warehouse) -> Iterator[Connection]:
    """A session of the warehouse."""
    with closing(psycopg2.connect(warehouse.url)) as found:
        yield found


def blocks(connection: Connection, file: str, rows: int) -> int:
    """How many pages a statement of the run log reads; it is undone."""
    values = {
        "asset": ASSET,
        "partition_key": DAYS[-1],
        "partition_keys": [*DAYS, "2024-04-01"],
        "whole_table": True,
        "elsewhere": [],
    }
    with connection.cursor() as cursor:
        statement = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + compose(file).as_string(connection)
        cursor.execute(statement, values)
        ((found,),) = cursor.fetchall()
    connection.rollback()
    plan = found[0]["Plan"]
    assert plan["Actual Rows"] == rows, file
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.parametrize("file", LOOKS)
def test_ten_thousand_more_loads_of_a_day_make_a_look_at_the_log_read_no_more(
    warehouse: Warehouse, connection: Connection, file: str
) -> None:
    warehouse.rows(LOADS, DAYS)
    warehouse.rows(NEVER)
    warehouse.rows("ANALYZE ops.etl_run_log")
    before = blocks(connection, file, LOOKS[file])
    warehouse.rows(MORE_OF_A_DAY)
    warehouse.rows("ANALYZE ops.etl_run_log")
    after = blocks(connection, file, LOOKS[file])
    pages = warehouse.one("SELECT pg_relation_size('ops.etl_run_log') / 8192")
    # An index that has grown is a level deeper, which each of the looks into it goes through.
    assert after < 2 * before + 40 < pages


def test_the_last_success_of_each_partition_is_found_whatever_else_the_log_holds(
    warehouse: Warehouse, connection: Connection
) -> None:
    warehouse.rows(LOADS, DAYS)
    warehouse.rows(NEVER)
    loaded: dict[str | None, int] = {}
    failed: dict[str | None, int] = {}
    for id_, key, status in warehouse.log("id, partition_key, status", ASSET):
        if status == "success":
            loaded[key] = id_
            failed.pop(key, None)
        else:
            failed[key] = failed.get(key, 0) + 1
    found = run_log.last_published(connection, ASSET)
    assert {key: entry.log_id for key, entry in found.items()} == loaded
    assert len(loaded) == len(DAYS) + 1
    of_a_day = run_log.last_published_of(connection, ASSET, DAYS[3])
    assert of_a_day == {key: found[key] for key in (DAYS[3], None)}
    assert run_log.last_published_of(connection, ASSET, None) == found
    assert run_log.last_published(connection, "probe/none") == {}
    failures = run_log.failures_since_success(connection, ASSET, [*DAYS, "2024-04-01", None])
    assert {key: entry.count for key, entry in failures.items()} == failed == {"2024-04-01": 50}


def test_failures_are_counted_since_the_last_success(warehouse: Warehouse, connection: Connection) -> None:
    for key in (DAYS[0], None):
        for status in ("failed", "success", "failed", "killed", "running"):
            warehouse.rows(
                "INSERT INTO ops.etl_run_log "
                "(asset, partition_key, run_id, root_run_id, status, finished_at) "
                "VALUES (%s, %s, 'run', 'run', %s, clock_timestamp())",
                ASSET,
                key,
                status,
            )
    for keys in ([DAYS[0]], [None], [DAYS[0], None, DAYS[1]]):
        found = run_log.failures_since_success(connection, ASSET, keys)
        assert {key: entry.count for key, entry in found.items()} == {
            key: 2 for key in keys if key != DAYS[1]
        }


def test_a_day_whose_commit_came_after_a_load_of_the_whole_began_is_loaded_since(
    warehouse: Warehouse, connection: Connection
) -> None:
    run = Run("run", "run")
    with closing(psycopg2.connect(warehouse.url)) as other:
        day = run_log.start(other, ASSET, Slice(DAYS[0]), run)
        other.commit()
        # Its end is written, and nobody sees it yet.
        run_log.succeed(other, day, Figures(), "a state", None)
        whole = run_log.start(connection, MART, Slice(), run)
        assert run_log.days_loaded_since(connection, MART, [ASSET]) == []
        run_log.succeed(connection, whole, Figures(), "none", None)
        connection.commit()
        other.commit()
    assert run_log.days_loaded_since(connection, MART, [ASSET]) == [DAYS[0]]


def test_a_day_that_was_loaded_long_before_is_not_loaded_since(
    warehouse: Warehouse, connection: Connection
) -> None:
    for asset, key, hours in ((ASSET, DAYS[0], 9), (ASSET, DAYS[1], 1), (MART, None, 5)):
        warehouse.rows(
            "INSERT INTO ops.etl_run_log "
            "(asset, partition_key, run_id, root_run_id, status, rows_written, started_at, finished_at) "
            "SELECT %s, %s, 'run', 'run', 'success', 1, at, at "
            "FROM (SELECT now() - make_interval(hours => %s)) AS load (at)",
            asset,
            key,
            hours,
        )
    assert run_log.days_loaded_since(connection, MART, [ASSET]) == [DAYS[1]]
    assert run_log.days_loaded_since(connection, "probe/never", [ASSET]) == DAYS[:2]


def test_what_was_published_stays_so_whatever_fails_after_it(
    warehouse: Warehouse, connection: Connection
) -> None:
    published = run_log.start(connection, ASSET, Slice(DAYS[0]), Run("run", "run"))
    run_log.succeed(connection, published, Figures(), "a state", None)
    begun = run_log.start(connection, ASSET, Slice(DAYS[1]), Run("run", "run"))
    for log_id in (published, begun):
        run_log.fail(connection, log_id, "the connection was lost")
    connection.commit()
    assert warehouse.log("status, error") == [("success", None), ("failed", "the connection was lost")]


def test_a_load_whose_process_went_away_may_have_published(
    warehouse: Warehouse, connection: Connection
) -> None:
    for _ in range(2):
        run_log.start(connection, ASSET, Slice(), Run("run", "run"))
        connection.commit()
    (killed, error), (running, none) = warehouse.log("status, error")
    assert (killed, running, none) == ("killed", "running", None)
    assert "before it recorded its end" in error
    assert "elsewhere it may have published all of its rows" in error
