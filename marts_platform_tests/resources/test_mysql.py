"""A SELECT at a MySQL server comes as COPY's text: exact or loudly refused, read only, ended in time."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from typing_extensions import override

from marts_platform.core.faults import is_passing
from marts_platform.resources.mysql import MySQLResource, MySQLStreamError, SelectOut
from marts_platform.resources.postgres import Limits
from marts_platform_tests.mysql_servers import MySQLAccess, connect, rows

SERVER = MySQLResource(setting="chat_url")

KINDS = """
    CREATE TABLE kinds (
        id BIGINT UNSIGNED PRIMARY KEY, flag TINYINT(1), tiny TINYINT UNSIGNED, medium MEDIUMINT,
        whole INT UNSIGNED, exact DECIMAL(20, 6), small FLOAT, large DOUBLE, local DATETIME(6),
        moment TIMESTAMP(6) NULL, day DATE, span TIME(3), text VARCHAR(50), raw VARBINARY(10), bits BIT(10),
        kind ENUM('a', 'b')
    ) ENGINE = InnoDB DEFAULT CHARSET utf8mb4
"""
HOSTILE = "tab\t line\n return\r back\\slash nul\x0012 😀 \\N"
VALUES = (
    2**64 - 1, 1, 255, -(2**23), 2**32 - 1, "12345678901234.123456", 0.1, 0.1, "2024-02-29 23:59:59.999999",
    "1970-01-01 00:00:01.000001", "1965-05-01", "-12:00:00.123", HOSTILE, b"\x00\xff\t", 0b1000000001, "b",
)  # fmt: skip
TYPES = {
    "id": "bigint unsigned", "flag": "tinyint", "tiny": "tinyint unsigned", "medium": "mediumint",
    "whole": "int unsigned",
    "exact": "numeric(20,6)", "small": "double precision", "large": "double precision",
    "local": "timestamp without time zone", "moment": "timestamp with time zone", "day": "date",
    "span": "interval", "text": "text", "raw": "bytea", "bits": "bigint unsigned", "kind": "text",
}  # fmt: skip
LINE = (
    "18446744073709551615", "1", "255", "-8388608", "4294967295", "12345678901234.123456",
    "0.10000000149011612", "0.1", "2024-02-29 23:59:59.999999", "1970-01-01 00:00:01.000001+00",
    "1965-05-01", "-12:00:00.123",
    "tab\\t line\\n return\\r back\\\\slash nul\x0012 😀 \\\\N", "\\\\x00ff09", "513", "b",
)  # fmt: skip


@pytest.fixture
def access(mysql: MySQLAccess, monkeypatch: pytest.MonkeyPatch) -> Iterator[MySQLAccess]:
    monkeypatch.setenv("MARTS_CHAT_URL", mysql.chat_url)
    mysql.clear()
    with connect(mysql.chat_owner_url) as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_mode = ''")
        cursor.execute(KINDS)
        cursor.execute(f"INSERT INTO kinds VALUES ({', '.join(['%s'] * len(VALUES))})", VALUES)
        cursor.execute("INSERT INTO kinds (id, text) VALUES (1, '')")
        cursor.execute(
            "INSERT INTO kinds (id, local, moment, day) VALUES (2, 0, 0, 0), (3, '2020-00-10', NULL, 0)"
        )
    yield mysql
    mysql.clear()


def _sent(query: str, columns: tuple[str, ...], **options: Any) -> str:
    sink = io.BytesIO()
    sent = SelectOut(SERVER, query, columns, **options).send(sink)
    text = sink.getvalue().decode()
    assert sent == text.count("\n")
    return text


def test_every_value_comes_exactly(access: MySQLAccess) -> None:
    query = "SELECT * FROM kinds WHERE id IN (1, %(largest)s) ORDER BY id DESC"
    stream = SelectOut(SERVER, query, tuple(TYPES), {"largest": 2**64 - 1})
    assert stream.describe() == TYPES
    nulls = ["\\N"] * len(TYPES)
    nulls[0], nulls[12] = "1", ""
    lines = sorted(_sent(query, tuple(TYPES), params={"largest": 2**64 - 1}).splitlines(keepends=True))
    assert lines == ["\t".join(nulls) + "\n", "\t".join(LINE) + "\n"]


def test_a_zero_date_is_sent_as_no_time(access: MySQLAccess) -> None:
    query, columns = "SELECT * FROM kinds WHERE id IN (2, 3)", ("local", "moment", "day")
    assert sorted(_sent(query, columns).splitlines()) == [
        "no time: 0000-00-00 00:00:00.000000\tno time: 0000-00-00 00:00:00.000000\tno time: 0000-00-00",
        "no time: 2020-00-10 00:00:00.000000\t\\N\tno time: 0000-00-00",
    ]


def test_columns_are_shown_to_the_receiver_before_a_row_is(access: MySQLAccess) -> None:
    def refuse(given: Any) -> None:
        raise ValueError(list(given))

    with pytest.raises(ValueError, match="moment"):
        _sent("SELECT moment FROM kinds", ("moment",), refuse=refuse)


def test_a_session_is_read_only_in_utc_and_ends_in_time(access: MySQLAccess) -> None:
    with SERVER.connect(Limits(0.2, read_only=True)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@time_zone, @@character_set_client")
        assert cursor.fetchall() == (("+00:00", "utf8mb4"),)
        with pytest.raises(pymysql.MySQLError, match="(?i)read only|denied"):
            cursor.execute("DELETE FROM kinds")
        with pytest.raises(pymysql.MySQLError, match="(?i)timeout|max_statement_time") as limit:
            cursor.execute("SELECT sleep(20) FROM kinds")
            assert cursor.fetchall() != ((0,),)
        assert not is_passing(limit.value)


class _Sink(io.RawIOBase):
    def __init__(self, seen: threading.Event, wait: threading.Event) -> None:
        super().__init__()
        self._seen = seen
        self._wait = wait

    @override
    def write(self, b: Any, /) -> int:
        self._seen.set()
        self._wait.wait(20)
        return len(b)


def test_a_stream_ends_at_the_server_when_it_is_cancelled(access: MySQLAccess) -> None:
    many = " UNION ALL ".join(["SELECT id FROM kinds"] * 10)
    query = f"SELECT a.id FROM ({many}) a, ({many}) b, ({many}) c, ({many}) d"
    seen, wait = threading.Event(), threading.Event()
    stream = SelectOut(SERVER, query, ("id",))
    found: list[BaseException] = []

    def send() -> None:
        try:
            stream.send(_Sink(seen, wait))  # pyright: ignore[reportArgumentType]
        except pymysql.MySQLError as error:
            found.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    assert seen.wait(60)
    stream.cancel()
    wait.set()
    thread.join(60)
    assert not thread.is_alive()
    assert [type(error).__name__ for error in found] == ["OperationalError"]
    running = "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT concat%%'"
    assert rows(access.chat_owner_url, running) == [(0,)]


def test_a_line_that_the_server_cannot_hold_is_an_error_and_no_null(access: MySQLAccess) -> None:
    query = "SELECT repeat('a', 9000000) AS one, repeat('b', 9000000) AS other"
    if access.name == "embedded":  # it holds more than its max_allowed_packet
        assert len(_sent(query, ("one", "other"))) == 18_000_002
        return
    with pytest.raises(MySQLStreamError, match="max_allowed_packet"):
        _sent(query, ("one", "other"))


def test_texts_of_other_character_sets_come_as_utf8mb4(access: MySQLAccess) -> None:
    others = ("utf8mb4", "utf8mb4") if access.name == "embedded" else ("latin1", "cp1251")
    columns = ("western", "cyrillic", "plain", "kind")
    with connect(access.chat_owner_url) as connection, connection.cursor() as cursor:
        cursor.execute("SET NAMES utf8mb4")
        cursor.execute(
            "CREATE TABLE texts (western VARCHAR(9) CHARACTER SET {0}, cyrillic TEXT CHARACTER SET {1}, "
            "plain LONGTEXT CHARACTER SET utf8mb4, kind ENUM('Ж') CHARACTER SET {1})".format(*others)
        )
    assert _sent("SELECT * FROM texts", columns) == ""
    with connect(access.chat_owner_url) as connection, connection.cursor() as cursor:
        cursor.execute("SET NAMES utf8mb4")
        cursor.execute("INSERT INTO texts VALUES ('é', 'Ж\\t', '😀', 'Ж'), (NULL, NULL, NULL, NULL)")
    assert sorted(_sent("SELECT * FROM texts", columns).splitlines()) == [
        "\\N\t\\N\t\\N\t\\N",
        "é\tЖ\\t\t😀\tЖ",
    ]
    joined = "SELECT concat(cyrillic, 'x') AS one, max(western) AS other FROM texts GROUP BY cyrillic"
    assert "Ж\\tx\té\n" in _sent(joined, ("one", "other"))


@pytest.mark.parametrize(("code", "passes"), [(1205, True), (1213, True), (2013, True), (1064, False)])
def test_faults_are_sorted(code: int, passes: bool) -> None:
    assert is_passing(pymysql.OperationalError(code, "")) is passes


def test_no_server_is_a_passing_fault_and_shows_no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_CHAT_URL", "mysql://reader:geheim@127.0.0.1:1/chatdb")
    with pytest.raises(pymysql.OperationalError) as refused, SERVER.connect():
        pass
    assert is_passing(refused.value) and "geheim" not in repr(refused.value)
