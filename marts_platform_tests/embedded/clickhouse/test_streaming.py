"""Large results and bodies, slow and vanishing clients, many clients at once."""

from __future__ import annotations

import base64
import http.client
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from urllib.parse import urlencode, urlsplit

import httpx
import psutil
import pytest

from marts_platform.embedded.clickhouse_http.statements import MAX_STATEMENTS
from marts_platform_tests.embedded.clickhouse.servers import Embedded, Endpoint

MEGABYTE = 1 << 20


def _lines(megabytes: int) -> Iterator[bytes]:
    """Rows of 106 bytes, as TSV."""
    piece = b"".join(b"%09d\t%095d\n" % (number, number) for number in range(9892))
    for _ in range(megabytes):
        yield piece


@contextmanager
def _peak_of(process: psutil.Process) -> Generator[list[int]]:
    """The highest resident memory while the context lasts, in bytes, as the only item of the list."""
    peak = [process.memory_info().rss]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            peak[0] = max(peak[0], process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def _request(endpoint: Endpoint, statement: str, headers: dict[str, str], **parameters: str) -> socket.socket:
    """A connection on which a POST has begun: what follows is the body."""
    parts = urlsplit(endpoint.address)
    connection = socket.create_connection((str(parts.hostname), parts.port or 0), timeout=30)
    token = base64.b64encode(":".join(endpoint.credentials).encode()).decode()
    lines = [
        f"POST /?{urlencode({'query': statement, **parameters})} HTTP/1.1",
        "Host: localhost",
        f"Authorization: Basic {token}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def _running(endpoint: Endpoint, mark: str) -> int:
    others = f"query LIKE '%{mark}%' AND query NOT LIKE '%system.processes%'"
    answer = endpoint.post(f"SELECT count() FROM system.processes WHERE {others}")
    if answer.headers.get("X-ClickHouse-Exception-Code") == "202":
        return MAX_STATEMENTS  # the question itself was one too many
    return int(answer.text)


def _wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


@pytest.mark.parametrize("parameters", [{}, {"wait_end_of_query": "1"}])
def test_a_large_result_takes_no_memory(embedded: Embedded, parameters: dict[str, str]) -> None:
    endpoint = embedded.endpoint
    query = "SELECT number, leftPad(toString(number), 90, 'x') FROM numbers({rows})"
    endpoint.post(query.format(rows=100_000))
    before = embedded.process.memory_info().rss
    size = 0
    with (
        _peak_of(embedded.process) as peak,
        endpoint.http() as client,
        client.stream(
            "POST", endpoint.address, content=query.format(rows=6_000_000), params=parameters
        ) as answer,
    ):
        for piece in answer.iter_raw(MEGABYTE):
            size += len(piece)
    assert size > 550 * MEGABYTE
    assert peak[0] - before < 250 * MEGABYTE


@pytest.mark.soak  # it moves 3.6 GB
@pytest.mark.parametrize("engine", ["Null", "MergeTree ORDER BY a"])
def test_a_large_body_takes_no_memory(embedded: Embedded, engine: str) -> None:
    endpoint = embedded.endpoint
    columns = "(a UInt64, b String)"
    endpoint.post(f"CREATE OR REPLACE TABLE large {columns} ENGINE = {engine}").raise_for_status()
    if engine != "Null":
        # How many parts the engine merges at a time, in memory of its own, depends on the machine's load.
        endpoint.post("SYSTEM STOP MERGES large").raise_for_status()

    def insert(megabytes: int) -> int:
        query = {"query": "INSERT INTO large FORMAT TSV"}
        with _peak_of(embedded.process) as peak, endpoint.http() as client:
            answer = client.post(endpoint.address, params=query, content=_lines(megabytes))
        assert answer.status_code == 200
        assert f'"written_rows":"{9892 * megabytes}"' in answer.headers["X-ClickHouse-Summary"]
        return peak[0]

    # The first holds what any does: a few blocks of a million rows, 106 MB each, read, sorted and written.
    first = insert(600)
    assert insert(1200) - first < 300 * MEGABYTE
    if engine != "Null":
        assert endpoint.post("SELECT count() FROM large").text == f"{9892 * 1800}\n"
    endpoint.post("DROP TABLE large SYNC").raise_for_status()


def test_a_slow_client_is_in_nobodys_way(endpoint: Endpoint) -> None:
    with ExitStack() as stuck:
        for _ in range(5):
            connection = _request(
                endpoint, "SELECT number, 'stuck' FROM system.numbers", {"Content-Length": "0"}
            )
            stuck.callback(connection.close)
        _wait_until(lambda: _running(endpoint, "stuck") == 5)
        began = time.monotonic()
        for _ in range(10):
            assert endpoint.post("SELECT count() FROM numbers(1000)").text == "1000\n"
        assert time.monotonic() - began < 10
        assert _running(endpoint, "stuck") == 5
    _wait_until(lambda: _running(endpoint, "stuck") == 0)


@pytest.mark.parametrize("read", [0, 20 * MEGABYTE])
def test_a_client_that_leaves_ends_its_query(endpoint: Endpoint, read: int) -> None:
    connection = _request(endpoint, "SELECT number, 'leaving' FROM system.numbers", {"Content-Length": "0"})
    while read > 0:
        read -= len(connection.recv(MEGABYTE))
    _wait_until(lambda: _running(endpoint, "leaving") == 1)
    connection.close()
    _wait_until(lambda: _running(endpoint, "leaving") == 0)


def test_a_client_that_leaves_before_the_result_ends_its_query(embedded: Embedded) -> None:
    # A real server notices only when it writes, unless the query may not write (readonly).
    endpoint = embedded.endpoint
    connection = _request(
        endpoint,
        "SELECT max(cityHash64(number)), 'computing' FROM numbers(1000000000000)",
        {"Content-Length": "0"},
    )
    _wait_until(lambda: _running(endpoint, "computing") == 1)
    connection.close()
    _wait_until(lambda: _running(endpoint, "computing") == 0)


def test_a_statement_is_told_from_the_next_one(embedded: Embedded) -> None:
    # A statement that is to be stopped may end by itself just before. The next one must not be known by the
    # same, as by the number of its pipe, or it is cancelled in the other's place.
    running = "SELECT query FROM system.processes WHERE position(query, 'the running one') > 0"
    texts = {embedded.endpoint.post(running).text for _ in range(10)}
    assert len(texts) == 10 and all("OUTFILE" in text for text in texts), texts


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("data_format", ["TSV", "Native"])
def test_a_body_that_is_cut_short_inserts_nothing(
    endpoint: Endpoint, database: str, chunked: bool, data_format: str
) -> None:
    table = f"{database}.t"
    endpoint.post(f"CREATE TABLE {table} (a UInt64) ENGINE = MergeTree ORDER BY a").raise_for_status()
    source = f"SELECT number AS a FROM numbers(500000) FORMAT {data_format}"
    rows = endpoint.post(source).content
    for share in (0.0, 0.3, 0.9):
        part = rows[: int(len(rows) * share)]
        headers = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(len(rows))}
        connection = _request(endpoint, f"INSERT INTO {table} FORMAT {data_format}", headers)
        connection.sendall(b"%x\r\n%b\r\n" % (len(part), part) if chunked and part else part)
        time.sleep(0.3)
        connection.close()
        _wait_until(lambda: _running(endpoint, f"INSERT INTO {table}") == 0)
    assert endpoint.post(f"SELECT count() FROM {table}").text == "0\n"
    endpoint.post(rows, query=f"INSERT INTO {table} FORMAT {data_format}").raise_for_status()
    assert endpoint.post(f"SELECT count() FROM {table}").text == "500000\n"


@pytest.mark.parametrize(
    ("setup", "code"),
    [
        (["CREATE TABLE t (a UInt32) ENGINE = MergeTree PARTITION BY a ORDER BY a"], 252),
        (["CREATE TABLE t (a UInt32, CONSTRAINT few CHECK a < 5) ENGINE = MergeTree ORDER BY a"], 469),
        (["CREATE TABLE t (a UInt32) ENGINE = MergeTree ORDER BY a",
          "CREATE MATERIALIZED VIEW v ENGINE = MergeTree ORDER BY b AS SELECT throwIf(a = 150) AS b FROM t"],
         395),
    ],
)  # fmt: skip
def test_rows_that_the_engine_refuses_at_the_end_are_told(
    endpoint: Endpoint, database: str, setup: list[str], code: int
) -> None:
    for statement in setup:
        endpoint.post(statement, database=database).raise_for_status()
    rows = b"".join(b"%d\n" % number for number in range(200))
    answer = endpoint.post(rows, query="INSERT INTO t FORMAT TSV", database=database)
    assert answer.headers.get("X-ClickHouse-Exception-Code") == str(code), answer.text


def test_an_error_ends_an_endless_body(endpoint: Endpoint, database: str) -> None:
    endpoint.post(f"CREATE TABLE {database}.t (a UInt64) ENGINE = MergeTree ORDER BY a").raise_for_status()

    def rows() -> Iterator[bytes]:
        yield b"1\nnot a number\n"
        for _ in range(200):
            yield b"2\n" * 100_000

    query = {"query": f"INSERT INTO {database}.t FORMAT TSV"}
    with endpoint.http() as client:
        answer = client.post(endpoint.address, params=query, content=rows())
    assert answer.headers["X-ClickHouse-Exception-Code"] == "27"
    assert "at row 2" in answer.text
    assert endpoint.post(f"SELECT count() FROM {database}.t").text == "0\n"


def test_an_error_after_the_status_breaks_the_answer(endpoint: Endpoint) -> None:
    query = (
        "SELECT number, throwIf(number = 2000000, 'too far') FROM numbers(3000000) "
        "SETTINGS max_block_size = 65409"
    )
    pieces: list[bytes] = []
    with (
        pytest.raises(httpx.RemoteProtocolError),
        endpoint.http() as client,
        client.stream("POST", endpoint.address, content=query) as answer,
    ):
        for piece in answer.iter_raw():
            pieces.append(piece)
    assert answer.status_code == 200
    tag = answer.headers["X-ClickHouse-Exception-Tag"].encode()
    _, _, block = b"".join(pieces).rpartition(b"\r\n__exception__\r\n" + tag + b"\r\n")
    text, _, footer = block.rpartition(b"\n")[0].rpartition(b"\n")[0].rpartition(b"\n")
    assert text.startswith(b"Code: 395. DB::Exception: too far")
    assert footer == b"%d " % (len(text) + 1) + tag + b"\r"


def test_readers_and_a_writer_at_once(endpoint: Endpoint, database: str) -> None:
    endpoint.post(
        f"CREATE TABLE {database}.t (a UInt64, b String) ENGINE = MergeTree ORDER BY a"
    ).raise_for_status()
    until = time.monotonic() + 5
    seen: list[int] = []

    def read() -> int:
        done = 0
        with endpoint.http() as client:
            while time.monotonic() < until:
                answer = client.post(endpoint.address, content=f"SELECT count(), sum(a) FROM {database}.t")
                count, total = map(int, answer.text.split())
                assert count % 1000 == 0
                assert total == count // 1000 * sum(range(1000))
                seen.append(count)
                done += 1
        return done

    def write() -> int:
        rows = b"".join(b"%d\ttext\n" % number for number in range(1000))
        written = 0
        with endpoint.http() as client:
            while time.monotonic() < until:
                query = {"query": f"INSERT INTO {database}.t FORMAT TSV"}
                client.post(endpoint.address, params=query, content=rows).raise_for_status()
                written += 1
        return written

    with ThreadPoolExecutor(9) as pool:
        readers = [pool.submit(read) for _ in range(8)]
        writer = pool.submit(write)
    assert all(reader.result() > 1 for reader in readers)
    assert writer.result() > 1
    assert endpoint.post(f"SELECT count() FROM {database}.t").text == f"{writer.result() * 1000}\n"
    assert len(set(seen)) > 1


def test_a_session_is_for_one_request_at_a_time(endpoint: Endpoint, database: str) -> None:
    session = {"session_id": f"busy-{database}"}
    connection = _request(
        endpoint, "SELECT number, 'busy' FROM system.numbers", {"Content-Length": "0"}, **session
    )
    _wait_until(lambda: _running(endpoint, "busy") == 1)
    answer = endpoint.post("SELECT 1", **session)
    assert answer.headers["X-ClickHouse-Exception-Code"] == "373"
    connection.close()
    _wait_until(lambda: endpoint.post("SELECT 1", **session).text == "1\n")


def test_too_many_statements_are_refused(embedded: Embedded) -> None:
    endpoint = embedded.endpoint
    query = "SELECT sleepEachRow(1), 'crowd' FROM numbers(120) SETTINGS max_block_size = 1"
    with ExitStack() as running:
        for _ in range(MAX_STATEMENTS):
            connection = _request(endpoint, query, {"Content-Length": "0"})
            running.callback(connection.close)
        _wait_until(lambda: endpoint.post("SELECT 1").headers.get("X-ClickHouse-Exception-Code") == "202")
        with endpoint.http() as client:
            assert client.get(f"{endpoint.address}/ping").text == "Ok.\n"
    _wait_until(lambda: endpoint.post("SELECT 1").text == "1\n")
    _wait_until(lambda: _running(endpoint, "crowd") == 0)


def test_connections_are_kept(endpoint: Endpoint) -> None:
    parts = urlsplit(endpoint.address)
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
    token = base64.b64encode(":".join(endpoint.credentials).encode()).decode()
    for statement in ("SELECT 1", "SELECT nope", "SELECT 2"):
        connection.request("POST", "/", body=statement, headers={"Authorization": f"Basic {token}"})
        answer = connection.getresponse()
        answer.read()
        assert not answer.will_close
    connection.close()
