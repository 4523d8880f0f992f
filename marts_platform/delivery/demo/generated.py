"""Generated orders with their pipelines, stages and deliveries, made inside PostgreSQL.

Every value comes from a hash of the seed and the row's number, so the same arguments give the same rows, and
a million orders take a minute. What a row can be like is in ``sql/delivery/demo/stage_*.sql``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from psycopg2 import sql

from marts_platform.core.sql import read_sql
from marts_platform.delivery.demo.schema import INDEXES, drop_keys, restore_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

# A restart can fail or be cancelled as well.
_ATTEMPTS = 4
_FUNCTIONS = ("unit", "identifier")
_INSERTS = ("orders", "pipelines", "stages", "deliveries", "configs")
# From so many orders on, indexes built afterwards cost less than ones kept up row by row.
_LARGE = 20_000
# An order's number is its day's, times this, and its place in the day.
_MOST_A_DAY = 1_000_000


@dataclass(frozen=True)
class GeneratedOrders:
    """How many rows the source holds now."""

    orders: int
    pipelines: int
    stages: int
    deliveries: int


def generate_orders(
    connection: Connection,
    *,
    orders: int,
    days: int = 60,
    until: date,
    seed: int = 0,
    performers: int = 200,
) -> GeneratedOrders:
    """Generates orders, in place of those that this seed gave before, in one transaction.

    Args:
        connection: to a database that `create_source` prepared, outside a transaction.
        orders: how many.
        days: over how many days before ``until`` they are spread.
        until: the day (UTC) after the last one; no order or attempt begins in it, stages may end later.
        seed: 0 to 2**40 - 1; orders of different seeds stand side by side.
        performers: among how many performers the deliveries are divided; few of them overlap much.

    Raises:
        ValueError: a number is out of its range.
    """
    a_day = -(-orders // days) if days > 0 else 0
    if orders < 1 or days < 1 or performers < 1 or not 0 <= seed < 2**40 or a_day > _MOST_A_DAY:
        raise ValueError(
            f"orders={orders}, days={days} and performers={performers} must be 1 or more, at most "
            f"{_MOST_A_DAY} orders a day, and seed={seed} must be 0 to 2**40 - 1."
        )
    # 02 in the first byte: a locally administered address, such as no network card has.
    values: dict[str, object] = {
        "orders": orders,
        "orders_a_day": a_day,
        "days": days,
        "first_day": (until - date(1970, 1, 1)).days - days,
        "until": datetime.combine(until, time.min, UTC),
        "seed": seed,
        "node": f"02{seed:010x}",
        "performers": performers,
    }
    with connection, connection.cursor() as cursor:
        return _generate(cursor, values, is_large=orders >= _LARGE)


def _generate(cursor: Cursor, values: Mapping[str, object], *, is_large: bool) -> GeneratedOrders:
    # Two seedings at once would both find the orders missing.
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('marts_platform delivery demo'))")
    cursor.execute("SET LOCAL work_mem = '64MB'")
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
    for table in ("order", "config"):  # the others go with their order
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE right(id::text, 12) = %(node)s").format(sql.Identifier(table)),
            values,
        )
    if is_large:
        drop_keys(cursor)
    for function in _FUNCTIONS:
        _execute(cursor, f"function_{function}", values)
    _execute(cursor, "stage_orders", values)
    _execute(cursor, "create_pipelines", values)
    for attempt in range(1, _ATTEMPTS + 1):
        for file in ("stage_attempts", "stage_ends"):
            _execute(cursor, file, {**values, "attempt": attempt})
    _execute(cursor, "stage_stages", values)
    # Autovacuum never looks at a temporary table, and the joins below need its size.
    cursor.execute("ANALYZE generated_order, generated_pipeline, generated_stage")
    for table in _INSERTS:
        _execute(cursor, f"insert_{table}", values)
    if is_large:
        restore_keys(cursor)
    for table in INDEXES:
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
    _execute(cursor, "count_rows", values)
    row = cursor.fetchone()
    assert row is not None  # four counts
    return GeneratedOrders(*map(int, row))


def _execute(cursor: Cursor, file: str, values: Mapping[str, object]) -> None:
    cursor.execute(read_sql(f"delivery/demo/{file}.sql"), values)
