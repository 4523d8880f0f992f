"""A value of a row, which ClickHouse quotes in its error, is in no sink: the run log's copy among them."""

from __future__ import annotations

from typing import Any

import pytest

from marts_platform_tests.io_managers.clickhouse.probe import BY_MONTH, ClickHouseProbe
from marts_platform_tests.io_managers.probe import DAYS, row
from marts_platform_tests.test_row_values import CANARY, refuse_canary

D1 = DAYS[0]
QUERY = "SELECT at, toInt32(assumeNotNull(value)) AS sensor, value FROM probe.feed"


@pytest.mark.parametrize(
    ("case", "kept"),
    [
        ("query", "Cannot parse string … as Int32"),
        ("throw", "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
    ],
)
def test_value_in_clickhouse_error_is_in_no_sink(
    probe: ClickHouseProbe, caplog: pytest.LogCaptureFixture, case: str, kept: str
) -> None:
    probe.create(BY_MONTH)
    probe.feed(row(D1, 1, CANARY))
    throwing = "SELECT at, sensor, concat(value, throwIf(value = '{}')::String) AS value FROM probe.feed"
    ways: dict[str, Any] = {"query": probe.query(QUERY), "throw": probe.query(throwing.format(CANARY))}
    result = probe.run(probe.asset(ways[case]), D1)
    assert not result.success
    events = "".join(map(repr, probe.instance.all_logs(result.run_id)))
    ((error,),) = probe.warehouse.rows("SELECT error FROM ops.etl_run_log WHERE status = 'failed'")
    copied = probe.one("SELECT error FROM ops.etl_run_log WHERE status = 'failed'")
    refuse_canary(events, error, str(copied), caplog.text)
    assert kept in error and kept in copied
