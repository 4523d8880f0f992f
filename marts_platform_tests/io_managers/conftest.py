"""A migrated warehouse with the tests' own small domain in it, and another database as its source."""

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
from marts_platform_tests.marts import (
    Warehouse,
    WriteSql,
    migrated_database,
    warehouse,
    warehouse_template,
    write_sql,
)

if TYPE_CHECKING:
    from dagster import DagsterInstance

__all__ = ["migrated_database", "warehouse", "warehouse_template", "write_sql"]

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


@pytest.fixture
def probe(
    source_url: str,
    warehouse: Warehouse,
    write_sql: WriteSql,
    ephemeral_instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> Probe:
    """The tests' own domain, its tables yet to be made; ``MARTS_CAMUNDA_URL`` points at its source."""
    monkeypatch.setenv("MARTS_CAMUNDA_URL", source_url)
    warehouse.rows(FEED)
    return Probe(warehouse, source_url, write_sql, ephemeral_instance)
