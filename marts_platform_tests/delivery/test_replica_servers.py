"""``marts replica`` where the service is a PostgreSQL 15, and the replica a database of another server."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import psycopg2
import pytest
from psycopg import sql
from typer.testing import CliRunner

from marts_platform.cli import app
from marts_platform.core.mart import mart_of, slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.delivery import demo
from marts_platform.delivery.assets import ods
from marts_platform.delivery.replica_status import TABLES
from marts_platform.delivery.sources import DeliverySource
from marts_platform_tests import databases
from marts_platform_tests.databases import as_role, at_database
from marts_platform_tests.delivery.service import DAYS, END, Service

ORDERS = 60


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service on a server of another version, whose role has no more than the rights that it needs."""
    owner = databases.service("MARTS_TEST_CAMUNDA_URL")
    role, password = f"publisher_{secrets.token_hex(4)}", secrets.token_hex(12)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN REPLICATION PASSWORD {} IN ROLE pg_read_all_stats").format(
                sql.Identifier(role), sql.Literal(password)
            )
        )
        try:
            with databases.scratch_database(owner, role) as name:
                url = as_role(at_database(owner, name), role, password)
                with closing(psycopg2.connect(url)) as made:
                    demo.create_source(made)
                    demo.generate_orders(made, orders=ORDERS, days=len(DAYS), until=END, performers=3)
                monkeypatch.setenv("MARTS_DELIVERY_URL", url)
                with Service.connected(url) as service:
                    yield service
        finally:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def marts_replica(command: str, code: int = 0) -> str:
    """What the command says.

    Raises:
        AssertionError: it ends with another code.
    """
    result = CliRunner().invoke(app, ["replica", command])
    assert result.exit_code == code, result.output
    return result.output


def test_create_status_and_drop(service: Service, replica_database: Service) -> None:
    (version,) = service.rows("SELECT current_setting('server_version_num')::int / 10000 AS major")
    (other,) = replica_database.rows("SELECT current_setting('server_version_num')::int / 10000 AS major")
    assert version["major"] < other["major"]

    assert "is made" in marts_replica("create")
    assert "is there already" in marts_replica("create")
    service.execute("UPDATE stage SET message = 'changed since' WHERE status = 'failed'")
    service.execute("""DELETE FROM "order" WHERE registered_at < %s""", f"{DAYS[0]} 12:00+00")
    assert "running, 0 errors" in marts_replica("status")
    for table in TABLES:
        rows = sorted(map(str, service.table(table)))
        assert rows and sorted(map(str, replica_database.table(table))) == rows, table

    # The day is read from the replica, up to what is open at the source.
    day = slice_of(DAILY, DAYS[1].isoformat())
    asset = mart_of(ods.orders.key).mart.asset
    state = DeliverySource().source_state(asset, [day])
    assert state.is_certain and set(state.with_rows) == {day.isoformat() for day in DAYS}

    assert "is removed" in marts_replica("drop")
    assert "no publication" in marts_replica("status", 1)
    assert service.rows("SELECT 1 FROM pg_replication_slots WHERE database = current_database()") == []
