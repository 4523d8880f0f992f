"""Values of rows are cut from errors, as engines and parsers word them; names and places stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg2
import pytest
from pydantic import TypeAdapter

from marts_platform.row_values import without_values

CANARY = "Kanarie7"


def refuse_canary(*texts: str) -> None:
    """Fail if a text shows the value of a row."""
    assert any(texts)
    assert not [text for text in texts if CANARY in text]


@pytest.mark.parametrize(
    ("statement", "value", "kept"),
    [
        ("SELECT %s::int", CANARY, "type integer: …\nLINE 1"),
        ("SELECT %s::text::int", f"12\n{CANARY}\"'", "type integer: …"),
        ("SELECT %s::timestamptz", CANARY, "type timestamp with time zone: …"),
        ("SELECT %s::jsonb", f'{{"a": {CANARY}}}', "DETAIL: Token … is invalid.\nCONTEXT: JSON data, line 1"),
        ("SELECT %s::int[]", CANARY, "malformed array literal: …"),
        ("SELECT %s::uuid", CANARY, "type uuid: …"),
        ("SELECT to_date(%s, 'YYYY')", CANARY, 'invalid value … for "YYYY"'),
        ("SELECT %s::date", "2020-13-45", "out of range: …"),
        ("INSERT INTO canaries VALUES (1, %s), (2, 'x'), (3, %s)", CANARY, "Key (value)=(…) already exists"),
        ("INSERT INTO canaries VALUES (NULL, %s)", CANARY, 'column "id" of relation "canaries"'),
        ("INSERT INTO canaries VALUES (101, %s)", CANARY, "DETAIL: Failing row contains (…)"),
        ("INSERT INTO canaries SELECT (%s::jsonb ->> 'a')::int", f'{{"a": "{CANARY}"}}', "type integer: …"),
    ],
)
def test_postgres_error_keeps_names_and_no_value(
    database_url: str, statement: str, value: str, kept: str
) -> None:
    with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE canaries (id int NOT NULL CHECK (id < 100), value text UNIQUE)"
        )
        with pytest.raises(psycopg2.Error) as raised:
            cursor.execute(statement, (value,) * statement.count("%s"))
    clean = without_values(str(raised.value))
    assert kept in clean and value not in clean
    refuse_canary(clean)
    assert without_values(clean) == clean


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "(1366, \"Incorrect string value: 'Kanarie7\\\\xF0 it's' for column `d`.`t`.`c` at row 3\")",
            "for column `d`.`t`.`c` at row 3",
        ),
        ("UniqueViolation: DETAIL:  Key (id)=(Kanarie7) already exists.", "Key (id)=(…) already exists."),
        ('bad DETAIL: Key (id)=(Kanarie7) exists. CONTEXT: COPY t, line 3: "Kanarie7"', "COPY t, line 3"),
        ("(1062, \"Duplicate entry 'Kanarie7-1' for key 'PRIMARY'\")", "for key 'PRIMARY'"),
        (
            "(1292, \"Incorrect datetime value: 'Kanarie7' for column `d`.`t`.`at` at row 1\")",
            "Incorrect datetime value: … for column",
        ),
        ("(1292, \"Truncated incorrect DOUBLE value: 'Kanarie7'\")", "Truncated incorrect DOUBLE value: …"),
        ("(3140, 'Invalid JSON text: \"Kanarie7\" at position 0 in value for column 't.j'.')", "'t.j'"),
        (
            '(1064, "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB '
            "server version for the right syntax to use near 'Kanarie7'' at line 1\")",
            "at line 1",
        ),
        ("value: [type=int_parsing, input_value='Kanarie7', input_type=str]", "input_type=str"),
        ("('Could not convert Kanarie7 with type str: tried to convert to int64', 'x')", "convert to int64"),
    ],
)
def test_text_of_driver_keeps_names_and_no_value(text: str, kept: str) -> None:
    clean = without_values(text)
    refuse_canary(clean)
    assert kept in clean


@pytest.mark.parametrize(
    "parse",
    [
        lambda: int(CANARY),
        lambda: float(CANARY),
        lambda: datetime.fromisoformat(CANARY),
        lambda: datetime.strptime(CANARY, "%Y %z"),
        lambda: TypeAdapter(int).validate_python(CANARY),
        lambda: json.loads(CANARY),
        lambda: Decimal(CANARY),
    ],
)
def test_error_of_python_shows_no_value(parse: Callable[[], Any]) -> None:
    with pytest.raises((ValueError, ArithmeticError)) as raised:
        parse()
    refuse_canary(without_values(f"{type(raised.value).__name__}: {raised.value}"))


@pytest.mark.parametrize(
    "text",
    [
        'relation "ops.etl_run_log" does not exist',
        "probe/readings: value is Nullable(Int8), declared Nullable(String)",
        'connection to server at "127.0.0.1", port 1 failed: Connection refused\n\tIs the server running?',
        "Code: 60. DB::Exception: Unknown table expression identifier 'x'. (UNKNOWN_TABLE)",
        "within_window (no row lies outside): rows_outside=1",
    ],
)
def test_text_without_values_stays(text: str) -> None:
    assert without_values(text) == text
