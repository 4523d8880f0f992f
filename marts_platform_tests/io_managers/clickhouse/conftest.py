"""The tests' own domain in ClickHouse, fresh for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from marts_platform_tests.io_managers.clickhouse.probe import ClickHouseProbe, connected
from marts_platform_tests.io_managers.conftest import FEED
from marts_platform_tests.marts import Warehouse, WriteSql, migrated_database, warehouse

if TYPE_CHECKING:
    from dagster import DagsterInstance

__all__ = ["migrated_database", "warehouse"]


@pytest.fixture
def probe(
    clickhouse: str,
    source_url: str,
    warehouse: Warehouse,
    write_sql: WriteSql,
    ephemeral_instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ClickHouseProbe]:
    """The tests' own domain, its tables yet to be made; ``MARTS_CAMUNDA_URL`` points at its source."""
    monkeypatch.setenv("MARTS_CAMUNDA_URL", source_url)
    warehouse.rows(FEED)
    with connected(clickhouse) as client:
        client.command("DROP DATABASE IF EXISTS probe SYNC")
        client.command("CREATE DATABASE probe ENGINE = Atomic")
        # Each test has a run log of its own, which begins with 1.
        client.command("TRUNCATE TABLE ops.etl_run_log_entries")
        client.command(
            "CREATE TABLE probe.feed (at DateTime64(6, 'UTC'), sensor Int32, value Nullable(String)) "
            "ENGINE = MergeTree ORDER BY at"
        )
    made = ClickHouseProbe(warehouse, source_url, write_sql, ephemeral_instance, url=clickhouse)
    yield made
    assert made.leftovers() == []
