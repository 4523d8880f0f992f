"""Rows of telemetry with one id: one arrives, the others stand in quarantine."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from marts_platform.bionicpro.sources import TelemetrySource
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform_tests.bionicpro.world import COLUMNS, MART, SUMMARY, TELEMETRY, Row, World, action, at

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
REASON = "another row has the same id"
ROWS = {
    "the newest by time": [action(1, at(8, day=YESTERDAY)), action(2, at(9, day=YESTERDAY))],
    "of one time": [
        action(1, at(8, day=YESTERDAY), None, None, None, None),
        action(2, at(8, day=YESTERDAY)),
        action(2, at(8, day=YESTERDAY), seconds=61),
    ],
    "by the sign of zero": [
        action(1, at(8, day=YESTERDAY), 0.0, battery=-0.0),
        action(1, at(8, day=YESTERDAY), -0.0, battery=0.0),
    ],
    "the same row": [action(1, at(8, day=YESTERDAY))] * 3,
}
KEYS = {
    "no key": "SELECT 1",
    "a key over two columns": "ALTER TABLE telemetry_data ADD extra bigserial, ADD PRIMARY KEY (id, extra)",
    "a key of some": "CREATE UNIQUE INDEX ids ON telemetry_data (id) WHERE id > 1000",
    "a key of an expression": "CREATE UNIQUE INDEX ids ON telemetry_data ((id + user_id))",
}


def write_with_one_id(world: World, rows: Sequence[Row]) -> None:
    """Write rows with the id 7."""
    world.write(*rows)
    world.source("UPDATE telemetry_data SET id = 7 WHERE id <> 100")


@pytest.fixture
def free(world: World) -> World:
    """A source whose ids no key keeps apart, with one more row."""
    world.write(action(9, at(7, day=YESTERDAY)))
    world.source("ALTER TABLE telemetry_data DROP CONSTRAINT telemetry_data_pkey")
    world.source("UPDATE telemetry_data SET id = 100")
    return world


def is_as_its_source(world: World) -> bool:
    """Return true if nothing is pending, and the check of the day passes."""
    slice_ = slice_of(DAILY, YESTERDAY.isoformat())
    state = TelemetrySource().source_state(TELEMETRY, [slice_]).fingerprints[YESTERDAY.isoformat()]
    logged = world.postgres.rows(
        "SELECT fingerprint FROM ops.etl_run_log WHERE asset = %s ORDER BY finished_at DESC LIMIT 1",
        TELEMETRY,
    )
    staged = state.partition("; ")[0]
    stored = TelemetrySource().stored_state(slice_, None)
    return (
        logged == [(state,)] and staged == stored and not {TELEMETRY, MART, SUMMARY} & world.pending().keys()
    )


@pytest.mark.parametrize("case", ROWS)
def test_of_rows_with_one_id_one_arrives(free: World, case: str) -> None:
    rows = ROWS[case]
    arrived: list[object] = []
    for given in (rows, list(reversed(rows))):
        free.source("DELETE FROM telemetry_data WHERE id = 7")
        write_with_one_id(free, given)
        figures = free.load(YESTERDAY)[0].figures
        assert (figures.rows_read, figures.rows_written) == (len(rows) + 1, 2)
        assert figures.rows_quarantined == len(rows) - 1
        assert [entry[:2] for entry in free.quarantine(TELEMETRY)] == [("7", REASON)] * (len(rows) - 1)
        assert is_as_its_source(free)
        arrived.append(repr(free.rows("SELECT * FROM bionicpro_raw.telemetry WHERE id = 7")))
    assert arrived[0] == arrived[1]
    assert [row["user_id"] for row in free.reports("user_id")] == [rows[-1]["user_id"], 9]


@pytest.mark.parametrize("key", KEYS)
def test_only_a_key_over_all_ids_keeps_them_apart(free: World, key: str) -> None:
    free.source(KEYS[key])
    write_with_one_id(free, ROWS["the newest by time"])
    assert free.load(YESTERDAY)[0].figures.rows_quarantined == 1
    assert is_as_its_source(free)


def test_a_table_that_inherits_has_ids_of_its_own(world: World) -> None:
    world.source("CREATE TABLE newer () INHERITS (telemetry_data)")
    world.write(action(1, at(8, day=YESTERDAY)))
    world.source(
        f"INSERT INTO newer (id, {', '.join(COLUMNS)}) SELECT id, {', '.join(COLUMNS)} FROM telemetry_data"
    )
    assert world.load(YESTERDAY)[0].figures.rows_quarantined == 1
    assert is_as_its_source(world)


def test_a_row_that_is_none_takes_no_place_of_a_good_one(free: World) -> None:
    free.source("ALTER TABLE telemetry_data ALTER user_id DROP NOT NULL")
    write_with_one_id(free, [action(1, at(8, day=YESTERDAY)), action(2, at(9, day=YESTERDAY))])
    free.source("UPDATE telemetry_data SET user_id = NULL WHERE user_id = 2")
    assert free.load(YESTERDAY)[0].figures.rows_quarantined == 1
    assert [reason for _, reason, _ in free.quarantine(TELEMETRY)] == [
        "user_id is not a whole number of 32 bits"
    ]
    assert free.rows("SELECT user_id FROM bionicpro_raw.telemetry WHERE id = 7") == [{"user_id": 1}]


def test_rows_with_one_id_are_compared_and_corrected(free: World) -> None:
    write_with_one_id(free, ROWS["the newest by time"])
    free.load(YESTERDAY)
    assert json.loads(free.quarantine(TELEMETRY)[0][2])["user_id"] == 1
    free.source("UPDATE telemetry_data SET duration_seconds = 1 WHERE user_id = 1")
    assert free.pending()[TELEMETRY] == [YESTERDAY.isoformat()]
    free.load(YESTERDAY)
    assert json.loads(free.quarantine(TELEMETRY)[0][2])["duration_seconds"] == 1
    free.source("UPDATE telemetry_data SET id = 8 WHERE user_id = 1")
    free.load(YESTERDAY)
    assert free.quarantine(TELEMETRY) == []
    assert is_as_its_source(free)
    assert len(free.reports("user_id")) == 3
