"""A plain `dagster dev -w workspace.yaml` in the root, for those who know Dagster and not `marts`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import dagster as dg
import pytest

from marts_platform.embedded.server import free_port
from marts_platform_tests.ui import queries
from marts_platform_tests.ui.server import running

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.timeout(600)


@dg.asset
def somebodys_asset() -> int:
    return 1


def test_it_loads_the_platform_and_stands_on_the_same_storage(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run = dg.materialize([somebodys_asset], instance=instance)
    port = free_port()
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml"]
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    with running(
        [*command, "-h", "127.0.0.1", "-p", str(port)],
        port,
        tmp_path / "dev.log",
        cwd=ROOT,
        environment=environment,
        ended_by=signal.SIGINT,
    ) as ui:
        assert ui.ask(queries.RUN, run=run.run_id)["runOrError"]["status"] == "SUCCESS"
        groups = {node["groupName"] for node in ui.ask(queries.ASSET_GRAPH)["assetNodes"]}
        assert "camunda" in groups
    assert not list(ROOT.glob(".tmp_dagster_home_*"))
