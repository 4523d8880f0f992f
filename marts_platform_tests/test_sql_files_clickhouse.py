"""Every SQL file of ClickHouse is executed, each by itself, in databases that are dropped afterwards.

A file's values and pieces are filled by what they are called (`VALUES`, `PLACES`); what a domain's file needs
beside that is its `Recipe`. A file that is new and needs more fails here until it has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.httpclient import HttpClient

from marts_platform import settings
from marts_platform.core.clickhouse import STAGING, bound, render
from marts_platform.core.sql import read_sql
from marts_platform.core.table import declared
from marts_platform.migrations.clickhouse import declared_clickhouse_tables, declared_clickhouse_views
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform.resources.clickhouse_ddl import create_table
from marts_platform_tests.sql_dialects import files_of

# The statements of these folders run in tests of their own, which say that all of them did.
ELSEWHERE = tuple(f"delivery/{layer}/" for layer in ("checks", "hourly", "marts", "report", "shown"))
FILES = [file for file in files_of("clickhouse") if not file.startswith(ELSEWHERE)]
START = datetime(2024, 3, 1, tzinfo=UTC)

SCENE = (
    "CREATE DATABASE scene ENGINE = Atomic",
    "CREATE TABLE scene.live (id Int32, at DateTime64(6, 'UTC'), value String) "
    "ENGINE = MergeTree PARTITION BY id ORDER BY id",
    "CREATE TABLE scene.stage AS scene.live",
    "INSERT INTO scene.live VALUES (1, '2024-03-01 12:00:00', 'a'), (2, '2024-03-01 13:00:00', 'b')",
    "INSERT INTO scene.stage VALUES (2, '2024-03-01 13:00:00', 'c'), (3, '2024-03-01 14:00:00', 'd')",
    "CREATE TABLE scene.touched (id Int32, in_doubt Bool) ENGINE = MergeTree ORDER BY id",
)
VALUES: Mapping[str, object] = {
    "start": START,
    "end": START + timedelta(days=1),
    "partition_key": "2024-03-01",
    "staged": "stage",
    "touched": "touched",
    "database": "scene",
    "table": "live",
    "beside": "marts_staging",
    "pattern": ".*",
    "ending": "__again",
    "partition": "2",
    "partitions": ["1", "2"],
    "in_doubt": True,
    "reach": 10,
    "id": "an identity",
    "user_id": 1,
    "since": "2024-03-01",
    "until": "2024-03-02",
    "limit": 5,
    "days": ["2024-03-01"],
    "high_activity": 10.0,
    "medium_activity": 3.0,
}
PLACES: Mapping[str, str] = {
    "table": "scene.live",
    "other": "scene.stage",
    "stage": "scene.stage",
    "source": "scene.stage",
    "touched": "scene.touched",
    "part": "scene.made",
    "columns": "id, at, value",
    "condition": "id = 2",
    "key": "id",
    "format": "TabSeparated",
    "on_cluster": "",
    "query": "SELECT * FROM scene.stage",
    "found": "SELECT 'k' AS source_key, 'why' AS reason, value AS payload, true AS is_row FROM scene.live",
    "sent": "scene.live",
    "values": "id, at, value",
    "expressions": "id, at, value",
    "judged": "SELECT *, [value] AS row_faults, [(value, CAST(NULL AS Nullable(String)))] AS value_faults, "
    "CAST('k' AS Nullable(String)) AS key_text, value AS row_text, 1 AS place_of_key FROM scene.live",
    "repeated": "'why'",
    "place": "1",
    "row_faults": "['why']",
    "value_faults": "[('why', value)]",
    "source_key": "'k'",
    "row": "map('id', id)",
}


@dataclass(frozen=True)
class Recipe:
    """What a file needs beside the values and pieces that every file gets.

    Attributes:
        staged: the DDL file of the table that is staged.
        values: in the place of `VALUES`.
        places: in the place of `PLACES`.
        before: statements that are executed before it.
        touched: the SELECT that gives the touched keys.
    """

    staged: str | None = None
    values: Mapping[str, object] = field(default_factory=dict[str, object])
    places: Mapping[str, str] = field(default_factory=dict[str, str])
    before: tuple[str, ...] = ()
    touched: str | None = None


TELEMETRY = Recipe(staged="bionicpro/ddl/telemetry.sql")
SNAPSHOT = Recipe(staged="bionicpro/ddl/crm_users.sql")
METRICS = Recipe(staged="delivery/ddl/clickhouse/fact_metrics.sql")
RECIPES: Mapping[str, Recipe] = {
    "bionicpro/audits/crm_has_customers.sql": SNAPSHOT,
    "bionicpro/audits/crm_keeps_half.sql": SNAPSHOT,
    "bionicpro/raw/telemetry_fingerprint.sql": TELEMETRY,
    "bionicpro/report/all_users.sql": Recipe(values={"days": 30}),
    "bionicpro/report/top_by_efficiency.sql": Recipe(values={"days": 30}),
    "bionicpro/raw/telemetry_quarantine.sql": TELEMETRY,
    "chat/audits/message_facts_in_step.sql": Recipe("chat/ddl/message_facts.sql"),
    **{
        f"chat/marts/{table}_rebuild.sql": Recipe(touched=f"chat/marts/{table}_touched.sql")
        for table in ("message_facts", "chat_senders", "daily_activity_facts", "hourly_activity_facts")
    },
    "clickhouse/published_checksum.sql": Recipe(places={"row": "value"}),
    "clickhouse/land_texts.sql": Recipe(places={"sent": "scene.made", "columns": "id Nullable(String)"}),
    "clickhouse/rename_table.sql": Recipe(places={"other": "scene.made"}),
    "clickhouse/touched_keys.sql": Recipe(places={"touched": "scene.made"}),
    "delivery/metrics/fact_metrics_forgotten.sql": METRICS,
    "delivery/metrics/fact_metrics_growth.sql": METRICS,
    "delivery/metrics/fact_metrics_unique.sql": METRICS,
}


@pytest.fixture
def client(clickhouse: str) -> Iterator[HttpClient]:
    """A client as a load has it, with a scene that is gone after the test."""
    with ClickHouseResource().client(database="scene") as made:
        made.database = "default"
        made.command("DROP DATABASE IF EXISTS scene SYNC")
        for statement in SCENE:
            made.command(statement)
        made.database = "scene"
        yield made
        made.database = "default"
        made.command("DROP DATABASE scene SYNC")


@pytest.mark.parametrize("file", [file for file in FILES if "/ddl/" not in file])
def test_a_statement_runs(file: str, client: HttpClient) -> None:
    recipe = RECIPES.get(file, Recipe())
    for statement in recipe.before:
        client.command(statement)
    if recipe.staged:
        client.command("DROP TABLE scene.stage SYNC")
        client.command(create_table(declared(recipe.staged), "scene", "stage"))
    if recipe.touched:
        client.command("DROP TABLE scene.touched SYNC")
        touched = read_sql(recipe.touched)
        statement = render("clickhouse/touched_keys.sql", touched="scene.touched", query=touched)
        client.command(statement, parameters=bound(statement, {**VALUES, **recipe.values}))
    text = render(file, **{**PLACES, **recipe.places})
    if file == "clickhouse/sync_replica.sql":
        # There are no replicas here; but it is a statement, about a table that is there.
        with pytest.raises(DatabaseError, match="is not replicated"):
            client.command(text)
        return
    parameters = bound(text, {**VALUES, **recipe.values})
    if file == "clickhouse/insert_rows.sql":
        text += "\n4\t2024-03-01 12:00:00\tx"
    if re.search(r"^(SELECT|WITH|DESCRIBE)\b", text, re.M):
        # As text: the client cannot read aggregate states, of which there are some if other tests left rows.
        client.raw_query(text, parameters=parameters, fmt="TabSeparated")
    else:
        client.command(text, parameters=parameters)


@pytest.mark.parametrize("file", [file for file in FILES if "/ddl/" in file])
def test_a_declaration_is_made_by_the_migration(file: str, client: HttpClient) -> None:
    text = read_sql(file)
    found = re.search(r"^CREATE (TABLE|VIEW) (\w+)\.(\w+)", text, re.M)
    assert found, f"{file} creates neither a table nor a view"
    made = client.query(
        "SELECT engine FROM system.tables WHERE database = {d:String} AND name = {n:String}",
        {"d": found[2], "n": found[3]},
    ).result_rows
    assert [(engine == "View") for (engine,) in made] == [found[1] == "VIEW"]


def test_every_declaration_is_of_a_clickhouse_folder() -> None:
    # The linter would read it as Postgres otherwise, and so would the other tests.
    declared_there = {table.ddl.strip() for table in declared_clickhouse_tables()}
    declared_there |= {view.statement.strip() for view in declared_clickhouse_views()}
    assert declared_there == {read_sql(file).strip() for file in FILES if "/ddl/" in file}


def test_every_recipe_is_of_a_file_that_is_there() -> None:
    assert set(RECIPES) <= set(FILES)


def test_every_file_is_named_somewhere_in_the_package() -> None:
    package = Path(settings.__file__).parent
    sources = "".join(path.read_text("utf-8") for path in package.rglob("*.py"))
    # A report is found by its folder.
    used = [file for file in FILES if "/ddl/" not in file and "/report/" not in file]
    assert [file for file in used if file not in sources and Path(file).stem not in sources] == []


def test_the_staging_database_is_made_by_the_migration(client: HttpClient) -> None:
    engine = client.query("SELECT engine FROM system.databases WHERE name = {n:String}", {"n": STAGING})
    assert engine.result_rows == [("Atomic",)]
