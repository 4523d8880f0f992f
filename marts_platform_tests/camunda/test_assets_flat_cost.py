"""What a load reads of the marts is what its day has there, however many days they hold."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

import psycopg2
import pytest

from marts_platform.core.sql import compose
from marts_platform_tests.camunda.engine import at, change

if TYPE_CHECKING:
    from marts_platform_tests.camunda.engine import Change, Engine
    from marts_platform_tests.camunda.loads import Row, Warehouse

DAY = datetime(2024, 6, 15, tzinfo=UTC)
# Rows that were changed lie where there was room, so every page has old and new ones; ten are of the day.
TIME = """
    CASE WHEN n % 2000 = 7 THEN timestamptz '2024-06-15 12:00Z'
        WHEN n % 2 = 0 THEN timestamptz '2024-01-01Z'
        ELSE timestamptz '2024-12-01Z' END
"""
VARIABLES = f"""
    INSERT INTO camunda.process_variables (var_inst_id_, proc_inst_id_, name_, var_type_, text_,
        sequence_counter_, time_, is_removed, detail_id_)
    SELECT n::text, n::text, 'x', 'string', repeat('x', 200), 1, {TIME}, FALSE, n::text
    FROM generate_series(1, 20000) AS n
"""
DOCUMENTS = f"""
    INSERT INTO camunda.process_documents (proc_inst_id_, doc_ids, attached_documents, context_data, time_,
        doc_ids_time_, context_data_time_, doc_ids_sequence_, is_contested)
    SELECT n::text, ARRAY[]::text[], 0, to_jsonb(repeat('x', 200)), {TIME}, {TIME}, {TIME}, 1, FALSE
    FROM generate_series(1, 20000) AS n
"""


@pytest.mark.parametrize(
    ("mart", "rows"), [("process_variables", VARIABLES), ("process_documents", DOCUMENTS)]
)
def test_the_rows_that_came_from_a_day_are_found_by_an_index(
    warehouse: Warehouse, mart: str, rows: LiteralString
) -> None:
    bounds = {"start": DAY, "end": DAY + timedelta(days=1)}
    with closing(psycopg2.connect(warehouse.url)) as connection, connection.cursor() as cursor:
        cursor.execute(rows)
        cursor.execute(f"ANALYZE camunda.{mart}")
        cursor.execute("SELECT pg_relation_size(%s) / 8192", [f"camunda.{mart}"])
        ((pages,),) = cursor.fetchall()
        touched = compose(f"camunda/marts/{mart}_touched.sql")
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + touched.as_string(connection), bounds)
        ((found,),) = cursor.fetchall()
    plan = found[0]["Plan"]
    assert plan["Actual Rows"] == 10
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < pages / 4


@pytest.mark.parametrize("chart", ["1_changes", "4_hours"])
def test_a_chart_finds_its_days_without_a_look_at_all_of_the_history(
    engine: Engine, warehouse: Warehouse, chart: str
) -> None:
    old, new = date(2024, 1, 9), date(2024, 6, 9)
    engine.write(change(at(old), var_inst_id_="V1"), change(at(new), var_inst_id_="V2"))
    warehouse.load_bare(old, new)
    with closing(psycopg2.connect(warehouse.url)) as connection, connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE) " + compose(f"camunda/charts/{chart}.sql").as_string(connection))
        plan = [line for (line,) in cursor.fetchall() if "never executed" not in line]
    assert re.findall(r" on (act_hi_detail_\d+)", "\n".join(plan)) == ["act_hi_detail_20240609"]


DAYS = [date(2024, 3, 9), date(2024, 3, 10), date(2024, 3, 11)]
# Only a session's end is sure to have written what it counted; each load is a session of its own.
LOOKS = """
    SELECT partition.inhrelid::regclass::text AS partition, coalesce(seq_scan + idx_scan, 0) AS looks
    FROM pg_inherits AS partition
    JOIN pg_stat_all_tables AS counted ON counted.relid = partition.inhrelid
    WHERE partition.inhparent = 'camunda.act_hi_detail'::regclass
    ORDER BY 1
"""


def contested(process: str, day: date) -> list[Change]:
    """Two variable instances of one name: only the history can tell which one it is."""
    return [
        change(at(day, hour), proc_inst_id_=process, var_inst_id_=f"{process} {hour}", text_="{}")
        for hour in (9, 10)
    ]


def looks(warehouse: Warehouse) -> list[Row]:
    """How often each day of the history was looked into."""
    return warehouse.rows(LOOKS)


def test_what_is_in_doubt_is_looked_for_since_its_first_change_only(
    engine: Engine, warehouse: Warehouse
) -> None:
    first, second, third = DAYS
    for day in (first, second):
        engine.write(*contested(f"of {day}", day))
        warehouse.load_bare(day)
    before = looks(warehouse)
    engine.write(*contested(f"of {third}", third))
    warehouse.load_bare(third)
    assert looks(warehouse)[:2] == before

    # The control: a process of the second day changes again, and its day is looked into, the first is not.
    engine.write(change(at(third, 11), proc_inst_id_=f"of {second}", var_inst_id_=f"of {second} 9"))
    warehouse.load_bare(third)
    unlooked, looked, _ = looks(warehouse)
    assert unlooked == before[0]
    assert looked["looks"] > before[1]["looks"]


def test_a_row_from_before_the_column_is_looked_for_everywhere_and_knows_it_then(
    engine: Engine, warehouse: Warehouse
) -> None:
    first, second, third = DAYS
    engine.write(
        change(at(first, 9), var_inst_id_="global", text_='{"report.AttachedDocuments": [{"doc.id": "A"}]}'),
        change(at(third, 9), var_inst_id_="local", text_="{}"),
    )
    warehouse.load_bare(first)
    warehouse.execute("UPDATE camunda.process_documents SET first_time_ = NULL")

    # A merge does not know either: older changes may be in days that the row no longer tells of.
    engine.write(change(at(second, 9), var_inst_id_="global", sequence_counter_=2, text_="{}"))
    warehouse.load_bare(second)
    found = "SELECT first_time_, is_contested FROM camunda.process_documents"
    assert warehouse.rows(found) == [{"first_time_": None, "is_contested": False}]

    warehouse.load_bare(third)
    assert warehouse.rows(found) == [{"first_time_": at(first, 9).replace(tzinfo=UTC), "is_contested": True}]
