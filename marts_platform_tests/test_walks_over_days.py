"""Each recursive walk over the days of a source ends, whatever times its rows have."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import psycopg2
import pytest
from psycopg2.sql import Identifier

from marts_platform.core.sql import compose
from marts_platform.embedded.stack import Stack

WALKS = {
    "bionicpro/source/telemetry_days.sql": "CREATE TEMPORARY TABLE telemetry_data (created_at timestamp)",
    "camunda/raw/days_with_rows.sql": "CREATE TEMPORARY TABLE act_hi_detail (time_ timestamp)",
    "delivery/raw/days_with_rows.sql": "CREATE TEMPORARY TABLE stage (created_at timestamptz)",
}
TIMES = [
    "infinity",
    "-infinity",
    "0001-01-01",
    "2024-03-01 00:30",
    "2024-03-03 12:00",
    "9999-12-31",
    "294276-12-31",
]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("file", WALKS)
def test_walk_over_impossible_times_gives_the_possible_days(stack: Stack, file: str, zone: str) -> None:
    table = WALKS[file].split()[3]
    values = {
        "zone": "UTC",
        "start": datetime(2024, 1, 1, tzinfo=UTC),
        "bound": datetime(2024, 3, 5, tzinfo=UTC),
    }
    names = {"table": Identifier(table), "column": Identifier("created_at")}
    with closing(psycopg2.connect(stack.owner_url("warehouse"))) as connection, connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '5s'")
        cursor.execute(WALKS[file])
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(f"INSERT INTO {table} SELECT unnest(%s::timestamp[])", (TIMES,))
        cursor.execute(f"SET TIME ZONE '{zone}'")
        cursor.execute(compose(file, names), values)
        assert cursor.fetchone() == (["2024-03-01", "2024-03-03"],)


def test_walk_takes_a_day_at_a_time_where_the_sessions_clock_jumps(stack: Stack) -> None:
    """The day after Berlin's of 25 hours began an hour late: a row within that hour had no day."""
    file = "delivery/raw/days_with_rows.sql"
    values = {"start": datetime(2024, 1, 1, tzinfo=UTC), "bound": datetime(2024, 12, 1, tzinfo=UTC)}
    names = {"table": Identifier("stage"), "column": Identifier("created_at")}
    with closing(psycopg2.connect(stack.owner_url("warehouse"))) as connection, connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'Europe/Berlin'")
        cursor.execute(WALKS[file])
        moments = ["2024-10-26 23:30+00", "2024-10-27 12:00+00", "2024-10-28 00:30+00"]
        cursor.execute("INSERT INTO stage SELECT unnest(%s::timestamptz[])", (moments,))
        cursor.execute(compose(file, names), values)
        assert cursor.fetchone() == (["2024-10-26", "2024-10-27", "2024-10-28"],)
