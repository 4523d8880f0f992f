"""A server for the whole session, and databases on it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest
from clickhouse_connect.driver.httpclient import HttpClient

from marts_platform_tests.embedded.clickhouse.servers import REAL, Embedded, Endpoint, embedded_home


@pytest.fixture(scope="session")
def embedded() -> Iterator[Embedded]:
    """A running embedded server, shared by the tests that do not stop it."""
    with embedded_home() as home:
        home.server.start()
        yield home


@pytest.fixture
def new_embedded() -> Iterator[Embedded]:
    """An embedded server of the test's own, not started yet."""
    with embedded_home() as home:
        yield home


@pytest.fixture(params=["embedded", *([REAL] if os.environ.get(REAL) else [])])
def endpoint(request: pytest.FixtureRequest) -> Endpoint:
    """Each server that has to behave in the same way."""
    if request.param == REAL:
        return Endpoint(os.environ[REAL])
    embedded: Embedded = request.getfixturevalue("embedded")
    return embedded.endpoint


@pytest.fixture
def database(endpoint: Endpoint) -> Iterator[str]:
    """An empty database; dropped after the test."""
    name = f"test_{secrets.token_hex(6)}"
    endpoint.post(f"CREATE DATABASE {name} ENGINE = Atomic").raise_for_status()
    yield name
    endpoint.post(f"DROP DATABASE {name} SYNC").raise_for_status()


@pytest.fixture
def client(endpoint: Endpoint, database: str) -> Iterator[HttpClient]:
    """An ordinary client of clickhouse-connect, in the empty database."""
    client = endpoint.client(database=database)
    yield client
    client.close()
