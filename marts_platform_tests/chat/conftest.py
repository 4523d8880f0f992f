"""A chat's database and a warehouse beside it, empty for each test; the settings name both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from marts_platform_tests.chat.loads import Star
from marts_platform_tests.chat.source import ChatDatabase
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template
from marts_platform_tests.mysql_servers import MySQLAccess

if TYPE_CHECKING:
    from dagster import DagsterInstance

__all__ = ["migrated_database", "warehouse", "warehouse_template"]


@pytest.fixture
def star(clickhouse: str, warehouse: Warehouse, ephemeral_instance: DagsterInstance) -> Star:
    """The chat's star schema, empty, with a run log of its own."""
    assert clickhouse and warehouse.url
    made = Star(ephemeral_instance)
    made.clear()
    return made


@pytest.fixture
def chat(embedded_mysql: MySQLAccess, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatDatabase]:
    """The chat's database, empty; ``MARTS_CHAT_URL`` points at it, for a reader."""
    monkeypatch.setenv("MARTS_CHAT_URL", embedded_mysql.chat_url)
    with ChatDatabase.emptied(embedded_mysql) as database:
        yield database


@pytest.fixture
def chat_of_each_server(mysql: MySQLAccess, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatDatabase]:
    """As `chat`, on each kind of server that a source may be."""
    monkeypatch.setenv("MARTS_CHAT_URL", mysql.chat_url)
    with ChatDatabase.emptied(mysql) as database:
        yield database
