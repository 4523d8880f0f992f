"""A Spark cluster that moves rows from Postgres into MySQL: an optional extra, off unless a master is named.

Spark only moves. Every value leaves Postgres as the text that COPY would write, and arrives in the table of
texts that LOAD DATA fills otherwise: the same statement of the warehouse makes values of either.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from marts_platform import settings
from marts_platform.core.sql import compose
from marts_platform.resources.mysql import server_kind, session_variables
from marts_platform.resources.postgres import Limits, session_options
from marts_platform.resources.spark_drivers import Drivers, drivers_of
from marts_platform.resources.spark_faults import fault_of, shown

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from psycopg2.extensions import connection as Connection

    from marts_platform.resources.mysql import MySQLResource
    from marts_platform.resources.postgres import CopyOut

# The column that Spark parts a table by; nobody's table has it.
_PART = "marts_part"
# Rows that a connection holds in memory at a time.
_FETCHED, _WRITTEN = 10_000, 5_000
# What libpq's and pgjdbc's URLs call by the same name.
_SHARED_WITH_LIBPQ = ("sslmode", "sslcert", "sslkey", "sslrootcert")
_LOCAL = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
_DEFAULTS = {
    "spark.app.name": "marts_platform",
    # A page on all addresses, and another place where a statement could be read.
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # A task that is tried again, or twice at once, could write its rows twice: the whole load is tried again.
    "spark.task.maxFailures": "1",
    "spark.speculation": "false",
}


@dataclass(frozen=True, slots=True)
class SparkCopy:
    """The rows of a SELECT at a Postgres server, which Spark moves in parts, all of one snapshot.

    Attributes:
        rows: the same rows as a stream.
        key: a column of it, an integer, by whose ranges they are parted.
    """

    rows: CopyOut
    key: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, in order."""
        return self.rows.columns

    def describe(self) -> dict[str, str]:
        """The columns that the SELECT would give, in order, with Postgres' names of their types."""
        return self.rows.describe()

    def move(self, target: MySQLResource, table: str) -> int:
        """Appends every value's text to a table of MySQL and returns the number of rows at the source.

        Args:
            target: the server.
            table: the table's quoted name; its columns are texts.

        Raises:
            SettingsError: pyspark, Java or a driver is missing.
            SparkError: Spark failed; the message says at what.
        """
        now = settings.load()
        drivers = drivers_of(now.spark_jars)
        spark = spark_session()
        write = _target_options(target, table, drivers)
        with self.rows.server.connect(self.rows.limits, purpose=self.rows.purpose) as connection:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            part = self._part(connection)
            if not part.rows:
                return 0
            read = {
                **_source_options(self.rows, drivers),
                "dbtable": part.table,
                "partitionColumn": _PART,
                "lowerBound": str(part.lowest),
                "upperBound": str(part.highest),
                "numPartitions": str(now.spark_partitions),
                # In the transaction that the rows are then read in.
                "sessionInitStatement": part.import_snapshot,
            }
            with _job(spark, f"{self.rows.purpose} into {table}", (read["password"], write["password"])):
                frame = spark.read.format("jdbc").options(**read).load().drop(_PART)
                frame.write.format("jdbc").options(**write).mode("append").save()
            return part.rows

    def _part(self, connection: Connection) -> _Snapshot:
        """What every part of the table is read of: one snapshot, which lasts as long as the transaction."""
        from psycopg2.sql import SQL, Identifier, Literal

        names = {"query": SQL(_bound(connection, self.rows)), "key": Identifier(self.key)}
        with connection.cursor() as cursor:
            cursor.execute(compose("postgres/snapshot_export.sql"))
            ((snapshot, _),) = cursor.fetchall()
            cursor.execute(compose("postgres/snapshot_bounds.sql", names))
            ((rows, lowest, highest),) = cursor.fetchall()
        # As COPY writes them: concat takes a type's own output, a cast to text would trim a character(n).
        texts = SQL(", ").join(
            SQL("CASE WHEN {0} IS NOT NULL THEN concat({0}) END AS {0}").format(Identifier(name))
            for name in self.columns
        )
        select = compose(
            "postgres/snapshot_texts.sql", {**names, "name": Identifier(_PART), "columns": texts}
        )
        importing = SQL("SET TRANSACTION SNAPSHOT {}").format(Literal(snapshot)).as_string(connection)
        return _Snapshot(rows, lowest, highest, f"({select.as_string(connection)}) AS given", importing)


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """A table at one moment: how many rows, of which keys, and how to read them as texts."""

    rows: int
    lowest: int | None
    highest: int | None
    table: str
    import_snapshot: str


def _bound(connection: Connection, rows: CopyOut) -> str:
    with connection.cursor() as cursor:
        text: bytes = cursor.mogrify(rows.query, rows.params)
    return text.decode()


def _source_options(rows: CopyOut, drivers: Drivers) -> dict[str, str]:
    from psycopg2.extensions import parse_dsn

    parts: Mapping[str, str] = parse_dsn(settings.load().url(rows.server.setting))
    hosts = parts.get("host", "localhost").split(",")
    ports = parts.get("port", "5432").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    servers = ",".join(f"{_in_url(host)}:{port}" for host, port in zip(hosts, ports, strict=True))
    session = f"{parts.get('options', '')} {session_options(rows.limits)}"
    return {
        "url": f"jdbc:postgresql://{servers}/{parts.get('dbname', '')}",
        "driver": drivers.postgres,
        "user": parts.get("user", ""),
        "password": parts.get("password", ""),
        # With the driver's own transaction, in which a statement's rows come piece by piece.
        "fetchsize": str(_FETCHED),
        "options": rf"{session} -c default_transaction_isolation=repeatable\ read".strip(),
        "ApplicationName": f"marts_platform {rows.purpose} (Spark)"[:63],
        **{name: parts[name] for name in _SHARED_WITH_LIBPQ if name in parts},
    }


def _target_options(target: MySQLResource, table: str, drivers: Drivers) -> dict[str, str]:
    address = target.address()
    if address.tls:
        # Each driver of JDBC has options of its own for it; without them nothing would be checked.
        raise settings.SettingsError(
            f"{settings.variable(target.setting)} has TLS options, which Spark's connections would not "
            f"honour: leave out MARTS_SPARK_MASTER, or the options"
        )
    with target.connect(purpose="Spark") as connection:
        variables = session_variables(server_kind(connection), Limits(lock_timeout=10))
    return {
        "url": f"jdbc:mysql://{_in_url(address.host)}:{address.port}/{address.database or ''}",
        "driver": drivers.mysql,
        "user": address.user,
        "password": address.password,
        "dbtable": table,
        "batchsize": str(_WRITTEN),
        # Otherwise a batch is a round trip for each row of it.
        "rewriteBatchedStatements": "true",
        "sessionVariables": ",".join(f"{name}={value}" for name, value in variables.items()),
    }


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def spark_session() -> Any:
    """The process's Spark, started now if it does not run; it ends with the process.

    Raises:
        SettingsError: pyspark, Java or a driver is missing.
    """
    now = settings.load()
    try:
        # By name: without the extra nothing is known of its types, with it everything.
        sql: Any = import_module("pyspark.sql")
        errors: Any = import_module("pyspark.errors")
    except ModuleNotFoundError:
        raise settings.SettingsError(
            "MARTS_SPARK_MASTER is set, and pyspark is not installed: pip install 'marts-platform[spark]'"
        ) from None
    drivers_of(now.spark_jars)
    master = now.spark_master or ""
    chosen = _DEFAULTS | (_LOCAL if master.startswith("local") else {}) | now.spark_configuration
    chosen |= {
        "spark.master": master,
        "spark.jars": ",".join(str(Path(jar).absolute()) for jar in now.spark_jars),
    }
    builder = sql.SparkSession.builder
    for name, value in chosen.items():
        builder = builder.config(name, value)
    with _own_signals():
        try:
            return builder.getOrCreate()
        except errors.PySparkRuntimeError as error:
            raise settings.SettingsError(
                f"Spark does not start: {shown(error)}. It needs Java 17 or newer, by JAVA_HOME or on PATH"
            ) from None


@contextlib.contextmanager
def _own_signals() -> Generator[None]:
    """Keeps the process's answer to an interrupt, which Spark's context would replace."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _job(spark: Any, description: str, secrets: tuple[str, ...]) -> Generator[None]:
    """Names what Spark does, ends it with whatever interrupts us, and says what failed without secrets."""
    context, group = spark.sparkContext, f"marts-{uuid4()}"
    context.setJobGroup(group, description, interruptOnCancel=True)
    try:
        yield
    except BaseException as error:
        context.cancelJobGroup(group)
        if (fault := fault_of(error, description, secrets)) is not None:
            raise fault from None
        raise
