"""What travels from a source into ClickHouse and out again as a DataFrame, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

MESSY = "quote \" apostrophe ' backslash \\ brace } , \n tab \t \v NULL \\N \u2028 \u00a0 end"


class Exact(NamedTuple):
    """A column whose values arrive as they are."""

    what: str
    postgres: str
    clickhouse: str
    values: tuple[Any, ...]


class Refused(NamedTuple):
    """A column of a stream that would arrive changed."""

    what: str
    postgres: str
    clickhouse: str
    instead: str


class RefusedValue(NamedTuple):
    """A value of a stream that a column does not hold which holds the others of its type.

    It is missing where the column is Nullable; otherwise its row is. Either stands in quarantine.
    """

    what: str
    postgres: str
    clickhouse: str
    value: str


EXACT = (
    Exact(
        "decimals of 38 digits", "numeric(38,18)", "Nullable(Decimal(38, 18))",
        (Decimal("12345678901234567890.123456789012345678"),
         Decimal("-99999999999999999999.999999999999999999"),
         Decimal("0.000000000000000001"), Decimal(0), None),
    ),
    Exact("integers, 16 bits", "smallint", "Nullable(Int16)", (2**15 - 1, -(2**15), 0, 1, None)),
    Exact("integers, 32 bits", "integer", "Nullable(Int32)", (2**31 - 1, -(2**31), 0, 1, None)),
    Exact("integers, 64 bits", "bigint", "Nullable(Int64)", (2**63 - 1, -(2**63), 0, 2**53 + 1, None)),
    Exact("unsigned integers, 64 bits", "numeric(20,0)", "Nullable(UInt64)", (2**64 - 1, 0, 2**63, 1, None)),
    Exact(
        "floats, 64 bits", "double precision", "Float64",
        (float("nan"), float("-inf"), 5e-324, 1.7976931348623157e308, -0.0),
    ),
    Exact("floats, 32 bits", "real", "Float32", (0.5, -0.0, float("inf"), 1.5, float("nan"))),
    Exact("booleans", "boolean", "Nullable(Bool)", (True, False, None, True, False)),
    Exact(
        "moments in microseconds, zones, days on which clocks shift, before 1970", "timestamptz",
        "Nullable(DateTime64(6, 'UTC'))",
        (datetime(2024, 3, 31, 1, 59, 59, 999999, timezone(timedelta(hours=1))),
         datetime(2024, 3, 31, 3, 0, 0, 0, timezone(timedelta(hours=2))),
         datetime(1965, 5, 1, 3, 4, 5, 6, UTC), datetime(2024, 10, 27, 0, 30, tzinfo=UTC), None),
    ),
    Exact(
        "moments of the years 1 to 9999", "timestamptz", "DateTime64(6, 'UTC')",
        (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999999, UTC),
         datetime(1899, 12, 31, 23, 59, 59, 999999, UTC), datetime(2300, 1, 1, tzinfo=UTC),
         datetime(1969, 12, 31, 23, 59, 59, 999999, UTC)),
    ),
    Exact("days before 1970, of the years 1 to 9999", "date", "Nullable(Date32)",
          (date(1965, 5, 1), date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29), None)),
    Exact("NULL, empty and zero", "text", "Nullable(String)", (None, "", "0", "NULL", "\\N")),
    Exact("Cyrillic, emoji, and what a format escapes", "text", "String",
          ("Ночной поезд 🚆", "à 李雷", MESSY, "", "\\x41")),
    Exact("texts of few values", "text", "LowCardinality(String)", ("а", "б", "", "а", "б")),
    Exact("names of a list", "text", "Enum8('new' = 1, 'done' = 2)", ("new", "done", "new", "new", "done")),
    Exact("bytes", "bytea", "Nullable(String)",
          (bytes(range(128, 256)), b"\xff\x00", b"\xfe\\x41", b"\xc3(", None)),
    Exact("UUIDs", "uuid", "UUID", tuple(f"0190a5f2-7c3e-7abc-8def-0123456789a{n}" for n in range(5))),
    Exact("JSON, as its text", "json", "String",
          ('{"b": [1, null, {"ключ": "🚆"}], "a": 12345678901234567890123}', "[]", "null", '"x"', "1.10")),
)  # fmt: skip

# These have no type of their own in Postgres; a DataFrame and a query of ClickHouse hold them.
EXACT_HERE = (
    Exact("arrays, NULL and empty texts in them", "", "Array(Nullable(String))",
          (["а", None, "", MESSY], [], [None], ["NULL"], ["🚆"])),
    Exact("arrays of numbers", "", "Array(Int64)", ([1, -(2**63)], [], [0], [2**63 - 1], [7])),
    Exact("JSON objects without nulls", "", "JSON",
          ({"a": 1, "b": {"ключ": "🚆"}}, {"list": [1, 2]}, {"x": 1.5}, {"y": True}, {"z": "t"})),
)  # fmt: skip

REFUSED = (
    Refused("decimals of any length", "numeric", "Decimal(38, 18)", "cast it to numeric(p,s)"),
    Refused("decimals with more digits", "numeric(38,19)", "Decimal(38, 18)", "a column as long, or a cast"),
    Refused("64 bits of float", "double precision", "Float32", "Float64; round it in the mart"),
    Refused("local times", "timestamp", "DateTime64(6, 'UTC')", "say its zone: column AT TIME ZONE 'UTC'"),
    Refused("microseconds into seconds", "timestamptz", "DateTime('UTC')", "DateTime64(6, 'UTC')"),
    Refused("microseconds into milliseconds", "timestamptz", "DateTime64(3, 'UTC')", "DateTime64(6, 'UTC')"),
    Refused("arrays", "text[]", "Array(String)", "select array_to_json(column)::text into a String"),
    Refused("JSON", "jsonb", "JSON", "declare String; the type JSON drops nulls and rounds numbers"),
    Refused("texts of a fixed length", "text", "FixedString(8)", "String"),
)

REFUSED_VALUES = (
    RefusedValue("days before 1970", "date", "Date", "1965-05-01"),
    RefusedValue("days after 2149", "date", "Nullable(Date)", "2149-06-07"),
    RefusedValue("days after 9999", "date", "Date32", "10000-01-01"),
    RefusedValue("days before our era", "date", "Nullable(Date32)", "0044-03-15 BC"),
    RefusedValue("moments after 9999", "timestamptz", "DateTime64(6, 'UTC')", "10000-01-01 00:00+00"),
    RefusedValue(
        "moments before our era", "timestamptz", "Nullable(DateTime64(6, 'UTC'))", "0044-03-15 00:00+00 BC"
    ),
    RefusedValue("the end of time", "timestamptz", "DateTime64(6, 'UTC')", "infinity"),
    RefusedValue("numbers beyond 64 bits", "numeric(20,0)", "UInt64", "18446744073709551616"),
    RefusedValue("negative numbers", "numeric(20,0)", "Nullable(UInt64)", "-1"),
    RefusedValue("invalid numbers", "numeric(38,18)", "Decimal(38, 18)", "NaN"),
    RefusedValue("integers beyond a narrower column", "bigint", "Int32", "2147483648"),
    RefusedValue("integers that are no booleans", "integer", "Nullable(Bool)", "2"),
    RefusedValue("names that are not on the list", "text", "Enum8('new' = 1, 'done' = 2)", "other"),
)


def document() -> str:
    """The table of the documentation."""
    lines = [f"| {case.what} | `{case.postgres}` | `{case.clickhouse}` | exact |" for case in EXACT]
    lines += [
        f"| {case.what} | | `{case.clickhouse}` | exact in queries and DataFrames |" for case in EXACT_HERE
    ]
    lines += [
        f"| {case.what} | `{case.postgres}` | `{case.clickhouse}` | refused; {case.instead} |"
        for case in REFUSED
    ]
    lines += [
        f"| {case.what} | `{case.postgres}` | `{case.clickhouse}` | quarantined, such as {case.value} |"
        for case in REFUSED_VALUES
    ]
    return f"{HEAD}{chr(10).join(lines)}\n{TAIL}"


HEAD = """# Types between a source, ClickHouse and a DataFrame

Each line was tried on the engines by `test_exact_types.py` and `test_judged.py` in
`marts_platform_tests/io_managers/clickhouse/`; the first of them also writes this file. Values travel by COPY
from Postgres, by a query of ClickHouse and in a DataFrame, and come back as a DataFrame.

| what | Postgres | ClickHouse | |
|---|---|---|---|
"""
TAIL = """
*Refused* is the whole load: the column takes no such type. *Quarantined* is one value of a stream: where the
column is `Nullable`, the row arrives without the value; otherwise the row stands in `ops.quarantine`. A
stream's NULL for a column that is not `Nullable` is such a value. NULL of a query or a DataFrame is refused
there, whatever its type. So is a value of a DataFrame that its column would round, cut or wrap.
"""
