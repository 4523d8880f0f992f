"""What the server reads out of a statement: where rows begin, and the FORMAT clause."""

from __future__ import annotations

import pytest

from marts_platform.embedded.clickhouse_http.errors import ServerError
from marts_platform.embedded.clickhouse_http.sql import (
    IncompleteError,
    first_word,
    insert_with_data,
    output,
)


@pytest.mark.parametrize(
    ("text", "statement", "data_format", "data"),
    [
        (b"INSERT INTO t FORMAT TSV\n1\t2\n", b"INSERT INTO t ", "TSV", b"1\t2\n"),
        (b"INSERT INTO t FORMAT TSV \r\n1", b"INSERT INTO t ", "TSV", b"1"),
        (b"INSERT INTO t FORMAT TSV\n\nx", b"INSERT INTO t ", "TSV", b"\nx"),
        (b"insert into t (a, b) format JSONEachRow {}", b"insert into t (a, b) ", "JSONEachRow", b"{}"),
        (b"INSERT INTO t VALUES (1), (2)", b"INSERT INTO t ", "Values", b" (1), (2)"),
        (b"INSERT INTO t(`values`, format) VALUES(1)", b"INSERT INTO t(`values`, format) ", "Values", b"(1)"),
        (b"INSERT INTO values FORMAT Native\n\x00", b"INSERT INTO values ", "Native", b"\x00"),
        (b"INSERT INTO db.format VALUES (1)", b"INSERT INTO db.format ", "Values", b" (1)"),
        (b"-- FORMAT CSV\nINSERT INTO t /* VALUES */ FORMAT CSV\n1",
         b"-- FORMAT CSV\nINSERT INTO t /* VALUES */ ", "CSV", b"1"),
        (b"INSERT INTO t SETTINGS a = 1 FORMAT CSV\n1", b"INSERT INTO t SETTINGS a = 1 ", "CSV", b"1"),
        (b"INSERT INTO FUNCTION file('x', 'FORMAT CSV') FORMAT CSV\n1",
         b"INSERT INTO FUNCTION file('x', 'FORMAT CSV') ", "CSV", b"1"),
        (b"INSERT INTO {table:Identifier} FORMAT CSV\n1", b"INSERT INTO {table:Identifier} ", "CSV", b"1"),
    ],
)  # fmt: skip
def test_rows_begin_after_the_format(text: bytes, statement: bytes, data_format: str, data: bytes) -> None:
    insert = insert_with_data(text, whole=True)
    assert insert is not None
    assert (insert.target + insert.settings, insert.format, text[insert.data :]) == (
        statement,
        data_format,
        data,
    )


def test_rows_come_from_a_file() -> None:
    insert = insert_with_data(b"INSERT INTO t (a) SETTINGS x = 'SETTINGS' VALUES (1)", whole=True)
    assert insert is not None
    assert insert.from_file("P", "lz4").split(b"\n") == [
        b"INSERT INTO t (a) ",
        b"FROM INFILE 'P' COMPRESSION 'lz4'",
        b"SETTINGS x = 'SETTINGS' ",
        b"FORMAT Values",
    ]


@pytest.mark.parametrize(
    "text",
    [
        b"SELECT 1 FORMAT TSV",
        b"INSERT INTO t SELECT 1",
        b"INSERT INTO t (SELECT 1)",
        b"INSERT INTO t (a, b) WITH x AS (SELECT 1) SELECT * FROM x FORMAT Null",
        b"INSERT INTO t",
        b"EXPLAIN INSERT INTO t VALUES (1)",
    ],
)
def test_other_statements_have_no_rows(text: bytes) -> None:
    assert insert_with_data(text, whole=True) is None


def test_an_insert_is_told_from_the_rows_wherever_the_body_is_cut() -> None:
    text = b"INSERT INTO `my values` /* SELECT */ (a) FORMAT TSV\n1\n2\n"
    expected = insert_with_data(text, whole=True)
    for cut in range(1, len(text)):
        try:
            found = insert_with_data(text[:cut], whole=False)
        except IncompleteError:
            continue
        assert found == expected, text[:cut]
    # The rows are not waited for.
    assert insert_with_data(text[: text.index(b"1\n2")], whole=False) == expected


def test_a_server_takes_no_files() -> None:
    with pytest.raises(ServerError, match="infile") as raised:
        insert_with_data(b"INSERT INTO t FROM INFILE 'x' FORMAT CSV", whole=True)
    assert (raised.value.code, raised.value.status) == (78, 404)
    with pytest.raises(ServerError, match="INTO OUTFILE is not allowed") as raised:
        output(b"SELECT 1 INTO OUTFILE 'x' FORMAT CSV")
    assert raised.value.code == 358


@pytest.mark.parametrize(
    ("text", "data_format", "changed"),
    [
        (b"SELECT 1", None, b"SELECT 1|FORMAT D"),
        (b"SELECT 1;", None, b"SELECT 1|FORMAT D"),
        (b"SELECT 1 -- FORMAT CSV", None, b"SELECT 1|FORMAT D"),
        (b"SELECT 1 FORMAT JSON", "JSON", b"SELECT 1 |FORMAT JSON"),
        (b"SELECT 1 format json ; ", "json", b"SELECT 1 |format json"),
        (b"SELECT 1 SETTINGS a = 1 FORMAT CSV", "CSV", b"SELECT 1 SETTINGS a = 1 |FORMAT CSV"),
        (b"SELECT 1 FORMAT CSV SETTINGS a = 'FORMAT'", "CSV", b"SELECT 1 |FORMAT CSV SETTINGS a = 'FORMAT'"),
        (b"SELECT 'FORMAT JSON'", None, b"SELECT 'FORMAT JSON'|FORMAT D"),
        (b"SELECT 'it''s' `FORMAT` FORMAT CSV", "CSV", b"SELECT 'it''s' `FORMAT` |FORMAT CSV"),
        (b"SELECT a, format b", None, b"SELECT a, format b|FORMAT D"),
        (b"SELECT format b", None, b"SELECT format b|FORMAT D"),
        (b"SELECT format FROM t", None, b"SELECT format FROM t|FORMAT D"),
        (b"SELECT format('{} {}', a, b) FROM t", None, b"SELECT format('{} {}', a, b) FROM t|FORMAT D"),
        (b"SELECT * FROM (SELECT 1 FORMAT CSV)", None, b"SELECT * FROM (SELECT 1 FORMAT CSV)|FORMAT D"),
        (b"SELECT $x$ FORMAT CSV $x$", None, b"SELECT $x$ FORMAT CSV $x$|FORMAT D"),
        (b"SELECT \xff FORMAT CSV", "CSV", b"SELECT \xff |FORMAT CSV"),
    ],
)
def test_a_result_is_sent_elsewhere_in_its_format(
    text: bytes, data_format: str | None, changed: bytes
) -> None:
    found = output(text)
    assert found.format == data_format
    outfile = b"\nINTO OUTFILE 'P' APPEND /* M */\n"
    assert found.into("P", "D", "M") == changed.replace(b"|", outfile)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (b"(SELECT 1)", b"SELECT"),
        (b"/* a */ -- b\n with x AS (SELECT 1) SELECT 1", b"WITH"),
        (b"", b""),
        (b" ;", b""),
        (b"-- nothing", b""),
    ],
)
def test_first_word(text: bytes, word: bytes) -> None:
    assert first_word(text) == word
