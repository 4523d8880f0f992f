"""Every SQL file of MySQL's warehouse is executed, each by itself, on each kind of server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from marts_platform.core.sql import read_sql
from marts_platform.embedded.stack import Stack
from marts_platform.migrations import mysql as migrations
from marts_platform.resources.mysql import MySQLResource, statement
from marts_platform.resources.mysql_driver import offering
from marts_platform_tests.mysql_servers import MySQLAccess
from marts_platform_tests.sql_dialects import files_of

# The chat's files run at its source, which its own tests make.
FILES = [file for file in files_of("mysql") if not file.startswith("chat/")]
SCENE = (
    "CREATE TABLE live (id INT PRIMARY KEY, at DATETIME(6), value VARCHAR(20))",
    "CREATE TABLE staged (id INT PRIMARY KEY, at DATETIME(6), value VARCHAR(20))",
    "CREATE TABLE touched (id INT, in_doubt INT)",
)
NAMES = {
    "table": "live",
    "stage": "staged",
    "staged": "staged",
    "touched": "touched",
    "old": "was_live",
    "columns": "id, at, value",
    "column": "at",
    "key": "id",
    "matches": "live.id = touched.id",
    "query": "SELECT 7 AS id, NULL AS at, 'x' AS value",
    "definition": "KEY by_value (value)",
    "definitions": "id longtext",
    "row": "concat('v', id)",
    "values": "id, at, value",
    "is_row": "TRUE",
    "condition": "TRUE",
    "source_key": "id",
    "reason": "'why'",
    "payload": "value",
}
VALUES: dict[str, object] = {
    "id": "an identity",
    "start": "2024-03-01",
    "end": "2024-03-02",
    "schema": "mydb",
    "name": "live",
    "in_doubt": 1,
    "with_cancelled": False,
}


@pytest.fixture
def server(stack: Stack, mysql: MySQLAccess, monkeypatch: pytest.MonkeyPatch) -> Iterator[MySQLResource]:
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", mysql.replica_url)
    mysql.clear()
    migrations.upgrade()
    yield MySQLResource(setting="shop_replica_url")
    mysql.clear()


def test_every_statement_runs(server: MySQLResource, tmp_path: Path) -> None:
    text = tmp_path / "rows.txt"
    text.write_text("1\t\\N\tsome text\n")
    for file in FILES:
        if "/ddl/" in file:
            continue  # the migration has run it
        places = set(re.findall(r"(?<!\{)\{(\w+)\}", read_sql(file)))
        assert places <= NAMES.keys(), (
            f"{file} has {sorted(places - NAMES.keys())}: say in NAMES what they are"
        )
        names = dict(NAMES)
        if file.startswith("mysql/create_"):
            names["table"] = "made"
        with server.connect(loads_files=True) as connection, connection.cursor() as cursor:
            for name in ("live", "staged", "touched", "was_live", "made"):
                cursor.execute(f"DROP TABLE IF EXISTS {name}")
            for made in SCENE:
                cursor.execute(made)
            with offering(connection, str(text)):
                cursor.execute(statement(file, names), {**VALUES, "file": str(text)})
            if cursor.description:
                assert all(column[0].isidentifier() for column in cursor.description), file
