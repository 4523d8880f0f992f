"""MySQL as a warehouse: windows, keys, appended rows and whole tables; what does not fit is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pandas as pd
import pytest
from pymysql.err import OperationalError

from marts_platform.core.audit import AuditFailed, unique
from marts_platform.core.path import Append, Extract, Keyed, Mart, Publication, Rejected, Replace, load_slice
from marts_platform.core.relation import Relation
from marts_platform.core.rows import Query
from marts_platform.core.run_log import Figures, Run
from marts_platform.core.table import Column, parse_ddl
from marts_platform.core.window import Slice, Window
from marts_platform.io_managers.ledger import SchemaMismatchError
from marts_platform.io_managers.mysql import MySQLIOManager
from marts_platform.io_managers.mysql_columns import holds
from marts_platform.io_managers.mysql_feed import as_load_data
from marts_platform.io_managers.mysql_frames import frame_faults
from marts_platform_tests import mysql_servers
from marts_platform_tests.marts import Warehouse, WriteSql
from marts_platform_tests.mysql_servers import MySQLAccess

DDL = """-- Readings of sensors.
CREATE TABLE mydb.readings (
    at DATETIME(6) NOT NULL, -- When it was read.
    sensor int NOT NULL, -- Which sensor.
    value decimal(12, 3), -- What it read.
    note varchar(10), -- What was said of it.
    PRIMARY KEY (sensor, at)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4"""
FEED = "SELECT at, sensor, value, note FROM mydb.feed WHERE at >= %(start)s AND at < %(end)s"
D1, D2 = (
    Slice("2024-03-01", Window.of_day(date(2024, 3, 1))),
    Slice("2024-03-02", Window.of_day(date(2024, 3, 2))),
)

BY_WINDOW = Replace("at")

Load = Callable[..., Figures]


@pytest.fixture
def load(
    mysql: MySQLAccess, warehouse: Warehouse, write_sql: WriteSql, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Load]:
    """Loads into ``mydb.readings``; ``mydb.feed`` has the same form, and ``FEED`` reads a window of it."""
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", mysql.replica_url)
    mysql.clear()
    for name in ("readings", "feed"):
        mysql_servers.rows(mysql.replica_owner_url, DDL.replace("readings", name))
    write_sql("probe/feed.sql", FEED)

    def load_one(
        rows: Any,
        slice_: Slice = D1,
        publication: Publication = BY_WINDOW,
        *,
        ddl: str = DDL,
        **options: Any,
    ) -> Figures:
        mart = Mart("probe/readings", parse_ddl(ddl), publication, **options)
        run = str(uuid4())
        return load_slice(MySQLIOManager(), mart, slice_, Run(run, run), lambda: rows).figures

    yield load_one
    left = [row[0] for row in mysql_servers.rows(mysql.replica_owner_url, "SHOW TABLES")]
    assert sorted(left) == ["feed", mysql_servers.IDENTITY, "readings"]
    mysql.clear()


def _feed(mysql: MySQLAccess, *rows: tuple[Any, ...]) -> None:
    mysql_servers.rows(mysql.replica_owner_url, "DELETE FROM feed")
    for row in rows:
        mysql_servers.rows(mysql.replica_owner_url, "INSERT INTO feed VALUES (%s, %s, %s, %s)", row)


def _published(mysql: MySQLAccess) -> list[tuple[Any, ...]]:
    return mysql_servers.rows(
        mysql.replica_owner_url, "SELECT concat(at), sensor, value, note FROM readings ORDER BY 1, 2"
    )


def test_a_window_is_rewritten_or_emptied_and_others_stay(mysql: MySQLAccess, load: Load) -> None:
    query = Query("probe/feed.sql")
    _feed(mysql, ("2024-03-01 00:00:00.000001", 1, "1.5", "é%"), ("2024-03-02", 1, None, ""))
    assert load(query, D1).rows_written == load(query, D2).rows_written == 1
    both = [
        ("2024-03-01 00:00:00.000001", 1, Decimal("1.500"), "é%"),
        ("2024-03-02 00:00:00.000000", 1, None, ""),
    ]
    assert _published(mysql) == both
    assert load(query, D2).rows_written == 1
    assert _published(mysql) == both
    _feed(mysql)
    assert load(query, D1).rows_written == 0
    assert _published(mysql) == both[1:]


def test_row_moves_to_its_new_day_where_the_key_spans_all_days(
    mysql: MySQLAccess, load: Load, warehouse: Warehouse
) -> None:
    ddl = DDL.replace("PRIMARY KEY (sensor, at)", "PRIMARY KEY (sensor)")
    for statement in ("DROP TABLE readings", ddl):
        mysql_servers.rows(mysql.replica_owner_url, statement)
    query = Extract(Query("probe/feed.sql"), fingerprint="a state")
    _feed(mysql, ("2024-03-01 10:00", 1, 1, "a"), ("2024-03-01 11:00", 2, 2, "b"), ("2024-03-02", 3, 3, "c"))
    for day in (D1, D2):
        load(query, day, ddl=ddl)
    states = "SELECT partition_key, fingerprint FROM ops.etl_run_log ORDER BY id"
    assert warehouse.rows(states) == [("2024-03-01", "a state"), ("2024-03-02", "a state")]
    _feed(mysql, ("2024-03-02 10:00", 1, 1, "a"), ("2024-03-01 11:00", 2, 2, "b"), ("2024-03-02", 3, 3, "c"))
    moved = [
        ("2024-03-01 11:00:00.000000", 2, Decimal("2.000"), "b"),
        ("2024-03-02 00:00:00.000000", 3, Decimal("3.000"), "c"),
        ("2024-03-02 10:00:00.000000", 1, Decimal("1.000"), "a"),
    ]
    load(query, D2, ddl=ddl)
    assert _published(mysql) == moved
    assert warehouse.rows(states)[0] == ("2024-03-01", None)
    load(query, D1, ddl=ddl)
    assert _published(mysql) == moved
    assert warehouse.rows(states)[-2:] == [("2024-03-02", "a state"), ("2024-03-01", "a state")]


def test_a_row_outside_of_the_window_is_refused(mysql: MySQLAccess, load: Load, write_sql: WriteSql) -> None:
    _feed(mysql, ("2024-03-02", 1, 1, None))
    write_sql("probe/all.sql", "SELECT at, sensor, value, note FROM mydb.feed")
    with pytest.raises(ValueError, match="1 rows lie outside"):
        load(Query("probe/all.sql"), D1)
    assert _published(mysql) == []


def test_touched_keys_are_rewritten_and_no_others(
    mysql: MySQLAccess, load: Load, write_sql: WriteSql
) -> None:
    there = "SELECT sensor, at, 1 FROM mydb.readings WHERE at >= %(start)s AND at < %(end)s"
    write_sql(
        "probe/touched.sql",
        f"SELECT DISTINCT sensor, at, 1 AS in_doubt FROM ({FEED}) AS new_rows UNION {there}",
    )
    write_sql(
        "probe/rebuild.sql",
        "SELECT feed.at, feed.sensor, feed.value, feed.note FROM mydb.feed AS feed "
        "INNER JOIN {touched} AS touched ON feed.sensor = touched.sensor AND feed.at = touched.at",
    )
    keyed = Keyed("probe/touched.sql", "probe/rebuild.sql")
    _feed(mysql, ("2024-03-01", 1, 1, "a"), ("2024-03-01", 2, 2, "b"), ("2024-03-02", 1, 3, "c"))
    assert load(Extract(None), D1, keyed).rows_written == 2
    _feed(mysql, ("2024-03-01", 2, 9, "new"))
    assert load(Extract(None), D1, keyed).rows_written == 1
    assert _published(mysql) == [("2024-03-01 00:00:00.000000", 2, Decimal("9.000"), "new")]


def test_appended_rows_join_those_that_are_there(mysql: MySQLAccess, load: Load) -> None:
    _feed(mysql, ("2024-03-01", 1, 1, None))
    load(Query("probe/feed.sql"), D1, Append("at"))
    _feed(mysql, ("2024-03-01 10:00", 1, 2, None))
    load(Query("probe/feed.sql"), D1, Append("at"))
    assert [row[2] for row in _published(mysql)] == [Decimal(1), Decimal(2)]


def test_a_frame_comes_back_as_it_went(mysql: MySQLAccess, load: Load) -> None:
    moment = datetime(2024, 3, 1, 12, 0, 0, 1, UTC)
    frame = pd.DataFrame(
        {
            "sensor": [1, 2],
            "at": [moment, moment],
            "value": [Decimal("0.125"), None],
            "note": ["", None],
        }
    )
    assert load(frame, Slice(), Replace()).rows_written == 2
    read = MySQLIOManager().read_frame(Relation(parse_ddl(DDL), "at", Window.of_day(date(2024, 3, 1))))
    assert list(read["at"]) == [pd.Timestamp(moment.replace(tzinfo=None))] * 2
    assert [list(read[name]) for name in ("sensor", "value", "note")] == [
        [1, 2], [Decimal("0.125"), None], ["", None],
    ]  # fmt: skip
    with pytest.raises(SchemaMismatchError, match="note is missing"):
        load(frame.drop(columns="note"), Slice(), Replace())


def test_a_frames_value_that_does_not_fit_is_refused(mysql: MySQLAccess, load: Load) -> None:
    good = {"at": datetime(2024, 3, 1, 12, tzinfo=UTC), "sensor": 1, "value": Decimal("1.5"), "note": "x"}
    cases: list[tuple[str, object, str]] = [
        ("at", None, "at is declared DATETIME(6) and holds NULL"),
        ("at", "2024-03-01", "at is declared DATETIME(6) and holds str values"),
        ("at", pd.Timestamp("2024-03-01 00:00:00.000000001"), "times with nanoseconds"),
        ("sensor", None, "sensor is declared int and holds NULL"),
        ("sensor", 2**31, "sensor is declared int, which does not hold 2147483648"),
        ("sensor", 1.5, "sensor is declared int and holds float values"),
        ("value", Decimal("0.0001"), "value is declared decimal(12, 3) and holds Decimal values"),
        ("value", Decimal(10) ** 9, "value is declared decimal(12, 3), which does not hold"),
        ("note", 7, "note is declared varchar(10) and holds int values"),
    ]
    for column, value, said in cases:
        with pytest.raises(SchemaMismatchError, match=re.escape(said)):
            load(pd.DataFrame([good, {**good, column: value}], dtype="object"))
    assert _published(mysql) == []


@pytest.mark.parametrize(
    ("type_", "value", "fits"),
    [
        ("tinyint(1)", True, True), ("tinyint(1)", 128, False), ("tinyint unsigned", 255, True),
        ("bigint unsigned", -1, False), ("bigint(20) unsigned", 2**64 - 1, True), ("double", 0.1, True),
        ("double", float("inf"), False), ("float", 0.1, False), ("float", 0.5, True),
        ("decimal(3)", 1000, False), ("decimal(3)", 999, True),
        ("datetime", datetime(2024, 1, 1, tzinfo=UTC), True),
        ("datetime(3)", pd.Timestamp("2024-01-01 00:00:00.000001"), False), ("date", date(2024, 1, 1), True),
        ("date", pd.Timestamp("2024-01-01 01:00"), False), ("json", {"a": 1}, False), ("blob", b"x", True),
        ("text", b"x", False), ("enum('a','b')", "a", True),
    ],
)  # fmt: skip
def test_values_are_judged(type_: str, value: object, fits: bool) -> None:
    assert (frame_faults([Column("c", type_, True, "")], [[value, None]]) == []) is fits


def test_a_log_is_not_read_into_mysql_and_an_extracts_own_fingerprint_is_kept(
    mysql: MySQLAccess, load: Load, warehouse: Warehouse
) -> None:
    _feed(mysql, ("2024-03-01", 1, 1, "x"))
    load(Extract(Query("probe/feed.sql"), fingerprint="as of line 7", scope="all sensors"))
    assert warehouse.log("fingerprint") == ["as of line 7; all sensors"]
    with pytest.raises(ValueError, match="it is read into Postgres"):
        load(Extract(Query("probe/feed.sql"), positions=lambda: ()))


def test_a_query_of_another_type_is_refused(mysql: MySQLAccess, load: Load, write_sql: WriteSql) -> None:
    write_sql("probe/wide.sql", "SELECT at, sensor, 1.23456 AS value, note FROM mydb.feed")
    with pytest.raises(SchemaMismatchError, match="value is numeric"):
        load(Query("probe/wide.sql"))


def test_too_long_a_text_is_refused_and_nothing_published(
    mysql: MySQLAccess, load: Load, write_sql: WriteSql
) -> None:
    _feed(mysql, ("2024-03-01", 1, 1, "short"))
    load(Query("probe/feed.sql"))
    write_sql("probe/long.sql", "SELECT at, sensor, value, concat(note, ' and long') AS note FROM mydb.feed")
    with pytest.raises(Exception, match="1406"):
        load(Query("probe/long.sql"))
    assert [row[3] for row in _published(mysql)] == ["short"]


def test_a_failed_audit_publishes_nothing(mysql: MySQLAccess, load: Load) -> None:
    _feed(mysql, ("2024-03-01", 1, 1, "x"), ("2024-03-01", 2, 1, "x"))
    with pytest.raises(AuditFailed, match="keys_with_several_rows=1"):
        load(Query("probe/feed.sql"), audits=[unique("note")])
    assert _published(mysql) == []


def test_a_server_that_is_away_stands_in_the_run_log(
    load: Load, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", "mysql://nobody:hidden@127.0.0.1:1/mydb")
    with pytest.raises(OperationalError):
        load(pd.DataFrame(), D1)
    status, error = warehouse.log("status, error", "probe/readings")[-1]
    assert status == "failed"
    assert error.startswith("OperationalError: ") and "hidden" not in error


def test_a_key_that_a_query_gives_twice_fails_the_audit_of_the_key(
    mysql: MySQLAccess, load: Load, write_sql: WriteSql
) -> None:
    _feed(mysql, ("2024-03-01", 1, 1, "x%"), ("2024-03-01", 2, 1, "y"))
    load(Query("probe/feed.sql"))
    twice = "SELECT at, sensor, value, note FROM mydb.feed"
    write_sql("probe/twice.sql", f"{twice} UNION ALL {twice} WHERE note LIKE 'x%%'")
    with pytest.raises(AuditFailed, match=r"unique_at_sensor .*keys_with_several_rows=1"):
        load(Query("probe/twice.sql"), audits=[unique("at", "sensor")])
    with pytest.raises(Exception, match="1062"):
        load(Query("probe/twice.sql"))
    assert len(_published(mysql)) == 2


def test_rejected_rows_stand_in_quarantine(mysql: MySQLAccess, load: Load, warehouse: Warehouse) -> None:
    _feed(mysql, ("2024-03-01", 1, 1, None))
    figures = load(Extract(Query("probe/feed.sql"), rejected=[Rejected("7", "no date", "raw")]))
    assert (figures.rows_read, figures.rows_written, figures.rows_quarantined) == (2, 1, 1)
    assert warehouse.rows("SELECT source_key, reason, payload FROM ops.quarantine") == [
        ("7", "no date", "raw")
    ]


class _Pieces:
    def __init__(self, *pieces: bytes) -> None:
        self._pieces = iter(pieces)

    def read(self, size: int = -1) -> bytes:
        return next(self._pieces, b"")


@pytest.mark.parametrize("cut", range(1, 14))
def test_escapes_are_translated_wherever_a_piece_ends(cut: int) -> None:
    text = rb"a\vb\\vc\fd\\\ve\N"
    assert b"".join(as_load_data(_Pieces(text[:cut], text[cut:]))) == b"a\vb\\\\vc\fd\\\\\ve\\N"  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("declared", "given", "expected"),
    [
        ("int", "integer", True), ("int(11)", "bigint", True), ("decimal(10, 2)", "numeric(10,2)", True),
        ("decimal(10,2)", "numeric(10,3)", False), ("decimal(10,2)", "numeric", False),
        ("DATETIME(6)", "timestamp without time zone", True),
        ("datetime", "timestamp without time zone", False),
        ("datetime(6)", "timestamp with time zone", False), ("tinyint(1)", "boolean", False),
        ("varchar(5)", "character varying", True), ("float", "double precision", False),
        ("json", "jsonb", True),
    ],
)  # fmt: skip
def test_types_are_judged(declared: str, given: str, expected: bool) -> None:
    assert holds(declared, given) is expected
