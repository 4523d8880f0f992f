"""`marts materialize` of delivery while a warehouse is away: what the other one holds is loaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from marts_platform.cli import app
from marts_platform.core import path
from marts_platform.embedded.server import free_port
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse

if TYPE_CHECKING:
    from dagster import DagsterInstance


def test_clickhouse_away_loads_what_postgres_holds(
    instance: DagsterInstance, loaded: DeliveryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_CLICKHOUSE_URL", f"http://nobody:hidden@127.0.0.1:{free_port()}")
    monkeypatch.setattr(path, "with_retries", lambda attempt: attempt())
    result = CliRunner().invoke(app, ["materialize", 'key:"delivery/orders" or key:"delivery/fact_orders"'])
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output and "hidden" not in result.output
    assert loaded.postgres.one("SELECT count(*) FROM ods.orders") == len(loaded.service.table("order"))
    assert set(loaded.postgres.log("status", "delivery/orders")) == {"success"}
    failed = [block for block in re.split(r"^(?=\S)", result.stderr, flags=re.M) if "failed within" in block]
    assert failed and all("fact_orders" in one and "127.0.0.1" in one for one in failed)
    assert result.stderr.count("the server of MARTS_CLICKHOUSE_URL did not answer: ") == len(failed)
