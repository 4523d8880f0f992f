"""What could not be read stands in quarantine while it is found, and is marked as replayed once it is not."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg2
import pytest
from dagster import AssetsDefinition

from marts_platform.core.audit import Audit, AuditFailed
from marts_platform.core.sql import read_sql
from marts_platform_tests.io_managers.probe import DAYS, Probe, Row, row

D1, D2 = DAYS[:2]
UNREADABLE = """
    SELECT sensor AS source_key, 'not a number' AS reason, value AS payload, FALSE AS is_row
    FROM {staged} WHERE value !~ '^[0-9]+$' AND at >= %(start)s AND at < %(end)s
"""
ENTRIES = """
    SELECT id, partition_key, source_key, reason, payload, is_row, replayed_at IS NOT NULL
    FROM ops.quarantine ORDER BY partition_key, source_key, id
"""


@pytest.fixture
def asset(probe: Probe) -> AssetsDefinition:
    """The mart, which cannot read values that are no numbers."""
    probe.create()
    return probe.asset(quarantine=probe.write_sql("probe/raw/unreadable.sql", UNREADABLE))


def load(probe: Probe, asset: AssetsDefinition, *rows: Row, days: tuple[str, ...] = (D1,)) -> list[Any]:
    """Loads rows and returns the quarantine."""
    probe.feed(*rows)
    probe.load(asset, *days)
    return probe.warehouse.rows(ENTRIES)


def test_what_cannot_be_read_joins_with_its_payload_and_the_row_still_arrives(
    probe: Probe, asset: AssetsDefinition
) -> None:
    rows = [row(D1, 1, "7"), row(D1, 2, "x"), row(D1, 3, "Ж")]
    entries = load(probe, asset, *rows)
    assert [entry[1:] for entry in entries] == [
        (D1, "2", "not a number", "x", False, False),
        (D1, "3", "not a number", "Ж", False, False),
    ]
    assert probe.published() == rows
    figures = "rows_read, rows_written, rows_quarantined, values_quarantined"
    assert probe.warehouse.log(figures) == [(3, 3, 0, 2)]


def test_what_is_found_again_stays_one_entry(probe: Probe, asset: AssetsDefinition) -> None:
    first = load(probe, asset, row(D1, 2, "x"))
    assert load(probe, asset, row(D1, 2, "x"), row(D1, 3, "7")) == first
    assert probe.warehouse.log("values_quarantined") == [1, 1]


def test_what_is_repaired_is_marked_as_replayed_and_kept(probe: Probe, asset: AssetsDefinition) -> None:
    load(probe, asset, row(D1, 2, "x"), row(D1, 3, "y"))
    entries = load(probe, asset, row(D1, 2, "7"), row(D1, 3, "y"))
    assert [(entry[2], entry[-1]) for entry in entries] == [("2", True), ("3", False)]
    assert probe.warehouse.log("values_quarantined") == [2, 1]


def test_what_breaks_again_is_a_new_entry(probe: Probe, asset: AssetsDefinition) -> None:
    load(probe, asset, row(D1, 2, "x"))
    load(probe, asset, row(D1, 2, "7"))
    entries = load(probe, asset, row(D1, 2, "x"))
    assert [(entry[4], entry[-1]) for entry in entries] == [("x", True), ("x", False)]


def test_another_payload_of_the_same_row_replaces_its_entry(probe: Probe, asset: AssetsDefinition) -> None:
    load(probe, asset, row(D1, 2, "x"))
    entries = load(probe, asset, row(D1, 2, "y"))
    assert [(entry[4], entry[-1]) for entry in entries] == [("x", True), ("y", False)]


def test_a_day_that_ends_empty_has_nothing_standing(probe: Probe, asset: AssetsDefinition) -> None:
    load(probe, asset, row(D1, 2, "x"))
    assert [entry[-1] for entry in load(probe, asset)] == [True]


def test_days_do_not_touch_each_others_entries(probe: Probe, asset: AssetsDefinition) -> None:
    load(probe, asset, row(D1, 2, "x"), row(D2, 2, "x"), days=(D1, D2))
    entries = load(probe, asset, row(D1, 2, "7"), row(D2, 2, "x"))
    assert [(entry[1], entry[-1]) for entry in entries] == [(D1, True), (D2, False)]


def test_a_load_that_publishes_nothing_leaves_the_quarantine_alone(probe: Probe) -> None:
    probe.create()
    file = probe.write_sql("probe/raw/unreadable.sql", UNREADABLE)
    before = load(probe, probe.asset(quarantine=file), row(D1, 2, "x"))
    never = probe.write_sql("probe/audits/never.sql", "SELECT count(*) < 0 AS passed FROM {staged}")
    refusing = probe.asset(quarantine=file, audits=[Audit("never", never, "Never.")])
    probe.feed(row(D1, 2, "7"), row(D1, 3, "y"))
    with pytest.raises(AuditFailed):
        probe.load(refusing, D1)
    assert probe.warehouse.rows(ENTRIES) == before


@pytest.mark.parametrize("partition_key", [D1, None])
def test_what_stands_of_other_slices_is_not_read(probe: Probe, partition_key: str | None) -> None:
    others = """
        INSERT INTO ops.quarantine (asset, partition_key, run_id, source_key, reason, payload, is_row)
        SELECT 'probe/readings', 'day ' || n % 500, 'run', n::text, 'why', 'what', FALSE
        FROM generate_series(1, 20000) AS n
    """
    values = {
        "asset": "probe/readings",
        "partition_key": partition_key,
        "run_id": "run",
        "with_context": False,
    }
    with closing(psycopg2.connect(probe.warehouse.url)) as connection, connection.cursor() as cursor:
        cursor.execute(others)
        cursor.execute("ANALYZE ops.quarantine")
        cursor.execute(read_sql("ops/quarantine_create_found.sql"))
        for file in ("ops/quarantine_replayed.sql", "ops/quarantine_add.sql"):
            cursor.execute("EXPLAIN " + read_sql(file), values)
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "quarantine_standing" in plan
            assert "Seq Scan on quarantine standing" not in plan
