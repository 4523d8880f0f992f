"""Loads by a ClickHouse user whose profile allows less than others' do."""

from __future__ import annotations

import pytest

from marts_platform.core.path import Append, Replace
from marts_platform.resources.clickhouse import ClickHouseReadOnlyError
from marts_platform_tests.clickhouse_profile import profiled
from marts_platform_tests.io_managers.clickhouse.probe import (
    BY_DAY,
    BY_MONTH,
    UNPARTITIONED,
    WHOLE_FEED,
    ClickHouseProbe,
)
from marts_platform_tests.io_managers.probe import DAYS, row

D1, D2 = DAYS[:2]
# A server's limits apply to users in the same way, and are 50 GB by default.
SMALL = {"max_table_size_to_drop": "1", "max_partition_size_to_drop": "1"}


@pytest.mark.parametrize("form", [BY_DAY, BY_MONTH, UNPARTITIONED])
def test_a_second_load_drops_tables_and_partitions_of_any_size(
    probe: ClickHouseProbe, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    probe.create(form)
    with profiled(probe.url, SMALL) as url:
        monkeypatch.setenv("MARTS_CLICKHOUSE_URL", url)
        asset = probe.asset(probe.stream)
        for rows in ([row(D1, 1), row(D2, 2)], [row(D1, 1, "new"), row(D2, 2)], [row(D2, 2)]):
            probe.feed(*rows)
            probe.load(asset, D1, D2)
            assert probe.published() == rows
        appended = probe.asset(probe.stream, publication=Append("at"))
        probe.load(appended, D2)
        whole = probe.asset(probe.query(WHOLE_FEED), publication=Replace(), partitions_def=None)
        for _ in range(2):
            probe.load(whole)
        assert probe.published() == rows
        monkeypatch.undo()


def test_a_user_that_may_not_change_settings_is_refused_by_name(
    probe: ClickHouseProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe.create()
    probe.feed(row(D1, 1))
    with profiled(probe.url, {"readonly": "1"}) as url:
        monkeypatch.setenv("MARTS_CLICKHOUSE_URL", url)
        with pytest.raises(ClickHouseReadOnlyError, match=r"MARTS_CLICKHOUSE_URL .*readonly = 1"):
            probe.load(probe.asset(probe.stream), D1)
        monkeypatch.undo()
