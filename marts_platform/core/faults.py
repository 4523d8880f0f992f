"""Which faults pass by themselves, so that a retry is right, and which stay."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from tenacity import (
    Retrying,
    before_sleep_log,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)

from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_log = logging.getLogger(__name__)

# SQLSTATE classes and codes of faults that pass (PostgreSQL, appendix A): connections, shut-down and
# restart, too many connections, serialisation, deadlock, lock not available, snapshot conflict on a
# replica (40001 too), disk or memory short.
_PASSING_CLASSES = ("08", "53")
_PASSING_CODES = frozenset({"40001", "40P01", "55P03", "57P01", "57P02", "57P03", "25P03"})


# MySQL's errors of faults that pass (MySQL's and MariaDB's error references): too many connections, shutdown,
# connections that ended or could not be had, lock time-outs and deadlocks. A query that ran into its time
# limit, or was ended, does the same again: 1317, 1969, 3024; 4012 at seekdb.
_PASSING_MYSQL = frozenset(
    {1040, 1042, 1043, 1053, 1077, 1152, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 1927, 2002, 2003, 2006}
    | {2013, 2055}
)
# ClickHouse's error codes of faults that pass (src/Common/ErrorCodes.cpp): time-outs, too many queries or
# parts, network, memory or disk short, Keeper and replicas, a statement that was ended with its server.
_PASSING_CLICKHOUSE = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        203,  # NO_FREE_CONNECTION
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        225,  # NO_ZOOKEEPER
        236,  # ABORTED
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY: its replica has lost Keeper
        243,  # NOT_ENOUGH_SPACE
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        286,  # UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
        319,  # UNKNOWN_STATUS_OF_INSERT
        394,  # QUERY_WAS_CANCELLED
        439,  # CANNOT_SCHEDULE_TASK
        473,  # DEADLOCK_AVOIDED
        517,  # CANNOT_ASSIGN_ALTER
        999,  # KEEPER_EXCEPTION
    }
)
# Whose errors are a server's, or the way to one.
_DRIVERS = frozenset({"psycopg2", "pymysql", "clickhouse_connect", "confluent_kafka", "cimpl", "httpx"})
# Of these the server, or the way to it: a refused password, a server that starts or ends, no connection.
_UNREACHABLE_CODES = frozenset({"57P01", "57P02", "57P03", "28000", "28P01", "3D000"})
_UNREACHABLE_MYSQL = frozenset({1040, 1042, 1043, 1044, 1045, 1049, 1053, 1203, 2002, 2003, 2006, 2013, 2055})
_PASSING_HTTP = ("HTTP status 429", "HTTP status 502", "HTTP status 503", "HTTP status 504")


class PassingFault(Exception):
    """A fault that is expected to pass: the operation is worth another try."""


def is_passing(error: BaseException) -> bool:
    """Whether another try may succeed: network, restart, deadlock, lock time-out; not bad SQL or data."""
    if isinstance(error, PassingFault | ConnectionError | TimeoutError):
        return True
    if type(error).__module__.startswith("pymysql."):
        return _mysql_passes(error)
    import psycopg2

    if type(error).__module__.startswith("clickhouse_connect."):
        return _clickhouse_passes(error)
    if isinstance(error, psycopg2.Error) and error.pgcode:
        return error.pgcode in _PASSING_CODES or error.pgcode.startswith(_PASSING_CLASSES)
    if isinstance(error, psycopg2.OperationalError):
        # No SQLSTATE: libpq itself lost or never had the connection. A refused password is permanent.
        return "authentication failed" not in str(error) and "does not exist" not in str(error)
    if type(error) is psycopg2.DatabaseError and "no message from the libpq" in str(error):
        # What psycopg2 makes of a connection that is lost in the middle of COPY … TO STDOUT.
        return True
    # psycopg2 raises InterfaceError once it has found the connection closed.
    return isinstance(error, psycopg2.InterfaceError) and "closed" in str(error)


def is_of_a_source(error: BaseException) -> bool:
    """Return whether a fault is of a server, of the way to it or of what it holds."""
    if isinstance(error, PassingFault | ExpectedError | OSError | ValueError | ArithmeticError):
        return True
    return type(error).__module__.split(".", maxsplit=1)[0] in _DRIVERS


def said_by(error: BaseException) -> str:
    """Return an error's message in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def ends_a_server(error: BaseException) -> bool:
    """Return whether a server cannot be reached at all, so that a second question would fail alike."""
    import psycopg2

    if type(error).__module__.startswith("pymysql."):
        return bool(error.args) and error.args[0] in _UNREACHABLE_MYSQL
    if isinstance(error, psycopg2.Error):
        code = error.pgcode
        is_lost = code is None or code in _UNREACHABLE_CODES or code.startswith(_PASSING_CLASSES)
        return isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError) and is_lost
    return isinstance(error, PassingFault | OSError)


def _mysql_passes(error: BaseException) -> bool:
    code = error.args[0] if error.args else None
    # The driver raises (0, "") for a connection that it has found closed.
    return code in _PASSING_MYSQL or (code == 0 and type(error).__name__ == "InterfaceError")


def _clickhouse_passes(error: BaseException) -> bool:
    from clickhouse_connect.driver.exceptions import Error, OperationalError

    if isinstance(error, Error) and error.code is not None:
        return error.code in _PASSING_CLICKHOUSE
    # Without a code the server did not answer: the network, or what stands in front of it.
    return isinstance(error, OperationalError) or any(status in str(error) for status in _PASSING_HTTP)


def with_retries(operation: Callable[[], T], attempts: int = 4) -> T:
    """Runs an operation, again after passing faults, with random exponential back-off up to 20 s.

    Raises:
        Exception: a permanent fault at once, or the last passing one after ``attempts`` tries.
    """
    retrying = Retrying(
        retry=retry_if_exception(is_passing),
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(multiplier=0.5, max=20),
        before_sleep=before_sleep_log(_log, logging.WARNING),
        reraise=True,
    )
    return retrying(operation)
