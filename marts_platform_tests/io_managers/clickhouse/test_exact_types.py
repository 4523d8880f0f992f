"""Every value arrives in ClickHouse as it is, by COPY, a query and a DataFrame, and out again as a DataFrame.

Or it is refused. ``python -m marts_platform_tests.io_managers.clickhouse.test_exact_types`` writes
docs/types.md.
"""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import psycopg2
import pytest

from marts_platform.core.path import Replace
from marts_platform.core.relation import Relation
from marts_platform.core.table import declared
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform.io_managers.ledger import SchemaMismatchError
from marts_platform_tests.io_managers.clickhouse import mysql_type_cases
from marts_platform_tests.io_managers.clickhouse.probe import ClickHouseProbe
from marts_platform_tests.io_managers.clickhouse.type_cases import (
    EXACT,
    EXACT_HERE,
    REFUSED,
    document,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marts_platform_tests.io_managers.clickhouse.type_cases import Exact, Refused, RefusedValue

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "types.md"


def ddl(cases: Sequence[Exact | Refused | RefusedValue], table: str = "readings") -> str:
    """The table of the cases, a column each."""
    columns = ",\n".join(f"    c{place} {case.clickhouse}" for place, case in enumerate(cases))
    described = "\n".join(f"{line.removesuffix(',')}, -- Values." for line in columns.splitlines()[:-1])
    return (
        f"-- A column of each type.\nCREATE TABLE probe.{table} (\n    id Int32, -- Which row.\n"
        f"{described}\n{columns.splitlines()[-1]} -- Values.\n)\nENGINE = MergeTree\nORDER BY id"
    )


def frame_of(cases: Sequence[Exact]) -> pd.DataFrame:
    """Their values as a DataFrame of objects."""
    columns = {f"c{place}": pd.Series(case.values, dtype="object") for place, case in enumerate(cases)}
    return pd.DataFrame({"id": pd.Series(range(5), dtype="Int32"), **columns})


def read(cases: Sequence[Exact]) -> list[list[Any]]:
    """The mart's values, a list for each case."""
    relation = Relation(declared("probe/ddl/readings.sql"))
    frame = ClickHouseIOManager().read_frame(relation).sort_values("id")
    return [frame[f"c{place}"].tolist() for place in range(len(cases))]


def same(value: Any, other: Any) -> bool:
    """Equal, and of one kind; NaN is itself, and the sign of a zero counts."""
    if other is None:
        return value is None or value is pd.NA or value is pd.NaT
    if isinstance(other, float):
        return isinstance(value, float) and repr(value) == repr(other)
    if isinstance(other, datetime):
        return pd.Timestamp(other).tz_convert(UTC) == value and value.tzinfo is not None
    if isinstance(other, Decimal):
        return isinstance(value, Decimal) and value == other
    return type(value) is type(other) and bool(value == other)


def assert_exact(cases: Sequence[Exact]) -> None:
    for case, found in zip(cases, read(cases), strict=True):
        for value, wanted in zip(found, case.values, strict=True):
            assert same(value, wanted), (case.what, value, wanted)


def load(probe: ClickHouseProbe, source: Any) -> None:
    probe.load(probe.asset(source, publication=Replace(), partitions_def=None))


def test_a_stream_from_postgres_arrives_exactly(probe: ClickHouseProbe) -> None:
    probe.create(ddl(EXACT))
    columns = ", ".join(f"c{place} {case.postgres}" for place, case in enumerate(EXACT))
    with closing(psycopg2.connect(probe.source_url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            f"DROP TABLE IF EXISTS probe.everything; CREATE TABLE probe.everything (id int, {columns})"
        )
        for number in range(5):
            values = [case.values[number] for case in EXACT]
            # As text, a float keeps the sign of its zero.
            sent = [repr(value) if isinstance(value, float) else value for value in values]
            cursor.execute(
                f"INSERT INTO probe.everything VALUES ({', '.join(['%s'] * (len(sent) + 1))})",
                [number, *sent],
            )
    names = ["id", *(f"c{place}" for place in range(len(EXACT)))]
    text = f"SELECT {', '.join(names)} FROM probe.everything"
    load(probe, lambda slice_: probe.stream(slice_, text, names))
    assert_exact(EXACT)


def test_a_frame_arrives_exactly_and_so_does_what_a_query_makes_of_it(probe: ClickHouseProbe) -> None:
    cases = (*EXACT, *EXACT_HERE)
    probe.create(ddl(cases))
    load(probe, lambda _: frame_of(cases))
    assert_exact(cases)
    # What was read goes back as it came.
    relation = Relation(declared("probe/ddl/readings.sql"))
    again = ClickHouseIOManager().read_frame(relation)
    load(probe, lambda _: again)
    assert_exact(cases)
    probe.do(
        "CREATE TABLE probe.copied AS probe.readings", "INSERT INTO probe.copied SELECT * FROM probe.readings"
    )
    load(probe, probe.query("SELECT * FROM probe.copied"))
    assert_exact(cases)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.postgres} into {case.clickhouse}")
def test_a_stream_that_would_arrive_changed_is_refused(probe: ClickHouseProbe, case: Refused) -> None:
    probe.create(ddl([case]))
    text = f"SELECT 1 AS id, NULL::{case.postgres} AS c0"
    hint = case.instead if case.instead.startswith(("cast", "say", "select", "declare")) else ""
    with pytest.raises(SchemaMismatchError, match=r"c0 is .* at the source, declared") as raised:
        load(probe, lambda slice_: probe.stream(slice_, text, ["id", "c0"]))
    assert hint in str(raised.value)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("JSON", {"a": None}),
        ("JSON", {"a.b": 1}),
        ("JSON", {"a": 2**70}),
        ("JSON", [1]),
        ("Array(Int8)", [300]),
        ("Array(String)", [None]),
        ("UInt64", 2**64),
        ("UInt8", -1),
        ("Float32", 0.1),
        ("DateTime64(3, 'UTC')", datetime(2024, 3, 1, 0, 0, 0, 1, UTC)),
        ("DateTime('UTC')", datetime(1965, 5, 1, tzinfo=UTC)),
        ("Date", datetime(1965, 5, 1).date()),  # noqa: DTZ001 # a day
        ("Decimal(10, 2)", Decimal("1.234")),
        ("Decimal(10, 2)", Decimal("123456789.12")),
        ("String", 1),
    ],
)
def test_a_value_of_a_frame_that_would_change_is_refused(type_: str, value: Any) -> None:
    from marts_platform.core.table import parse_ddl
    from marts_platform.io_managers.clickhouse_frames import frame_faults

    table = parse_ddl(f"CREATE TABLE probe.t (\n    c {type_} -- V.\n)\nENGINE = MergeTree\nORDER BY tuple()")
    frame = pd.DataFrame({"c": pd.Series([value], dtype="object")})
    (fault,) = frame_faults(frame, table.columns)
    assert fault.startswith(f"c is declared {type_}"), fault


def test_the_documentation_says_what_was_tried() -> None:
    assert DOCUMENT.read_text("utf-8") == document() + mysql_type_cases.document()


if __name__ == "__main__":
    DOCUMENT.write_text(document() + mysql_type_cases.document(), "utf-8")
