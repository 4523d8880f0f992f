"""What a load reads of the marts is what its day has there, however many days they hold."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

import psycopg2
import pytest

from marts_platform.core.sql import compose

if TYPE_CHECKING:
    from marts_platform_tests.camunda.loads import Warehouse

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
