"""`marts materialize` where a server is away or is another one: one line that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from typer.testing import CliRunner

from marts_platform import settings
from marts_platform.cli import app
from marts_platform.embedded.stack import Stack
from marts_platform.plain_faults import ServerFaultError, said_plainly
from marts_platform_tests import databases
from marts_platform_tests.http_service import Answer, service
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template
from marts_platform_tests.mysql_servers import MySQLAccess

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


@pytest.fixture
def empty_delivery(database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The settings name a database without an order in it, and no replica."""
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", settings.load().url("warehouse_url"))
    monkeypatch.setenv("MARTS_HOME", str(tmp_path))
    monkeypatch.delenv("MARTS_DELIVERY_REPLICA_URL", raising=False)
    monkeypatch.setenv("MARTS_DELIVERY_URL", database_url)


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


def test_a_source_whose_table_is_missing(warehouse: Warehouse, empty_delivery: None) -> None:
    (line,) = told('key:"delivery/orders"')
    assert line.startswith("marts: delivery/orders could not be compared with the source: ")
    assert "MARTS_DELIVERY_URL" in line and "order" in line and "marts migrate" not in line


def test_a_mysql_source_whose_table_is_missing(
    clickhouse: str, warehouse: Warehouse, embedded_mysql: MySQLAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded_mysql.clear()
    monkeypatch.setenv("MARTS_CHAT_URL", embedded_mysql.chat_url)
    (line,) = told('key:"chat/users"')
    assert line.startswith("marts: chat/users could not be compared with the source: ")
    assert "MARTS_CHAT_URL" in line and "users" in line and "marts migrate" not in line


def test_an_address_that_is_not_set_names_its_domains(
    warehouse: Warehouse, empty_source: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MARTS_HOME", str(tmp_path))  # of no stack
    monkeypatch.delenv("MARTS_CLICKHOUSE_URL", raising=False)
    columns, engine, products = told(
        'key:"camunda/act_hi_detail" or key:"chat/users" or key:"shop/products_replica"'
    )
    assert columns.startswith("marts: camunda/act_hi_detail could not be compared")
    assert engine.startswith("chat: MARTS_CLICKHOUSE_URL is not set") and "marts up" in engine
    assert products.startswith("shop: MARTS_SHOP_REPLICA_URL is not set") and "marts up" in products


@pytest.mark.parametrize(
    ("bootstrap", "said"),
    [("127.0.0.1:1", "Connection refused"), ("no.such.host.invalid:9092", "Failed to resolve")],
)
def test_a_broker_that_is_away(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, bootstrap: str, said: str
) -> None:
    monkeypatch.setenv("MARTS_KAFKA_BOOTSTRAP", bootstrap)
    monkeypatch.setenv("MARTS_KAFKA_TIMEOUT_SECONDS", "1")
    (line,) = told('key:"delivery/events"')
    assert line.startswith("marts: delivery/events could not be compared with the source: Kafka at ")
    assert f"{bootstrap} (MARTS_KAFKA_BOOTSTRAP)" in line and said in line and "`marts up kafka`" in line


def test_a_bootstrap_without_a_port(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_KAFKA_BOOTSTRAP", "hidden")
    (line,) = told('key:"delivery/events"')
    assert line.startswith("marts: MARTS_KAFKA_BOOTSTRAP: each server is a host and a port")


def test_a_topic_that_is_missing_is_a_warning(
    kafka: str, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_KAFKA_BOOTSTRAP", kafka)
    monkeypatch.setenv("MARTS_DELIVERY_RESULTS_TOPIC", "nowhere")
    result = CliRunner().invoke(app, ["materialize", "delivery/events"])
    assert result.exit_code == 0
    said = "the topic nowhere (MARTS_DELIVERY_RESULTS_TOPIC) does not exist, so nothing is read of it"
    assert f"Warning: delivery/events: {said}" in result.stdout.splitlines()


def test_a_prometheus_that_is_away_or_refuses(
    clickhouse: str, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_PROMETHEUS_URL", "http://somebody:hidden@127.0.0.1:1")
    (line,) = told('key:"delivery/fact_metrics"')
    assert line.startswith("marts: delivery/fact_metrics could not be compared with the source: Prometheus")
    assert "(MARTS_PROMETHEUS_URL) did not answer" in line and "`marts up prometheus`" in line
    with service(lambda _: Answer({"error": "no"}, 401)) as server:
        monkeypatch.setenv("MARTS_PROMETHEUS_URL", server.url("somebody:hidden"))
        (line,) = told('key:"delivery/fact_metrics"')
    assert line.startswith("marts: delivery/fact_metrics could not be compared with the source: Prometheus")
    assert line.endswith("with 401: no. See MARTS_PROMETHEUS_URL in `marts status`")


def test_a_crm_that_is_away_or_refuses(
    clickhouse: str, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_CRM_URL", "http://somebody:hidden@127.0.0.1:1")
    (line,) = told("bionicpro/crm_users")
    assert line.startswith("marts: bionicpro/crm_users failed within the whole table (run ")
    assert "): the CRM at http://127.0.0.1:1/api/users did not answer" in line
    assert line.endswith("see MARTS_CRM_URL in `marts status`")
    for status, said in ((401, "user and password in MARTS_CRM_URL"), (404, "see MARTS_CRM_URL in")):
        with service(lambda _, status=status: Answer("no", status)) as server:
            monkeypatch.setenv("MARTS_CRM_URL", server.url("somebody:hidden"))
            (line,) = told("bionicpro/crm_users")
        assert f"answered {status} " in line and said in line and "CollectionError" not in line


@pytest.mark.parametrize("variable", ["MARTS_DELIVERY_URL", "MARTS_DELIVERY_REPLICA_URL"])
@pytest.mark.parametrize("command", ["create", "status", "drop"])
def test_a_server_of_the_replica_that_is_away(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, command: str, variable: str
) -> None:
    monkeypatch.setenv(variable, AWAY)
    result = CliRunner().invoke(app, ["replica", command])
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.exception
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"marts: the server of {variable} did not answer: ") and "hidden" not in line
    assert "`marts status`" in line and ("`marts replica drop`" in line) == (command == "drop")


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
