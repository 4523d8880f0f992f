"""A row with a bad value arrives without it, an impossible row is quarantined, the rest arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from marts_platform.core.audit import unique
from marts_platform.core.path import Extract, Replace
from marts_platform_tests.io_managers.clickhouse.probe import BY_MONTH, TABLE, ClickHouseProbe
from marts_platform_tests.io_managers.clickhouse.test_exact_types import ddl
from marts_platform_tests.io_managers.clickhouse.type_cases import REFUSED_VALUES
from marts_platform_tests.io_managers.probe import DAYS, row

if TYPE_CHECKING:
    from marts_platform.core.path import Outcome
    from marts_platform_tests.io_managers.clickhouse.type_cases import RefusedValue

D1 = DAYS[0]
NOT_NULL = TABLE.replace("Nullable(String)", "{}") + "PARTITION BY toYYYYMM(at)\nORDER BY (sensor, at)"
QUARANTINE = (
    "SELECT source_key, reason, payload, is_row FROM ops.quarantine WHERE replayed_at IS NULL ORDER BY id"
)


def load(probe: ClickHouseProbe, text: str, **options: Any) -> Outcome:
    """A whole table of rows of the source with a key ``id`` and a value ``c0``."""
    audits = [unique("id")]

    def source(slice_: Any) -> Extract:
        return Extract(probe.stream(slice_, text, ["id", "c0"]), **options)

    (outcome,) = probe.load(probe.asset(source, publication=Replace(), partitions_def=None, audits=audits))
    return outcome


def quarantine(probe: ClickHouseProbe) -> list[tuple[Any, ...]]:
    return probe.warehouse.rows(QUARANTINE)


@pytest.mark.parametrize("case", REFUSED_VALUES, ids=lambda case: f"{case.value} into {case.clickhouse}")
def test_a_value_that_no_column_holds_is_quarantined(probe: ClickHouseProbe, case: RefusedValue) -> None:
    probe.create(ddl([case]))
    good = {"date": "2024-03-01", "timestamptz": "2024-03-01 12:00+00", "text": "new"}.get(case.postgres, "1")
    text = (
        f"SELECT 1 AS id, '{case.value}'::{case.postgres} AS c0 UNION ALL SELECT 2, '{good}'::{case.postgres}"
    )
    figures = load(probe, text).figures
    is_row = not case.clickhouse.startswith("Nullable")
    assert (figures.rows_read, figures.rows_quarantined, figures.values_quarantined) == (
        2,
        is_row,
        not is_row,
    )
    assert probe.ask("SELECT id, isNull(c0) FROM probe.readings ORDER BY id") == (
        [(2, 0)] if is_row else [(1, 1), (2, 0)]
    )
    ((key, reason, payload, found_row),) = quarantine(probe)
    assert (key, found_row) == ("1", is_row) and reason.startswith("c0 is no ")
    assert case.value.partition(" ")[0].removesuffix("+00") in payload


@pytest.mark.parametrize(
    ("target", "postgres", "bad"),
    [
        ("Bool", "integer", "2"),
        ("UInt32", "bigint", "4294967296"),
        ("UInt32", "integer", "-1"),
        ("UInt8", "smallint", "256"),
        ("Int32", "bigint", "-2147483649"),
    ],
)
@pytest.mark.parametrize("form", ["{}", "Nullable({})"])
def test_an_integer_beyond_its_column_is_quarantined(
    probe: ClickHouseProbe, target: str, postgres: str, bad: str, form: str
) -> None:
    table = ddl(REFUSED_VALUES[:1]).replace("c0 Date", f"c0 {form.format(target)}")
    probe.create(table)
    load(probe, f"SELECT 1 AS id, {bad}::{postgres} AS c0 UNION ALL SELECT 2, 1")
    ((_, _, payload, is_row),) = quarantine(probe)
    assert bad in payload and is_row == (form == "{}")
    assert probe.ask("SELECT id, toInt64(c0) FROM probe.readings ORDER BY id") == (
        [(2, 1)] if is_row else [(1, None), (2, 1)]
    )
    # Corrected at the source, the row arrives and its entry is closed.
    load(probe, f"SELECT 1 AS id, 0::{postgres} AS c0 UNION ALL SELECT 2, 1")
    assert quarantine(probe) == []
    assert probe.ask("SELECT id, toInt64(c0) FROM probe.readings ORDER BY id") == [(1, 0), (2, 1)]


@pytest.mark.parametrize("type_", ["String", "LowCardinality(String)", "Enum8('' = 0, 'a' = 1)"])
def test_a_row_with_null_where_none_may_be_is_quarantined(probe: ClickHouseProbe, type_: str) -> None:
    probe.create(NOT_NULL.format(type_))
    probe.feed(row(D1, 1, "a"), row(D1, 2, None))
    (outcome,) = probe.load(probe.asset(probe.stream, audits=[unique("sensor", "at")]), D1)
    assert (outcome.figures.rows_written, outcome.figures.rows_quarantined) == (1, 1)
    assert probe.ask("SELECT sensor, toString(value) FROM probe.readings") == [(1, "a")]
    ((key, reason, payload, is_row),) = quarantine(probe)
    assert (key, reason, is_row) == ("2, 2024-03-01 12:00:00.000000", "value is missing", True)
    assert '"value":null' in payload


def test_nulls_of_numbers_times_and_several_columns_make_one_entry(probe: ClickHouseProbe) -> None:
    probe.create(TABLE + "ORDER BY (sensor, at)")
    text = (
        "SELECT NULL::timestamptz AS at, NULL::int AS sensor, 'x' AS value "
        "UNION ALL SELECT '2024-03-01+00', 1, E'\\\\xff' "
    )
    asset = probe.asset(lambda slice_: probe.stream(slice_, text), publication=Replace(), partitions_def=None)
    probe.load(asset)
    assert probe.one("SELECT count() FROM probe.readings") == 1
    ((_, reason, _, _),) = quarantine(probe)
    assert reason == "at is missing; sensor is missing"


def test_a_null_that_the_source_forbids_stands_in_quarantine(probe: ClickHouseProbe) -> None:
    probe.create(ddl(REFUSED_VALUES[:1]).replace("c0 Date", "c0 Nullable(String)"))
    text = "SELECT 1 AS id, NULL::text AS c0 UNION ALL SELECT 2, ''"
    figures = load(probe, text, never_null=("c0",)).figures
    assert (figures.rows_written, figures.values_quarantined) == (2, 1)
    assert quarantine(probe) == [("1", "c0 is missing", None, False)]
    assert probe.ask("SELECT id, c0 FROM probe.readings ORDER BY id") == [(1, None), (2, "")]
    figures = load(probe, "SELECT 1 AS id, 'a' AS c0", never_null=("c0",)).figures
    assert (figures.rows_written, quarantine(probe)) == (1, [])


def test_of_rows_with_one_key_a_single_one_arrives(probe: ClickHouseProbe) -> None:
    probe.create(ddl(REFUSED_VALUES[:1]).replace("c0 Date", "c0 Nullable(String)"))
    text = "SELECT 1 AS id, 'b' AS c0 UNION ALL SELECT 1, 'a' UNION ALL SELECT 1, 'a' UNION ALL SELECT 2, 'c'"
    figures = load(probe, text, key=("id",)).figures
    assert (figures.rows_read, figures.rows_written, figures.rows_quarantined) == (4, 2, 2)
    assert probe.ask("SELECT id, c0 FROM probe.readings ORDER BY id") == [(1, "a"), (2, "c")]
    assert {entry[:2] for entry in quarantine(probe)} == {("1", "another row has the same id")}


def test_bytes_that_are_no_text_stand_in_quarantine_as_they_came(probe: ClickHouseProbe) -> None:
    probe.create(NOT_NULL.format("String").replace("sensor Int32", "sensor Int32"))
    text = (
        "SELECT at, NULL::int AS sensor, '\\xff00'::bytea AS value FROM probe.feed "
        "WHERE at >= %(start)s AND at < %(end)s"
    )
    probe.feed(row(D1, 1, "a"))
    probe.load(probe.asset(lambda slice_: probe.stream(slice_, text)), D1)
    ((_, reason, payload, _),) = quarantine(probe)
    assert reason == "sensor is missing" and "xff00" in payload


def test_a_row_outside_of_the_window_fails_the_load_also_beside_bad_values(probe: ClickHouseProbe) -> None:
    probe.create(BY_MONTH)
    probe.feed(row(D1, 1, "a"), row(DAYS[1], 1, "b"))
    text = "SELECT at, CASE WHEN value = 'a' THEN NULL ELSE sensor END AS sensor, value FROM probe.feed"
    with pytest.raises(Exception, match="within_window"):
        probe.load(probe.asset(lambda slice_: probe.stream(slice_, text)), D1)
    assert quarantine(probe) == [] and probe.published() == []
