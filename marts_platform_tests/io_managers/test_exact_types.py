"""Every value arrives as it is: through COPY, a query and a DataFrame, and out again as a DataFrame.

The same rows travel each way and are compared as PostgreSQL's own text of them, which tells 1.10 from 1.1 and
NULL from an empty string, and as Python's values.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

import dagster as dg
import pandas as pd
import psycopg2
import pytest
from psycopg2.extras import Json

from marts_platform.core.path import Replace
from marts_platform.core.relation import Relation
from marts_platform.core.table import declared
from marts_platform.core.window import Slice
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform_tests.io_managers.probe import Probe

DDL = """
-- A column of each type.
CREATE TABLE probe.readings (
    id integer NOT NULL, -- Which row.
    amount numeric(38,18), -- Money.
    any_number numeric, -- A number of any length.
    small smallint, -- 16 bits.
    big bigint, -- 64 bits.
    ratio double precision, -- A float.
    at timestamptz, -- A moment.
    local timestamp, -- A local time.
    born date, -- A day.
    note text, -- A text.
    tags text[], -- Texts.
    document jsonb, -- Any JSON.
    raw bytea, -- Bytes.
    key uuid, -- A UUID.
    is_new boolean -- Yes or no.
)
"""
BERLIN = timezone(timedelta(hours=2))


class Row(NamedTuple):
    """A row; what is not said is NULL."""

    id: int
    amount: Decimal | None = None
    any_number: Decimal | None = None
    small: int | None = None
    big: int | None = None
    ratio: float | None = None
    at: datetime | None = None
    local: datetime | None = None
    born: date | None = None
    note: str | None = None
    tags: list[str | None] | None = None
    document: Any = None
    raw: bytes | None = None
    key: str | None = None
    is_new: bool | None = None


MESSY = 'quote " backslash \\ brace } { comma , \n tab \t NULL null \u2028 \u00a0 end'
ROWS = [
    Row(1),
    Row(
        2,
        Decimal("12345678901234567890.123456789012345678"),
        Decimal("1e100"),
        2**15 - 1,
        2**63 - 1,
        math.pi,
        datetime(2024, 3, 1, 12, 34, 56, 789012, UTC),
        datetime(2024, 3, 1, 12, 34, 56, 789012),  # noqa: DTZ001 # a local time
        date(1965, 5, 1),
        "Ночной поезд 🚆 à 李雷",
        ["a", None, "", "NULL", MESSY, "Привет 🎉"],
        {"number": 7, "list": [1, None, {"ключ": "значение 🚆"}], "empty": "", "nothing": None},
        bytes(range(256)),
        "0190a5f2-7c3e-7abc-8def-0123456789ab",
        is_new=True,
    ),
    Row(
        3,
        Decimal("-99999999999999999999.999999999999999999"),
        Decimal("0.000000000000000000000000000000000000000001"),
        -(2**15),
        -(2**63),
        float("nan"),
        datetime(2024, 3, 31, 1, 59, 59, 999999, timezone(timedelta(hours=1))),  # the last winter second
        datetime(1582, 10, 15),  # noqa: DTZ001 # a local time
        date(1582, 10, 15),
        "",
        [],
        [],
        b"",
        "00000000-0000-0000-0000-000000000000",
        is_new=False,
    ),
    Row(
        4,
        Decimal(0),
        Decimal("NaN"),
        0,
        0,
        float("inf"),
        datetime(2024, 3, 31, 3, 0, 0, 0, BERLIN),  # the moment after it
        datetime(9999, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 # a local time
        date(9999, 12, 31),
        MESSY,
        [None],
        {"exact": 12345678901234567890123, "float": 0.1},
        b"\x00",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        is_new=None,
    ),
    Row(5, ratio=-0.0, at=datetime(1965, 5, 1, 3, 4, 5, 6, UTC), document="a text"),
    Row(6, ratio=float("-inf"), at=datetime(1, 1, 1, tzinfo=UTC), document=False),
    Row(7, ratio=5e-324, at=datetime(2024, 10, 27, 0, 30, tzinfo=UTC), document=0),
    Row(8, ratio=1.7976931348623157e308, at=datetime(2024, 10, 27, 1, 30, tzinfo=UTC), document={}),
    Row(9, Decimal("1.100"), Decimal("1.100"), born=date(1, 1, 1)),
]
COLUMNS = Row._fields
SELECT = f"SELECT {', '.join(COLUMNS)} FROM probe.everything"  # the names above
TEXT = "SELECT readings::text FROM probe.readings AS readings ORDER BY id"


@pytest.fixture(params=["query", "stream", "frame"])
def loaded(request: pytest.FixtureRequest, probe: Probe) -> Probe:
    """The mart, loaded with the rows in each way."""
    probe.create(DDL)
    sources: dict[str, Callable[[Slice], Any]] = {
        "query": lambda _: probe.query(SELECT),
        "stream": lambda slice_: probe.stream(slice_, SELECT, COLUMNS),
        "frame": lambda _: pd.DataFrame(ROWS, columns=pd.Index(COLUMNS), dtype=object),
    }
    for url in (probe.warehouse.url, probe.source_url):
        _fill(url)
    probe.load(probe.asset(sources[request.param], publication=Replace(), partitions_def=None))
    return probe


def _fill(url: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS probe.everything")
        cursor.execute(DDL.replace("probe.readings", "probe.everything"))
        for row in ROWS:
            # As text, the ratio keeps the sign of its zero.
            document = None if row.document is None else Json(row.document)
            ratio = None if row.ratio is None else repr(row.ratio)
            values = [*row._replace(document=document, ratio=None)]
            values[COLUMNS.index("ratio")] = ratio
            # A name for each place: %s for fifteen columns.
            cursor.execute(f"INSERT INTO probe.everything VALUES ({', '.join(['%s'] * len(values))})", values)


def read(probe: Probe) -> pd.DataFrame:
    table = declared("probe/ddl/readings.sql")
    assert probe.warehouse.one("SELECT count(*) FROM probe.readings") == len(ROWS)
    return PostgresIOManager().read_frame(Relation(table)).sort_values("id").reset_index(drop=True)


def same(value: Any, other: Any) -> bool:
    """Equal, and of one kind; NaN is itself, and the sign of a zero counts."""
    if isinstance(other, float):
        return isinstance(value, float) and repr(value) == repr(other)
    if isinstance(other, Decimal) and other.is_nan():
        return isinstance(value, Decimal) and value.is_nan()
    return type(value) is type(other) and bool(value == other)


def test_the_table_says_exactly_what_the_source_says(loaded: Probe) -> None:
    with closing(psycopg2.connect(loaded.source_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute("SELECT everything::text FROM probe.everything AS everything ORDER BY id")
        assert loaded.warehouse.rows(TEXT) == cursor.fetchall()


def test_the_data_frame_holds_exactly_what_was_written(loaded: Probe) -> None:
    frame = read(loaded)
    for row, (_, found) in zip(ROWS, frame.iterrows(), strict=True):
        for name, value in row._asdict().items():
            given = found[name]
            if value is None:
                assert given is None or given is pd.NA or given is pd.NaT, (row.id, name, given)
                continue
            if isinstance(given, pd.Timestamp):
                given = given.to_pydatetime()
            if isinstance(value, datetime) and value.tzinfo is not None:
                value = value.astimezone(UTC)
            if isinstance(given, datetime) and given.tzinfo is not None:
                given = given.astimezone(UTC)
            assert same(given, value), (row.id, name, given, value)


def test_the_data_frames_types_hold_whatever_may_come(loaded: Probe) -> None:
    types = read(loaded).dtypes.astype(str).to_dict()
    assert types == dict.fromkeys(COLUMNS, "object") | {
        "id": "Int64",
        "small": "Int64",
        "big": "Int64",
        "is_new": "boolean",
        "at": "datetime64[us, UTC]",
        "local": "datetime64[us]",
    }


def test_a_data_frame_goes_back_as_it_came(loaded: Probe) -> None:
    before = loaded.warehouse.rows(TEXT)
    frame = read(loaded)
    loaded.load(loaded.asset(lambda _: frame, publication=Replace(), partitions_def=None))
    assert loaded.warehouse.rows(TEXT) == before


def test_numbers_in_json_are_not_rounded_to_floats(probe: Probe) -> None:
    probe.create(DDL)
    document = '{"long": 12345678901234567890.123456789, "huge": 1e400, "usual": 0.1, "whole": 2.0}'
    probe.warehouse.rows("INSERT INTO probe.readings (id, document) VALUES (1, %s)", document)
    table = declared("probe/ddl/readings.sql")
    (found,) = PostgresIOManager().read_frame(Relation(table))["document"]
    assert found["long"] == Decimal("12345678901234567890.123456789")
    assert found["huge"] == Decimal("1e400")
    assert found == {**found, "usual": 0.1, "whole": 2.0}
    assert isinstance(found["usual"], float)


@pytest.mark.parametrize("value", ["infinity", "-infinity", "12345-01-01", "0044-03-15 BC"])
@pytest.mark.parametrize("column", ["at", "local", "born"])
def test_a_time_beyond_python_is_not_turned_into_another(probe: Probe, column: str, value: str) -> None:
    probe.create(DDL)
    probe.warehouse.rows(f"INSERT INTO probe.readings (id, {column}) VALUES (1, %s)", value)
    table = declared("probe/ddl/readings.sql")
    with pytest.raises((ValueError, OverflowError)):
        PostgresIOManager().read_frame(Relation(table))


def test_an_empty_table_has_the_same_types(probe: Probe) -> None:
    probe.create(DDL)
    frame = PostgresIOManager().read_frame(Relation(declared("probe/ddl/readings.sql")))
    assert len(frame) == 0
    assert str(frame["big"].dtype) == "Int64"
    assert str(frame["at"].dtype) == "datetime64[us, UTC]"


def test_a_float_column_of_pandas_has_no_nan_but_missing_values(probe: Probe) -> None:
    probe.create(DDL)
    frame = pd.DataFrame({name: pd.Series([None], dtype=object) for name in COLUMNS})
    frame["id"] = 1
    frame["ratio"] = pd.Series([float("nan")], dtype="float64")
    frame["note"] = pd.Series([float("nan")], dtype=object)  # how pandas says that a text is missing
    probe.load(probe.asset(lambda _: frame, publication=Replace(), partitions_def=None))
    assert probe.warehouse.one("SELECT ratio IS NULL AND note IS NULL FROM probe.readings") is True


def test_a_window_of_a_day_on_which_clocks_shift_gets_exactly_its_rows(probe: Probe) -> None:
    probe.create()
    moments = [datetime(2024, 3, 30, 22, tzinfo=UTC) + timedelta(minutes=30 * step) for step in range(60)]
    probe.feed(*((moment.astimezone(BERLIN), place, None) for place, moment in enumerate(moments)))
    probe.load(probe.asset(probe.stream), "2024-03-31")
    assert [at for at, *_ in probe.published()] == [at for at in moments if at.date() == date(2024, 3, 31)]


def test_a_whole_materialisation_in_dagster_keeps_the_types(probe: Probe) -> None:
    probe.create(DDL)
    _fill(probe.source_url)
    seen: list[pd.DataFrame] = []
    source = probe.asset(
        lambda slice_: probe.stream(slice_, SELECT, COLUMNS), publication=Replace(), partitions_def=None
    )

    @dg.asset(ins={"readings": dg.AssetIn(dg.AssetKey(["probe", "readings"]), input_manager_key="postgres")})
    def report(readings: pd.DataFrame) -> None:
        seen.append(readings)

    assert probe.run([source, report]).success
    assert seen[0]["big"].max() == 2**63 - 1
    assert len(seen[0]) == len(ROWS)
