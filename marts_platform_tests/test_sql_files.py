"""Every SQL file of Postgres is executed, each by itself, on the server that it is for, and rolled back.

A file's values and names are filled by what they are called (`VALUES`, `NAMES`); what a file needs beside
that is its `Recipe`. A file that is new and needs more fails here until it has one. The demo's files build
on each other, so they run as the demo runs them, in a test of theirs (`camunda/test_demo_sql_files.py`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from dagster import DagsterInstance
from psycopg2.sql import SQL, Composable, Identifier

from marts_platform import settings
from marts_platform.camunda import demo
from marts_platform.camunda.sources import select_list, source_columns
from marts_platform.core.sql import compose, read_sql
from marts_platform.embedded.stack import Stack
from marts_platform.materialization import days_between, materialize, select
from marts_platform.shop.sources import TABLES
from marts_platform_tests import databases
from marts_platform_tests.camunda.test_demo_sql_files import DEMO
from marts_platform_tests.databases import at_database
from marts_platform_tests.marts import warehouse_template
from marts_platform_tests.sql_dialects import files_of

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

__all__ = ["warehouse_template"]

# The files of these domains run in tests of their own, which say that all of them did.
ELSEWHERE = {"bionicpro", "delivery"}
FILES = [file for file in files_of("postgres") if Path(file).parts[0] not in ELSEWHERE]
# Files that run at a source. All others run in the warehouse.
AT_SOURCE = {
    "camunda/checks/checksum_source.sql",
    "camunda/checks/due_for_purge.sql",
    "camunda/checks/newest_at_source.sql",
    "camunda/checks/undated.sql",
    "camunda/forget/process_at_source.sql",
    "camunda/raw/act_hi_detail.sql",
    "camunda/raw/days_with_rows.sql",
    "camunda/raw/fingerprint_source.sql",
    "camunda/raw/keys_at_source.sql",
    "camunda/raw/processes_at_source.sql",
    "camunda/raw/source_columns.sql",
}
KNOWN_FOLDERS = {"camunda", "kafka", "migrations", "ops", "postgres", "shop"}

D1 = date(2024, 3, 1)
START = datetime(2024, 3, 1, tzinfo=UTC)
END = START + timedelta(days=1)
KEY = D1.isoformat()

SCENE = """
    CREATE SCHEMA scene;
    CREATE TABLE scene.live (id integer PRIMARY KEY, at timestamptz NOT NULL, value text);
    CREATE TABLE scene.staged (LIKE scene.live);
    CREATE TABLE scene.touched (id integer, in_doubt boolean, since timestamptz);
    CREATE TABLE scene.parted (id integer NOT NULL, at timestamptz NOT NULL, value text)
    PARTITION BY RANGE (at);
    CREATE UNIQUE INDEX ON scene.parted (id, at);
    CREATE TABLE scene.part (
        LIKE scene.parted, CONSTRAINT within_window CHECK (at >= '2024-03-01+00' AND at < '2024-03-02+00')
    );
    CREATE TABLE scene.attached PARTITION OF scene.parted
    FOR VALUES FROM ('2024-03-05+00') TO ('2024-03-06+00');
    INSERT INTO scene.live VALUES (1, '2024-03-01 12:00+00', 'a'), (2, '2024-03-01 13:00+00', 'b');
    INSERT INTO scene.staged VALUES (2, '2024-03-01 13:00+00', 'c'), (3, '2024-03-01 14:00+00', 'd');
    INSERT INTO scene.touched VALUES (1, FALSE), (2, FALSE), (3, TRUE)
"""

VALUES: Mapping[str, object] = {
    "start": START,
    "end": END,
    "from": START,
    "to": END,
    "from_local": START.replace(tzinfo=None),
    "to_local": END.replace(tzinfo=None),
    "bound": END + timedelta(days=5),
    "long": timedelta(hours=1),
    "until": END + timedelta(days=900),
    "elsewhere": ["another warehouse"],
    "warehouse_id": None,
    "assets": ["camunda/process_documents"],
    "names": ["TimeZone", "no_such_setting"],
    "values": ["UTC", "1"],
    "engine": "clickhouse",
    "setting": "clickhouse_url",
    "zone": "UTC",
    **dict.fromkeys(["all_variables", "is_exact", "compares_bytes"], True),
    "most": 10,
    **dict.fromkeys(["domain", "key_name", "key"], "told"),
    "rows_deleted": "{}",
    "variables": ["docIds", "contextData"],
    **dict.fromkeys(
        ["keys", "keys_here", "keys_elsewhere", "processes", "tried", "compared", "stale"], ["a key"]
    ),
    "named_key": KEY,
    "users": [1],
    "with_context": False,
    "topic": "a topic",
    **dict.fromkeys(["partition", "epoch", "next_offset", "last_offset"], 0),
    **dict.fromkeys(["log_id", "last_digest", "incident"], "told"),
    "incident_at": START,
    "asset": "camunda/process_documents",
    "partition_key": KEY,
    "partition_keys": [KEY],
    "run_id": "a run",
    "root_run_id": "a run",
    "window_start": START,
    "window_end": END,
    **dict.fromkeys(["id", "load_id"], 1),
    "error": "what went wrong",
    "fingerprint": "a state",
    "read_until": None,
    **dict.fromkeys(["rows_read", "rows_written", "rows_quarantined", "values_quarantined", "rows_kept"], 0),
    "bytes_read": None,
    "in_doubt": True,
    "since": START,
    "lock_timeout": "10s",
    "name": "attached",
    "oids": [23, 25],
    "own": [0],
    "upstream": ["camunda/act_hi_detail"],
    "whole_table": True,
    **dict.fromkeys(["source_keys", "reasons", "payloads"], ["why"]),
    "are_rows": [True],
    "table": "scene.parted",
    "after": 0,
    "moments": [START],
    "days": 90,
    **dict.fromkeys(["open_ids", "ended_ids"], [1]),
    "tables": ["live"],
    "indexes": ["live_pkey"],
    "counting_since": 150000,
    "types": ["numeric(38,18)", "text[]"],
}

QUERY = SQL("SELECT id, at, value FROM scene.staged")
NAMES: Mapping[str, Composable] = {
    "table": Identifier("scene", "live"),
    "stage": Identifier("scene", "staged"),
    "staged": Identifier("scene", "staged"),
    "touched": Identifier("scene", "touched"),
    "partition": Identifier("scene", "part"),
    "name": Identifier("renamed"),
    "columns": SQL("id, at, value"),
    "column": Identifier("at"),
    "definitions": SQL("id integer NOT NULL, at timestamptz NOT NULL"),
    "key": Identifier("id"),
    "format": SQL("binary"),
    "query": QUERY,
    "assignments": SQL("value = staged.value"),
    "live_key": SQL("live.id"),
    "staged_key": SQL("staged.id"),
    "touched_key": SQL("touched.id"),
    "live_values": SQL("live.at, live.value"),
    "staged_values": SQL("staged.at, staged.value"),
    "landed": Identifier("landed"),
    "judged": Identifier("judged"),
    "found": SQL("SELECT 'k' AS source_key, 'why' AS reason, 'raw' AS payload, FALSE AS is_row"),
    "values": SQL("ARRAY[id_, name_]"),
    "unreadable": SQL("FALSE"),
    "is_kept": SQL("detail.removal_time_ IS NULL"),
    "row": SQL("id::text"),
    "entries": SQL("SELECT entry.id FROM ops.quarantine AS entry"),
    "time": Identifier("at"),
    "probe": SQL("SELECT 'a state' AS state"),
    "is_row": SQL("TRUE"),
}


@dataclass(frozen=True)
class Recipe:
    """What a file needs beside the names and values that every file gets.

    Attributes:
        names: in the place of `NAMES`.
        before: what is executed before it, files or statements.
        keys: the file that says which keys a window touches, for one that takes them.
        copied: gives the bytes of a COPY from the client.
    """

    names: Mapping[str, Composable] = field(default_factory=dict[str, Composable])
    before: tuple[str, ...] = ()
    keys: str | None = None
    copied: str = "COPY (SELECT * FROM scene.live) TO STDOUT (FORMAT binary)"


FRESH: Mapping[str, Composable] = {"stage": Identifier("fresh"), "touched": Identifier("fresh")}
PARTED: Mapping[str, Composable] = {"table": Identifier("scene", "parted")}
RAW = Recipe(
    {"staged": Identifier("staged_raw")},
    ("CREATE TEMPORARY TABLE staged_raw AS SELECT * FROM camunda.act_hi_detail",),
)
DOCUMENTS = Recipe({"staged": Identifier("camunda", "process_documents")})
TOUCHED_DOCUMENTS = Recipe(keys="camunda/marts/process_documents_touched.sql")
TOUCHED_VARIABLES = Recipe(keys="camunda/marts/process_variables_touched.sql")
FRESHLY_LANDED = Recipe({"landed": Identifier("freshly_landed"), "judged": Identifier("freshly_judged")})
# A message as it landed, and what became of it.
LANDED = (
    "kafka/landed.sql",
    """
        INSERT INTO landed (kafka_topic, kafka_partition, kafka_epoch, kafka_offset, message)
        VALUES ('t', 0, 0, 0, 'no JSON')
    """,
)
JUDGED = (*LANDED, "CREATE TEMPORARY TABLE judged AS SELECT place, 'why' AS reason, 1 AS id FROM landed")
CREATED = ("ops/quarantine_create_found.sql",)
READ = (*CREATED, "ops/quarantine_read.sql")
FOUND = (*READ, "ops/quarantine_found.sql")
RECIPES: Mapping[str, Recipe] = {
    "camunda/audits/documents_in_step.sql": DOCUMENTS,
    "camunda/marts/process_documents_merge.sql": TOUCHED_DOCUMENTS,
    "camunda/marts/process_documents_quarantine.sql": DOCUMENTS,
    "camunda/marts/process_documents_rebuild.sql": TOUCHED_DOCUMENTS,
    "camunda/marts/process_variables_merge.sql": TOUCHED_VARIABLES,
    "camunda/marts/process_variables_rebuild.sql": TOUCHED_VARIABLES,
    "camunda/raw/act_hi_detail_keep.sql": RAW,
    "camunda/raw/act_hi_detail_missing.sql": RAW,
    "camunda/raw/act_hi_detail_restore.sql": RAW,
    "camunda/raw/fingerprint_staged.sql": RAW,
    "camunda/raw/quarantine.sql": RAW,
    "ops/quarantine_add.sql": Recipe(before=FOUND),
    "ops/quarantine_count.sql": Recipe(before=FOUND),
    "ops/quarantine_drop_found.sql": Recipe(before=FOUND),
    "ops/quarantine_drop_read.sql": Recipe(before=READ),
    "ops/quarantine_found.sql": Recipe(before=READ),
    "ops/quarantine_copy_found.sql": Recipe(
        before=CREATED, copied="COPY (SELECT 'k', 'why', 'raw', FALSE) TO STDOUT"
    ),
    "ops/quarantine_rejected.sql": Recipe(before=CREATED),
    "ops/run_log_mirror.sql": Recipe({"columns": SQL("id, asset, status")}),
    "ops/quarantine_replayed.sql": Recipe(before=FOUND),
    "ops/quarantine_landed.sql": Recipe(
        {"found": SQL("SELECT quarantine.* FROM ops.quarantine")},
        CREATED,
    ),
    "kafka/rejected.sql": Recipe(before=JUDGED),
    "migrations/0001/quarantine.sql": Recipe(before=("DROP TABLE ops.quarantine",)),
    "migrations/0001/act_hi_detail.sql": Recipe(before=("DROP TABLE camunda.act_hi_detail",)),
    "migrations/0001/etl_run_log.sql": Recipe(before=("DROP TABLE ops.etl_run_log",)),
    "migrations/0001/json_of_bytes.sql": Recipe(
        before=("DROP FUNCTION camunda.json_of_bytes(text, bytea) CASCADE",)
    ),
    "migrations/0001/process_variables.sql": Recipe(before=("DROP TABLE camunda.process_variables",)),
    "migrations/0001/process_documents.sql": Recipe(before=("DROP TABLE camunda.process_documents",)),
    "migrations/0001/process_variables_by_time.sql": Recipe(
        before=("DROP INDEX camunda.process_variables_by_time",)
    ),
    **{
        f"migrations/0003/{table}.sql": Recipe(before=(f"DROP TABLE ods.{table}",))
        for table in ("pipelines", "stages", "deliveries")
    },
    "postgres/count_judged.sql": Recipe(before=JUDGED),
    **{
        f"postgres/forget_{what}.sql": Recipe({"column": Identifier("value")})
        for what in ("count", "days", "rows")
    },
    "postgres/judge_landed.sql": FRESHLY_LANDED,
    "postgres/select_judged.sql": Recipe({"columns": SQL("id")}, JUDGED),
    "shop/events/typed.sql": Recipe(before=LANDED),
    **{f"shop/raw/{t}.sql": Recipe(before=(f"shop/demo/create_{t}.sql",)) for t in TABLES},
    "shop/checks/known_users.sql": Recipe(before=("shop/demo/create_users.sql",)),
    "postgres/attach_partition.sql": Recipe(PARTED),
    "postgres/copy_into_partition.sql": Recipe(
        {"stage": Identifier("scene", "made")}, ("CREATE TABLE scene.made (LIKE scene.live)",)
    ),
    "postgres/declared_columns.sql": Recipe({"definitions": SQL("id bigint, price numeric(10, 2)")}),
    "postgres/detach_partition.sql": Recipe({**PARTED, "partition": Identifier("scene", "attached")}),
    "postgres/insert_staged.sql": Recipe(before=("DELETE FROM scene.live",)),
    "postgres/rename_partition.sql": Recipe({"stage": Identifier("scene", "part")}),
    "postgres/stage_like.sql": Recipe(FRESH),
    "postgres/stage_partition.sql": Recipe(FRESH),
    "postgres/stage_query.sql": Recipe(FRESH),
    "postgres/stage_rows.sql": Recipe(FRESH),
    "postgres/stage_window.sql": Recipe(FRESH),
    "postgres/touched_keys.sql": Recipe(FRESH),
}


@pytest.fixture(scope="module")
def source_url(stack: Stack) -> Iterator[str]:
    """An engine's database with a generated history, for its owner."""
    owner = stack.owner_url("camunda")
    with databases.scratch_database(owner, databases.user_of(owner)) as name:
        url = at_database(owner, name)
        with closing(psycopg2.connect(url)) as connection:
            demo.create_source(connection)
            demo.generate_history(connection, details=400, days=2, until=END, wanted_share=0.5)
        yield url


@pytest.fixture(scope="module")
def filled_warehouse_url(stack: Stack, source_url: str, warehouse_template: str) -> Iterator[str]:
    """A warehouse with a day of that history, and the scene."""
    url = settings.load().url("warehouse_url")
    owner = stack.owner_url("warehouse")
    with (
        databases.scratch_database(owner, databases.user_of(url), warehouse_template) as name,
        pytest.MonkeyPatch.context() as patch,
        DagsterInstance.ephemeral() as instance,
    ):
        there = at_database(url, name)
        patch.setenv("MARTS_WAREHOUSE_URL", there)
        patch.setenv("MARTS_CAMUNDA_URL", source_url)
        registered = select("camunda")
        materialize(days_between(D1, D1 + timedelta(days=1), registered), instance, with_checks=False)
        with closing(psycopg2.connect(there)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(SCENE)
        yield there


@pytest.fixture
def warehouse_connection(filled_warehouse_url: str) -> Iterator[Connection]:
    """A transaction in the warehouse that is rolled back."""
    with closing(psycopg2.connect(filled_warehouse_url, options="-c TimeZone=UTC")) as connection:
        yield connection


@pytest.fixture
def source_connection(source_url: str) -> Iterator[Connection]:
    """A transaction at the source that is rolled back."""
    with closing(psycopg2.connect(source_url, options="-c TimeZone=UTC")) as connection:
        yield connection


def execute(cursor: Cursor, file: str, names: Mapping[str, Composable]) -> None:
    """Executes a file, a COPY with a stream."""
    recipe = RECIPES.get(file, Recipe())
    for step in recipe.before:
        statement = compose(step, names) if step.endswith(".sql") else SQL(step)
        cursor.execute(statement, VALUES)
    names = {**names, **recipe.names}
    if recipe.keys:
        touched = {"touched": Identifier("touched_keys"), "query": compose(recipe.keys)}
        cursor.execute(compose("postgres/touched_keys.sql", touched), VALUES)
        names["touched"] = compose("postgres/select_touched.sql", touched)
    text = compose(file, names)
    if not re.match(r"COPY\b", read_sql(file)):
        cursor.execute(text, VALUES)
        return
    rows = io.BytesIO()
    if "FROM STDIN" in read_sql(file):
        cursor.copy_expert(recipe.copied, rows)
        rows.seek(0)
    cursor.copy_expert(text, rows)
    assert rows.tell() > 0


@pytest.mark.parametrize("file", [file for file in FILES if file not in DEMO and "/ddl/" not in file])
def test_a_statement_runs(file: str, request: pytest.FixtureRequest) -> None:
    assert file.split("/")[0] in KNOWN_FOLDERS, f"say here on which server {file} runs"
    at_source = file in AT_SOURCE
    connection: Connection = request.getfixturevalue(
        "source_connection" if at_source else "warehouse_connection"
    )
    names = dict(NAMES)
    if at_source:
        names["columns"] = select_list(source_columns(connection))
    places = set(re.findall(r"(?<!\{)\{(\w+)\}", read_sql(file)))
    unknown = (places - NAMES.keys()) | (set(re.findall(r"%\((\w+)\)s", read_sql(file))) - VALUES.keys())
    assert not unknown, f"{file} has {sorted(unknown)}: say in VALUES, NAMES or RECIPES what stands for them"
    with connection.cursor() as cursor:
        execute(cursor, file, names)
        if cursor.description:
            assert all(column.name != "?column?" for column in cursor.description), "a column has no name"
            cursor.fetchall()


@pytest.mark.parametrize("file", [file for file in FILES if "/ddl/" in file])
def test_a_declaration_runs_where_the_object_is_not_there_yet(
    file: str, warehouse_connection: Connection
) -> None:
    assert file.split("/")[0] in KNOWN_FOLDERS, f"say here on which server {file} runs"
    text = read_sql(file)
    found = re.search(
        r"^CREATE (?:UNIQUE |OR REPLACE )?(TABLE|INDEX|FUNCTION) (?:IF NOT EXISTS )?([\w.]+)",
        text,
        re.MULTILINE,
    )
    assert found, f"{file} creates neither a table nor an index nor a function"
    kind, name = found.groups()
    if kind == "INDEX":
        on = re.search(r"\bON (\w+)\.\w+", text)
        assert on
        name = f"{on[1]}.{name}"
    with warehouse_connection.cursor() as cursor:
        cursor.execute(f"DROP {kind} {name} CASCADE")
        cursor.execute(text)


def test_every_recipe_is_of_a_file_that_is_there() -> None:
    assert set(RECIPES) | AT_SOURCE <= set(FILES)
    assert {Path(file).parts[0] for file in FILES} == KNOWN_FOLDERS


def test_every_file_is_named_somewhere_in_the_package() -> None:
    package = Path(settings.__file__).parent
    sources = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    # Some are named by their last part only; those of the demo are put together, and seen to run above.
    used = [file for file in FILES if file not in DEMO]
    assert [file for file in used if file not in sources and Path(file).stem not in sources] == []


def read_any(connection: Connection, statement: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def test_the_statements_ran_on_rows(warehouse_connection: Connection, source_connection: Connection) -> None:
    # An empty table would let every statement pass.
    assert read_any(source_connection, "SELECT count(*) FROM act_hi_detail")[0][0] == 400
    for table in ("camunda.act_hi_detail", "camunda.process_documents", "ops.quarantine"):
        assert read_any(warehouse_connection, f"SELECT count(*) FROM {table}")[0][0] > 0
