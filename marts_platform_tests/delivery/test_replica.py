"""The replica: made, followed, measured and removed; what is wrong with it is said in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import LiteralString

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from marts_platform import settings
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.delivery import replica, replica_status
from marts_platform.delivery.checks import look_at_replica
from marts_platform.delivery.replica_status import NAME, TABLES, ReplicaError, Slot, Status, Subscription
from marts_platform.delivery.sources import DeliverySource
from marts_platform.embedded.stack import Stack
from marts_platform_tests.delivery.service import DAYS, Service

PATIENCE = 20
WELL = Status(TABLES, Slot(True, "reserved", 10), Subscription("1", True, True, None, 0, TABLES), 0, 0.1)


def wait_until(holds: Callable[[], bool]) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def made(patience: float = PATIENCE) -> Status:
    """Makes the replica and waits until it has what the source has."""
    replica.create()
    replica.wait_until_copied()
    found = replica_status.status(patience)
    assert found.faults(10**9) == []
    return found


def test_it_has_every_row_follows_every_change_and_is_gone_without_a_trace(
    service: Service, replica_database: Service
) -> None:
    assert replica.create() is True
    replica.wait_until_copied()
    for table in TABLES:
        assert sorted(map(str, replica_database.table(table))) == sorted(map(str, service.table(table)))
    assert replica.create() is False  # again is harmless

    service.execute("UPDATE pipeline SET status = 'failed', message = 'late' WHERE status = 'in_progress'")
    service.execute("""DELETE FROM "order" WHERE registered_at < '2024-03-02'""")
    service.execute("ALTER TABLE stage ADD COLUMN added integer DEFAULT 7")
    found = replica_status.status(PATIENCE)
    assert found.lag_seconds is not None
    (fault,) = found.faults(10**9)
    assert "replica's stage lacks added" in fault and "marts replica create" in fault
    assert replica.create() is False  # and now the column is there
    service.execute("UPDATE stage SET added = 8")
    assert replica_status.status(PATIENCE).faults(10**9) == []
    for table in ("order", "pipeline", "delivery"):
        assert sorted(map(str, replica_database.table(table))) == sorted(map(str, service.table(table)))
    assert replica_database.rows("SELECT 1 FROM stage")

    replica.drop()
    assert service.rows("SELECT 1 FROM pg_replication_slots") == []
    assert service.rows("SELECT 1 FROM pg_publication") == []
    assert replica_database.rows("SELECT 1 FROM pg_subscription WHERE subname = %s", NAME) == []
    assert replica_database.rows("SELECT 1 FROM pg_class WHERE relname = 'order'") == []
    replica.drop()  # again is harmless
    assert service.rows('SELECT 1 FROM "order"')


def test_one_that_has_everything_is_not_held_to_be_behind_for_log_that_nobody_has_flushed(
    service: Service, replica_database: Service
) -> None:
    made()
    with psycopg.connect(service.url) as writer:
        for number in range(5):
            # Written, not committed: the source neither flushes nor sends it before somebody commits.
            writer.execute("UPDATE stage SET message = %s", (f"turn {number}",))
            found = replica_status.status(3)
            assert found.lag_seconds is not None and found.lag_seconds < 3
        writer.rollback()


def test_one_that_stalls_is_seen_though_its_worker_lives(
    service: Service, replica_database: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    made()
    monkeypatch.setenv("MARTS_DELIVERY_REPLICA_PATIENCE_SECONDS", "0.5")
    assert look_at_replica()[0] is True
    with psycopg.connect(replica_database.url) as reader:
        reader.execute("LOCK TABLE pipeline")
        service.execute("UPDATE pipeline SET message = 'a change that has to wait'")
        found = replica_status.status(0.5)
        assert found.lag_seconds is None
        assert found.subscription is not None and found.subscription.has_worker
        assert found.faults(10**9) == [
            "the replica stalls: it did not confirm in time what the source has committed"
        ]
        assert look_at_replica()[0] is False
    found = replica_status.status(PATIENCE)
    assert found.faults(10**9) == []


def test_a_change_that_cannot_be_applied_is_a_stall_with_its_errors_counted(
    service: Service, replica_database: Service
) -> None:
    made()
    (order,) = service.rows('SELECT id FROM "order" LIMIT 1')
    replica_database.execute("INSERT INTO config VALUES (%s, 1, 1, now())", order["id"])
    service.execute("INSERT INTO config VALUES (%s, 2, 2, now())", order["id"])
    assert replica_status.status(1).faults(10**9) != []
    wait_until(lambda: replica_status.status(0.01).errors > 0)
    replica_database.execute("DELETE FROM config WHERE id = %s", order["id"])
    wait_until(lambda: replica_status.status(1).lag_seconds is not None)


def test_a_slot_that_holds_too_much_log_fails_the_check(
    service: Service, replica_database: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    made()
    replica_database.execute(f"ALTER SUBSCRIPTION {NAME} DISABLE")
    service.execute("UPDATE stage SET message = repeat('x', 200)")
    monkeypatch.setenv("MARTS_DELIVERY_REPLICA_PATIENCE_SECONDS", "0.2")
    monkeypatch.setenv("MARTS_DELIVERY_REPLICA_MAX_WAL_BYTES", "1000")
    passed, figures = look_at_replica()
    assert passed is False
    assert "bytes of the source's log" in figures["faults"] and "disabled" in figures["faults"]
    assert figures["retained_bytes"] > 1000


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Status(None, None, None), "no publication"),
        (Status(("order",), WELL.slot, WELL.subscription, 0, 0.1), "lacks config"),
        (Status(TABLES, None, WELL.subscription, 0, None), "no slot"),
        (Status(TABLES, Slot(False, "lost", 0), WELL.subscription, 0, None), "is lost"),
        (Status(TABLES, Slot(True, "extended", 10**7), WELL.subscription, 0, 0.1), "10,000,000 bytes"),
        (Status(TABLES, WELL.slot, None, 0, None), "no subscription"),
        (Status(TABLES, WELL.slot, Subscription("1", False, False, None, 0, TABLES), 0, None), "disabled"),
        (Status(TABLES, WELL.slot, Subscription("1", True, True, None, 2, TABLES), 0, 0.1), "2 tables"),
        (
            Status(TABLES, WELL.slot, Subscription("1", True, True, None, 0, TABLES[1:]), 0, 0.1),
            "lacks config",
        ),
        (Status(TABLES, WELL.slot, WELL.subscription, 0, None), "stalls"),
    ],
)
def test_each_fault_is_said(found: Status, said: str) -> None:
    assert WELL.faults(10**6) == []
    assert any(said in fault for fault in found.faults(10**6))


@pytest.mark.parametrize("definition", ["TABLE {} (id integer)", "VIEW {} AS SELECT 1 AS id"])
@pytest.mark.parametrize("name", ["config", "stage"])
def test_a_table_that_the_platform_did_not_make_is_left_alone_also_without_rows(
    service: Service, replica_database: Service, name: LiteralString, definition: LiteralString
) -> None:
    replica_database.connection.execute(
        sql.SQL("CREATE " + definition).format(sql.Identifier("public", name))
    )
    replica_database.connection.execute(
        sql.SQL("ALTER TABLE {} OWNER TO delivery_subscriber").format(sql.Identifier("public", name))
    )
    with pytest.raises(ReplicaError, match=f'a "{name}" that the platform did not make'):
        replica.create()
    assert service.rows("SELECT 1 FROM pg_replication_slots") == []
    # Nor are the tables there that come before it.
    in_public = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert replica_database.rows(in_public) == [{"relname": name}]
    replica.drop()
    assert replica_database.rows(in_public) == [{"relname": name}]


@pytest.mark.parametrize("host", [None, "localhost"])
def test_source_and_replica_in_one_database_are_refused_by_whatever_name(
    service: Service, monkeypatch: pytest.MonkeyPatch, host: str | None
) -> None:
    url = settings.load().url("delivery_url")
    monkeypatch.setenv("MARTS_DELIVERY_REPLICA_URL", url.replace("@127.0.0.1:", f"@{host}:") if host else url)
    assert (settings.load().url("delivery_replica_url") == url) is (host is None)
    service.execute('TRUNCATE config, delivery, "order", pipeline, stage')  # before its first order
    with pytest.raises(ReplicaError, match="name one database"):
        replica.create()


def test_what_hangs_on_its_tables_keeps_them_all_but_not_the_slot(
    service: Service, replica_database: Service
) -> None:
    made()
    replica_database.execute('CREATE VIEW somebodys AS SELECT id FROM "order"')
    with pytest.raises(ReplicaError, match=r"(?s)something hangs .*somebodys"):
        replica.drop()
    assert service.rows("SELECT 1 FROM pg_replication_slots") == []
    tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    assert {row["relname"] for row in replica_database.rows(tables)} == set(TABLES)
    replica_database.execute("DROP VIEW somebodys")
    replica_database.execute('ALTER TABLE pipeline ADD FOREIGN KEY (order_id) REFERENCES "order" NOT VALID')
    replica.drop()
    assert replica_database.rows(tables) == []


def test_a_lost_slot_and_rows_of_an_earlier_subscription_ask_for_a_new_replica(
    service: Service, replica_database: Service
) -> None:
    made()
    replica_database.execute(f"ALTER SUBSCRIPTION {NAME} DISABLE")
    wait_until(lambda: service.rows("SELECT 1 FROM pg_replication_slots WHERE active") == [])
    service.execute("SELECT pg_drop_replication_slot(%s)", NAME)
    with pytest.raises(ReplicaError, match="slot is gone"):
        replica.create()
    replica_database.execute(f"ALTER SUBSCRIPTION {NAME} SET (slot_name = NONE)")
    replica_database.execute(f"DROP SUBSCRIPTION {NAME}")
    with pytest.raises(ReplicaError, match="earlier subscription"):
        replica.create()
    replica.drop()
    made()


def test_a_role_without_the_right_is_told_what_it_needs(
    service: Service, replica_database: Service, stack: Stack
) -> None:
    service.execute('ALTER TABLE "order" OWNER TO postgres')
    with pytest.raises(ReplicaError, match="CREATE PUBLICATION marts_delivery FOR TABLE"):
        replica.create()
    service.execute("CREATE PUBLICATION marts_delivery FOR ALL TABLES")
    service.execute('GRANT SELECT ON "order" TO delivery_publisher')
    made()  # with the publication that the owner made
    service.execute("DROP PUBLICATION marts_delivery")


def test_a_publication_that_lacks_a_table_is_refused_and_says_what_its_owner_has_to_do(
    service: Service, replica_database: Service
) -> None:
    service.execute("CREATE PUBLICATION marts_delivery")
    with pytest.raises(ReplicaError, match="lacks config, delivery, order, pipeline, stage"):
        replica.create()
    service.execute('ALTER PUBLICATION marts_delivery ADD TABLE "order", pipeline, stage, config')
    said = 'ALTER PUBLICATION marts_delivery ADD TABLE public."delivery"'
    with pytest.raises(ReplicaError, match=f"lacks delivery: .*{said}"):
        replica.create()
    assert service.rows("SELECT 1 FROM pg_replication_slots") == []
    service.execute(said)
    made()
    service.execute("DROP PUBLICATION marts_delivery")


def test_a_table_that_the_replica_does_not_follow_is_refused_until_create_has_added_it(
    service: Service, replica_database: Service
) -> None:
    made()
    # As if the publication had been made before the service had the table.
    service.execute("ALTER PUBLICATION marts_delivery DROP TABLE delivery")
    replica_database.execute("ALTER SUBSCRIPTION marts_delivery REFRESH PUBLICATION")
    replica_database.execute("TRUNCATE delivery")
    service.execute("ALTER PUBLICATION marts_delivery ADD TABLE delivery")
    assert "the subscription lacks delivery" in replica_status.status(PATIENCE).faults(10**9)
    with pytest.raises(ReplicaError, match="does not follow delivery: run `marts replica create`"):
        DeliverySource().rows("deliveries", slice_of(DAILY, DAYS[0].isoformat()))
    assert replica.create() is False
    made()
    assert sorted(map(str, replica_database.table("delivery"))) == sorted(map(str, service.table("delivery")))
    assert DeliverySource().rows("deliveries", slice_of(DAILY, DAYS[0].isoformat())).rows is not None


def test_no_password_stands_in_a_statement_or_where_other_roles_can_read(
    service: Service, replica_database: Service, stack: Stack
) -> None:
    password = conninfo_to_dict(settings.load().url("delivery_url"))["password"]
    assert isinstance(password, str)
    log = stack.folder / "postgres" / "server.log"
    said = log.stat().st_size
    role = sql.Identifier(replica_database.connection.info.dbname)
    replica_database.connection.execute(sql.SQL("ALTER DATABASE {} SET log_statement = 'all'").format(role))
    replica_database.connection.execute(
        sql.SQL("ALTER DATABASE {} SET log_parameter_max_length = 0").format(role)
    )
    made()
    with log.open("rb") as file:
        file.seek(said)
        logged = file.read().decode()
    assert "CREATE SUBSCRIPTION" in logged and password not in logged
    # The catalogue's column is closed to all but superusers.
    subscriber = settings.load().url("delivery_replica_url")
    with psycopg.connect(subscriber) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT subconninfo FROM pg_subscription")


def test_a_wrong_password_is_an_error_that_does_not_show_it(
    service: Service, replica_database: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = settings.load().url("delivery_url")
    right = conninfo_to_dict(url)["password"]
    monkeypatch.setenv("MARTS_DELIVERY_PUBLISHER_URL", url.replace(str(right), "no-such-secret"))
    with pytest.raises(ReplicaError, match="authentication failed") as raised:
        replica.create()
    assert "no-such-secret" not in str(raised.value) and str(right) not in str(raised.value)
