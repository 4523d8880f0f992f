"""The HTTP interface itself, as curl and other clients see it: statuses, headers, formats, credentials."""

from __future__ import annotations

import gzip
import json
import os
import struct
import subprocess
import sys
import zlib

import httpx
import lz4.block
import lz4.frame
import pytest
from clickhouse_cityhash.cityhash import CityHash128

from marts_platform.embedded.clickhouse_http.compression import zstd
from marts_platform.embedded.clickhouse_http.errors import Code
from marts_platform_tests.embedded.clickhouse.servers import Embedded, Endpoint

HEADERS = (
    "X-ClickHouse-Summary",
    "X-ClickHouse-Query-Id",
    "X-ClickHouse-Format",
    "X-ClickHouse-Server-Display-Name",
    "X-ClickHouse-Timezone",
    "X-ClickHouse-Exception-Tag",
)


@pytest.mark.parametrize("path", ["/ping", "/replicas_status", "/"])
def test_it_lives(endpoint: Endpoint, path: str) -> None:
    answer = httpx.get(endpoint.address + path)
    assert (answer.status_code, answer.text) == (200, "Ok.\n")


def test_a_result_has_its_headers(endpoint: Endpoint) -> None:
    answer = endpoint.post("SELECT 1", query_id="my-query")
    assert answer.text == "1\n"
    assert all(answer.headers[name] for name in HEADERS)
    assert answer.headers["X-ClickHouse-Query-Id"] == "my-query"
    assert answer.headers["X-ClickHouse-Timezone"] == endpoint.post("SELECT serverTimezone()").text.strip()
    assert answer.headers["X-ClickHouse-Format"] == "TabSeparated"
    assert answer.headers["Content-Type"] == "text/tab-separated-values; charset=UTF-8"


@pytest.mark.parametrize(
    ("statement", "code", "status"),
    [
        ("SELECT nope", 47, 404),
        ("SELECT * FROM nowhere.nothing", 81, 404),
        ("SELECT * FROM nothing", 60, 404),
        ("SELECT no_such_function(1)", 46, 404),
        ("SELECT 1 FORMAT NoSuchFormat", 73, 404),
        ("SELEC 1", 62, 400),
        ("bogus", 62, 400),
        ("", 62, 400),
        ("SELECT 1; SELECT 2", 62, 400),
        ("SELECT toUInt8('x')", 6, 400),
        ("SELECT throwIf(1)", 395, 500),
        ("SELECT 1 INTO OUTFILE 'x'", 358, 500),
        ("INSERT INTO nothing VALUES (1)", 60, 404),
        ("INSERT INTO nothing FROM INFILE 'x' FORMAT CSV", 78, 404),
        ("SELECT {x:UInt8}", 456, 500),
    ],
)
def test_errors(endpoint: Endpoint, statement: str, code: int, status: int) -> None:
    answer = endpoint.post(statement)
    assert answer.headers["X-ClickHouse-Exception-Code"] == str(code), answer.text
    assert answer.status_code == status
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")
    assert "(version " in answer.text
    assert "/dev/fd" not in answer.text


def test_codes_have_the_engines_names(embedded: Embedded) -> None:
    numbers = ", ".join(str(int(code)) for code in Code)
    answer = embedded.endpoint.post(
        f"SELECT arrayMap(x -> errorCodeToName(x), [{numbers}]) FORMAT JSONCompact"
    )
    assert answer.json()["data"][0][0] == [code.name for code in Code]


def test_credentials(endpoint: Endpoint) -> None:
    user, password = endpoint.credentials
    query = {"query": "SELECT 1"}
    headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}
    url = endpoint.address
    assert httpx.get(url, params=query, auth=(user, password)).text == "1\n"
    assert httpx.get(url, params=query, headers=headers).text == "1\n"
    assert httpx.get(url, params={**query, "user": user, "password": password}).text == "1\n"
    for wrong in (
        httpx.get(url, params=query),
        httpx.get(url, params=query, auth=(user, password + "x")),
        httpx.get(url, params=query, headers={**headers, "X-ClickHouse-Key": ""}),
        httpx.get(url, params={**query, "user": user, "password": "пароль"}),
    ):
        assert wrong.status_code == 401
        assert wrong.headers["X-ClickHouse-Exception-Code"] == "194"
        assert wrong.headers["WWW-Authenticate"].startswith("Basic")
        assert password not in wrong.text
    stranger = httpx.get(url, params=query, auth=("stranger", password))
    assert (stranger.status_code, stranger.headers["X-ClickHouse-Exception-Code"]) == (403, "516")
    both = httpx.get(url, params=query, headers=headers, auth=(user, password))
    assert (both.status_code, both.headers["X-ClickHouse-Exception-Code"]) == (403, "516")


def test_the_query_in_the_url_the_body_or_both(endpoint: Endpoint, database: str) -> None:
    assert endpoint.get("SELECT 1 + 1").text == "2\n"
    assert endpoint.post("1 + 1", query="SELECT").text == "2\n"
    endpoint.post(f"CREATE TABLE {database}.t (a UInt8) ENGINE = MergeTree ORDER BY a").raise_for_status()
    endpoint.post("1\n2\n", query=f"INSERT INTO {database}.t FORMAT TSV").raise_for_status()
    endpoint.post("(3)", query=f"INSERT INTO {database}.t VALUES").raise_for_status()
    endpoint.post(f"INSERT INTO {database}.t VALUES (4), (2 + 3)").raise_for_status()
    answer = endpoint.post("SELECT groupArray(a) FROM (SELECT a FROM t ORDER BY a)", database=database)
    assert answer.text == "[1,2,3,4,5]\n"


def test_get_only_reads(endpoint: Endpoint, database: str) -> None:
    for statement in (
        f"CREATE TABLE {database}.t (a UInt8) ENGINE = Memory",
        f"INSERT INTO {database}.t VALUES (1)",
        f"DROP DATABASE {database}",
    ):
        answer = endpoint.get(statement)
        assert answer.headers["X-ClickHouse-Exception-Code"] == "164", statement
        assert "POST" in answer.text
    assert endpoint.get("SHOW TABLES", database=database).text == ""
    assert endpoint.get("EXPLAIN SELECT 1").status_code == 200


@pytest.mark.parametrize(
    ("data_format", "content_type", "expected"),
    [
        ("TSV", "text/tab-separated-values; charset=UTF-8", "1\ta\\'\\tb\t\\N\n2\tб\t0.5\n"),
        ("CSVWithNames", "text/csv; charset=UTF-8; header=present",
         '"n","s","v"\n1,"a\'\tb",\\N\n2,"б",0.5\n'),
        ("JSONEachRow", "application/x-ndjson; charset=UTF-8",
         '{"n":1,"s":"a\'\\tb","v":null}\n{"n":2,"s":"б","v":0.5}\n'),
        ("JSONCompactColumns", "application/json; charset=UTF-8",
         '[\n\t[1, 2],\n\t["a\'\\tb", "б"],\n\t[null, 0.5]\n]\n'),
        ("Markdown", "text/plain; charset=UTF-8",
         "| n | s | v |\n|-:|:-|-:|\n| 1 | a\\'\\tb | \\N |\n| 2 | б | 0.5 |\n"),
        ("Null", "text/plain; charset=UTF-8", ""),
    ],
)  # fmt: skip
def test_formats(endpoint: Endpoint, data_format: str, content_type: str, expected: str) -> None:
    query = (
        "SELECT * FROM VALUES('n UInt8, s String, v Nullable(Float64)', (1, 'a''\\tb', NULL), (2, 'б', 0.5))"
    )
    answers = [
        endpoint.post(f"{query} FORMAT {data_format}"),
        endpoint.post(f"{query}\n-- a comment", default_format=data_format),
        endpoint.post(f"{query};", {"X-ClickHouse-Format": data_format}),
    ]
    for answer in answers:
        assert answer.text == expected
        assert answer.headers["X-ClickHouse-Format"] == data_format
        assert answer.headers["Content-Type"] == content_type


def test_every_format_is_what_the_engine_makes_of_it(embedded: Embedded) -> None:
    # The engine writes into a pipe in pieces; the same rows written at once are the reference.
    query = "SELECT number AS n, toString(number) AS s, [number] AS l FROM numbers(5)"
    post = embedded.endpoint.post
    # JSON and XML hold the time the query took, Avro a random mark; Raw means something else to chdb.
    names = post(
        "SELECT name FROM system.formats WHERE is_output AND NOT startsWith(name, 'JSON') "
        "AND name NOT IN ('Avro', 'Raw', 'XML')"
    ).text.split()
    answers = {name: post(f"{query} FORMAT {name}") for name in names}
    written = {name: answer.content for name, answer in answers.items() if answer.status_code == 200}
    assert len(written) > 40
    # In a process of its own: the engine's threads and signal handlers stay with whoever loads it.
    script = (
        "import chdb, json, sys; query, names = json.load(sys.stdin); connection = chdb.connect(':memory:'); "
        "print(json.dumps({name: connection.query(query, name).bytes().hex() for name in names}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        input=json.dumps([query, list(written)]),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TZ": "UTC"},
    )
    assert {name: content.hex() for name, content in written.items()} == json.loads(done.stdout)


@pytest.mark.parametrize("rows", [0, 1, 500_000])
@pytest.mark.parametrize("wait", ["0", "1"])
def test_json_is_one_document(endpoint: Endpoint, rows: int, wait: str) -> None:
    answer = endpoint.post(f"SELECT number FROM numbers({rows}) FORMAT JSON", wait_end_of_query=wait)
    document = answer.json()
    assert document["rows"] == len(document["data"]) == rows
    assert document["statistics"]["rows_read"] == rows


@pytest.mark.parametrize("method", ["gzip", "deflate", "lz4", "zstd", "identity", "unknown"])
@pytest.mark.parametrize("rows", [1, 300_000])
def test_compressed_answers(endpoint: Endpoint, method: str, rows: int) -> None:
    with (
        endpoint.http() as client,
        client.stream(
            "POST",
            endpoint.address,
            params={"enable_http_compression": "1"},
            headers={"Accept-Encoding": method},
            content=f"SELECT number FROM numbers({rows})",
        ) as answer,
    ):
        raw = b"".join(answer.iter_raw())
    plain = {
        "gzip": lambda: gzip.decompress(raw),
        "deflate": lambda: zlib.decompress(raw),
        "lz4": lambda: lz4.frame.decompress(raw),
        "zstd": lambda: zstd.decompress(raw),
    }.get(method, lambda: raw)()
    assert plain == b"".join(b"%d\n" % number for number in range(rows))
    known = method in ("gzip", "deflate", "lz4", "zstd")
    assert answer.headers.get("Content-Encoding") == (method if known else None)


def test_answers_are_compressed_only_where_asked(endpoint: Endpoint) -> None:
    plain = endpoint.post("SELECT 1", {"Accept-Encoding": "gzip"}, enable_http_compression="0")
    assert "Content-Encoding" not in plain.headers
    error = endpoint.post("SELECT nope", {"Accept-Encoding": "gzip"}, enable_http_compression="1")
    assert "nope" in error.text


@pytest.mark.parametrize("method", ["gzip", "deflate", "lz4", "zstd"])
def test_compressed_statements(endpoint: Endpoint, method: str) -> None:
    compress = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "lz4": lz4.frame.compress,
        "zstd": zstd.compress,
    }[method]
    body = compress(b"SELECT 1") + compress(b" + 1") if method != "deflate" else compress(b"SELECT 1 + 1")
    assert endpoint.post(body, {"Content-Encoding": method}).text == "2\n"


@pytest.mark.parametrize("method", ["gzip", "lz4", "zstd"])
def test_a_body_that_ends_inside_a_frame_inserts_nothing(
    endpoint: Endpoint, database: str, method: str
) -> None:
    compress = {"gzip": gzip.compress, "lz4": lz4.frame.compress, "zstd": zstd.compress}[method]
    endpoint.post(f"CREATE TABLE {database}.t (a String) ENGINE = MergeTree ORDER BY a").raise_for_status()
    query = f"INSERT INTO {database}.t FORMAT TSV"
    whole = compress(b"".join(b"row %d\n" % number for number in range(100_000)))
    for body in (whole[: len(whole) // 2], whole[: len(whole) // 2] + b"\0" * 100):
        answer = endpoint.post(body, {"Content-Encoding": method}, query=query)
        assert answer.status_code >= 400
        assert answer.headers["X-ClickHouse-Exception-Code"]
    assert endpoint.post(f"SELECT count() FROM {database}.t").text == "0\n"


def _blocks(data: bytes) -> list[bytes]:
    """The content of ClickHouse's own compressed blocks."""
    found: list[bytes] = []
    while data:
        method, size, plain_size = struct.unpack_from("<BII", data, 16)
        block = data[16 : 16 + size]
        value: int = CityHash128(block)
        assert struct.pack("<QQ", value >> 64, value & (2**64 - 1)) == data[:16]
        assert method == 0x82
        found.append(lz4.block.decompress(block[9:], uncompressed_size=plain_size))
        data = data[16 + size :]
    return found


@pytest.mark.parametrize("rows", [0, 1, 400_000])
def test_the_servers_own_compression(endpoint: Endpoint, database: str, rows: int) -> None:
    query = f"SELECT number FROM numbers({rows})"
    raw = endpoint.post(query, compress="1").content
    assert b"".join(_blocks(raw)) == endpoint.post(query).content
    # What it writes so it reads again.
    endpoint.post(f"CREATE TABLE {database}.t (a UInt64) ENGINE = MergeTree ORDER BY a").raise_for_status()
    insert = f"INSERT INTO {database}.t FORMAT TSV"
    endpoint.post(raw, query=insert, decompress="1").raise_for_status()
    assert endpoint.post(f"SELECT count(), sum(a) FROM {database}.t").text == f"{rows}\t{sum(range(rows))}\n"
    if rows > 1:
        damaged = raw[:100] + bytes([raw[100] ^ 1]) + raw[101:]
        assert endpoint.post(damaged, query=insert, decompress="1").status_code >= 400


def test_sessions_by_hand(endpoint: Endpoint, database: str) -> None:
    def post(statement: str, **parameters: str) -> httpx.Response:
        return endpoint.post(statement, None, session_id=f"s-{database}", **parameters)

    assert post("SELECT 1", session_check="1").headers["X-ClickHouse-Exception-Code"] == "372"
    assert post(f"USE {database}").status_code == 200
    assert post("SELECT currentDatabase()", session_check="1").text == f"{database}\n"
    assert post("SELECT currentDatabase()", database="system").text == "system\n"
    assert post("SELECT currentDatabase()").text == f"{database}\n"
    assert post("SET max_threads = 1", session_timeout="3601").headers["X-ClickHouse-Exception-Code"] == "374"
    assert post("SELECT currentDatabase()", no_such_setting="1").status_code == 404
    assert post("SELECT currentDatabase()").text == f"{database}\n"
    assert post("SELECT 1", close_session="1").text == "1\n"
    assert post("SELECT 1", session_check="1").headers["X-ClickHouse-Exception-Code"] == "372"


def test_binary_values_in_a_statement(endpoint: Endpoint) -> None:
    assert endpoint.post(b"SELECT hex('\xff\xfe')").text == "FFFE\n"
    url = httpx.URL(endpoint.address, query=b"query=SELECT%20hex('%FF%FE')")
    assert httpx.post(url, auth=endpoint.credentials, content=b"").text == "FFFE\n"
