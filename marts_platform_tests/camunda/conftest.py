"""A Camunda engine's database and a warehouse beside it, fresh for each test; the settings name both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from marts_platform import settings
from marts_platform.embedded.stack import Stack
from marts_platform.migrations import runner
from marts_platform_tests import databases
from marts_platform_tests.camunda.engine import Engine
from marts_platform_tests.camunda.loads import Warehouse
from marts_platform_tests.databases import SourceServer, at_database

if TYPE_CHECKING:
    from dagster import DagsterInstance


@pytest.fixture(scope="session")
def _warehouse_template(stack: Stack) -> Iterator[str]:
    """The name of a database that is migrated and empty: migrating takes a second, copying it does not."""
    url = settings.load().url("warehouse_url")
    owner = stack.owner_url("warehouse")
    with databases.scratch_database(owner, databases.user_of(url)) as name:
        runner.upgrade(at_database(url, name))
        yield name


@pytest.fixture
def warehouse(
    stack: Stack,
    _warehouse_template: str,
    ephemeral_instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Warehouse]:
    """A migrated, empty warehouse of this test's own; ``MARTS_WAREHOUSE_URL`` points at it."""
    owner = stack.owner_url("warehouse")
    url = settings.load().url("warehouse_url")
    with databases.scratch_database(owner, databases.user_of(url), _warehouse_template) as name:
        monkeypatch.setenv("MARTS_WAREHOUSE_URL", at_database(url, name))
        with Warehouse.connected(at_database(url, name), ephemeral_instance) as warehouse:
            yield warehouse


@pytest.fixture
def engine(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine's empty database on the embedded server; ``MARTS_CAMUNDA_URL`` points at it, for a reader."""
    owner, reader = stack.owner_url("camunda"), settings.load().url("camunda_url")
    with (
        databases.scratch_database(owner, databases.user_of(owner)) as name,
        Engine.created(at_database(owner, name), at_database(reader, name)) as engine,
    ):
        monkeypatch.setenv("MARTS_CAMUNDA_URL", engine.reader_url)
        yield engine


@pytest.fixture
def engine_of_each_server(source_server: SourceServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """As `engine`, on each kind of server that a source may be."""
    with Engine.created(source_server.owner_url, source_server.reader_url) as engine:
        monkeypatch.setenv("MARTS_CAMUNDA_URL", engine.reader_url)
        yield engine
