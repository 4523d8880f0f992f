"""Rows that commit after their time: `time_` is set before the commit, so they appear below what was read."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from random import Random
from threading import Event, Lock, Thread

import psycopg
import psycopg2
import pytest
from psycopg2.extensions import connection as Connection

from marts_platform.embedded.stack import Stack
from marts_platform.resources import postgres_source
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse
from marts_platform_tests.camunda.oracle import RawHistory, current_variables, documents

SECONDS = float(os.environ.get("MARTS_TEST_WRITERS_SECONDS", "60"))
WRITERS = 40

INSERT = """
    INSERT INTO act_hi_detail
        (type_, name_, var_type_, id_, proc_inst_id_, var_inst_id_, sequence_counter_, time_, text_)
    VALUES
        ('VariableUpdate', 'docIds', 'string',
        %(id)s, %(process)s, %(variable)s, %(number)s, %(time)s, %(text)s)
"""


def now() -> datetime:
    """The engine's clock, whose zone is UTC here: local times without a zone, in milliseconds."""
    moment = datetime.now(UTC).replace(tzinfo=None)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def insert(connection: Connection, identity: str, moment: datetime) -> None:
    row = {
        "id": identity,
        "process": "P1",
        "variable": f"V-{identity}",
        "number": 1,
        "time": moment,
        "text": "{}",
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT, row)


def raw_ids(warehouse: Warehouse) -> set[str]:
    return {row["id_"] for row in warehouse.rows("SELECT id_ FROM camunda.act_hi_detail")}


@pytest.fixture(autouse=True)
def _small_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_COMMIT_MARGIN_SECONDS", "0.2")


def test_the_open_day_is_read_up_to_the_oldest_open_transaction(
    engine_of_each_server: Engine, warehouse: Warehouse
) -> None:
    engine = engine_of_each_server
    with closing(psycopg2.connect(engine.url)) as open_connection:
        before = now() - timedelta(seconds=2)
        engine.write(change(before, id_="before", var_inst_id_="V-before"))
        insert(open_connection, "late", now())
        began = datetime.now(UTC)
        time.sleep(0.5)
        engine.write(change(now(), id_="after", var_inst_id_="V-after"))
        warehouse.load_pending()
        assert raw_ids(warehouse) == {"before"}
        until = warehouse.one(
            "SELECT DISTINCT read_until FROM ops.etl_run_log WHERE asset = 'camunda/act_hi_detail'"
        )
        assert before.replace(tzinfo=UTC) < until < began
        assert warehouse.load_pending() == []
        open_connection.commit()
    time.sleep(0.3)
    warehouse.load_pending()
    assert raw_ids(warehouse) == {"before", "late", "after"}


def test_who_keeps_new_rows_from_being_read_for_long_is_named(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_source, "_LONG", timedelta(seconds=0.3))
    engine.write(change(now() - timedelta(seconds=2), id_="before"))
    with closing(psycopg2.connect(engine.url, application_name="a long import")) as open_connection:
        insert(open_connection, "late", now())
        time.sleep(0.5)
        warehouse.load_pending()
        (warning,) = set(warehouse.warnings())
        assert f"pid {open_connection.info.backend_pid} (" in warning and "a long import" in warning
    warehouse.execute("DELETE FROM ops.etl_run_log")
    warehouse.load_pending()
    assert warehouse.warnings() == []


def test_the_servers_own_vacuum_keeps_no_row_from_being_read(engine: Engine, stack: Stack) -> None:
    workers = """
        SELECT xact_start FROM pg_stat_activity
        WHERE backend_type = 'autovacuum worker' AND datname = current_database() AND xact_start IS NOT NULL
    """
    engine.execute(
        "CREATE TABLE large AS SELECT n, repeat('x', 500) AS x FROM generate_series(1, 20000) AS n"
    )
    engine.execute("""
        ALTER TABLE large SET (autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)
    """)
    engine.execute("DELETE FROM large WHERE n % 3 = 0")
    with psycopg.connect(stack.owner_url("camunda"), autocommit=True) as server:
        server.execute("ALTER SYSTEM SET autovacuum_naptime = '1s'")
        server.execute("SELECT pg_reload_conf()")
        try:
            deadline = time.monotonic() + 60
            while not (found := engine.rows(workers)):
                assert time.monotonic() < deadline, "no vacuum came"
                time.sleep(0.1)
        finally:
            server.execute("ALTER SYSTEM RESET autovacuum_naptime")
            server.execute("SELECT pg_reload_conf()")
    time.sleep(0.5)
    with closing(psycopg2.connect(engine.reader_url)) as connection:
        bound = postgres_source.commit_bound(connection, timedelta())
    assert bound.moment > found[0]["xact_start"] + timedelta(seconds=0.4)
    assert engine.rows(workers) == found, "it still goes on"


def test_a_prepared_transaction_bounds_the_open_day_too(
    engine_of_each_server: Engine, warehouse: Warehouse
) -> None:
    engine = engine_of_each_server
    with closing(psycopg2.connect(engine.url)) as two_phase:
        two_phase.tpc_begin(two_phase.xid(1, f"late-{os.getpid()}-{time.monotonic_ns()}", "marts"))
        insert(two_phase, "late", now())
        two_phase.tpc_prepare()
        time.sleep(0.3)
        engine.write(change(now(), id_="after", var_inst_id_="V-after"))
        warehouse.load_pending()
        assert raw_ids(warehouse) == set()
        two_phase.tpc_commit()
    time.sleep(0.3)
    warehouse.load_pending()
    assert raw_ids(warehouse) == {"late", "after"}


def test_a_late_row_of_a_past_day_arrives(engine_of_each_server: Engine, warehouse: Warehouse) -> None:
    engine = engine_of_each_server
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    engine.write(change(at(yesterday), id_="read", var_inst_id_="V-read"))
    with closing(psycopg2.connect(engine.url)) as open_connection:
        insert(open_connection, "late", at(yesterday, 11))
        warehouse.load_pending()
        assert raw_ids(warehouse) == {"read"}
        open_connection.commit()
    warehouse.load_pending()
    assert raw_ids(warehouse) == {"read", "late"}


class Writers:
    """Threads that change variables as an engine does: the time first, the commit some time later."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._ended = Event()
        self._lock = Lock()
        self._threads = [Thread(target=self._write, args=(number,), daemon=True) for number in range(WRITERS)]
        self.committed = 0

    @contextmanager
    def writing(self) -> Generator[None]:
        """Writes as long as the context lasts; at its end everything is committed."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in self._threads:
                thread.join(timeout=60)

    def _write(self, writer: int) -> None:
        random = Random(writer)
        with closing(psycopg2.connect(self._url)) as connection:
            written = 0
            while not self._ended.is_set():
                written += 1
                with connection, connection.cursor() as cursor:
                    cursor.execute("SELECT 1")  # begins the transaction
                    moment = now()
                    self._ended.wait(random.uniform(0, 0.2))
                    variable = written % 5
                    cursor.execute(INSERT, {
                        "id": f"{writer}-{written}", "process": f"P{writer}-{variable}", "time": moment,
                        "variable": f"V{writer}-{variable}", "number": written // 5 + 1,
                        "text": f'{{"report.AttachedDocuments": [{{"doc.id": "{writer}-{written}"}}]}}',
                    })  # fmt: skip
                    # Most commands are short; some wait for another system.
                    self._ended.wait(
                        random.uniform(0, 0.3) if random.random() < 0.9 else random.uniform(0, 3)
                    )
                with self._lock:
                    self.committed += 1


class NaiveReader(Thread):
    """What the original process does: it reads what is newer than the newest row that it has."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._newest = datetime.min  # noqa: DTZ901 # the source's times have no zone
        self._ended = Event()
        self.seen: set[str] = set()

    def run(self) -> None:
        with closing(psycopg2.connect(self._url)) as connection:
            connection.autocommit = True
            while not self._ended.wait(0.5):
                self._look(connection)
            self._look(connection)

    def _look(self, connection: Connection) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id_, time_ FROM act_hi_detail WHERE time_ > %s", [self._newest])
            for identity, moment in cursor.fetchall():
                self.seen.add(identity)
                self._newest = max(self._newest, moment)

    def end(self) -> None:
        """Looks once more and stops."""
        self._ended.set()
        self.join()


def days_of(rows: list[dict[str, datetime]]) -> set[date]:
    return {row["time_"].date() for row in rows}


@pytest.mark.timeout(300 + 2 * SECONDS)
def test_forty_writers_while_the_platform_extracts_again_and_again(
    engine: Engine, warehouse: Warehouse
) -> None:
    writers, naive = Writers(engine.url), NaiveReader(engine.url)
    ticks = 0
    naive.start()
    with writers.writing():
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            warehouse.load_pending()
            ticks += 1
    naive.end()
    time.sleep(0.5)  # more than the margin: the last tick reads the newest row
    warehouse.load_pending()
    source = engine.details()
    assert len(source) == writers.committed > WRITERS
    raw = RawHistory()
    for day in days_of(source):
        raw.load(day, source)
    columns = source[0].keys() | {"is_purged_", "is_withdrawn_"}
    found = warehouse.table("act_hi_detail", "id_")
    assert {key: {name: row[name] for name in columns} for key, row in found.items()} == {
        row["id_"]: row for row in raw.rows()
    }
    assert warehouse.table("process_variables", "var_inst_id_") == current_variables(raw.rows())
    assert warehouse.table("process_documents", "proc_inst_id_") == documents(raw.rows())
    missed = {row["id_"] for row in source} - naive.seen
    print(f"{len(source)} rows, {ticks} ticks; time_ > max(time_) misses {len(missed)}")
    assert missed, "the naive reader missed nothing, so this test shows nothing"
