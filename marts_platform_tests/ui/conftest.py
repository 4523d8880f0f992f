"""One running platform for a module: `marts dev` is slow to start, and its users share it too."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marts_platform import settings
from marts_platform.dagster_home import shipped
from marts_platform.embedded.server import free_port
from marts_platform.embedded.stack import Stack
from marts_platform_tests import databases
from marts_platform_tests.camunda.engine import Engine
from marts_platform_tests.databases import at_database
from marts_platform_tests.marts import Warehouse
from marts_platform_tests.ui.platform import Platform
from marts_platform_tests.ui.server import running

# The generated history lies between these days; the newest ones are empty, so the sensor has nothing to do.
FIRST_DAY_AGO, LAST_DAY_AGO = 39, 6


@pytest.fixture(scope="module")
def platform(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """`marts dev` over a small source, an empty warehouse and an empty storage; it ends with the module."""
    folder = tmp_path_factory.mktemp("ui")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with ExitStack() as cleanup:
        urls = _databases(stack, cleanup)
        engine = cleanup.enter_context(Engine.created(urls["camunda_owner"], urls["camunda"]))
        days = FIRST_DAY_AGO - LAST_DAY_AGO + 1
        engine.generate(details=3000, days=days, until=today - timedelta(days=LAST_DAY_AGO - 1))
        port = free_port()
        command = [sys.executable, "-m", "marts_platform.cli", "dev", "--port", str(port)]
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
            "DAGSTER_HOME": str(_dagster_home(folder)),
            "MARTS_WAREHOUSE_URL": urls["warehouse"],
            "MARTS_DAGSTER_URL": urls["dagster"],
            "MARTS_CAMUNDA_URL": engine.reader_url,
            "MARTS_START": (today - timedelta(days=45)).date().isoformat(),
            "MARTS_SENSOR_INTERVAL_SECONDS": "5",
            "MARTS_COMMIT_MARGIN_SECONDS": "1",
        }
        ui = cleanup.enter_context(
            running(
                command,
                port,
                folder / "dev.log",
                cwd=folder,
                environment=environment,
                ended_by=signal.SIGTERM,
            )
        )
        yield Platform(ui, engine, Warehouse(urls["warehouse"]), today.date())


def _databases(stack: Stack, cleanup: ExitStack) -> dict[str, str]:
    """Fresh, empty databases beside the stack's own; the connection URLs by whose they are."""
    current = settings.load()
    urls: dict[str, str] = {}
    for database in ("warehouse", "dagster"):
        url = current.url(f"{database}_url")
        scratch = databases.scratch_database(stack.owner_url(database), databases.user_of(url))
        urls[database] = at_database(url, cleanup.enter_context(scratch))
    owner = stack.owner_url("camunda")
    source = cleanup.enter_context(databases.scratch_database(owner, databases.user_of(owner)))
    return {
        **urls,
        "camunda": at_database(current.url("camunda_url"), source),
        "camunda_owner": at_database(owner, source),
    }


def _dagster_home(folder: Path) -> Path:
    home = folder / "dagster_home"
    home.mkdir()
    (home / "dagster.yaml").write_bytes(shipped("dagster.yaml").read_bytes())
    return home


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Function, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Shows the end of the server's log beside a failure."""
    report = yield
    platform = item.funcargs.get("platform") if call.excinfo is not None else None
    if isinstance(platform, Platform):
        report.sections.append(("the end of the server's log", platform.ui.tail()))
    return report
