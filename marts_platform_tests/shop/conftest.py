"""Topics of their own for tests, and warehouses that they are read into."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from marts_platform import settings
from marts_platform.embedded.stack import Stack
from marts_platform_tests import databases
from marts_platform_tests.databases import at_database
from marts_platform_tests.embedded.conftest import marts, new_home
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template
from marts_platform_tests.mysql_servers import MySQLAccess
from marts_platform_tests.shop.replica import Shop
from marts_platform_tests.shop.topic import Topic

if TYPE_CHECKING:
    from dagster import DagsterInstance

__all__ = ["marts", "migrated_database", "new_home", "warehouse", "warehouse_template"]


@pytest.fixture
def absent_topic(kafka: str, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Topic:
    """The name of a topic that nobody has made, in the settings."""
    topic = Topic(kafka, f"events-{secrets.token_hex(6)}", warehouse)
    monkeypatch.setenv("MARTS_KAFKA_BOOTSTRAP", kafka)
    monkeypatch.setenv("MARTS_SHOP_EVENTS_TOPIC", topic.name)
    return topic


@pytest.fixture
def topic(absent_topic: Topic) -> Topic:
    """An empty topic of one partition, with the settings that name it."""
    absent_topic.create()
    return absent_topic


@pytest.fixture
def shop(
    stack: Stack,
    mysql: MySQLAccess,
    warehouse: Warehouse,
    ephemeral_instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Shop]:
    """A generated shop of its own, and an empty replica on each kind of MySQL server."""
    owner, reader = stack.owner_url("shop"), settings.load().url("shop_url")
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", mysql.replica_url)
    mysql.clear()
    with databases.scratch_database(owner, databases.user_of(owner)) as name:
        monkeypatch.setenv("MARTS_SHOP_URL", at_database(reader, name))
        yield Shop.generated(at_database(owner, name), mysql, warehouse, ephemeral_instance)
    mysql.clear()
