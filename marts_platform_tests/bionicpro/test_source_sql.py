"""Every SQL file of the telemetry's source is executed, each by itself, on a Postgres with its table."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from psycopg2.sql import SQL, Identifier

from marts_platform.core.sql import compose, read_sql
from marts_platform_tests.bionicpro.world import DAY, World, action
from marts_platform_tests.sql_dialects import files_of

START = datetime(2024, 3, 1, tzinfo=UTC)
VALUES = {
    "start": START,
    "from": START,
    "to": START + timedelta(days=1),
    "from_local": START.replace(tzinfo=None),
    "to_local": START.replace(tzinfo=None) + timedelta(days=1),
    "end": START + timedelta(days=1),
    "bound": START + timedelta(days=5),
    "zone": "Europe/Berlin",
    "is_exact": False,
    "users": 2,
    "first": DAY,
    "last": DAY,
}
NAMES = {
    "index": Identifier("another_index"),
    "columns": SQL("battery_level"),
    "place": SQL("1"),
    "actions": compose("bionicpro/source/telemetry_actions.sql", {"place": SQL("1")}),
}
FILES = [file for file in files_of("postgres") if file.startswith("bionicpro/")]


def test_every_statement_of_the_source_runs(world: World) -> None:
    assert len(FILES) > 8
    world.write(action(1), action(2))
    world.source("ALTER TABLE telemetry_data ALTER prosthesis_id DROP NOT NULL")
    world.source("UPDATE telemetry_data SET prosthesis_id = NULL WHERE user_id = 2")
    with closing(psycopg2.connect(world.source_url)) as connection, connection.cursor() as cursor:
        for file in FILES:
            if file.endswith("fill_telemetry.sql"):
                cursor.execute(compose("bionicpro/source/demo/create_unit.sql"))
            cursor.execute(compose(file, NAMES), VALUES)
            if re.match(r"(--.*\n)*(SELECT|WITH RECURSIVE)\b", read_sql(file)):
                assert cursor.fetchall(), file
            connection.rollback()


@pytest.mark.parametrize("place", ["1", "row_number() OVER one_id"])
@pytest.mark.parametrize("name", ["telemetry", "telemetry_fingerprint", "telemetry_rejected"])
def test_a_window_is_read_by_the_index(world: World, name: str, place: str) -> None:
    actions = compose("bionicpro/source/telemetry_actions.sql", {"place": SQL(place)})
    query = compose(f"bionicpro/source/{name}.sql", {"actions": actions})
    world.write(*(action(number) for number in range(300)))
    world.source("ANALYZE telemetry_data")
    with closing(psycopg2.connect(world.source_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(compose("postgres/explain.sql", {"query": query}), VALUES)
        row = cursor.fetchone()
        assert row is not None
        assert "telemetry_data_3" in str(row[0]), "the index on created_at"
