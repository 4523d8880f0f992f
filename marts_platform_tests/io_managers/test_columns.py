"""Columns are declared, never inferred: whatever differs is refused, by name, before anything is written."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import pandas as pd
import pytest

from marts_platform.core.table import Column
from marts_platform.core.window import Slice
from marts_platform.io_managers.frames import column_fault
from marts_platform.io_managers.ledger import SchemaMismatchError
from marts_platform.resources.postgres import CopyOut
from marts_platform_tests.io_managers.probe import DAYS, PLAIN, Probe, row

D1 = DAYS[0]
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)
GOOD = row(D1, 1, "published before")


@pytest.fixture(params=["query", "stream", "frame"])
def refused(request: pytest.FixtureRequest, probe: Probe) -> Callable[[str], str]:
    """Loads what a SELECT gives, in each way; returns why it was refused, after a look at what is there."""
    probe.create()
    probe.feed(GOOD)
    probe.load(probe.asset(), D1)

    def load(select: str) -> str:
        def source(slice_: Slice) -> Any:
            names = [name.strip().rsplit(" ", 1)[-1] for name in select.removeprefix("SELECT ").split(",")]
            if request.param == "query":
                return probe.query(select)
            if request.param == "stream":
                return probe.stream(slice_, select, names)
            return pd.DataFrame(probe.warehouse.rows(select), columns=names)

        with pytest.raises(SchemaMismatchError) as raised:
            probe.load(probe.asset(source), D1)
        assert probe.published() == [GOOD]
        assert probe.leftovers() == []
        assert probe.warehouse.log("status, rows_written, error LIKE 'SchemaMismatchError: %%'")[-1] == (
            "failed",
            None,
            True,
        )
        message = str(raised.value)
        assert "probe/readings" in message
        assert "probe.readings, nothing was written" in message
        return message.rpartition("nothing was written: ")[2]

    return load


def test_a_missing_column(refused: Callable[[str], str]) -> None:
    assert refused("SELECT now() AS at, 1 AS sensor") == "value is missing"


def test_a_column_too_many(refused: Callable[[str], str]) -> None:
    message = refused("SELECT now() AS at, 1 AS sensor, 'x'::text AS value, 2 AS surprise")
    assert message.startswith("surprise is not declared")


def test_a_column_of_another_name(refused: Callable[[str], str]) -> None:
    message = refused("SELECT now() AS at, 1 AS sensor, 'x'::text AS values")
    assert "value is missing" in message
    assert "values is not declared" in message


@pytest.mark.parametrize(
    ("select", "column", "type_"),
    [
        # Eight bytes each: in COPY's binary format one reads as the other without a murmur.
        ("SELECT '2024-03-01 12:00'::timestamp AS at, 1 AS sensor, 'x'::text AS value", "at", "timestamp"),
        ("SELECT now() AS at, 1.5::real AS sensor, 'x'::text AS value", "sensor", "real"),
        ("SELECT now() AS at, 1 AS sensor, 7 AS value", "value", "int"),
    ],
)
def test_a_column_of_another_type(
    refused: Callable[[str], str], select: str, column: str, type_: str
) -> None:
    message = refused(select)
    assert message.startswith(f"{column} ")
    in_a_frame = ("times without a zone", "float values that it would round", "int values")
    assert type_ in message or message.endswith(in_a_frame)


def test_columns_of_a_stream_in_another_order_than_announced(probe: Probe) -> None:
    probe.create(PLAIN.replace("value text", "value integer"))
    swapped = "SELECT now() AS at, 1 AS value, 2 AS sensor"
    asset = probe.asset(lambda slice_: probe.stream(slice_, swapped, ("at", "sensor", "value")))
    with pytest.raises(SchemaMismatchError, match="come as at, value, sensor, and are announced"):
        probe.load(asset, D1)
    assert probe.published() == []


def test_a_stream_may_leave_out_what_has_a_default_and_nothing_else(probe: Probe) -> None:
    probe.create(PLAIN.replace("value text", "value text DEFAULT 'none given'"))
    select = "SELECT '2024-03-01 12:00+00'::timestamptz AS at, 1 AS sensor"
    probe.load(probe.asset(lambda slice_: probe.stream(slice_, select, ("at", "sensor"))), D1)
    assert probe.published() == [row(D1, 1, "none given")]
    select = "SELECT '2024-03-01 12:00+00'::timestamptz AS at, 'x'::text AS value"
    with pytest.raises(SchemaMismatchError, match="sensor is missing"):
        probe.load(probe.asset(lambda slice_: probe.stream(slice_, select, ("at", "value"))), D1)


class Miscounting(CopyOut):
    """Says that it sent a row more."""

    def send(self, sink: BinaryIO) -> int:
        return CopyOut.send(self, sink) + 1


def test_a_stream_of_which_not_every_row_arrived_is_refused(probe: Probe) -> None:
    probe.create()
    probe.feed(GOOD)

    def source(slice_: Slice) -> CopyOut:
        stream = probe.stream(slice_)
        return Miscounting(stream.server, stream.query, stream.columns, stream.params)

    with pytest.raises(ValueError, match="sent 2 rows, 1 were staged"):
        probe.load(probe.asset(source), D1)
    assert probe.published() == []
    assert probe.leftovers() == []


# The live table


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("ADD COLUMN surprise text", "surprise is not declared"),
        ("DROP COLUMN value", "value is missing"),
        ("ALTER sensor TYPE bigint", "sensor is bigint NOT NULL, declared integer NOT NULL"),
        ("ALTER sensor DROP NOT NULL", "sensor is integer, declared integer NOT NULL"),
        ("ALTER value TYPE varchar(9)", r"value is character varying\(9\), declared text"),
    ],
)
def test_a_live_table_that_differs_from_its_declaration_is_refused(
    probe: Probe, change: str, reason: str
) -> None:
    probe.create()
    probe.warehouse.rows(f"ALTER TABLE probe.readings {change}")
    with pytest.raises(SchemaMismatchError, match=f"probe.readings is not as .*marts migrate.*: {reason}"):
        probe.load(probe.asset(), D1)
    assert probe.warehouse.one("SELECT count(*) FROM probe.readings") == 0
    assert probe.warehouse.log("status, left(error, 20)") == [("failed", "SchemaMismatchError:")]


def test_a_missing_table_says_how_to_make_it(probe: Probe) -> None:
    probe.create()
    probe.warehouse.rows("DROP TABLE probe.readings")
    with pytest.raises(SchemaMismatchError, match=r"probe\.readings does not exist .*run `marts migrate`"):
        probe.load(probe.asset(), D1)


# DataFrames


@pytest.mark.parametrize(
    ("type_", "values"),
    [
        ("integer", [1, None, -1]),
        ("bigint", [2**63 - 1, -(2**63)]),
        ("bigint", [1.0, None, float(2**53)]),  # what pandas makes of integers beside a missing one
        ("double precision", [1.5, 2, float("inf"), float("nan")]),
        ("numeric(38,18)", [Decimal("0.000000000000000001"), 7, 0.1, Decimal("NaN")]),
        ("numeric", [Decimal("1e-40")]),
        ("text", ["", "x", None]),
        ("boolean", [True, None]),
        ("date", [NOON.date(), datetime(2024, 3, 1)]),  # noqa: DTZ001 # a date has no zone
        ("timestamptz", [NOON]),
        ("timestamp", [NOON.replace(tzinfo=None)]),
        ("bytea", [b"", memoryview(b"x")]),
        ("jsonb", [{}, [], "x", 1, True]),
        ("text[]", [["x", None], []]),
    ],
)
def test_what_a_column_holds_exactly_is_taken(type_: str, values: list[Any]) -> None:
    assert column_fault(values, Column("it", type_, True, "")) is None


@pytest.mark.parametrize(
    ("type_", "value", "kind"),
    [
        ("integer", 1.5, "float values that it would round"),
        ("integer", "1", "str values"),
        ("integer", True, "bool values"),
        ("bigint", float(2**54), "float values that it would round"),
        ("bigint", Decimal(1), "Decimal values"),
        ("double precision", Decimal("0.1"), "Decimal values"),
        ("double precision", 2**53 + 1, "int values"),
        ("numeric(38,18)", Decimal("0.1234567890123456789"), "Decimal values that it would round"),
        ("numeric(10)", 0.5, "float values that it would round"),
        ("numeric", Decimal("Infinity"), "Decimal values"),  # psycopg2 would send NaN
        ("numeric", "1", "str values"),
        ("text", 1, "int values"),
        ("boolean", 1, "int values"),
        ("date", datetime(2024, 3, 1, 12), "times without a zone"),  # noqa: DTZ001 # as it should be
        ("date", NOON, "times with a zone"),
        ("timestamptz", NOON.replace(tzinfo=None), "times without a zone"),
        ("timestamp", NOON, "times with a zone"),
        ("timestamptz", pd.Timestamp("2024-03-01T00:00:00.000000001Z"), "times with nanoseconds"),
        ("bytea", "x", "str values"),
    ],
)
def test_what_a_column_would_round_cut_or_reinterpret_is_refused(type_: str, value: Any, kind: str) -> None:
    fault = column_fault([None, value], Column("it", type_, True, ""))
    assert fault is not None
    assert fault.startswith(f"it is declared {type_} and holds {kind}")


def test_a_fault_names_each_column_and_no_value(probe: Probe) -> None:
    probe.create()
    frame = pd.DataFrame({"at": [NOON.replace(tzinfo=None)], "sensor": ["secret"], "value": ["x"]})
    with pytest.raises(SchemaMismatchError) as raised:
        probe.load(probe.asset(lambda _: frame), D1)
    assert str(raised.value).endswith(
        "at is declared timestamptz and holds times without a zone; "
        "sensor is declared integer and holds str values"
    )


def test_a_column_that_is_there_twice_is_refused(probe: Probe) -> None:
    probe.create()
    frame = pd.DataFrame([[NOON, 1, "x", "y"]], columns=["at", "sensor", "value", "value"])
    with pytest.raises(SchemaMismatchError, match="value is not declared, or there twice"):
        probe.load(probe.asset(lambda _: frame), D1)
