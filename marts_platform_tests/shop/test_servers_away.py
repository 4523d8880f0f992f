"""`marts materialize shop` while one of its servers is away: the rest loads, one line names the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from marts_platform.cli import app
from marts_platform.embedded.server import free_port
from marts_platform_tests.shop.replica import REPLICAS, Shop
from marts_platform_tests.shop.topic import Topic, event

if TYPE_CHECKING:
    from dagster import DagsterInstance

pytestmark = pytest.mark.parametrize("mysql", ["embedded"], indirect=True)


def told(selection: str = "shop") -> tuple[list[str], str]:
    """Return the lines of the command's failure, and what the command printed before."""
    result = CliRunner().invoke(app, ["materialize", selection])
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output and "hidden" not in result.output
    return result.stderr.splitlines(), result.stdout


def test_shops_database_away_reads_the_events(
    topic: Topic, shop: Shop, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.write([event(), event(user_id=8)])
    shop.load([*REPLICAS])
    monkeypatch.setenv("MARTS_SHOP_URL", f"postgresql://nobody:hidden@127.0.0.1:{free_port()}/shop")
    lines, said = told()
    (line,) = lines
    assert line.startswith("marts: shop/") and "_replica could not be compared with the source: " in line
    assert "the server of MARTS_SHOP_URL did not answer" in line and "shop/kafka_events" not in line
    # The check that asks the shop could not run; the load that it is of succeeded.
    warning = "Warning: shop/kafka_events, the whole table: the check users_are_known could not run"
    assert warning in said.splitlines()
    assert shop.warehouse.one("SELECT count(*) FROM shop.kafka_events") == 2
    assert shop.warehouse.log("status", "shop/kafka_events") == ["success"]
    # The events are read: the next command has the same to say, and nothing to load.
    again, said = told()
    assert again == lines and "kafka_events" not in said


def test_check_that_cannot_run_alone_is_named(
    topic: Topic, shop: Shop, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.write([event()])
    monkeypatch.setenv("MARTS_SHOP_URL", f"postgresql://nobody:hidden@127.0.0.1:{free_port()}/shop")
    (line,), _ = told("shop/kafka_events")
    assert line.startswith(
        "marts: shop/kafka_events, the whole table: the check users_are_known could not run: "
    )
    assert "MARTS_SHOP_URL" in line
    assert shop.warehouse.log("status", "shop/kafka_events") == ["success"]


def test_kafka_away_loads_changed_users(
    topic: Topic,
    shop: Shop,
    instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shop.load()
    address = f"127.0.0.1:{free_port()}"
    monkeypatch.setenv("MARTS_KAFKA_BOOTSTRAP", address)
    monkeypatch.setenv("MARTS_KAFKA_TIMEOUT_SECONDS", "1")
    shop.change("INSERT INTO users (user_id) VALUES (7000)")
    (line,), _ = told()
    assert line.startswith("marts: shop/kafka_events could not be compared with the source: ")
    assert address in line
    # The client logs each try to connect; the terminal has the reason once.
    assert [record for record in caplog.records if "FAIL" in record.getMessage()] == []
    shop.assert_equal()
    assert 7000 in {row[0] for row in shop.here("user_sales_analytics")}


def test_missing_topic_is_named_at_the_terminal(
    absent_topic: Topic, shop: Shop, instance: DagsterInstance
) -> None:
    result = CliRunner().invoke(app, ["materialize", "shop"])
    assert result.exit_code == 0, result.output
    (warning,) = [line for line in result.stdout.splitlines() if absent_topic.name in line]
    assert warning.startswith("Warning: shop/kafka_events: ") and "MARTS_SHOP_EVENTS_TOPIC" in warning
    # The rest is loaded.
    shop.assert_equal()
