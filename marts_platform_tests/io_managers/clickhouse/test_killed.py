"""kill -9 of the loading process and of the server, at random moments: nothing is lost or doubled."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from clickhouse_connect.driver.exceptions import Error
from clickhouse_connect.driver.httputil import default_pool_manager

from marts_platform.migrations import clickhouse as migration
from marts_platform_tests.embedded.clickhouse.servers import Embedded, embedded_home
from marts_platform_tests.io_managers.clickhouse.probe import BY_MONTH, ClickHouseProbe, connected
from marts_platform_tests.io_managers.probe import DAYS, row

if TYPE_CHECKING:
    from dagster import AssetsDefinition

    from marts_platform_tests.io_managers.probe import Row

D1, D2 = DAYS[:2]
# Enough rows that moments fall into the stream as well as around it.
OLD = [row(D1, sensor, "old") for sensor in range(4000)]
NEW = [row(D1, sensor, "new") for sensor in range(3000)]
OTHER = [row(D2, 1, "of another day")]


def published_day(probe: ClickHouseProbe) -> str:
    """Which of the two states the day is in; anything else fails."""
    found = probe.published()
    assert found[-1:] == OTHER, "the other day of the month lost its row"
    states = {"old": sorted(OLD), "new": sorted(NEW)}
    for name, rows in states.items():
        if sorted(found[:-1]) == rows:
            return name
    pytest.fail(f"{len(found)} rows, neither the old day nor the new one")


def prepared(probe: ClickHouseProbe) -> AssetsDefinition:
    """The mart with the old day and another one published."""
    probe.create(BY_MONTH)
    probe.feed(*OLD, *OTHER)
    asset = probe.asset(probe.stream)
    probe.load(asset, D1, D2)
    assert published_day(probe) == "old"
    return asset


def seconds_of_a_load(probe: ClickHouseProbe, asset: AssetsDefinition) -> float:
    """How long one takes here and now."""
    began = time.monotonic()
    probe.load(asset, D1)
    return time.monotonic() - began


def load_in_child(probe: ClickHouseProbe, asset: AssetsDefinition) -> int:
    """Begins a load in a process of its own and returns its id."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            # The parent's connections are not the child's.
            default_pool_manager().clear()
            probe.load(asset, D1)
            status = 0
        finally:
            os._exit(status)
    return child


def killed_loads(probe: ClickHouseProbe, kills: int) -> None:
    asset = prepared(probe)
    span = seconds_of_a_load(probe, asset)
    chance = random.Random()
    wanted: list[tuple[str, list[Row]]] = [("new", NEW), ("old", OLD)]
    for kill in range(kills):
        name, rows = wanted[kill % 2]
        probe.feed(*rows, *OTHER)
        child = load_in_child(probe, asset)
        time.sleep(chance.uniform(0, span))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        published_day(probe)
        probe.load(asset, D1)
        assert published_day(probe) == name
        assert probe.leftovers() == []
    assert "running" not in probe.warehouse.log()


def test_a_killed_load_is_whole_or_not_there_and_the_next_ends_right(probe: ClickHouseProbe) -> None:
    killed_loads(probe, 12)


@pytest.mark.soak
def test_two_hundred_killed_loads(probe: ClickHouseProbe) -> None:
    killed_loads(probe, 200)


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Embedded]:
    """A server of the test's own; ``MARTS_CLICKHOUSE_URL`` points at it."""
    with embedded_home() as home:
        home.server.start()
        monkeypatch.setenv("MARTS_CLICKHOUSE_URL", home.endpoint.url)
        yield home


def killed_servers(probe: ClickHouseProbe, embedded: Embedded, kills: int) -> None:
    shared, probe.url = probe.url, embedded.endpoint.url
    migration.upgrade()
    with connected(probe.url) as client:
        client.command("CREATE DATABASE probe ENGINE = Atomic")
        client.command(
            "CREATE TABLE probe.feed (at DateTime64(6), sensor Int32, value Nullable(String)) ENGINE = Memory"
        )
    asset = prepared(probe)
    span = seconds_of_a_load(probe, asset)
    chance = random.Random()
    wanted: list[tuple[str, list[Row]]] = [("new", NEW), ("old", OLD)]
    with ThreadPoolExecutor(1) as threads:
        for kill in range(kills):
            name, rows = wanted[kill % 2]
            super(ClickHouseProbe, probe).feed(*rows, *OTHER)
            load = threads.submit(probe.load, asset, D1)
            time.sleep(chance.uniform(0, span))
            process = embedded.process
            process.kill()
            process.wait(10)
            embedded.server.start()
            published_day(probe)
            # Its own retries may have ended before the server was back.
            with suppress(Error):
                load.result(120)
            probe.load(asset, D1)
            assert published_day(probe) == name
            assert probe.leftovers() == []
    # The fixture looks there after the test.
    probe.url = shared


def test_a_killed_server_has_the_old_or_the_new_and_the_next_load_ends_right(
    probe: ClickHouseProbe, embedded: Embedded
) -> None:
    killed_servers(probe, embedded, 12)


@pytest.mark.soak
def test_two_hundred_killed_servers(probe: ClickHouseProbe, embedded: Embedded) -> None:
    killed_servers(probe, embedded, 200)
