"""Up to where a replica is read when its source cannot be asked: never beyond what it is known to have."""

from __future__ import annotations

import re
import socket
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from psycopg.sql import SQL, Identifier, Literal
from typer.testing import CliRunner

from marts_platform import settings
from marts_platform.cli import app
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.delivery import bounds, replica
from marts_platform.delivery.bounds import replica_bound
from marts_platform.delivery.replica_status import NAME, publisher
from marts_platform.delivery.sources import DeliverySource
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.materialization import days_between, materialize, select
from marts_platform.resources.postgres_source import BLIND_MARGIN, CommitBound
from marts_platform_tests.delivery.service import Service
from marts_platform_tests.delivery.test_replica import wait_until
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse
from marts_platform_tests.marts import Warehouse

if TYPE_CHECKING:
    from dagster import DagsterInstance


@pytest.fixture
def followed(replica_database: Service) -> Service:
    """A replica that has what the source has."""
    replica.create()
    replica.wait_until_copied()
    return replica_database


def bound_without_source(followed: Service) -> CommitBound:
    with pytest.MonkeyPatch.context() as patch, closing(psycopg2.connect(followed.url)) as connection:
        patch.delenv("MARTS_DELIVERY_URL")
        return replica_bound(connection, publisher(), settings.load())


def newest(service: Service) -> Any:
    (row,) = service.rows(
        """
        SELECT greatest(
            (SELECT max(registered_at) FROM "order"),
            (SELECT max(created_at) FROM pipeline),
            (SELECT max(created_at) FROM stage)
        ) AS moment
        """
    )
    return row["moment"]


def connect_to(followed: Service, address: str) -> None:
    """Sends the subscription's worker to another address."""
    followed.execute(f"ALTER SUBSCRIPTION {NAME} DISABLE")
    statement = SQL("ALTER SUBSCRIPTION {} CONNECTION {}").format(Identifier(NAME), Literal(address))
    followed.connection.execute(statement)
    followed.execute(f"ALTER SUBSCRIPTION {NAME} ENABLE")


def test_without_a_worker_it_ends_before_the_newest_row(service: Service, followed: Service) -> None:
    followed.execute(f"ALTER SUBSCRIPTION {NAME} DISABLE")
    worker = "SELECT 1 FROM pg_stat_subscription WHERE subname = %s AND pid IS NOT NULL"
    wait_until(lambda: not followed.rows(worker, NAME))
    found = bound_without_source(followed)
    assert found.moment == newest(service) - BLIND_MARGIN
    assert found.warning is not None and "newest row" in found.warning
    followed.execute(f"ALTER SUBSCRIPTION {NAME} ENABLE")


def test_a_worker_that_has_heard_nothing_yet_gives_no_moment(service: Service, followed: Service) -> None:
    (subscription,) = followed.rows("SELECT subconninfo FROM pg_subscription WHERE subname = %s", NAME)
    with socket.create_server(("127.0.0.1", 0)) as mute:  # it takes connections, and says nothing
        address = f"host=127.0.0.1 port={mute.getsockname()[1]} user=x password=x dbname=x"
        connect_to(followed, address)
        try:
            waiting = "SELECT 1 FROM pg_stat_subscription WHERE subname = %s AND latest_end_lsn IS NULL"
            wait_until(lambda: followed.rows(f"{waiting} AND pid IS NOT NULL", NAME) != [])
            wait_until(lambda: followed.rows(waiting, NAME) != [])
            found = bound_without_source(followed)
        finally:
            connect_to(followed, subscription["subconninfo"])
    assert found.moment == newest(service) - BLIND_MARGIN
    assert found.warning is not None and "newest row" in found.warning


def order_today(service: Service) -> date:
    """Add two orders of one day, of 20 minutes and of 1 minute ago, and return the day."""
    now = datetime.now(UTC)
    today = (now - timedelta(minutes=20)).date()
    for minutes in (20, 1):
        service.execute(
            'INSERT INTO "order" VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), NULL, %s)',
            datetime.combine(today, now.timetz()) - timedelta(minutes=minutes),
        )
    return today


def test_command_loads_today_once_from_a_stalled_replica(
    instance: DagsterInstance,
    service: Service,
    replica_database: Service,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each command loaded today three times, in 2 minutes and more, and said nothing."""
    monkeypatch.setattr(bounds, "_PATIENCE_SECONDS", 0.5)
    today = order_today(service)
    replica.create()
    replica.wait_until_copied()
    replica_database.execute(f"ALTER SUBSCRIPTION {NAME} DISABLE")
    service.execute("""UPDATE "order" SET extra = 'later'""")
    first, second = (CliRunner().invoke(app, ["materialize", "delivery/orders"]) for _ in range(2))
    assert first.exit_code == second.exit_code == 0, first.output + second.output
    for shown in (first.stdout, second.stdout):
        assert re.search("^Warning: delivery/orders.*replica", shown, re.M)
    assert "Nothing to do" in second.stdout
    loads = "SELECT count(*) FROM ops.etl_run_log WHERE asset = 'delivery/orders' AND partition_key = %s"
    assert warehouse.one(loads, today.isoformat()) == 1
    replica_database.execute(f"ALTER SUBSCRIPTION {NAME} ENABLE")


def test_stalled_replica_is_as_it_was_loaded(
    service: Service,
    replica_database: Service,
    loaded: DeliveryWarehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The guess lies before what a certain bound had read: today was loaded in every command."""
    monkeypatch.setattr(bounds, "_PATIENCE_SECONDS", 0.5)
    today = order_today(service)
    replica.create()
    replica.wait_until_copied()

    def load() -> None:
        work = days_between(today, today + timedelta(days=1), select("delivery/orders"))
        materialize(work, loaded.instance, with_checks=False)

    def is_as_loaded() -> bool:
        published = PostgresIOManager().last_published("delivery/orders")
        slice_ = slice_of(DAILY, today.isoformat())
        state = DeliverySource().source_state("delivery/orders", [slice_], published)
        entry = published[today.isoformat()]
        return not state.is_certain and state.fingerprints[today.isoformat()] == entry.fingerprint

    load()
    assert loaded.postgres.one("SELECT count(*) FROM ods.orders WHERE is_valid") == 2
    replica_database.execute(f"ALTER SUBSCRIPTION {NAME} DISABLE")
    service.execute("""UPDATE "order" SET extra = 'later'""")
    assert is_as_loaded()
    load()
    assert is_as_loaded()
    assert loaded.postgres.one("SELECT count(*) FROM ods.orders WHERE is_valid") == 2
    replica_database.execute(f"ALTER SUBSCRIPTION {NAME} ENABLE")
