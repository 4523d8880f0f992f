"""The source barely notices: indexed ranges, keyed look-ups of bytes, time limits, read-only sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, LiteralString

import psycopg2
import psycopg2.errors
import pytest
from psycopg2.extensions import connection as Connection
from psycopg2.sql import SQL, Composable

from marts_platform.camunda.sources import CamundaSource, source_columns, stored_values
from marts_platform.core import path
from marts_platform.core.faults import is_passing
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.core.sql import compose
from marts_platform.io_managers.postgres_locks import LockedOutError
from marts_platform.materialization import MaterializationError
from marts_platform.resources import postgres_source
from marts_platform.resources.postgres import CopyOut, Limits
from marts_platform.settings import load
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse

DAY = date(2024, 9, 20)
RAW = "camunda/act_hi_detail"
A_RANGE = {"Node Type": "Bitmap Index Scan", "Index Name": "by_a", "Index Cond": "(a > 1)"}
WALK = {"Node Type": "Bitmap Index Scan", "Index Name": "by_a", "Index Cond": "(b > 1)"}


def generate_month(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A history so long that reading a day by its index is cheaper than a scan; no table counts as small."""
    engine.generate(details=12_000, days=30, until=datetime(2024, 10, 1, tzinfo=UTC))
    monkeypatch.setattr(postgres_source, "_SCANNABLE_PAGES", 0)


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def reads(connection: Connection, statement: Composable, params: Mapping[str, object]) -> dict[str, set[str]]:
    """How a statement reads each table: the kinds of scan."""
    with connection.cursor() as cursor:
        cursor.execute(SQL("EXPLAIN (FORMAT JSON) ") + statement, params)
        row = cursor.fetchone()
    assert row is not None
    found: dict[str, set[str]] = {}
    for node in nodes(row[0][0]["Plan"]):
        if "Relation Name" in node:
            found.setdefault(node["Relation Name"], set()).add(node["Node Type"])
    return found


def test_a_day_is_read_by_its_index_and_byte_arrays_by_their_key(
    engine_of_each_server: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate_month(engine_of_each_server, monkeypatch)
    for variables in ("docIds,contextData", "*"):
        monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", variables)
        copy = CamundaSource().changes(slice_of(DAILY, DAY.isoformat())).rows
        assert isinstance(copy, CopyOut)
        with closing(psycopg2.connect(engine_of_each_server.reader_url)) as connection:
            found = reads(connection, copy.query, copy.params)
        assert found["act_hi_detail"] <= {"Index Scan", "Bitmap Heap Scan"}
        assert found["act_ge_bytearray"] == {"Index Scan"}
    now, slice_ = load(), slice_of(DAILY, DAY.isoformat())
    assert slice_.window is not None
    params = {
        **postgres_source.window_params(slice_.window, slice_.window, "UTC"),
        "all_variables": False,
        "variables": list(now.camunda_variables),
    }
    days = {"zone": "UTC", "start": now.start_time, "bound": datetime.now(UTC)}
    here = {"start": now.start_time, "end": datetime.now(UTC), **params}
    with closing(psycopg2.connect(engine_of_each_server.reader_url)) as connection:
        columns = source_columns(connection)
        stored = {"values": stored_values(columns, compares_bytes=True)}
        kept = {"is_kept": SQL("detail.removal_time_ IS NULL")}
        for probe, values in (
            (compose("camunda/raw/fingerprint_source.sql", stored), params),
            (compose("camunda/checks/checksum_source.sql", stored), params),
            (compose("camunda/raw/days_with_rows.sql"), days),
            (compose("camunda/checks/newest_at_source.sql"), {"zone": "UTC", "until": datetime.now(UTC)}),
            (
                compose("camunda/checks/undated.sql"),
                {**params, "start": now.start_time, "end": datetime.now(UTC), "most": 9},
            ),
            (compose("camunda/raw/keys_at_source.sql"), {**here, "keys": ["D1", "D2"]}),
            (compose("camunda/raw/processes_at_source.sql", kept), {"processes": ["P1", "P2"]}),
        ):
            assert "Seq Scan" not in reads(connection, probe, values)["act_hi_detail"]


def test_a_scan_of_a_big_table_is_refused_and_nothing_is_read(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate_month(engine, monkeypatch)
    engine.execute("DROP INDEX act_idx_hi_detail_time")
    engine.execute("DROP INDEX act_idx_hi_detail_name")
    with pytest.raises(MaterializationError, match="would scan act_hi_detail") as refused:
        warehouse.load(DAY, selection=RAW)
    assert "from end to end, nothing was read. Is the index on the time column" in str(refused.value)
    assert warehouse.one("SELECT count(*) FROM camunda.act_hi_detail") == 0


@pytest.mark.parametrize("columns", ["name_, time_", "proc_inst_id_, time_"])
def test_a_walk_through_a_whole_index_is_a_scan_too(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, columns: LiteralString
) -> None:
    generate_month(engine, monkeypatch)
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "*")
    engine.execute("DROP INDEX act_idx_hi_detail_time")
    engine.execute("CREATE INDEX by_another_first ON act_hi_detail (" + columns + ")")
    engine.execute("ANALYZE act_hi_detail")
    with pytest.raises(MaterializationError, match="would scan act_hi_detail"):
        warehouse.load(DAY, selection=RAW)
    engine.execute("CREATE INDEX by_time ON act_hi_detail (time_, name_)")
    warehouse.load(DAY, selection=RAW)
    assert warehouse.one("SELECT count(*) > 0 FROM camunda.act_hi_detail")


@pytest.mark.parametrize(
    ("plan", "scanned"),
    [
        ({"Node Type": "Index Scan", "Index Name": "by_a", "Index Cond": "(t.a > 1)"}, False),
        ({"Node Type": "Index Scan", "Index Name": "by_a", "Index Cond": "(t.aa > 'a'::text)"}, True),
        ({"Node Type": "Index Only Scan", "Index Name": "by_a"}, True),
        ({"Node Type": "Index Scan", "Index Name": "by_order", "Index Cond": '("order" = 1)'}, False),
        ({"Node Type": "Index Scan", "Index Name": "by_expression", "Index Cond": "(lower(b) = 'x')"}, False),
        (
            {
                "Node Type": "Bitmap Heap Scan",
                "Plans": [{"Node Type": "BitmapAnd", "Plans": [A_RANGE, WALK]}],
            },
            False,
        ),
        (
            {"Node Type": "Bitmap Heap Scan", "Plans": [{"Node Type": "BitmapOr", "Plans": [A_RANGE, WALK]}]},
            True,
        ),
        ({"Node Type": "Bitmap Heap Scan", "Plans": [WALK]}, True),
        ({"Node Type": "Seq Scan"}, True),
        ({"Node Type": "Tid Scan"}, False),
    ],
)
def test_what_a_plan_reads_from_end_to_end(plan: dict[str, Any], scanned: bool) -> None:
    leads = {"by_a": ["a"], "by_order": ['"order"']}
    found = list(
        postgres_source.scanned_tables({"Node Type": "Sort", "Plans": [plan | {"Relation Name": "t"}]}, leads)
    )
    assert found == (["t"] if scanned else [])


def test_a_small_table_may_be_scanned(engine: Engine, warehouse: Warehouse) -> None:
    engine.execute("DROP INDEX act_idx_hi_detail_time")
    engine.write(change(at(DAY)))
    warehouse.load(DAY, selection=RAW)
    assert warehouse.one("SELECT count(*) FROM camunda.act_hi_detail") == 1


def test_a_source_that_does_not_answer_ends_the_load_in_time(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_SOURCE_STATEMENT_TIMEOUT_SECONDS", "1")
    engine.write(change(at(DAY)))
    with closing(psycopg2.connect(engine.url)) as blocker, blocker.cursor() as cursor:
        cursor.execute("LOCK act_hi_detail IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(MaterializationError, match="statement timeout"):
            warehouse.load(DAY, selection=RAW)
    (entry,) = warehouse.rows("SELECT status, error FROM ops.etl_run_log")
    assert entry["status"] == "failed" and "statement timeout" in entry["error"]
    warehouse.load(DAY, selection=RAW)
    assert warehouse.one("SELECT count(*) FROM camunda.act_hi_detail") == 1


def test_the_sessions_at_the_source_cannot_write_and_say_who_they_are(
    engine: Engine, warehouse: Warehouse
) -> None:
    copy = CamundaSource().changes(slice_of(DAILY, DAY.isoformat())).rows
    assert isinstance(copy, CopyOut)
    with copy.server.connect(copy.limits, purpose=copy.purpose) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('application_name'), current_setting('statement_timeout')")
        assert cursor.fetchone() == (f"marts_platform camunda {DAY}", "10min")
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            cursor.execute("CREATE TABLE no ()")


def test_a_lock_at_the_source_is_not_taken_for_one_of_the_warehouse(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_source, "Limits", partial(Limits, lock_timeout=0.2))
    monkeypatch.setattr(path, "with_retries", lambda attempt: attempt())
    engine.write(change(at(DAY)))
    with closing(psycopg2.connect(engine.url)) as altering, altering.cursor() as cursor:
        cursor.execute("LOCK TABLE act_hi_detail IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(LockedOutError, match="a lock at the source") as fault:
            warehouse.load_bare(DAY, selection=RAW)
    assert "pg_terminate_backend" not in str(fault.value) and is_passing(fault.value)
    warehouse.load_bare(DAY, selection=RAW)
