"""Audits, fingerprints, quarantine and the run log of loads into ClickHouse."""

from __future__ import annotations

import json
import time
from typing import Any, BinaryIO

import pytest
from clickhouse_connect.driver.httpclient import HttpClient

from marts_platform.core.audit import Audit, AuditFailed, unique
from marts_platform.core.path import Extract, Rejected
from marts_platform.io_managers.clickhouse_session import ClickHouseSession
from marts_platform.resources.postgres import CopyOut
from marts_platform_tests.io_managers.clickhouse.probe import ClickHouseProbe
from marts_platform_tests.io_managers.probe import DAYS, failure, row

D1, D2 = DAYS[:2]
ROWS = [row(D1, 1, "a"), row(D1, 2, "b")]


@pytest.fixture
def readings(probe: ClickHouseProbe) -> ClickHouseProbe:
    """The domain with its table."""
    probe.create()
    return probe


def test_rows_that_fail_an_audit_are_not_published(readings: ClickHouseProbe) -> None:
    readings.feed(*ROWS)
    asset = readings.asset(readings.stream, audits=[unique("at", "sensor")])
    readings.load(asset, D1)
    readings.feed(*ROWS, row(D1, 2, "again"))
    with pytest.raises(AuditFailed, match=r"unique_at_sensor .*keys_with_several_rows=1, first_of_them=.*2"):
        readings.load(asset, D1)
    assert readings.published() == ROWS
    assert readings.leftovers() == []
    assert readings.warehouse.log() == ["success", "failed"]


def test_an_audit_is_a_check_in_dagster(readings: ClickHouseProbe) -> None:
    file = readings.write_sql(
        "probe/audits/known.sql",
        "SELECT count() = 0 AS passed, count() AS strangers FROM {staged:Identifier} WHERE sensor > 5",
    )
    warning = Audit("known", file, "Every sensor is known.", blocking=False)
    readings.feed(*ROWS, row(D1, 9, "z"))
    result = readings.run(readings.asset(readings.stream, audits=[warning, unique("sensor")]), D1)
    assert failure(result) == ""
    found = {each.check_name: each for each in result.get_asset_check_evaluations()}
    assert {name: each.passed for name, each in found.items()} == {"known": False, "unique_sensor": True}
    assert len(readings.published()) == 3


def test_the_fingerprint_is_of_the_staged_rows(readings: ClickHouseProbe) -> None:
    file = readings.write_sql(
        "probe/raw/state.sql", "SELECT concat(toString(count()), ' rows') FROM {staged:Identifier}"
    )
    readings.feed(*ROWS)
    readings.load(readings.asset(readings.stream, fingerprint=file), D1, D2)
    assert readings.warehouse.log("fingerprint") == ["2 rows", "0 rows"]


def test_what_could_not_be_read_stands_in_quarantine(readings: ClickHouseProbe) -> None:
    file = readings.write_sql(
        "probe/raw/bad.sql",
        "SELECT sensor AS source_key, 'odd' AS reason, value AS payload, false AS is_row "
        "FROM {staged:Identifier} WHERE sensor = 2",
    )
    readings.feed(*ROWS, row(D1, 3, "c"))

    def source(slice_: Any) -> Extract:
        return Extract(readings.stream(slice_), rejected=[Rejected("9", "no reading", "raw \\ я")])

    readings.load(readings.asset(source, quarantine=file), D1)
    entries = "SELECT source_key, reason, payload, is_row FROM ops.quarantine ORDER BY source_key"
    assert readings.warehouse.rows(entries) == [
        ("2", "odd", "b", False),
        ("9", "no reading", "raw \\ я", True),
    ]
    figures = readings.warehouse.log("rows_read, rows_written, rows_quarantined, values_quarantined")
    assert figures == [(4, 3, 1, 1)]
    readings.load(readings.asset(readings.stream, quarantine=file), D1)
    assert readings.warehouse.rows("SELECT source_key FROM ops.quarantine WHERE replayed_at IS NULL") == [
        ("2",)
    ]


def test_a_slow_publication_leaves_no_transaction_idle(
    readings: ClickHouseProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A transaction that is idle for a quarter of an hour is ended, and a shadow may take longer.
    make, idle = ClickHouseSession.make, list[int]()

    def watched(session: ClickHouseSession, name: str, *others: Any) -> None:
        if name == session.names.shadow:
            idle.append(
                readings.warehouse.one(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                    "AND application_name LIKE 'marts_platform load %' AND state LIKE 'idle in transaction%'"
                )
            )
        make(session, name, *others)

    monkeypatch.setattr(ClickHouseSession, "make", watched)
    readings.feed(*ROWS, row(D2, 3, "another day of the month"))
    readings.load(readings.asset(readings.stream), D1, D2)
    readings.load(readings.asset(readings.stream), D1)
    assert idle == [0]


def test_a_request_begins_with_its_first_row(
    readings: ClickHouseProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A server ends one in which nothing comes for half a minute.
    insert, send, begun = HttpClient.raw_insert, CopyOut.send, list[object]()

    def noted(client: HttpClient, *others: Any, **named: Any) -> Any:
        begun.append(named.get("insert_block"))
        return insert(client, *others, **named)

    def late(stream: CopyOut, sink: BinaryIO) -> int:
        time.sleep(0.5)
        assert begun == []
        return send(stream, sink)

    readings.feed(*ROWS)
    monkeypatch.setattr(HttpClient, "raw_insert", noted)
    monkeypatch.setattr(CopyOut, "send", late)
    readings.load(readings.asset(readings.stream), D1)
    assert len(begun) == 1
    assert readings.published() == ROWS


def test_bytes_that_are_no_text_can_be_quarantined(readings: ClickHouseProbe) -> None:
    file = readings.write_sql(
        "probe/raw/bytes.sql",
        "SELECT toString(sensor) AS source_key, 'why' AS reason, "
        "if(sensor = 1, unhex('ff00'), 'tab\\t, \\n, \\\\ and \\'') AS payload, "
        "true AS is_row FROM {staged:Identifier}",
    )
    readings.feed(*ROWS)
    readings.load(readings.asset(readings.stream, quarantine=file), D1)
    payloads = readings.warehouse.rows("SELECT payload FROM ops.quarantine ORDER BY source_key")
    assert payloads == [("\\xff00",), ("tab\t, \n, \\ and '",)]


def test_each_statement_says_whose_it_is(readings: ClickHouseProbe) -> None:
    file = readings.write_sql(
        "probe/raw/comment.sql", "SELECT getSetting('log_comment') FROM {staged:Identifier} LIMIT 1"
    )
    readings.feed(*ROWS)
    readings.load(readings.asset(readings.stream, fingerprint=file), D1)
    (comment,) = readings.warehouse.log("fingerprint")
    assert json.loads(comment) == {
        "run_id": readings.warehouse.one("SELECT run_id FROM ops.etl_run_log"),
        "asset": "probe/readings",
        "partition": D1,
    }


COPIED = "id, asset, partition_key, status, rows_written, started_at, error"
ENTRIES = f"SELECT {COPIED} FROM ops.etl_run_log ORDER BY id"


def test_the_run_log_can_be_read_in_clickhouse_and_heals(readings: ClickHouseProbe) -> None:
    readings.feed(*ROWS)
    asset = readings.asset(readings.stream)
    assert failure(readings.run(asset, D1, D2)) == ""
    assert readings.ask(ENTRIES) == readings.warehouse.rows(f"SET TIME ZONE 'UTC'; {ENTRIES}")
    # An entry that was still running when it was copied, one that failed, and a copy that has lost some.
    readings.warehouse.rows(
        "INSERT INTO ops.etl_run_log (asset, run_id, root_run_id, status) "
        "VALUES ('probe/other', 'r', 'r', 'running')"
    )
    assert failure(readings.run(asset, D1)) == ""
    assert "running" in [entry[3] for entry in readings.ask(ENTRIES)]
    readings.warehouse.rows("UPDATE ops.etl_run_log SET status = 'failed', error = 'why' WHERE run_id = 'r'")
    readings.do("DELETE FROM ops.etl_run_log_entries WHERE id = 2")
    assert failure(readings.run(asset, D1)) == ""
    entries = readings.ask(ENTRIES)
    assert entries == readings.warehouse.rows(f"SET TIME ZONE 'UTC'; {ENTRIES}")
    assert len(entries) == 5
    assert "running" not in [entry[3] for entry in entries]


def test_a_failed_run_is_copied_too_and_a_long_one_before_its_end(
    readings: ClickHouseProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings.feed(*ROWS, ROWS[0])
    assert failure(readings.run(readings.asset(readings.stream, audits=[unique("at", "sensor")]), D1))
    assert readings.ask("SELECT status FROM ops.etl_run_log") == [("failed",)]
    monkeypatch.setattr("marts_platform.io_managers.clickhouse_log._BEHIND_SECONDS", 0.0)
    readings.load(readings.asset(readings.stream), D1)
    assert readings.ask("SELECT status FROM ops.etl_run_log ORDER BY id") == [("failed",), ("success",)]
