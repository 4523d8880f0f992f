"""`marts materialize` where a server is away or is another one: one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import pytest
from typer.testing import CliRunner

from marts_platform import settings
from marts_platform.cli import app
from marts_platform.embedded.stack import Stack
from marts_platform.plain_faults import ServerFaultError, said_plainly
from marts_platform_tests import databases
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template

__all__ = ["migrated_database", "warehouse", "warehouse_template"]

AWAY = "postgresql://somebody:hidden@127.0.0.1:1/away"


@pytest.fixture(autouse=True)
def home(instance: object) -> None:
    """Dagster's storage of each test's own."""


@pytest.fixture
def empty_source(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings name a database without a Camunda history in it."""
    owner, reader = stack.owner_url("camunda"), settings.load().url("camunda_url")
    with databases.scratch_database(owner, databases.user_of(owner)) as name:
        monkeypatch.setenv("MARTS_CAMUNDA_URL", databases.at_database(reader, name))
        yield


def told(selection: str = "camunda") -> list[str]:
    """The lines that the command ends with."""
    result = CliRunner().invoke(app, ["materialize", selection])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output and "hidden" not in result.output
    lines = result.stderr.splitlines()
    assert lines[0].startswith("marts: ")
    return lines


@pytest.mark.parametrize("variable", ["MARTS_DAGSTER_URL", "MARTS_WAREHOUSE_URL", "MARTS_CAMUNDA_URL"])
def test_a_server_that_is_away(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, AWAY)
    (line,) = told()
    assert "did not answer" in line and "127.0.0.1" in line and "marts up" in line
    assert f"the server of {variable} " in line


def test_a_warehouse_that_was_not_migrated(
    empty_source: None, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", database_url)
    (line,) = told()
    assert "MARTS_WAREHOUSE_URL" in line and "ops." in line and "marts migrate" in line


def test_a_database_that_is_none_of_camundas(warehouse: Warehouse, empty_source: None) -> None:
    (line,) = told()
    assert "MARTS_CAMUNDA_URL has no act_hi_detail" in line


def test_a_role_that_is_refused(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_URL", databases.as_role(warehouse.url, "nobody", "hidden"))
    (line,) = told()
    assert "the server of MARTS_CAMUNDA_URL refused" in line and "nobody" in line and "marts status" in line


def test_each_domain_has_its_own_faults(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_URL", AWAY)
    monkeypatch.setenv("MARTS_DELIVERY_REPLICA_URL", AWAY.replace(":1/", ":2/"))
    first, second = told('key:"camunda/act_hi_detail" or key:"delivery/orders"')
    assert "port 1 " in first and "port 2 " in second


def test_faults_of_ours_keep_their_traceback_also_beside_one_of_a_server() -> None:
    with pytest.raises(ZeroDivisionError), said_plainly():
        try:
            raise psycopg2.OperationalError("away")
        except psycopg2.OperationalError:
            _ = 1 / 0
    with pytest.raises(ServerFaultError, match="did not answer: away"), said_plainly():
        try:
            raise psycopg2.OperationalError("away")
        except psycopg2.OperationalError as error:
            raise RuntimeError("wrapped") from error
