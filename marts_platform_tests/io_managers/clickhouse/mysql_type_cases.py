"""Types from MySQL into ClickHouse: exact, quarantined value by value, or refused by their type."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from marts_platform_tests.io_managers.clickhouse.type_cases import MESSY


class Exact(NamedTuple):
    """A column whose values arrive as they are.

    Attributes:
        what: it holds.
        mysql: its type at the source.
        clickhouse: its declared type.
        given: what MySQL is given, as literals.
        wanted: what ClickHouse has.
        is_everywhere: false for what seekdb does not know.
    """

    what: str
    mysql: str
    clickhouse: str
    given: tuple[str, ...]
    wanted: tuple[Any, ...]
    is_everywhere: bool = True


class Other(NamedTuple):
    """A column with a value that does not arrive, or of a type that the column does not take.

    Attributes:
        what: it holds.
        mysql: its type at the source.
        clickhouse: its declared type.
        value: a literal of MySQL, or what to do instead.
    """

    what: str
    mysql: str
    clickhouse: str
    value: str


EXACT = (
    Exact("integers of 8 bits, whatever their display", "tinyint(1)", "Int8", ("-128", "127"), (-128, 127)),
    Exact("booleans as MySQL has them", "tinyint(1)", "Bool", ("0", "1"), (False, True)),
    Exact("booleans of another width", "int", "Nullable(Bool)", ("1", "NULL"), (True, None)),
    Exact("bits", "bit(1)", "Bool", ("b'0'", "b'1'"), (False, True)),
    Exact("unsigned integers, 8 bits", "tinyint unsigned", "UInt8", ("0", "255"), (0, 255)),
    Exact("integers, 24 bits", "mediumint", "Int32", ("-8388608", "8388607"), (-(2**23), 2**23 - 1)),
    Exact("unsigned integers, 32 bits", "int unsigned", "UInt32", ("0", "4294967295"), (0, 2**32 - 1)),
    Exact("zero-filled integers", "int(10) unsigned zerofill", "UInt32", ("0", "42"), (0, 42)),
    Exact("integers of a wider type", "bigint", "UInt32", ("0", "4294967295"), (0, 2**32 - 1)),
    Exact("unsigned integers, 64 bits", "bigint unsigned", "UInt64", ("0", f"{2**64 - 1}"), (0, 2**64 - 1)),
    Exact("years", "year", "UInt16", ("1901", "2155"), (1901, 2155)),
    Exact(
        "decimals of fewer digits", "decimal(9, 1)", "Decimal(10, 2)", ("12.0", "-0.5"),
        (Decimal("12.00"), Decimal("-0.50")),
    ),
    Exact("floats, 64 bits", "double", "Float64", ("0.1", "-1e300"), (0.1, -1e300)),
    Exact("floats, 32 bits", "float", "Float64", ("0.5", "0.1"), (0.5, 0.10000000149011612)),
    Exact(
        "moments of any fraction", "datetime(3)", "DateTime64(6, 'UTC')",
        ("'2024-02-29 23:59:59.999'", "'1965-05-01'"),
        (datetime(2024, 2, 29, 23, 59, 59, 999000, UTC), datetime(1965, 5, 1, tzinfo=UTC)),
    ),
    Exact(
        "timestamps", "timestamp(6) NULL", "Nullable(DateTime64(6, 'UTC'))",
        ("'2024-02-29 23:59:59.000001'", "NULL"), (datetime(2024, 2, 29, 23, 59, 59, 1, UTC), None),
    ),
    Exact("days", "date", "Date32", ("'1965-05-01'", "'9999-12-31'"), (date(1965, 5, 1), date(9999, 12, 31))),
    Exact(
        "Cyrillic, emoji, and what a format escapes", "longtext", "String",
        ("'Ночной поезд 🚆'", f"x'{MESSY.encode().hex()}'"), ("Ночной поезд 🚆", MESSY),
    ),
    Exact(
        "texts in cp1251", "varchar(20) CHARACTER SET cp1251", "String", ("'Пётр'", "''"), ("Пётр", ""),
        is_everywhere=False,
    ),
    Exact(
        "texts in latin1", "text CHARACTER SET latin1", "String", ("'é'", "'\\\\'"), ("é", "\\"),
        is_everywhere=False,
    ),
    Exact("NULL and empty texts", "varchar(20)", "Nullable(String)", ("NULL", "''"), (None, "")),
    Exact(
        "names of a list", "enum('new', 'done')", "Enum8('new' = 1, 'done' = 2)", ("'new'", "2"),
        ("new", "done"),
    ),
    Exact("bytes", "varbinary(10)", "String", ("x'00ff09'", "''"), (b"\x00\xff\t", "")),
)  # fmt: skip

QUARANTINED = (
    Other("invalid dates", "date", "Nullable(Date32)", "'0000-00-00'"),
    Other("dates without a month", "datetime", "Nullable(DateTime64(6, 'UTC'))", "'2024-00-00'"),
    Other("invalid timestamps", "timestamp NULL", "Nullable(DateTime64(6, 'UTC'))", "0"),
    Other("booleans of 2", "tinyint(1)", "Nullable(Bool)", "2"),
    Other("negative numbers", "int", "Nullable(UInt32)", "-1"),
    Other("integers beyond a narrower column", "bigint unsigned", "Nullable(UInt32)", "4294967296"),
)

REFUSED = (
    Other("decimals with more digits", "decimal(12, 4)", "Decimal(10, 2)", "a column as long"),
    Other("floats as decimals", "double", "Decimal(10, 2)", "cast it to DECIMAL"),
    Other("texts as numbers", "varchar(20)", "UInt32", "cast it"),
    Other("spans of time", "time", "DateTime64(6, 'UTC')", "String"),
)

QUOTE = "'"
_HEAD = """
## From MySQL, MariaDB and seekdb

Tried on MariaDB and seekdb by `test_exact_types_mysql.py`. A type is judged by its width and sign, never by
its display: a `tinyint(1)` is a `tinyint`. A DATETIME has no zone; the extract says which one it is of.

| what | MySQL | ClickHouse | |
|---|---|---|---|
"""


def document() -> str:
    """The table of the documentation."""
    ends = {case: "exact" if case.is_everywhere else "exact; not in seekdb" for case in EXACT}
    others = {case: f"quarantined, such as {case.value.replace(QUOTE, '')}" for case in QUARANTINED}
    others |= {case: f"refused; {case.value}" for case in REFUSED}
    lines = [f"| {case.what} | `{case.mysql}` | `{case.clickhouse}` | {end} |" for case, end in ends.items()]
    lines += [
        f"| {case.what} | `{case.mysql}` | `{case.clickhouse}` | {end} |" for case, end in others.items()
    ]
    return _HEAD + "\n".join(lines) + "\n"
