"""A telemetry database, a CRM and warehouses, fresh for each test; the settings name them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest

from marts_platform import settings
from marts_platform.bionicpro.demo import create_telemetry
from marts_platform.embedded.stack import Stack
from marts_platform_tests import databases
from marts_platform_tests.bionicpro.world import World
from marts_platform_tests.databases import at_database
from marts_platform_tests.http_service import Answer, service
from marts_platform_tests.io_managers.clickhouse.probe import connected
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template

if TYPE_CHECKING:
    from dagster import DagsterInstance

__all__ = ["migrated_database", "warehouse", "warehouse_template"]

TABLES = (
    "bionicpro_raw.telemetry",
    "bionicpro_raw.crm_users",
    "bionicpro_reports.reports_data_mart",
    "bionicpro_reports.user_reports_summary_states",
)


@pytest.fixture(scope="session")
def _telemetry_template(stack: Stack) -> Iterator[str]:
    """The name of a database with the source's empty table."""
    owner = stack.owner_url("telemetry")
    with databases.scratch_database(owner, databases.user_of(owner)) as name:
        with closing(psycopg2.connect(at_database(owner, name))) as connection:
            create_telemetry(connection)
        yield name


@pytest.fixture
def world(
    stack: Stack,
    clickhouse: str,
    _telemetry_template: str,
    warehouse: Warehouse,
    ephemeral_instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    """A world with nothing in it."""
    owner, reader = stack.owner_url("telemetry"), settings.load().url("telemetry_url")
    with (
        databases.scratch_database(owner, databases.user_of(owner), _telemetry_template) as name,
        connected(clickhouse) as client,
        service(lambda _: Answer(made.customers)) as crm,
    ):
        for table in TABLES:
            client.command(f"TRUNCATE TABLE {table}")
        monkeypatch.setenv("MARTS_TELEMETRY_URL", at_database(reader, name))
        monkeypatch.setenv("MARTS_CRM_URL", crm.url())
        made = World(at_database(owner, name), crm, warehouse, client, ephemeral_instance)
        yield made
        assert made.lost_rows() == []
        staged = "SELECT name FROM system.tables WHERE database = 'marts_staging'"
        assert client.query(staged).result_rows == []
