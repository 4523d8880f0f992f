"""What would arrive changed, or in the wrong table, is refused before anything is written."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from marts_platform.core.path import Replace
from marts_platform.io_managers.ledger import SchemaMismatchError
from marts_platform_tests.io_managers.clickhouse.probe import BY_MONTH, TABLE, WHOLE_FEED, ClickHouseProbe
from marts_platform_tests.io_managers.probe import DAYS, row

D1, D2 = DAYS[:2]
ROWS = [row(D1, 1, "a"), row(D1, 2, "b")]


def loaded(probe: ClickHouseProbe, ddl: str = BY_MONTH) -> ClickHouseProbe:
    """The domain with a day published."""
    probe.create(ddl)
    probe.feed(*ROWS)
    probe.load(probe.asset(), D1)
    assert probe.published() == ROWS
    return probe


def refused(
    probe: ClickHouseProbe, source: Any, match: str, error: type[Exception] = SchemaMismatchError
) -> None:
    """A load fails, and readers keep what they had."""
    before = probe.published()
    with pytest.raises(error, match=match):
        probe.load(probe.asset(source), D1)
    assert probe.published() == before
    assert probe.leftovers() == []
    assert probe.warehouse.log()[-1] == "failed"


OTHER = (
    "CREATE OR REPLACE TABLE probe.readings (at DateTime64(6, 'UTC'), sensor Int32, value Nullable(String)) "
)
ALTER = "ALTER TABLE probe.readings"


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        (f"{ALTER} DROP COLUMN value", "value is missing"),
        (f"{ALTER} ADD COLUMN extra Int8", "extra is not declared"),
        (f"{ALTER} MODIFY COLUMN value Nullable(Int8)", r"value is Nullable\(Int8\), declared Nullable\(Str"),
        (f"{ALTER} MODIFY TTL toDateTime(at) + INTERVAL 10 YEAR", "TTL is .*, declared none"),
        (
            f"{OTHER} ENGINE = MergeTree PARTITION BY toYYYYMM(at) ORDER BY at",
            "ORDER BY is at, declared sensor",
        ),
        (f"{OTHER} ENGINE = MergeTree ORDER BY (sensor, at)", "PARTITION BY is not there, declared toYYYYMM"),
        (
            f"{OTHER} ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(at) ORDER BY (sensor, at)",
            "ENGINE is ReplacingMergeTree, declared MergeTree",
        ),
        (f"{ALTER} ADD INDEX by_sensor sensor TYPE minmax", "INDEX by_sensor is INDEX .*, declared none"),
        ("DROP TABLE probe.readings SYNC", r"does not exist in ClickHouse: run `marts migrate`"),
    ],
)
def test_a_table_that_is_not_as_declared_is_left_alone(
    probe: ClickHouseProbe, statement: str, reason: str
) -> None:
    probe.create()
    probe.do(statement)
    with pytest.raises(SchemaMismatchError, match=reason):
        probe.load(probe.asset(probe.stream), D1)
    assert probe.leftovers() == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT at, sensor FROM probe.feed", "value is missing"),
        ("SELECT at, sensor, value, 1 AS more FROM probe.feed", "more is not declared"),
        (
            "SELECT at, toInt64(sensor) AS sensor, value FROM probe.feed",
            "sensor has type Int64, declared Int32",
        ),
        ("SELECT toString(at) AS at, sensor, value FROM probe.feed", "at has type String"),
    ],
)
def test_a_query_of_other_columns_is_refused(probe: ClickHouseProbe, text: str, reason: str) -> None:
    loaded(probe)
    refused(probe, probe.query(text), reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "SELECT at, sensor::float8 AS sensor, value FROM probe.feed",
            "sensor is double precision at the source, declared Int32",
        ),
        (
            "SELECT at::timestamp AS at, sensor, value FROM probe.feed",
            "at is timestamp without .* AT TIME ZONE",
        ),
        ("SELECT sensor, at, value FROM probe.feed", "come as sensor, at, value, and are announced as at"),
        ("SELECT at, sensor FROM probe.feed", "come as at, sensor, and are announced as at"),
    ],
)
def test_a_stream_of_other_columns_is_refused(probe: ClickHouseProbe, text: str, reason: str) -> None:
    loaded(probe)
    refused(probe, lambda slice_: probe.stream(slice_, text), reason)


@pytest.mark.parametrize(
    ("column", "values", "reason"),
    [
        ("sensor", [1, 2**31], "sensor is declared Int32, which does not hold 2147483648"),
        ("sensor", [1, 1.5], "sensor is declared Int32 and holds float values that it would round"),
        ("sensor", [1, None], "sensor is declared Int32 and holds NULL"),
        ("at", [pd.Timestamp("2024-03-01"), pd.Timestamp("2024-03-01")], "times without a zone"),
        ("value", [1, 2], "value is declared .*, which does not hold 1"),
    ],
)
def test_a_value_of_a_frame_that_would_change_is_refused(
    probe: ClickHouseProbe, column: str, values: list[Any], reason: str
) -> None:
    loaded(probe)
    frame = pd.DataFrame(ROWS, columns=["at", "sensor", "value"])
    frame[column] = pd.Series(values, dtype="object")
    refused(probe, lambda _: frame, reason)


@pytest.mark.parametrize("way", ["query", "stream", "frame"])
def test_rows_outside_of_the_window_are_refused(probe: ClickHouseProbe, way: str) -> None:
    # Published, they would be there twice after the load of their own window, or of this one again.
    loaded(probe)
    probe.feed(*ROWS, row(D2, 1, "of another day"))
    ways: dict[str, Any] = {
        "query": probe.query(WHOLE_FEED),
        "stream": lambda slice_: probe.stream(slice_, WHOLE_FEED),
        "frame": lambda _: pd.DataFrame([row(D2, 1, "x")], columns=["at", "sensor", "value"]),
    }
    refused(probe, ways[way], "within_window", DatabaseError)


NOT_NULL = TABLE.replace("Nullable(String)", "{}") + "PARTITION BY toYYYYMM(at)\nORDER BY (sensor, at)"


@pytest.mark.parametrize(
    "type_", ["String", "LowCardinality(String)", "FixedString(8)", "Enum8('' = 0, 'a' = 1)"]
)
def test_null_of_a_query_is_refused_and_not_emptied(probe: ClickHouseProbe, type_: str) -> None:
    probe.create(NOT_NULL.format(type_))
    probe.feed(row(D1, 1, "a"), row(D1, 2, None))
    given = "value" if "Low" in type_ else f"CAST(value AS Nullable({type_}))"
    query = probe.query(f"SELECT at, sensor, {given} AS value FROM probe.feed")
    refused(probe, query, "(?i)null", DatabaseError)
    probe.feed(row(D1, 1, "a"))
    probe.load(probe.asset(query), D1)
    assert probe.one("SELECT count() FROM probe.readings WHERE startsWith(toString(value), 'a')") == 1


def test_a_publication_that_clickhouse_does_not_have_is_refused(probe: ClickHouseProbe) -> None:
    probe.create()
    restore = probe.write_sql("probe/marts/restore.sql", "UPDATE {staged} SET value = ''")
    with pytest.raises(TypeError, match="probe/readings: ClickHouse does not restore values"):
        probe.load(probe.asset(publication=Replace("at", restore=restore)), D1)
