"""A value has one text, whichever engine holds it and by whichever type it is stored there."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import psycopg2
import pytest
from psycopg2.extras import execute_values

from marts_platform.core.canonical import clickhouse_row, form_of, mysql_row, postgres_row
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform_tests.mysql_servers import MySQLAccess, connect

# By column: the declared type, then the source's in Postgres and in MySQL.
COLUMNS = {
    "i": ("Int64", "bigint", "bigint"),
    "z": ("UInt32", "bigint", "int(10) unsigned zerofill"),
    "d": ("Decimal(10, 2)", "numeric(9, 1)", "decimal(9, 1) zerofill"),
    "p": ("Nullable(Decimal(38, 6))", "numeric(30, 6)", "decimal(30, 6)"),
    "b": ("Bool", "boolean", "tinyint"),
    "m": ("DateTime64(6, 'UTC')", "timestamp", "datetime(6)"),
    "h": ("Nullable(DateTime64(6, 'UTC'))", "timestamp(3)", "datetime(3)"),
    "y": ("Date32", "date", "date"),
    "s": ("Nullable(String)", "text", "varchar(200)"),
    "c": ("String", "varchar(200)", "text CHARACTER SET {}"),
}
LETTERS = "aÄя🚆 |:\\\t\n'\"%n!v0"
ROWS = 300


def random_rows(random: Random) -> list[tuple[Any, ...]]:
    """Rows with a value in each column, or NULL where the column takes it."""

    def text() -> str:
        return "".join(random.choice(LETTERS) for _ in range(random.randrange(20)))

    def moment() -> datetime:
        microseconds = random.randrange(60 * 365 * 86_400 * 10**6)
        return datetime(1971, 1, 1, tzinfo=UTC).replace(tzinfo=None) + timedelta(microseconds=microseconds)

    return [
        (
            random.randrange(-(2**63), 2**63),
            random.choice((0, 7, random.randrange(2**32))),
            Decimal(random.randrange(10**8)) / 10,
            random.choice((None, Decimal(random.randrange(-(10**28), 10**28)) / 10**6, Decimal("-0.5"))),
            random.random() < 0.5,
            moment(),
            random.choice((None, moment().replace(microsecond=random.randrange(1000) * 1000))),
            moment().date(),
            random.choice((None, "", text())),
            "".join(random.choice("aя ") for _ in range(5)),
        )
        for _ in range(ROWS)
    ]


@pytest.fixture
def server(mysql: MySQLAccess) -> Iterator[MySQLAccess]:
    mysql.clear()
    yield mysql
    mysql.clear()


def test_random_values_have_one_text_in_every_engine(
    clickhouse: str, database_url: str, server: MySQLAccess
) -> None:
    rows = random_rows(Random(12))
    at_postgres, texts = postgres(database_url, rows)
    # seekdb has no character set but utf8mb4.
    character_set = "utf8mb4" if server.name == "embedded" else "cp1251"
    assert at_postgres == mysql_texts(server, rows, character_set)
    assert at_postgres == clickhouse_texts(texts)
    assert len(set(at_postgres)) == ROWS


def names(quote: str) -> list[tuple[str, str]]:
    return [(f"{quote}{name}{quote}", types[0]) for name, types in COLUMNS.items()]


def postgres(url: str, rows: list[tuple[Any, ...]]) -> tuple[list[str], bytes]:
    """The rows' texts, and the rows as COPY writes them."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        columns = ", ".join(f"{name} {types[1]}" for name, types in COLUMNS.items())
        cursor.execute(f"CREATE TABLE kinds (n serial, {columns})")
        execute_values(cursor, f"INSERT INTO kinds ({', '.join(COLUMNS)}) VALUES %s", rows)
        row = postgres_row(names('"'))
        cursor.execute(f"SELECT {row} FROM kinds ORDER BY n")
        found = [row[0] for row in cursor.fetchall()]
        sink = io.BytesIO()
        cursor.copy_expert("COPY kinds TO STDOUT", sink)
    return found, sink.getvalue()


def mysql_texts(server: MySQLAccess, rows: list[tuple[Any, ...]], character_set: str) -> list[str]:
    with connect(server.chat_owner_url) as connection, connection.cursor() as cursor:
        cursor.execute("SET NAMES utf8mb4")
        columns = ", ".join(f"{name} {types[2].format(character_set)}" for name, types in COLUMNS.items())
        cursor.execute(f"CREATE TABLE kinds (n int AUTO_INCREMENT PRIMARY KEY, {columns})")
        places = ", ".join(["%s"] * len(COLUMNS))
        cursor.executemany(f"INSERT INTO kinds ({', '.join(COLUMNS)}) VALUES ({places})", rows)
        row = mysql_row(names("`"), bounds="month({0}) = 0")
        cursor.execute(f"SELECT hex({row}) FROM kinds ORDER BY n")
        return [bytes.fromhex(row[0]).decode() for row in cursor.fetchall()]


def clickhouse_texts(texts: bytes) -> list[str]:
    with ClickHouseResource().client(database="default") as client:
        columns = ", ".join(f"{name} {types[0]}" for name, types in COLUMNS.items())
        client.command(f"CREATE OR REPLACE TABLE kinds (n Int32, {columns}) ENGINE = MergeTree ORDER BY n")
        client.raw_insert("kinds", ["n", *COLUMNS], texts, fmt="TabSeparated")
        found = client.query(f"SELECT {clickhouse_row(names('`'))} FROM kinds ORDER BY n").result_rows
        client.command("DROP TABLE kinds SYNC")
    return [row[0] for row in found]


@pytest.mark.parametrize("type_", ["Float64", "Array(String)", "json", "blob"])
def test_a_type_without_a_canonical_text_is_refused(type_: str) -> None:
    with pytest.raises(ValueError, match="no canonical text"):
        form_of(type_)
