"""`marts replica create` looks at every precondition, undoes what it made, and status watches them later."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from marts_platform import settings
from marts_platform.delivery import replica, replica_status
from marts_platform.delivery.replica_preconditions import (
    NAME,
    Publication,
    ReplicaServer,
    SourceServer,
    TableForm,
    column_faults,
    lacking_columns,
    table_faults,
)
from marts_platform.delivery.replica_status import TABLES, ReplicaError
from marts_platform_tests.delivery.service import Service

SERVER = SourceServer("logical", False, 4, 4, True, "-1", None)
FORMS = [TableForm(name, "r", "p", False, True, True, {"id": "uuid"}, ()) for name in TABLES]
WHOLE = Publication(True, False, (), {})


def made_nothing(service: Service, replica_database: Service) -> bool:
    """Return true if neither source nor replica has a trace of a replica."""
    tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    traces = service.rows("SELECT 1 FROM pg_replication_slots WHERE database = current_database()")
    traces += service.rows("SELECT 1 FROM pg_publication")
    return traces == [] and replica_database.rows(tables) == []


def refused() -> str:
    """Return the output of create."""
    with pytest.raises(ReplicaError) as raised:
        replica.create()
    return str(raised.value)


def made() -> None:
    """Makes the replica, which is well then."""
    assert replica.create() is True
    replica.wait_until_copied()
    assert replica_status.status(20).faults(10**9) == []


def test_create_on_a_table_without_key_leaves_the_service_alone(
    service: Service, replica_database: Service
) -> None:
    service.execute("ALTER TABLE config DROP CONSTRAINT config_pkey")
    said = refused()
    assert "config has no key" in said and "ALTER TABLE config ADD PRIMARY KEY" in said
    assert made_nothing(service, replica_database)
    service.execute("UPDATE config SET min_cost = 1")
    service.execute("DELETE FROM config")
    service.execute("ALTER TABLE config REPLICA IDENTITY FULL")
    made()
    # The key is lost later, and the service's next UPDATE fails.
    service.execute("ALTER TABLE config REPLICA IDENTITY NOTHING")
    assert any("config has no key" in fault for fault in replica_status.status(20).faults(10**9))


def test_create_that_fails_at_the_subscription_leaves_no_slot(
    service: Service, replica_database: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = settings.load().url("delivery_url")
    monkeypatch.setenv("MARTS_DELIVERY_PUBLISHER_URL", re.sub(r":\d+/", ":9/", url))
    assert "could not subscribe" in refused()
    assert made_nothing(service, replica_database)
    monkeypatch.delenv("MARTS_DELIVERY_PUBLISHER_URL")
    made()


def test_create_follows_partitioned_tables_as_one(service: Service, replica_database: Service) -> None:
    service.execute("DROP TABLE config")
    service.execute(
        "CREATE TABLE config (id uuid PRIMARY KEY, min_cost double precision NOT NULL, "
        "rubles_per_meter double precision NOT NULL, fetched_at timestamptz NOT NULL) PARTITION BY HASH (id)"
    )
    service.execute("ALTER TABLE config OWNER TO delivery_publisher")
    for number in range(2):
        place = f"VALUES WITH (MODULUS 2, REMAINDER {number})"
        service.connection.execute(f"CREATE TABLE config_{number} PARTITION OF config FOR {place}".encode())
    service.execute("INSERT INTO config SELECT gen_random_uuid(), 1, 1, now() FROM generate_series(1, 9)")
    service.execute("CREATE PUBLICATION marts_delivery FOR ALL TABLES")
    said = "ALTER PUBLICATION marts_delivery SET (publish_via_partition_root = true)"
    assert said in refused()
    service.execute("DROP PUBLICATION marts_delivery")
    made()
    service.execute("UPDATE config SET min_cost = 2")
    assert replica_status.status(20).faults(10**9) == []
    assert [row["min_cost"] for row in replica_database.table("config")] == [2.0] * 9


def test_create_adds_columns_that_only_the_source_has(service: Service, replica_database: Service) -> None:
    service.execute("CREATE TYPE mood AS ENUM ('well', 'ill')")
    service.execute("ALTER TABLE stage ADD COLUMN mood mood DEFAULT 'well'")
    service.execute('ALTER TABLE "order" ADD COLUMN priority integer DEFAULT 7')
    made()
    assert {row["mood"] for row in replica_database.table("stage")} == {"well"}
    assert {row["priority"] for row in replica_database.table("order")} == {7}


def test_create_refuses_columns_that_would_mean_something_else(
    service: Service, replica_database: Service
) -> None:
    service.execute("ALTER TABLE stage ALTER COLUMN created_at TYPE timestamp")
    service.execute("ALTER TABLE pipeline DROP COLUMN message")
    said = refused()
    assert "created_at of stage is timestamp without time zone at the source" in said
    assert 'the source\'s public."pipeline" has no column message' in said
    assert made_nothing(service, replica_database)


@pytest.mark.parametrize(
    ("options", "table", "said"),
    [
        ("WITH (publish = 'insert')", "", "SET (publish = 'insert, update, delete, truncate')"),
        ("", " WHERE (status <> 'failed')", "has a row filter for stage: ALTER PUBLICATION"),
        ("", " (id, pipeline_id)", "leaves out the column name of stage"),
    ],
)
def test_create_refuses_a_publication_that_leaves_something_out(
    service: Service, replica_database: Service, options: str, table: str, said: str
) -> None:
    if "WHERE" in table:
        service.execute("ALTER TABLE stage REPLICA IDENTITY FULL")
    others = 'config, delivery, "order", pipeline'
    statement = f"CREATE PUBLICATION marts_delivery FOR TABLE {others}, stage{table} {options}"
    service.connection.execute(statement.encode())
    assert said in refused()
    assert service.rows("SELECT 1 FROM pg_replication_slots WHERE database = current_database()") == []
    service.execute("DROP PUBLICATION marts_delivery")


def test_create_leaves_another_replicas_slot_alone(service: Service, replica_database: Service) -> None:
    service.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", NAME)
    assert f"SELECT pg_drop_replication_slot('{NAME}')" in refused()
    service.execute("SELECT pg_drop_replication_slot(%s)", NAME)
    service.execute("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", NAME)
    assert "not this replica's" in refused()
    service.execute("SELECT pg_drop_replication_slot(%s)", NAME)


def test_create_refuses_rows_that_a_policy_may_hide(service: Service, replica_database: Service) -> None:
    service.execute("ALTER TABLE delivery ENABLE ROW LEVEL SECURITY")
    service.execute("ALTER TABLE delivery FORCE ROW LEVEL SECURITY")
    assert 'row security may hide rows of the source\'s public."delivery"' in refused()
    assert made_nothing(service, replica_database)


def test_status_names_a_column_before_a_change_stops_the_replica(
    service: Service, replica_database: Service
) -> None:
    made()
    service.execute("ALTER TABLE pipeline ADD COLUMN added integer")
    service.execute("UPDATE pipeline SET added = 1")
    found = replica_status.status(0.5)
    assert any("the replica's pipeline lacks added" in fault for fault in found.faults(10**9))
    assert replica.create() is False
    assert replica_status.status(20).faults(10**9) == []


def test_copies_that_fail_end_the_wait_and_name_the_slot(service: Service, replica_database: Service) -> None:
    service.execute("ALTER TABLE stage ALTER COLUMN status TYPE text")
    service.execute("UPDATE stage SET status = repeat('x', 99)")
    replica_database.execute("ALTER SYSTEM SET wal_retrieve_retry_interval = '100ms'")
    replica_database.execute("SELECT pg_reload_conf()")
    try:
        assert replica.create() is True
        with pytest.raises(ReplicaError, match=rf"(?s)not being copied \(3 errors\).*The slot {NAME} stays"):
            replica.wait_until_copied()
        assert any("copies have failed" in fault for fault in replica_status.status(0.1).faults(10**9))
    finally:
        replica_database.execute("ALTER SYSTEM RESET wal_retrieve_retry_interval")
        replica_database.execute("SELECT pg_reload_conf()")


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (replace(SERVER, wal_level="replica"), "ALTER SYSTEM SET wal_level = 'logical'"),
        (replace(SERVER, is_standby=True), "has to name its primary"),
        (replace(SERVER, free_slots=1), "max_replication_slots 1 are free"),
        (replace(SERVER, free_senders=0), "max_wal_senders 0 are free"),
        (replace(SERVER, may_replicate=False), "REPLICATION"),
        (replace(SERVER, foreign_slot="pgoutput, database other"), "another slot of the name"),
        (ReplicaServer(0, 5, True, True), "max_logical_replication_workers"),
        (ReplicaServer(4, 0, True, True), "no room for a subscription"),
        (ReplicaServer(4, 5, False, True), "GRANT CREATE ON DATABASE"),
        (ReplicaServer(4, 5, True, False), "GRANT CREATE ON SCHEMA public"),
    ],
)
def test_server_faults_name_the_statement_that_helps(server: SourceServer | ReplicaServer, said: str) -> None:
    assert SERVER.faults(needs_slot=True) == []
    assert ReplicaServer(4, 5, True, True).faults() == []
    faults = server.faults(needs_slot=True) if isinstance(server, SourceServer) else server.faults()
    assert len(faults) == 1 and said in faults[0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "v"}, "is a view"),
        ({"persistence": "u"}, "SET LOGGED"),
        ({"may_read": False}, "GRANT SELECT"),
        ({"is_owner": False}, "CREATE PUBLICATION marts_delivery FOR TABLE"),
        ({"without_identity": ("stage_2",)}, "ALTER TABLE stage_2 ADD PRIMARY KEY"),
    ],
)
def test_table_faults_name_the_statement_that_helps(change: dict[str, object], said: str) -> None:
    assert table_faults(FORMS, needs_ownership=True) == []
    (fault,) = table_faults([replace(FORMS[0], **change), *FORMS[1:]], needs_ownership=True)
    assert said in fault


def test_columns_are_compared_by_what_is_published() -> None:
    source = [replace(FORMS[0], columns={"id": "uuid", "a": "text", "n": "integer"})]
    here = [replace(FORMS[0], columns={"id": "uuid", "a": "character varying(15)", "n": "double precision"})]
    assert column_faults(source, here, WHOLE) == []
    assert lacking_columns(source, FORMS[:1], WHOLE) == {"config": {"a": "text", "n": "integer"}}
    assert lacking_columns(source, FORMS[:1], Publication(True, False, (), {"config": ["id"]})) == {}
