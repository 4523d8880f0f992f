"""Every value of MySQL arrives in ClickHouse as it is, stands in quarantine, or is refused by its type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from marts_platform.core.path import Extract, Replace
from marts_platform.io_managers.ledger import SchemaMismatchError
from marts_platform.resources.mysql import MySQLResource, SelectOut
from marts_platform_tests.io_managers.clickhouse.mysql_type_cases import (
    EXACT,
    QUARANTINED,
    REFUSED,
    Exact,
    Other,
)
from marts_platform_tests.io_managers.clickhouse.probe import ClickHouseProbe
from marts_platform_tests.io_managers.clickhouse.test_exact_types import same
from marts_platform_tests.mysql_servers import MySQLAccess, connect


@pytest.fixture
def server(mysql: MySQLAccess, monkeypatch: pytest.MonkeyPatch) -> Iterator[MySQLAccess]:
    monkeypatch.setenv("MARTS_CHAT_URL", mysql.chat_url)
    mysql.clear()
    yield mysql
    mysql.clear()


def declare(probe: ClickHouseProbe, cases: list[Exact] | list[Other]) -> None:
    columns = "".join(f",\n    c{place} {case.clickhouse}, -- Values." for place, case in enumerate(cases))
    body = f"    id Int32, -- Which row.{columns.replace(', -- Values.,', ', -- Values.')}"
    lines = [line for line in body.replace("row.,", "row.").splitlines() if line]
    lines[-1] = lines[-1].replace(", -- Values.", " -- Values.")
    probe.create(
        "-- A column of each type.\nCREATE TABLE probe.readings (\n"
        + "\n".join(lines)
        + "\n)\nENGINE = MergeTree\nORDER BY id"
    )


def fill(server: MySQLAccess, cases: list[Exact] | list[Other], *rows: tuple[str, ...]) -> None:
    columns = ", ".join(f"c{place} {case.mysql}" for place, case in enumerate(cases))
    with connect(server.chat_owner_url) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = '', NAMES utf8mb4")
        cursor.execute("DROP TABLE IF EXISTS kinds")
        cursor.execute(f"CREATE TABLE kinds (id INT PRIMARY KEY, {columns})")
        for number, row in enumerate(rows):
            cursor.execute(f"INSERT INTO kinds VALUES ({', '.join([str(number), *row])})")


def load(probe: ClickHouseProbe, cases: list[Exact] | list[Other]) -> None:
    names = ("id", *(f"c{place}" for place in range(len(cases))))
    stream = SelectOut(MySQLResource(setting="chat_url"), "SELECT * FROM kinds", names, utc=names)
    asset = probe.asset(lambda _: Extract(stream), publication=Replace(), partitions_def=None)
    probe.load(asset)


def test_every_value_of_mysql_arrives_exactly(probe: ClickHouseProbe, server: MySQLAccess) -> None:
    cases = [case for case in EXACT if case.is_everywhere or server.name != "embedded"]
    fill(server, cases, *(tuple(case.given[place] for case in cases) for place in range(2)))
    declare(probe, cases)
    load(probe, cases)
    rows: list[tuple[Any, ...]] = probe.ask("SELECT * FROM probe.readings ORDER BY id")
    for place, case in enumerate(cases):
        found = tuple(row[place + 1] for row in rows)
        wanted = tuple(
            value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in case.wanted
        )
        if case.what == "bytes":
            hexes = probe.ask(f"SELECT hex(c{place}) FROM probe.readings ORDER BY id")
            assert hexes == [("00FF09",), ("",)]
        else:
            assert all(map(same, found, wanted)), (case, found)
    assert probe.warehouse.rows("SELECT * FROM ops.quarantine") == []


def test_a_value_of_mysql_that_no_column_holds_is_quarantined(
    probe: ClickHouseProbe, server: MySQLAccess
) -> None:
    cases = list(QUARANTINED)
    fill(server, cases, tuple(case.value for case in cases), ("NULL",) * len(cases))
    declare(probe, cases)
    load(probe, cases)
    rows = probe.ask("SELECT * FROM probe.readings ORDER BY id")
    assert rows == [(number, *([None] * len(cases))) for number in range(2)]
    found = probe.warehouse.rows(
        "SELECT reason, payload FROM ops.quarantine WHERE NOT is_row ORDER BY reason"
    )
    assert [reason.split(" ")[0] for reason, _ in found] == [f"c{place}" for place in range(len(cases))]
    assert found[0][1] == "0000-00-00" and found[3:] == [
        ("c3 is no boolean", "2"),
        ("c4 is no UInt32", "-1"),
        ("c5 is no UInt32", "4294967296"),
    ]


def test_a_type_of_mysql_that_no_column_holds_is_refused(probe: ClickHouseProbe, server: MySQLAccess) -> None:
    for case in REFUSED:
        cases = [case]
        fill(server, cases)
        declare(probe, cases)
        with pytest.raises(SchemaMismatchError, match=r"c0 is .* at the source, declared"):
            load(probe, cases)
        probe.do("DROP TABLE probe.readings SYNC")
