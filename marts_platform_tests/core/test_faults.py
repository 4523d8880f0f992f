"""Which faults are worth another try: each is provoked on a real server, as its driver raises it."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.errors
import pytest
from sqlalchemy.engine import make_url

from marts_platform.core.faults import PassingFault, is_passing, with_retries
from marts_platform.embedded.stack import Stack
from marts_platform.settings import SettingsError
from marts_platform_tests import databases

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

URL = str


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[URL]:
    """A database with a table of two rows, for its superuser."""
    owner = stack.owner_url("warehouse")
    with databases.scratch_database(owner, databases.user_of(owner)) as name:
        there = databases.at_database(owner, name)
        with closing(psycopg2.connect(there)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE account (id int PRIMARY KEY, amount int NOT NULL)")
            cursor.execute("INSERT INTO account VALUES (1, 10), (2, 20)")
        yield there


def connect(url: URL, **settings: str) -> closing[Connection]:
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    return closing(psycopg2.connect(url, options=options))


def execute(connection: Connection, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def fault_of(operation: Callable[[], object]) -> BaseException:
    with pytest.raises((psycopg2.Error, OSError, SettingsError)) as raised:
        operation()
    return raised.value


def changed(url: URL, **parts: Any) -> URL:
    return make_url(url).set(**parts).render_as_string(hide_password=False)


def terminate(url: URL, victim: Connection) -> None:
    with connect(url) as other:
        assert execute(other, "SELECT pg_terminate_backend(%s, 5000)", victim.get_backend_pid()) == [(True,)]


def test_a_deadlock_passes(url: URL) -> None:
    faults: list[BaseException] = []
    both_have_one = threading.Barrier(2)

    def transfer(first: int, second: int) -> None:
        with connect(url, deadlock_timeout="20ms") as connection:
            execute(connection, "UPDATE account SET amount = 0 WHERE id = %s", first)
            both_have_one.wait(10)
            try:
                execute(connection, "UPDATE account SET amount = 0 WHERE id = %s", second)
            except psycopg2.Error as error:
                faults.append(error)

    threads = [threading.Thread(target=transfer, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(fault) for fault in faults] == [psycopg2.errors.DeadlockDetected]
    assert is_passing(faults[0])


def test_a_serialization_failure_passes(url: URL) -> None:
    with connect(url) as reader, connect(url) as writer:
        reader.set_session(isolation_level="REPEATABLE READ")
        execute(reader, "SELECT * FROM account")
        with writer:
            execute(writer, "UPDATE account SET amount = amount + 1")
        fault = fault_of(lambda: execute(reader, "UPDATE account SET amount = amount + 1"))
    assert isinstance(fault, psycopg2.errors.SerializationFailure)
    assert is_passing(fault)


def test_a_lock_that_does_not_come_free_in_time_passes(url: URL) -> None:
    with connect(url) as holder, connect(url, lock_timeout="20ms") as waiting:
        execute(holder, "LOCK TABLE account")
        fault = fault_of(lambda: execute(waiting, "SELECT * FROM account"))
    assert isinstance(fault, psycopg2.errors.LockNotAvailable)
    assert is_passing(fault)


def test_a_terminated_backend_passes_and_so_does_what_its_connection_says_afterwards(url: URL) -> None:
    with connect(url) as victim:
        terminate(url, victim)
        first = fault_of(lambda: execute(victim, "SELECT 1"))
        later = fault_of(lambda: execute(victim, "SELECT 1"))
    assert is_passing(first), first
    assert isinstance(later, psycopg2.InterfaceError)
    assert is_passing(later), later


@pytest.mark.parametrize("round_", range(5))
def test_a_backend_that_is_terminated_while_it_sends_rows_passes(url: URL, round_: int) -> None:
    with connect(url) as victim, victim.cursor() as cursor:

        class Terminating:
            written = 0

            def write(self, data: bytes) -> int:
                self.written += 1
                if self.written == 1 + 10 * round_:
                    terminate(url, victim)
                return len(data)

        copy = "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 200000)) TO STDOUT"
        fault = fault_of(lambda: cursor.copy_expert(copy, Terminating()))
    assert is_passing(fault), repr(fault)


@pytest.mark.parametrize("round_", range(5))
def test_a_backend_that_is_terminated_while_it_takes_rows_passes(url: URL, round_: int) -> None:
    with connect(url) as victim, victim.cursor() as cursor:
        execute(victim, "CREATE TEMPORARY TABLE text_of (line text)")

        class Terminating(io.RawIOBase):
            read_ = 0

            def read(self, size: int = -1) -> bytes:
                self.read_ += 1
                if self.read_ == 2 + 10 * round_:
                    terminate(url, victim)
                return b"x" * 8191 + b"\n" if self.read_ < 2000 else b""

        fault = fault_of(lambda: cursor.copy_expert("COPY text_of FROM STDIN", Terminating()))
    assert is_passing(fault), repr(fault)


def test_a_transaction_that_idled_too_long_passes(url: URL) -> None:
    with connect(url, idle_in_transaction_session_timeout="20ms") as idle, connect(url) as other:
        execute(idle, "SELECT 1")
        pid = idle.get_backend_pid()
        while execute(other, "SELECT 1 FROM pg_stat_activity WHERE pid = %s", pid):
            other.rollback()
        fault = fault_of(lambda: execute(idle, "SELECT 1"))
    assert is_passing(fault), repr(fault)


def test_a_refused_connection_passes(url: URL) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can have it
        fault = fault_of(lambda: psycopg2.connect(changed(url, port=taken.getsockname()[1])))
    assert "refused" in str(fault)
    assert is_passing(fault)


def test_a_name_that_does_not_resolve_passes(url: URL) -> None:
    assert is_passing(fault_of(lambda: psycopg2.connect(changed(url, host="host.invalid"))))


def test_too_many_connections_pass(url: URL) -> None:
    with connect(url) as connection:
        connection.autocommit = True
        execute(connection, "CREATE ROLE crowded LOGIN PASSWORD 'crowded' CONNECTION LIMIT 0")
        try:
            fault = fault_of(lambda: psycopg2.connect(changed(url, username="crowded", password="crowded")))
        finally:
            execute(connection, "DROP ROLE crowded")
    assert "too many connections" in str(fault)
    assert is_passing(fault)


def test_a_wrong_password_stays(url: URL) -> None:
    assert not is_passing(fault_of(lambda: psycopg2.connect(changed(url, password="wrong"))))


def test_a_database_that_is_not_there_stays(url: URL) -> None:
    assert not is_passing(fault_of(lambda: psycopg2.connect(changed(url, database="not_there"))))


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELEC 1", psycopg2.errors.SyntaxError),
        ("SELECT * FROM not_there", psycopg2.errors.UndefinedTable),
        ("SELECT not_there FROM account", psycopg2.errors.UndefinedColumn),
        ("INSERT INTO account VALUES (1, 1)", psycopg2.errors.UniqueViolation),
        ("INSERT INTO account VALUES (3, NULL)", psycopg2.errors.NotNullViolation),
        ("SELECT 1 / 0", psycopg2.errors.DivisionByZero),
        ("SELECT 'x'::integer", psycopg2.errors.InvalidTextRepresentation),
        ("SET ROLE pg_not_there", psycopg2.errors.InvalidParameterValue),
    ],
)
def test_wrong_sql_and_wrong_data_stay(url: URL, statement: str, kind: type[psycopg2.Error]) -> None:
    with connect(url) as connection:
        fault = fault_of(lambda: execute(connection, statement))
    assert isinstance(fault, kind)
    assert not is_passing(fault)


def test_a_missing_permission_stays(url: URL) -> None:
    with connect(url) as connection:
        execute(connection, "CREATE ROLE nobody_at_all")
        execute(connection, "SET ROLE nobody_at_all")
        fault = fault_of(lambda: execute(connection, "SELECT * FROM account"))
    assert isinstance(fault, psycopg2.errors.InsufficientPrivilege)
    assert not is_passing(fault)


def test_a_missing_setting_and_a_programming_error_stay() -> None:
    assert not is_passing(SettingsError("MARTS_WAREHOUSE_URL is not set"))
    assert not is_passing(TypeError("a bug"))


@pytest.mark.parametrize("fault", [PassingFault(), ConnectionResetError(), TimeoutError()])
def test_a_fault_of_the_network_passes(fault: Exception) -> None:
    assert is_passing(fault)


class Failing:
    """Fails as it is told, then succeeds."""

    def __init__(self, *faults: BaseException) -> None:
        self.faults = list(faults)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        return "done"


def test_a_passing_fault_is_tried_again() -> None:
    operation = Failing(PassingFault(), ConnectionResetError())
    assert with_retries(operation) == "done"
    assert operation.calls == 3


def test_a_permanent_fault_is_raised_at_once() -> None:
    operation = Failing(ValueError("bad data"))
    with pytest.raises(ValueError, match="bad data"):
        with_retries(operation)
    assert operation.calls == 1


def test_after_the_last_try_the_last_fault_is_raised() -> None:
    operation = Failing(PassingFault("first"), PassingFault("last"))
    with pytest.raises(PassingFault, match="last"):
        with_retries(operation, attempts=2)
    assert operation.calls == 2


def test_an_interruption_is_no_fault_to_try_again() -> None:
    operation = Failing(KeyboardInterrupt())
    with suppress(KeyboardInterrupt):
        with_retries(operation)
    assert operation.calls == 1
