"""Topics of their own for tests, and warehouses that they are read into."""

from __future__ import annotations

import secrets

import pytest

from marts_platform_tests.embedded.conftest import marts, new_home
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template
from marts_platform_tests.shop.topic import Topic

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
