"""kill -9 of the loading process and of the server, at random moments: nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from clickhouse_connect.driver.exceptions import Error
from clickhouse_connect.driver.httputil import default_pool_manager

from marts_platform.migrations import clickhouse as migration
from marts_platform_tests.embedded.clickhouse.servers import Embedded, embedded_home
from marts_platform_tests.io_managers.clickhouse.probe import ClickHouseProbe, connected
from marts_platform_tests.io_managers.clickhouse.versions import VersionedDay


def seconds_of_a_load(day: VersionedDay) -> float:
    """How long one takes here and now."""
    began = time.monotonic()
    day.load()
    return time.monotonic() - began


def load_in_child(day: VersionedDay) -> int:
    """Begins a load in a process of its own and returns its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            # The parent's connections are not the child's.
            default_pool_manager().clear()
            day.load()
            status = 0
        finally:
            os._exit(status)
    return child


def killed_loads(probe: ClickHouseProbe, kills: int) -> None:
    day = VersionedDay(probe)
    span = seconds_of_a_load(day)
    for _ in range(kills):
        day.turn()
        child = load_in_child(day)
        time.sleep(random.uniform(0, span))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        day.published()
        # The server ends what the killed load has asked for. A table that it makes after the next load has
        # cleared up stays until the one after that.
        while probe.ask("SELECT count() FROM system.processes") != [(1,)]:
            time.sleep(0.01)
        day.load()
        assert day.published() == day.version
        assert probe.leftovers() == []
    assert "running" not in probe.warehouse.log()


def test_a_killed_load_is_whole_or_not_there_and_the_next_ends_right(probe: ClickHouseProbe) -> None:
    killed_loads(probe, 25)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_hundred_killed_loads(probe: ClickHouseProbe) -> None:
    killed_loads(probe, 200)


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedded]:
    """A server of the test's own; ``MARTS_CLICKHOUSE_URL`` points at it."""
    # A load that fails with its server is not tried again here: the next one shall meet what it left.
    monkeypatch.setattr("marts_platform.core.path.with_retries", lambda attempt: attempt())
    with embedded_home() as home:
        home.server.start()
        monkeypatch.setenv("MARTS_CLICKHOUSE_URL", home.endpoint.url)
        yield home


def killed_servers(probe: ClickHouseProbe, embedded: Embedded, kills: int) -> None:
    shared, probe.url = probe.url, embedded.endpoint.url
    migration.upgrade()
    with connected(probe.url) as client:
        client.command("CREATE DATABASE probe ENGINE = Atomic")
    day = VersionedDay(probe)
    span = seconds_of_a_load(day)
    with ThreadPoolExecutor(1) as threads:
        for _ in range(kills):
            day.turn()
            load = threads.submit(day.load)
            time.sleep(random.uniform(0, span))
            process = embedded.process
            process.kill()
            process.wait(10)
            with suppress(Error):
                load.result(120)
            embedded.server.start()
            day.published()
            day.load()
            assert day.published() == day.version
            assert probe.leftovers() == []
    # The fixture looks there after the test.
    probe.url = shared


def test_a_killed_server_has_the_old_or_the_new_and_the_next_load_ends_right(
    probe: ClickHouseProbe, embedded: Embedded
) -> None:
    killed_servers(probe, embedded, 25)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_hundred_killed_servers(probe: ClickHouseProbe, embedded: Embedded) -> None:
    killed_servers(probe, embedded, 200)
