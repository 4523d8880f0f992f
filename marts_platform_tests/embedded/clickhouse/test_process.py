"""The server as a process of the stack: starting, stopping, being killed, having its folder for itself."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from marts_platform.embedded import processes
from marts_platform_tests.embedded.clickhouse.servers import Embedded

ROWS = 1000


def _second(embedded: Embedded) -> subprocess.CompletedProcess[str]:
    """Another server on the same folder."""
    module = "marts_platform.embedded.clickhouse_http"
    folder = embedded.home / "clickhouse"
    return subprocess.run(
        [sys.executable, "-m", module, "--data", str(folder / "data"), "--port", "0"]
        + ["--password-file", str(folder / "password")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_life_of_a_server(new_embedded: Embedded) -> None:
    assert not new_embedded.server.is_alive()
    new_embedded.server.stop()
    new_embedded.server.start()
    first, endpoint = new_embedded.process, new_embedded.endpoint
    assert endpoint.post("SELECT version()").text.strip() == new_embedded.server.status().version
    new_embedded.server.start()
    assert new_embedded.process.pid == first.pid
    endpoint.post("CREATE TABLE kept (a UInt8) ENGINE = MergeTree ORDER BY a").raise_for_status()
    endpoint.post("INSERT INTO kept VALUES (7)").raise_for_status()
    new_embedded.server.stop()
    assert not processes.is_running(first)
    assert not new_embedded.server.is_alive()
    assert new_embedded.server.status().pid is None
    new_embedded.server.start()
    assert new_embedded.endpoint == endpoint, "port and password are remembered"
    assert endpoint.post("SELECT a FROM kept").text == "7\n"
    # The stack's file was deleted: what runs has a password that nobody knows.
    (new_embedded.home / "memory.json").unlink()
    forgetful = Embedded(new_embedded.home)
    forgetful.server.start()
    assert forgetful.endpoint != endpoint
    assert forgetful.endpoint.post("SELECT a FROM kept").text == "7\n"
    assert "Traceback" not in new_embedded.log


def test_nobody_else_gets_in(embedded: Embedded) -> None:
    folder = embedded.home / "clickhouse"
    assert {
        connection.laddr.ip
        for connection in embedded.process.net_connections()
        if connection.status == "LISTEN"
    } == {"127.0.0.1"}
    password = embedded.endpoint.credentials[1]
    assert len(password) > 20
    assert password not in " ".join(embedded.process.cmdline())
    assert password not in str(embedded.process.environ())
    assert password not in embedded.log
    assert (folder / "password").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_second_server_on_the_same_folder_fails_at_once(embedded: Embedded) -> None:
    began = time.monotonic()
    second = _second(embedded)
    assert time.monotonic() - began < 15
    assert second.returncode == 1
    assert "One process at a time may have a data directory" in second.stderr
    assert "Traceback" not in second.stderr
    assert embedded.endpoint.post("SELECT 1").text == "1\n"


@pytest.mark.parametrize("content", ["", " \n"])
def test_there_is_no_server_without_a_password(tmp_path: Path, content: str) -> None:
    (tmp_path / "password").write_text(content)
    module = "marts_platform.embedded.clickhouse_http"
    done = subprocess.run(
        [sys.executable, "-m", module, "--data", str(tmp_path / "data"), "--port", "0"]
        + ["--password-file", str(tmp_path / "password")],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "without a password" in done.stderr


def test_databases_swap_tables_and_keep_them(new_embedded: Embedded) -> None:
    columns = "(d Date, v UInt8) ENGINE = MergeTree PARTITION BY d ORDER BY v"
    new_embedded.server.start()
    new_embedded.endpoint.post("CREATE DATABASE made").raise_for_status()
    for database in ("default", "made"):
        for statement in (
            f"CREATE OR REPLACE TABLE live {columns}",
            "CREATE OR REPLACE TABLE shadow AS live",
            "INSERT INTO shadow VALUES ('2024-01-01', 1)",
            "ALTER TABLE live REPLACE PARTITION '2024-01-01' FROM shadow",
            "EXCHANGE TABLES live AND shadow",
            "DROP TABLE shadow SYNC",
        ):
            new_embedded.endpoint.post(statement, database=database).raise_for_status()
    new_embedded.server.stop()
    new_embedded.server.start()
    post = new_embedded.endpoint.post
    assert post("SELECT engine FROM system.databases WHERE name = 'made'").text == "Atomic\n"
    for database in ("default", "made"):
        assert post("SELECT * FROM live", database=database).text == "2024-01-01\t1\n"


def replaced_by_half(embedded: Embedded, kept: str, columns: str) -> None:
    """As a server's death amid a REPLACE PARTITION leaves it: the new part beside the old one."""
    embedded.server.start()
    for statement in (
        "CREATE DATABASE made",
        "CREATE DATABASE marts_staging",
        "CREATE TABLE made.live (d Date, v UInt8) ENGINE = MergeTree PARTITION BY d ORDER BY v",
        "INSERT INTO made.live VALUES ('2024-01-01', 1), ('2024-01-02', 1)",
        f"CREATE TABLE marts_staging.{kept} {columns}",
        f"INSERT INTO marts_staging.{kept} (d, v) VALUES ('2024-01-01', 2)",
        "INSERT INTO made.live VALUES ('2024-01-01', 2)",
    ):
        embedded.endpoint.post(statement).raise_for_status()
    process = embedded.process
    process.kill()
    process.wait(10)
    embedded.server.start()


def test_a_replacement_that_a_kill_cut_short_is_ended_at_the_start(
    new_embedded: Embedded,
) -> None:
    columns = "AS made.live"
    replaced_by_half(new_embedded, "made__live__20240101__0a1b2c3d__shadow__again", columns)
    post = new_embedded.endpoint.post
    assert post("SELECT * FROM made.live ORDER BY d, v").text == "2024-01-01\t2\n2024-01-02\t1\n"
    assert post("SHOW TABLES FROM marts_staging").text == ""


def test_one_that_cannot_be_ended_is_said_and_left(new_embedded: Embedded) -> None:
    columns = "(d Date, v UInt8, more UInt8) ENGINE = MergeTree PARTITION BY d ORDER BY v"
    kept = "made__live__20240101__0a1b2c3d__shadow__again"
    replaced_by_half(new_embedded, kept, columns)
    assert new_embedded.endpoint.post("SELECT count() FROM made.live").text == "3\n"
    assert new_embedded.endpoint.post("SHOW TABLES FROM marts_staging").text == f"{kept}\n"
    assert "waits for the table's next load: Code: 122" in new_embedded.log


def test_sigterm_does_not_wait_for_queries(new_embedded: Embedded) -> None:
    new_embedded.server.start()
    endpoint, process = new_embedded.endpoint, new_embedded.process

    def compute() -> None:
        with pytest.raises(httpx.HTTPError):
            endpoint.post("SELECT max(cityHash64(number)) FROM numbers(1000000000000)").raise_for_status()

    client = threading.Thread(target=compute)
    client.start()
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0
    client.join(10)
    assert not client.is_alive()


def _write_until_it_dies(embedded: Embedded, acknowledged: list[int], counter: list[int]) -> None:
    endpoint = embedded.endpoint
    with endpoint.http() as client:
        while True:
            number = counter[0]
            counter[0] += 1
            rows = b"%d\n" % number * ROWS
            try:
                answer = client.post(
                    endpoint.address, params={"query": "INSERT INTO log FORMAT TSV"}, content=rows
                )
            except httpx.HTTPError:
                return
            assert answer.status_code == 200
            acknowledged.append(number)


def _kill_often(embedded: Embedded, times: int) -> None:
    embedded.server.start()
    post = embedded.endpoint.post
    post("CREATE TABLE log (n UInt64) ENGINE = MergeTree ORDER BY n").raise_for_status()
    acknowledged: list[int] = []
    counter = [0]
    for _ in range(times):
        process = embedded.process
        writer = threading.Thread(target=_write_until_it_dies, args=(embedded, acknowledged, counter))
        writer.start()
        time.sleep(random.uniform(0.05, 1.0))
        process.kill()
        writer.join(60)
        embedded.server.start()
        found = embedded.endpoint.post("SELECT n, count() FROM log GROUP BY n FORMAT TSV").text
        counts = {int(n): int(count) for n, count in (line.split("\t") for line in found.splitlines())}
        assert set(counts.values()) <= {ROWS}, "an insert is there in part or twice"
        assert set(acknowledged) <= set(counts), "an acknowledged insert is lost"
    assert len(acknowledged) > times


def test_kill_loses_nothing(new_embedded: Embedded) -> None:
    _kill_often(new_embedded, 5)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_kill_loses_nothing_however_often(new_embedded: Embedded) -> None:
    _kill_often(new_embedded, 200)
