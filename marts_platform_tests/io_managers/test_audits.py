"""Audits stand between the staged rows and the readers: a blocking one that fails lets nothing through."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest
from psycopg2.errors import UndefinedColumn, UniqueViolation

from marts_platform.core.audit import Audit, AuditFailed, unique
from marts_platform_tests.io_managers.probe import DAYS, Probe, failure, row

D1, D2, D3 = DAYS[:3]
GOOD = [row(D1, 1, "good"), row(D1, 2, "good")]
BAD = [row(D1, 1, "good"), row(D1, 2, "bad"), row(D1, 3, "bad")]
NO_BAD = """
    SELECT count(*) = 0 AS passed, count(*) AS bad_rows, min(sensor) AS first_sensor
    FROM {staged} WHERE value = 'bad' AND at >= %(start)s AND at < %(end)s
"""


@pytest.fixture(params=["plain", "partitioned"])
def readings(request: pytest.FixtureRequest, probe: Probe) -> Probe:
    """The domain with each kind of table."""
    if request.param == "plain":
        probe.create()
    else:
        probe.create_partitioned()
    return probe


def no_bad(probe: Probe, *, blocking: bool = True) -> Audit:
    file = probe.write_sql("probe/audits/no_bad.sql", NO_BAD)
    return Audit("no_bad", file, "Nothing is bad.", blocking=blocking)


def checks(result: dg.ExecuteInProcessResult) -> dict[str, tuple[bool, str, dict[str, Any]]]:
    """What the event log says of each check: passed, severity, figures."""
    return {
        found.check_name: (
            found.passed,
            found.severity.value,
            {name: value.value for name, value in found.metadata.items()},
        )
        for found in result.get_asset_check_evaluations()
    }


def test_an_audit_that_passes_publishes_and_shows_its_figures(readings: Probe) -> None:
    readings.feed(*GOOD)
    result = readings.run(readings.asset(audits=[no_bad(readings)]), D1)
    assert result.success
    assert readings.published() == GOOD
    passed, _, figures = checks(result)["no_bad"]
    assert passed
    assert figures["bad_rows"] == 0
    assert figures["partition"] == D1


def test_a_blocking_audit_that_fails_publishes_nothing_and_fails_the_run(readings: Probe) -> None:
    asset = readings.asset(audits=[no_bad(readings)])
    readings.feed(*GOOD)
    readings.load(asset, D1)
    readings.feed(*BAD)
    result = readings.run(asset, D1)
    assert not result.success
    assert readings.published() == GOOD
    assert readings.leftovers() == []
    passed, severity, figures = checks(result)["no_bad"]
    assert (passed, severity) == (False, "ERROR")
    assert (figures["bad_rows"], figures["first_sensor"], figures["partition"]) == (2, 2, D1)
    assert result.get_asset_materialization_events() == []
    status, error, rows = readings.warehouse.log("status, error, rows_written")[-1]
    assert (status, rows) == ("failed", None)
    assert "no_bad (Nothing is bad.): bad_rows=2, first_sensor=2" in error
    assert "nothing was published" in error


def test_a_failed_audit_is_not_tried_again(readings: Probe) -> None:
    readings.feed(*BAD)
    with pytest.raises(AuditFailed, match="probe/readings, 2024-03-01: .*bad_rows=2"):
        readings.load(readings.asset(audits=[no_bad(readings)]), D1)
    assert readings.warehouse.log() == ["failed"]


def test_a_warning_audit_that_fails_publishes_and_shows_as_a_warning(readings: Probe) -> None:
    readings.feed(*BAD)
    result = readings.run(readings.asset(audits=[no_bad(readings, blocking=False)]), D1)
    assert result.success, failure(result)
    assert readings.published() == BAD
    passed, severity, figures = checks(result)["no_bad"]
    assert (passed, severity, figures["bad_rows"]) == (False, "WARN", 2)
    assert readings.warehouse.log() == ["success"]


def test_days_before_the_one_that_failed_stay_published(readings: Probe) -> None:
    asset = readings.asset(audits=[no_bad(readings)])
    readings.feed(row(D1, 1, "good"), row(D2, 1, "bad"), row(D3, 1, "good"))
    result = readings.run(asset, D1, D3)
    assert not result.success
    assert readings.published() == [row(D1, 1, "good")]
    assert readings.warehouse.log("partition_key, status") == [(D1, "success"), (D2, "failed")]
    assert readings.instance.get_materialized_partitions(asset.key) == {D1}
    passed, _, figures = checks(result)["no_bad"]
    assert not passed
    assert (figures["slices"], figures["slices_failed"], figures["partition"]) == (2, 1, D2)


def test_duplicates_that_violate_the_unique_index_are_explained_by_the_audit(probe: Probe) -> None:
    probe.create_partitioned()
    asset = probe.asset(audits=[unique("sensor", "at")])
    probe.feed(*GOOD)
    probe.load(asset, D1)
    probe.feed(*GOOD, row(D1, 2, "again"))
    result = probe.run(asset, D1)
    assert not result.success
    assert "AuditFailed" in failure(result)
    passed, severity, figures = checks(result)["unique_sensor_at"]
    assert (passed, severity, figures["keys_with_several_rows"]) == (False, "ERROR", 1)
    assert figures["first_of_them"].startswith("2, 2024-03-01 12:00:00")
    assert probe.published() == GOOD
    assert probe.leftovers() == []


def test_duplicates_that_no_audit_explains_are_refused_all_the_same(probe: Probe) -> None:
    probe.create_partitioned()
    probe.feed(*GOOD, row(D1, 2, "again"))
    with pytest.raises(UniqueViolation):
        probe.load(probe.asset(), D1)
    assert probe.published() == []
    assert probe.leftovers() == []
    assert probe.warehouse.log() == ["failed"]


def test_an_audit_that_cannot_run_raises_and_is_no_failed_check(readings: Probe) -> None:
    file = readings.write_sql("probe/audits/broken.sql", "SELECT not_there = 0 AS passed FROM {staged}")
    asset = readings.asset(audits=[Audit("broken", file, "Never.")])
    readings.feed(*GOOD)
    result = readings.run(asset, D1)
    assert not result.success
    assert UndefinedColumn.__name__ in failure(result)
    assert checks(result) == {}
    assert readings.published() == []


def test_an_audit_that_gives_no_row_raises(readings: Probe) -> None:
    file = readings.write_sql("probe/audits/none.sql", "SELECT TRUE AS passed FROM {staged} WHERE FALSE")
    readings.feed(*GOOD)
    with pytest.raises(ValueError, match=r"audit none: probe/audits/none\.sql gave no row"):
        readings.load(readings.asset(audits=[Audit("none", file, "Never.")]), D1)
    assert readings.published() == []
