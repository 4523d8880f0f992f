"""A delivery service and a warehouse beside it, fresh for each test; the settings name both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import psycopg2
import pytest

from marts_platform import settings
from marts_platform.delivery import demo, replica
from marts_platform.embedded.stack import Stack
from marts_platform_tests import databases
from marts_platform_tests.databases import at_database
from marts_platform_tests.delivery.service import DAYS, END, ORDERS, Service
from marts_platform_tests.delivery.topics import Topics
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template

if TYPE_CHECKING:
    from dagster import DagsterInstance

__all__ = ["migrated_database", "warehouse", "warehouse_template"]

PUBLISHER = "delivery_publisher"


@pytest.fixture(scope="session")
def _service_template(stack: Stack) -> Iterator[str]:
    """The name of a database with generated orders."""
    owner = stack.owner_url("delivery")
    with databases.scratch_database(owner, PUBLISHER) as name:
        with closing(psycopg2.connect(at_database(owner, name))) as connection:
            demo.create_source(connection)
            demo.generate_orders(connection, orders=ORDERS, days=len(DAYS), until=END, performers=6)
        yield name


@pytest.fixture
def service(
    stack: Stack, kafka: str, _service_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Service]:
    """A service with generated orders, which the platform reads without a replica; without its topics yet."""
    Topics.named(kafka, monkeypatch)
    owner, reader = stack.owner_url("delivery"), settings.load().url("delivery_url")
    # In a home without a stack there is no replica but the one that a test asks for.
    for name in ("warehouse_url", "delivery_url", "clickhouse_url"):
        if (value := getattr(settings.load(), name)) is not None:
            monkeypatch.setenv(settings.variable(name), value.get_secret_value())
    monkeypatch.setenv("MARTS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MARTS_DELIVERY_REPLICA_URL", raising=False)
    with databases.scratch_database(owner, PUBLISHER, _service_template) as name:
        monkeypatch.setenv("MARTS_DELIVERY_URL", at_database(reader, name))
        with Service.connected(at_database(owner, name)) as service:
            yield service


@pytest.fixture
def replica_database(stack: Stack, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """An empty database for the service's replica; the settings name it. The replica goes with the test."""
    owner = stack.owner_url("delivery_replica")
    reader = settings.stack_environment(stack.folder)["MARTS_DELIVERY_REPLICA_URL"]
    with databases.scratch_database(owner, "delivery_subscriber") as name:
        monkeypatch.setenv("MARTS_DELIVERY_REPLICA_URL", at_database(reader, name))
        with Service.connected(at_database(owner, name)) as connected:
            yield connected
        replica.drop()
        with psycopg.connect(service.url) as connection:
            slots = connection.execute("SELECT slot_name FROM pg_replication_slots").fetchall()
        assert slots == []  # one that is left would keep the server's log for ever


@pytest.fixture
def loaded(
    clickhouse: str, service: Service, warehouse: Warehouse, ephemeral_instance: DagsterInstance
) -> Iterator[DeliveryWarehouse]:
    """Warehouses without rows beside the service, to be loaded."""
    with DeliveryWarehouse.emptied(service, warehouse, ephemeral_instance) as made:
        yield made
