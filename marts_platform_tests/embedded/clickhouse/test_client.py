"""clickhouse-connect's ordinary client: everything the platform uses of it, and what a person may."""

from __future__ import annotations

import gzip
import io
import uuid
from collections.abc import Callable, Generator
from datetime import UTC, date, datetime
from decimal import Decimal
from ipaddress import IPv4Address

import lz4.frame
import pandas as pd
import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_connect.driver.external import ExternalData
from clickhouse_connect.driver.httpclient import HttpClient
from clickhouse_connect.driver.summary import QuerySummary
from pandas.testing import assert_frame_equal

from marts_platform.embedded.clickhouse_http.compression import zstd
from marts_platform_tests.embedded.clickhouse.servers import Endpoint

TYPES = {
    "u64": ("UInt64", [0, 2**64 - 1, 7]),
    "i256": ("Int256", [-(2**255), 2**255 - 1, 0]),
    "f32": ("Float32", [0.5, -1.25, 3.0]),
    "amount": ("Decimal(38, 18)", [Decimal("12345678901234567890.123456789012345678"), Decimal("-0.5"),
                                   Decimal(0)]),
    "text": ("String", ["", "Привет, мир 🚀", "tab\t'quote' \\ \n line"]),
    "maybe": ("Nullable(String)", [None, "", "x"]),
    "low": ("LowCardinality(Nullable(String))", ["a", None, "a"]),
    "at": ("DateTime64(6, 'UTC')", [datetime(1965, 5, 1, 1, 2, 3, 4, UTC), datetime(2024, 3, 31, tzinfo=UTC),
                                    datetime(2299, 12, 31, 23, 59, 59, 999999, UTC)]),
    "day": ("Date32", [date(1965, 5, 1), date(1970, 1, 1), date(2299, 12, 31)]),
    "id": ("UUID", [uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.UUID(int=5)]),
    "ip": ("IPv4", [IPv4Address("0.0.0.0"), IPv4Address("127.0.0.1"), IPv4Address("255.255.255.255")]),
    "kind": ("Enum8('a' = 1, 'б' = 2)", ["a", "б", "a"]),
    "list": ("Array(Nullable(Int32))", [[], [1, None, -3], [4]]),
    "pairs": ("Map(String, UInt8)", [{}, {"a": 1}, {"b": 2, "c": 3}]),
    "both": ("Tuple(UInt8, String)", [(1, "x"), (2, ""), (3, "z")]),
    "doc": ("JSON", [{"a": 1, "b": {"c": "d"}}, {}, {"a": 2}]),
    "flag": ("Bool", [True, False, True]),
}  # fmt: skip
ROWS = [list(row) for row in zip(*(values for _, values in TYPES.values()), strict=True)]


def make_table(client: HttpClient, columns: str, name: str = "t") -> None:
    client.command(f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY tuple()")


def test_insert_and_query_of_every_type(client: HttpClient) -> None:
    make_table(client, ", ".join(f"{name} {kind}" for name, (kind, _) in TYPES.items()))
    summary = client.insert("t", ROWS, column_names=list(TYPES))
    assert summary.written_rows == len(ROWS)
    result = client.query("SELECT * FROM t", tz_mode="aware")
    assert result.column_names == tuple(TYPES)
    assert [list(row) for row in result.result_rows] == ROWS


def test_insert_into_some_columns_fills_the_others(client: HttpClient) -> None:
    make_table(client, "a UInt8, b String DEFAULT concat('d', toString(a)), c Nullable(UInt8)")
    client.insert("t", [[1], [2]], column_names=["a"])
    assert client.query("SELECT * FROM t ORDER BY a").result_rows == [(1, "d1", None), (2, "d2", None)]


def test_an_insert_of_nothing(client: HttpClient) -> None:
    make_table(client, "a UInt8")
    client.insert("t", [], column_names=["a"])
    assert client.query("SELECT a FROM t").result_rows == []
    assert client.command("SELECT count() FROM t") == 0


def test_data_frames(client: HttpClient) -> None:
    frame = pd.DataFrame(
        {
            "id": pd.Series([1, 2, 3], dtype="uint64"),
            "name": ["a", "б", ""],
            "value": [0.5, None, -1.0],
            "at": pd.to_datetime(["2024-01-01T00:00:00.123456Z"] * 3),
        }
    )
    make_table(client, "id UInt64, name String, value Nullable(Float64), at DateTime64(6, 'UTC')")
    client.insert_df("t", frame)
    found = client.query_df("SELECT * FROM t ORDER BY id", tz_mode="aware")
    assert_frame_equal(found, frame, check_dtype=False)
    assert len(client.query_df("SELECT * FROM t WHERE id = 99")) == 0


def test_arrow(client: HttpClient) -> None:
    table = pa.table({"id": pa.array([1, 2, 3], pa.uint64()), "name": ["a", None, "б"], "v": [0.5, 1.5, 2.5]})
    make_table(client, "id UInt64, name Nullable(String), v Float64")
    client.insert_arrow("t", table)
    found = client.query_arrow("SELECT * FROM t ORDER BY id", use_strings=True)
    assert found.to_pydict() == table.to_pydict()
    with client.query_arrow_stream("SELECT number FROM numbers(200000)") as stream:
        assert sum(batch.num_rows for batch in stream) == 200_000


@pytest.mark.parametrize("rows", [0, 1, 70_000, 300_000])
def test_blocks_stream(client: HttpClient, rows: int) -> None:
    query = f"SELECT number, toString(number) FROM numbers({rows})"
    with client.query_row_block_stream(query) as stream:
        assert sum(row[0] for block in stream for row in block) == sum(range(rows))
    with client.query_df_stream(query) as frames:
        assert sum(len(frame) for frame in frames) == rows


def _pieces(data: bytes) -> Generator[bytes]:
    for start in range(0, len(data), 7):
        yield data[start : start + 7]


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(lambda data: data.decode(), id="str"),
        pytest.param(lambda data: data, id="bytes"),
        pytest.param(_pieces, id="generator"),
        pytest.param(io.BytesIO, id="file"),
    ],
)
def test_raw_insert(client: HttpClient, block: Callable[[bytes], object]) -> None:
    make_table(client, "a UInt32, b String")
    data = "".join(f"{number}\tтекст {number}\n" for number in range(1000)).encode()
    summary = client.raw_insert("t", ["a", "b"], block(data), fmt="TSV")  # pyright: ignore[reportArgumentType]
    assert summary.written_rows == 1000
    assert client.raw_query("SELECT a, b FROM t ORDER BY a", fmt="TSV") == data


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "lz4": lz4.frame.compress,
    "zstd": zstd.compress,
    "gzip": gzip.compress,
}


@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("method", COMPRESSORS)
def test_raw_insert_of_compressed_frames(client: HttpClient, method: str, frames: int) -> None:
    make_table(client, "a UInt32, b String")
    lines = [f"{number}\t{'x' * 100}{number}\n".encode() for number in range(30_000)]
    size = len(lines) // frames
    body = b"".join(COMPRESSORS[method](b"".join(lines[i * size : (i + 1) * size])) for i in range(frames))
    client.raw_insert("t", insert_block=body, fmt="TSV", compression=method)
    client.raw_insert("t", insert_block=_pieces(body[:]), fmt="TSV", compression=method)
    assert client.query("SELECT count(), uniqExact(b) FROM t").result_rows == [(60_000, 30_000)]


@pytest.mark.parametrize("method", [*COMPRESSORS, False])
def test_compressed_clients(endpoint: Endpoint, database: str, method: str | bool) -> None:
    # Several blocks: each is a frame of its own, and the statement stands in the first one.
    client = endpoint.client(database=database, compress=method)
    make_table(client, "a UInt64, b String")
    rows = [(number, f"text {number}") for number in range(100_000)]
    context = client.create_insert_context("t", ["a", "b"], data=rows)
    context.block_row_count = 20_000
    client.insert(context=context)
    assert client.query("SELECT count(), sum(a) FROM t").result_rows == [(100_000, sum(range(100_000)))]
    assert client.query("SELECT * FROM t ORDER BY a").result_rows == rows
    client.close()


def test_raw_query_and_raw_stream(client: HttpClient) -> None:
    query = "SELECT number, toString(number) AS s FROM numbers(3)"
    assert client.raw_query(query, fmt="CSVWithNames") == b'"number","s"\n0,"0"\n1,"1"\n2,"2"\n'
    assert client.raw_query(f"{query} FORMAT JSONEachRow").count(b"\n") == 3
    stream = client.raw_stream("SELECT number FROM numbers(1000000)", fmt="TSV")
    with stream:
        assert sum(chunk.count(b"\n") for chunk in stream) == 1_000_000


def test_commands(client: HttpClient) -> None:
    summary = client.command("CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
    assert isinstance(summary, QuerySummary)
    assert summary.query_id()
    assert client.command("SELECT 42") == 42
    assert client.command("SELECT 'a', 'b'") == ["a", "b"]
    assert client.command("EXISTS t") == 1
    assert "ENGINE = MergeTree" in str(client.command("SHOW CREATE TABLE t"))
    client.command("INSERT INTO t VALUES", data="(1),(2)")
    client.command("INSERT INTO t SELECT number FROM numbers(3)")
    client.command("ALTER TABLE t DELETE WHERE a = 0 SETTINGS mutations_sync = 2")
    assert client.query("SELECT a FROM t ORDER BY a").result_rows == [(1,), (1,), (2,), (2,)]
    client.command("DROP TABLE t")
    assert client.command("EXISTS t") == 0
    assert client.ping()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("UInt64", 2**64 - 1),
        ("Decimal(38, 18)", Decimal("-1.000000000000000001")),
        ("String", "Robert'); DROP TABLE t; -- \t\n\r\\ \0 привет 🚀"),
        ("Nullable(String)", None),
        ("DateTime64(6, 'UTC')", datetime(1965, 5, 1, 1, 2, 3, 4, UTC)),
        ("Date32", date(1965, 5, 1)),
        ("Array(String)", ["a'b", "", "\t"]),
        ("UUID", uuid.UUID(int=7)),
        ("Bool", True),
    ],
)
def test_parameters_are_typed(client: HttpClient, kind: str, value: object) -> None:
    result = client.query(f"SELECT {{x:{kind}}}", parameters={"x": value}, tz_mode="aware")
    assert result.result_rows == [(value,)]


def test_parameters_of_names_and_of_inserts(client: HttpClient) -> None:
    make_table(client, "a UInt8")
    client.command("INSERT INTO {t:Identifier} SELECT {x:UInt8}", parameters={"t": "t", "x": 5})
    client.command("INSERT INTO {t:Identifier} FORMAT TSV", parameters={"t": "t"}, data="6\n")
    assert client.query("SELECT a FROM {t:Identifier} ORDER BY a", parameters={"t": "t"}).result_rows == [
        (5,),
        (6,),
    ]


def test_large_parameters_travel_as_a_form(client: HttpClient) -> None:
    numbers = list(range(20_000))
    query = "SELECT count() FROM numbers(100000) WHERE number IN {ids:Array(UInt64)}"
    assert client.query(query, parameters={"ids": numbers}).first_row == (20_000,)
    assert client.raw_query(query, parameters={"ids": numbers}, fmt="TSV") == b"20000\n"


def test_external_data(client: HttpClient) -> None:
    data = ExternalData(
        file_name="people", fmt="CSV", structure=["id UInt32", "name String"], data=b'1,"a\r\n--b"\n2,c\n'
    )
    query = "SELECT name FROM people WHERE id IN (SELECT number FROM numbers(2)) ORDER BY id"
    assert client.query(query, external_data=data).result_rows == [("a\r\n--b",)]
    with pytest.raises(DatabaseError) as raised:
        client.query("SELECT * FROM people")
    assert raised.value.code == 60


def test_settings_of_a_request_are_its_own(endpoint: Endpoint, client: HttpClient) -> None:
    query = "SELECT getSetting('max_threads'), getSetting('log_comment')"
    settings = {"max_threads": 1, "log_comment": 'it\'s \\ {"run": "привет"}'}
    assert client.query(query, settings=settings).first_row == (1, settings["log_comment"])
    assert client.query(query).result_rows[0][1] == ""
    other = endpoint.client(settings={"max_threads": 3})
    assert other.command("SELECT getSetting('max_threads')") == 3
    with pytest.raises(DatabaseError) as raised:
        client.raw_query("SELECT 1 SETTINGS no_such_setting = 1")
    assert raised.value.code == 115
    assert raised.value.name == "UNKNOWN_SETTING"


def test_inserts_obey_settings(client: HttpClient) -> None:
    make_table(client, "a UInt8, day Date")
    settings = {"max_partitions_per_insert_block": 1, "input_format_null_as_default": 0}
    client.command("CREATE TABLE p (a UInt8) ENGINE = MergeTree PARTITION BY a ORDER BY a")
    with pytest.raises(DatabaseError) as raised:
        client.insert("p", [[1], [2]], column_names=["a"], settings=settings)
    assert raised.value.code == 252
    with pytest.raises(DatabaseError):
        client.raw_insert("t", ["a"], "\\N\n", fmt="TSV", settings=settings)
    client.raw_insert("t", ["a"], "\\N\n", fmt="TSV")
    assert client.query("SELECT a FROM t").result_rows == [(0,)]


def test_errors_have_their_code_and_name(client: HttpClient) -> None:
    with pytest.raises(DatabaseError, match="nope") as raised:
        client.query("SELECT nope")
    assert (raised.value.code, raised.value.name) == (47, "UNKNOWN_IDENTIFIER")
    with pytest.raises(DatabaseError) as raised:
        client.insert("missing", [[1]], column_names=["a"], column_type_names=["UInt8"])
    assert raised.value.code == 60
    with pytest.raises(DatabaseError) as raised:
        client.query("SELEC 1")
    assert raised.value.code == 62


@pytest.mark.parametrize("method", ["lz4", "zstd", False])
def test_an_error_in_the_middle_of_a_result_is_told(endpoint: Endpoint, method: str | bool) -> None:
    client = endpoint.client(compress=method)
    query = "SELECT number, throwIf(number = 3000000, 'far too far') FROM numbers(4000000)"
    settings = {"max_block_size": 65_409, "max_threads": 1}
    with (
        pytest.raises(StreamFailureError, match="far too far"),
        client.query_row_block_stream(query, settings=settings) as stream,
    ):
        for _ in stream:
            pass
    with pytest.raises(DatabaseError, match="far too far") as raised:
        client.query(query, settings=settings)  # waits for the end, so the status tells
    assert raised.value.code == 395
    client.close()


def test_query_ids(client: HttpClient) -> None:
    assert client.query("SELECT 1", settings={"query_id": "mine"}).query_id == "mine"
    assert client.query("SELECT 1").query_id


def test_figures_of_rows(client: HttpClient) -> None:
    make_table(client, "a UInt64, day Date")
    client.command(
        "CREATE TABLE o (a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS index_granularity = 1000"
    )
    summary = client.command("INSERT INTO o SELECT number FROM numbers(100000)")
    assert isinstance(summary, QuerySummary)
    assert int(summary.summary["written_rows"]) == 100_000
    found = client.query("SELECT sum(a) FROM o WHERE a BETWEEN 5000 AND 5999").summary
    assert 1000 <= int(found["read_rows"]) <= 2000
    assert int(found["read_bytes"]) == int(found["read_rows"]) * 8
    assert found["result_rows"] == "1"
    assert int(found["elapsed_ns"]) > 0
    assert client.query("SELECT * FROM o").summary["read_rows"] == "100000"


def test_sessions_keep_what_a_statement_left(endpoint: Endpoint, database: str) -> None:
    client = endpoint.client(database=database)
    other = endpoint.client(database=database)
    client.command("CREATE TEMPORARY TABLE mine (a UInt8)")
    client.insert("mine", [[1], [2]], column_names=["a"], column_type_names=["UInt8"])
    assert client.query("SELECT sum(a) FROM mine").first_row == (3,)
    client.command("SET max_threads = 1")
    assert client.command("SELECT getSetting('max_threads')") == 1
    # A request's own settings and database pass with it, and what the session has set comes back.
    settings = {"max_threads": 2, "max_block_size": 77}
    query = "SELECT getSetting('max_threads'), getSetting('max_block_size')"
    assert client.query(query, settings=settings).first_row == (2, 77)
    assert client.query(query).first_row == (1, other.query(query).result_rows[0][1])
    with pytest.raises(DatabaseError) as raised:
        other.query("SELECT * FROM mine")
    assert raised.value.code == 60
    assert other.command("SELECT getSetting('max_threads')") != 1
    client.close()
    other.close()


def test_requests_without_a_session_leave_nothing(endpoint: Endpoint, database: str) -> None:
    client = endpoint.client(database=database, autogenerate_session_id=False)
    client.command("CREATE TEMPORARY TABLE mine (a UInt8)")
    client.command("SET max_threads = 1")
    with pytest.raises(DatabaseError):
        client.query("SELECT * FROM mine")
    assert client.command("SELECT getSetting('max_threads')") != 1
    client.close()
