"""A migrated warehouse with the tests' own small domain in it, and another database as its source.

The warehouse is one database for the session, put back to what a migration leaves before each test: to make
one takes half a second, and there are two hundred of these tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest

from marts_platform import settings
from marts_platform.embedded.stack import Stack
from marts_platform_tests import databases
from marts_platform_tests.io_managers.probe import Probe
from marts_platform_tests.marts import Warehouse, WriteSql, warehouse_template, write_sql

if TYPE_CHECKING:
    from dagster import DagsterInstance

__all__ = ["warehouse_template", "write_sql"]

FORGET = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid();
    DROP SCHEMA IF EXISTS probe, probe_partitions CASCADE;
    TRUNCATE ops.etl_run_log, ops.quarantine RESTART IDENTITY
"""
FEED = """
    CREATE SCHEMA probe;
    CREATE SCHEMA probe_partitions;
    CREATE TABLE probe.feed (at timestamptz, sensor integer, value text)
"""


@pytest.fixture(scope="session")
def source_url(stack: Stack) -> Iterator[str]:
    """A database with a feed; whoever uses it fills it anew."""
    url = settings.load().url("warehouse_url")
    with databases.scratch_database(stack.owner_url("warehouse"), databases.user_of(url)) as name:
        there = databases.at_database(url, name)
        with closing(psycopg2.connect(there)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(FEED)
        yield there


@pytest.fixture(scope="session")
def probe_warehouse(stack: Stack, warehouse_template: str) -> Iterator[Warehouse]:
    """A migrated warehouse that these tests leave as they found it."""
    url = settings.load().url("warehouse_url")
    with databases.scratch_database(
        stack.owner_url("warehouse"), databases.user_of(url), warehouse_template
    ) as name:
        yield Warehouse(databases.at_database(url, name))


@pytest.fixture
def probe(
    source_url: str,
    probe_warehouse: Warehouse,
    write_sql: WriteSql,
    ephemeral_instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> Probe:
    """The tests' own domain, its tables yet to be made; the settings point at its two databases."""
    monkeypatch.setenv("MARTS_CAMUNDA_URL", source_url)
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", probe_warehouse.url)
    probe_warehouse.rows(FORGET)
    probe_warehouse.rows(FEED)
    return Probe(probe_warehouse, source_url, write_sql, ephemeral_instance)
