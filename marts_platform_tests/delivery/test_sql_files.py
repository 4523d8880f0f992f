"""Every SQL file of the domain is executed, by what the domain does with it."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg2
import pytest
from dagster import DagsterInstance

from marts_platform.core import sql, table
from marts_platform.core.clickhouse import bound
from marts_platform.core.demo import Shown
from marts_platform.core.sql import read_sql, sql_root
from marts_platform.delivery import demo, replica, replica_status
from marts_platform.delivery.demo.live import Service as LivingService
from marts_platform.materialization import days_between, materialize, pending_batches, select
from marts_platform.migrations import runner
from marts_platform.migrations.clickhouse import declared_clickhouse_tables, declared_clickhouse_views
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform_tests.databases import NewDatabase, at_database
from marts_platform_tests.delivery.conftest import PUBLISHER
from marts_platform_tests.delivery.service import Service
from marts_platform_tests.delivery.topics import Topics
from marts_platform_tests.delivery.warehouse import empty_clickhouse

# What a database in good order does not need.
_ONLY_IN_TROUBLE = {
    "delivery/replica/newest_row.sql",  # test_bounds.py
    "delivery/replica/add_column.sql",  # test_replica_preconditions.py
    "delivery/replica/create_publication_via_root.sql",  # test_replica_preconditions.py
    "delivery/replica/has_rows.sql",  # test_replica.py
    "delivery/replica/refresh_subscription.sql",  # test_replica.py
    "delivery/replica/type_name.sql",  # test_replica_preconditions.py
    "delivery/raw/refused.sql",  # test_impossible_values.py
    "delivery/raw/deliveries_refused.sql",  # test_impossible_values.py
    "delivery/raw/refused_state.sql",  # test_impossible_values.py
    "delivery/raw/state_with_refused.sql",  # test_impossible_values.py
}

_read: set[str] | None = None


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _read is not None and str(arguments[0]).endswith(".sql"):
        path = Path(str(arguments[0]))
        if path.is_relative_to(sql_root() / "delivery"):
            _read.add(str(path.relative_to(sql_root())))


@contextmanager
def files_read() -> Generator[set[str]]:
    """The files of the domain that are read within the context, each once: their texts are kept."""
    global _read
    sql.read_sql.cache_clear()
    table.declared.cache_clear()
    sys.addaudithook(_note)
    _read = set()
    try:
        yield _read
    finally:
        _read = None


def live_through(url: str) -> None:
    """Lets the service live until everything that can happen to an order has happened."""
    seen = dict.fromkeys(["registered", "stages", "finished", "restarted"], 0)
    with closing(psycopg2.connect(url)) as connection:
        living = LivingService(connection, Random(5))
        for _ in range(200):
            done, _ = living.step()
            seen = {what: count + done[what] for what, count in seen.items()}
            if all(seen.values()) and seen["finished"] > 30:
                return
    raise AssertionError(seen)


def shown_rows(shown: Shown, warehouse: str) -> Sequence[object]:
    """What the demo shows."""
    if shown.engine == "clickhouse":
        with ClickHouseResource().client(database="default", read_only=True) as client:
            return client.query(read_sql(shown.file)).result_rows
    with closing(psycopg2.connect(warehouse)) as connection, connection.cursor() as cursor:
        cursor.execute(read_sql(shown.file))
        return cursor.fetchall()


def expect_every_event(warehouse: str) -> None:
    """Facts and hourly view have the ODS's events, each once, at the broker's time to the microsecond."""
    with closing(psycopg2.connect(warehouse)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT event_id::text, event_type, event_data::text, event_timestamp FROM ods.events")
        there = [(key, kind, data, moment.astimezone(UTC)) for key, kind, data, moment in cursor.fetchall()]
    with ClickHouseResource().client(database="default", read_only=True) as client:
        facts = client.query("SELECT event_id, event_type, event_data, event_datetime FROM dds.fact_events")
        here = [(str(key), kind, data, moment) for key, kind, data, moment in facts.result_rows]
        hourly = client.query("SELECT hour, event_type, events_count FROM dds.hourly_events_mv").result_rows
    assert len(there) > 100 and sorted(here) == sorted(there)
    counted = Counter(
        (moment.replace(minute=0, second=0, microsecond=0), kind) for _, kind, _, moment in there
    )
    assert {(hour, kind): count for hour, kind, count in hourly} == counted


def run_reports() -> None:
    """Every sample query gives rows or none, but no fault."""
    values = {"limit": "10", "since": "2024-01-01", "until": "2100-01-01", "hours": "24"}
    with ClickHouseResource().client(database="default", read_only=True) as client:
        for path in sorted((sql_root() / "delivery" / "report").glob("*.sql")):
            statement = read_sql(f"delivery/report/{path.name}")
            client.query(statement, parameters=bound(statement, values))


def test_every_file_of_the_domain_is_executed(
    clickhouse: str,
    service: Service,
    replica_database: Service,
    new_database: NewDatabase,
    ephemeral_instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The service's retention would delete what is much older.
    today = datetime.now(UTC).date()
    warehouse = new_database()
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", warehouse)
    with files_read() as read:
        empty_clickhouse()
        runner.upgrade(warehouse)
        with closing(psycopg2.connect(service.url)) as connection:
            demo.create_source(connection)
            demo.generate_orders(connection, orders=60, days=2, until=today)
        live_through(service.url)
        replica.create()
        replica.wait_until_copied()
        with closing(psycopg2.connect(service.url)) as writer:
            # Log that nobody flushes, so that the source has to be asked to.
            writer.cursor().execute("UPDATE stage SET message = 'never committed'")
            assert replica_status.status(20).faults(10**9) == []
        assert demo.fill_topics(service.url, Topics.of_settings().bootstrap) > 100
        # Prometheus has tests of its own.
        served = [found for found in select("delivery") if found.mart.asset != "delivery/fact_metrics"]
        results = materialize(days_between(today - timedelta(days=2), today, served), ephemeral_instance)
        # The topics' messages have today's time.
        of_today = {"delivery/fact_events", "delivery/hourly_events_mv"}
        assert all(result.rows for result in results if result.asset not in of_today), results
        today_too = pending_batches(served)
        assert (today.isoformat(),) in [batch.partition_keys for batch in today_too]
        materialize(today_too, ephemeral_instance)
        expect_every_event(warehouse)
        for shown in demo.DEMO.shown:
            assert shown_rows(shown, warehouse), shown.file
        run_reports()
        for table in declared_clickhouse_tables():
            assert table.columns
        assert list(declared_clickhouse_views())
        replica.drop()
    there = {str(path.relative_to(sql_root())) for path in (sql_root() / "delivery").rglob("*.sql")}
    elsewhere = {file for file in there if file.startswith(("delivery/metrics/", "delivery/charts/"))}
    assert there - elsewhere - read == _ONLY_IN_TROUBLE


def test_the_service_keeps_what_is_generated_at_its_time(service: Service) -> None:
    before = {row["id"]: row["registered_at"] for row in service.table("order")}
    with closing(psycopg2.connect(at_database(service.url, service.connection.info.dbname))) as connection:
        demo.generate_orders(connection, orders=800, days=8, until=date(2024, 3, 8), performers=6)
    after = {row["id"]: row["registered_at"] for row in service.table("order")}
    assert len(after) == 800
    assert {key: after[key] for key in before.keys() & after.keys()} == {
        key: before[key] for key in before.keys() & after.keys()
    }
    assert len(before.keys() & after.keys()) == len(before)
    assert PUBLISHER in {row["tableowner"] for row in service.rows("SELECT tableowner FROM pg_tables")}
