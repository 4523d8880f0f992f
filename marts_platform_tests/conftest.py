"""What every test stands on: a stack of its own in a temporary folder, never the developer's ``.marts``.

Under pytest-xdist each worker has a stack of its own: tests kill servers, and a start costs 1.5 s.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import hypothesis
import psycopg
import pytest

from marts_platform import settings
from marts_platform.embedded.stack import Stack
from marts_platform_tests import databases, mysql_servers
from marts_platform_tests.databases import NewDatabase, SourceServer, at_database
from marts_platform_tests.embedded.keeper import Keeper
from marts_platform_tests.mysql_servers import MySQLAccess

if TYPE_CHECKING:
    from dagster import DagsterInstance

# A busy machine takes longer for an example than Hypothesis' 200 ms; that says nothing of the code.
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

_KEPT = "MARTS_TEST_"
# Those that take a minute or more begin first: two workers then end at about the same time.
_LONG_FILES = (
    "ui/test_ui.py",
    "embedded/test_stack.py",
    "camunda/test_sources_late_rows.py",
    "io_managers/clickhouse/test_writers.py",
    "delivery/test_marts_oracle.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Cuts the tests off from whatever stack and settings the developer has."""
    for name in list(os.environ):
        if name == "DAGSTER_HOME" or (name.startswith(settings.PREFIX) and not name.startswith(_KEPT)):
            del os.environ[name]
    folder = tempfile.mkdtemp(prefix="marts-tests-")
    os.environ["MARTS_HOME"] = folder
    keeper = Keeper(Path(folder))
    config.add_cleanup(keeper.close)
    # By default a SIGTERM ends Python at once, without the clean-up above being waited for.
    signal.signal(signal.SIGTERM, _leave)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the files that take longest first, and leaves the order within each file as it is."""
    places = {name: place for place, name in enumerate(_LONG_FILES)}
    folder = Path(__file__).parent
    items.sort(key=lambda item: places.get(item.path.relative_to(folder).as_posix(), len(places)))


def _leave(_number: int, _frame: object) -> NoReturn:
    sys.exit("terminated")


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The embedded stack of this session with PostgreSQL running; it ends with the session, whatever happens.

    Other servers have fixtures of their own, so that no test pays for one that it does not use.
    """
    stack = Stack()
    stack.start(["postgres"])
    with psycopg.connect(stack.owner_url("warehouse"), autocommit=True) as connection:
        # Only a crash of the whole machine could tell, and this stack is thrown away. CREATE and DROP
        # DATABASE wait for a checkpoint, which is most of their time.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
    return stack


@pytest.fixture(scope="session")
def kafka(stack: Stack) -> str:
    """The bootstrap servers of a broker, shared by the session: each test has topics of its own.

    The embedded one, or a real one where ``MARTS_TEST_KAFKA_BOOTSTRAP`` names it.
    """
    if real := os.environ.get("MARTS_TEST_KAFKA_BOOTSTRAP"):
        return real
    stack.start(only=["kafka"])
    return stack.owner_url("kafka")


@pytest.fixture(scope="session")
def embedded_mysql() -> MySQLAccess:
    """The embedded MySQL server of this session."""
    return mysql_servers.embedded()


@pytest.fixture(scope="session", params=["embedded", mysql_servers.EXTERNAL])
def mysql(request: pytest.FixtureRequest) -> MySQLAccess:
    """Each kind of MySQL server: the embedded one, and a MariaDB (Debian's in CI)."""
    if request.param == "embedded":
        return request.getfixturevalue("embedded_mysql")
    return mysql_servers.external()


@pytest.fixture(scope="session")
def clickhouse(stack: Stack) -> str:
    """The URL of a running, migrated ClickHouse: the stack's, or the one of ``MARTS_TEST_CLICKHOUSE_URL``."""
    from marts_platform.migrations import clickhouse

    url = os.environ.get("MARTS_TEST_CLICKHOUSE_URL")
    if url:
        os.environ["MARTS_CLICKHOUSE_URL"] = url
    else:
        stack.start(["clickhouse"])
    clickhouse.upgrade()
    return settings.load().url("clickhouse_url")


@pytest.fixture
def warehouse_url(stack: Stack) -> str:
    """The embedded warehouse, shared by the session: for tests that clean up. See also `database_url`."""
    return settings.load().url("warehouse_url")


@pytest.fixture
def camunda_owner_url(stack: Stack) -> str:
    """The superuser's URL of the embedded Camunda database, shared by the whole session."""
    return stack.owner_url("camunda")


@pytest.fixture
def new_database(stack: Stack) -> Iterator[NewDatabase]:
    """Makes fresh, empty databases on the embedded server, dropped after the test.

    Each call returns the URL of one, for the warehouse's role, which owns it.
    """
    url = settings.load().url("warehouse_url")
    with ExitStack() as made:

        def make() -> str:
            name = made.enter_context(
                databases.scratch_database(stack.owner_url("warehouse"), databases.user_of(url))
            )
            return at_database(url, name)

        yield make


@pytest.fixture
def database_url(new_database: NewDatabase) -> str:
    """One fresh, empty database on the embedded server, for the warehouse's role."""
    return new_database()


@pytest.fixture(params=["embedded", "MARTS_TEST_CAMUNDA_URL"])
def source_server(request: pytest.FixtureRequest) -> Iterator[SourceServer]:
    """A fresh, empty database of each kind of server that a Camunda source may be.

    ``MARTS_TEST_CAMUNDA_URL`` is the superuser's URL of a PostgreSQL 15, from Debian's packages in CI.
    """
    if request.param == "embedded":
        stack: Stack = request.getfixturevalue("stack")
        owner, reader = stack.owner_url("camunda"), settings.load().url("camunda_url")
    else:
        owner = databases.service(request.param)
        reader = databases.as_role(owner, databases.READER, databases.reader_password(owner))
    with databases.scratch_database(owner, databases.user_of(owner)) as name:
        yield SourceServer(str(request.param), at_database(owner, name), at_database(reader, name))


@pytest.fixture(scope="session")
def _dagster_template(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name of a database with Dagster's empty tables: making them takes a second, a copy does not."""
    from dagster_postgres import DagsterPostgresStorage

    from marts_platform.dagster_storage import storage_url

    owner = stack.owner_url("dagster")
    url = settings.load().url("dagster_url")
    with databases.scratch_database(owner, databases.user_of(url)) as name:
        DagsterPostgresStorage(
            storage_url(at_database(url, name))
        )  # its pools are null pools: no connection stays
        yield name


@pytest.fixture
def instance(
    stack: Stack, _dagster_template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DagsterInstance]:
    """A Dagster instance as the shipped ``dagster.yaml`` makes it, on an empty database of its own.

    ``DAGSTER_HOME`` and ``MARTS_DAGSTER_URL`` point at it, so child processes use it too.
    """
    from dagster import DagsterInstance

    from marts_platform.dagster_home import shipped

    url = settings.load().url("dagster_url")
    home = tmp_path / "dagster_home"
    home.mkdir()
    (home / "dagster.yaml").write_bytes(shipped("dagster.yaml").read_bytes())
    with databases.scratch_database(
        stack.owner_url("dagster"), databases.user_of(url), _dagster_template
    ) as name:
        monkeypatch.setenv("MARTS_DAGSTER_URL", at_database(url, name))
        monkeypatch.setenv("DAGSTER_HOME", str(home))
        with DagsterInstance.from_config(str(home)) as made:
            yield made


@pytest.fixture
def ephemeral_instance() -> Iterator[DagsterInstance]:
    """A Dagster instance in memory, for what does not depend on the storage."""
    from dagster import DagsterInstance

    with DagsterInstance.ephemeral() as made:
        yield made
