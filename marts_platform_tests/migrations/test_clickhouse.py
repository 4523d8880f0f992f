"""ClickHouse is brought to its declared DDL: additions migrate, anything else is a person's decision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest

from marts_platform import settings
from marts_platform.core.table import parse_ddl
from marts_platform.migrations import clickhouse as migration
from marts_platform.migrations import turns
from marts_platform.resources.clickhouse_ddl import create_table, replicated
from marts_platform.resources.clickhouse_form import form_of
from marts_platform_tests.io_managers.clickhouse.probe import connected
from marts_platform_tests.marts import WriteSql, write_sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

__all__ = ["write_sql"]

DDL = """
-- Readings of sensors.
CREATE TABLE migrated.readings (
    at DateTime64(6, 'UTC'), -- When it was read.
    sensor Int32, -- Which sensor.
    note LowCardinality(String) DEFAULT '' CODEC(ZSTD(1)), -- It's a \\ note.
    INDEX by_note note TYPE bloom_filter GRANULARITY 4
)
ENGINE = ReplacingMergeTree(at)
PARTITION BY toYYYYMM(at)
ORDER BY (sensor, at)
TTL toDateTime(at) + INTERVAL 10 YEAR
""".strip()
NOTE = DDL[DDL.index("    note ") : DDL.index(")\nENGINE")]
INDEX = "    INDEX by_note note TYPE bloom_filter GRANULARITY 4"
PROJECTION = ",\n    PROJECTION many (SELECT count() GROUP BY sensor)"
TAIL = DDL[DDL.index(")\nENGINE") :]
# Another index, none, a further constraint with all that parts elements in it, a projection, a setting.
ELEMENTS = [
    (INDEX, INDEX.replace("4", "2"), "DROP INDEX by_note"),
    (INDEX, INDEX.replace("4", "2"), "ADD INDEX by_note note TYPE bloom_filter GRANULARITY 2"),
    (NOTE, NOTE.replace(f"{INDEX}\n", "").replace(", --", " --"), "DROP INDEX by_note"),
    (INDEX, INDEX + ",\n    CONSTRAINT few CHECK note NOT IN ('a,)', '\\'(')", "ADD CONSTRAINT few CHECK"),
    (
        f"\n{TAIL}",
        f"{PROJECTION}\n{TAIL}\nSETTINGS deduplicate_merge_projection_mode = 'drop'",
        "MATERIALIZE PROJECTION many",
    ),
    ("10 YEAR", "10 YEAR\nSETTINGS merge_max_block_size = 100", "MODIFY SETTING merge_max_block_size = 100"),
]
VIEW = "CREATE VIEW migrated.sensors AS\nSELECT DISTINCT sensor\nFROM migrated.readings"
COLUMNS = (
    "SELECT name, type, comment FROM system.columns "
    "WHERE database = 'migrated' AND table = 'readings' ORDER BY position"
)


@pytest.fixture
def client(clickhouse: str) -> Iterator[Client]:
    """A client; the database of these tests is gone before and after."""
    with connected(clickhouse) as made:
        made.command("DROP DATABASE IF EXISTS migrated SYNC")
        yield made
        made.command("DROP DATABASE IF EXISTS migrated SYNC")


@pytest.fixture
def migrated(client: Client, write_sql: WriteSql) -> Client:
    """A server on which the table and the view were made."""
    write_sql("migrated/ddl/readings.sql", DDL)
    write_sql("migrated/ddl/sensors.sql", VIEW)
    migration.upgrade()
    client.command("INSERT INTO migrated.readings VALUES ('2024-03-01 12:00:00', 1, 'a')")
    return client


def test_tables_and_views_are_made_with_their_descriptions_and_again_is_harmless(migrated: Client) -> None:
    assert migrated.query(COLUMNS).result_rows == [
        ("at", "DateTime64(6, 'UTC')", "When it was read."),
        ("sensor", "Int32", "Which sensor."),
        ("note", "LowCardinality(String)", "It's a \\ note."),
    ]
    assert migrated.command("SELECT engine FROM system.databases WHERE name = 'migrated'") == "Atomic"
    assert migrated.command("SELECT sensor FROM migrated.sensors") == 1
    assert migrated.command(
        "SELECT comment FROM system.tables WHERE name = 'readings' AND database = 'migrated'"
    ) == ("Readings of sensors.")
    assert migration.upgrade() == []


def test_additions_migrate_and_keep_the_rows(migrated: Client, write_sql: WriteSql) -> None:
    changed = (
        DDL.replace(
            "    note ",
            "    added Nullable(Float64), -- New.\n    given Int8 DEFAULT 7, -- New too.\n    note ",
            1,
        )
        .replace("Which sensor.", "Which of the sensors.")
        .replace("10 YEAR", "20 YEAR")
        .replace("-- Readings of sensors.", "-- All readings.")
    )
    write_sql("migrated/ddl/readings.sql", changed)
    assert len(migration.upgrade()) == 5
    assert [row[0] for row in migrated.query(COLUMNS).result_rows] == [
        "at",
        "sensor",
        "added",
        "given",
        "note",
    ]
    assert migrated.query("SELECT sensor, added, given, note FROM migrated.readings").result_rows == [
        (1, None, 7, "a")
    ]
    assert migration.upgrade() == []


def test_a_column_that_shall_admit_null_migrates(migrated: Client, write_sql: WriteSql) -> None:
    given = DDL.replace("    note ", "    given {}, -- New.\n    note ", 1)
    write_sql("migrated/ddl/readings.sql", given.replace("{}", "Int8 DEFAULT 7", 1))
    migration.upgrade()
    write_sql("migrated/ddl/readings.sql", given.replace("{}", "Nullable(Int8) DEFAULT 7", 1))
    (change,) = migration.upgrade()
    assert "MODIFY COLUMN `given` Nullable(Int8)" in change
    assert migrated.query("SELECT given FROM migrated.readings").result_rows == [(7,)]
    assert migration.upgrade() == []


def test_a_replacement_that_a_killed_server_left_half_is_repeated_before_its_table_changes(
    migrated: Client, write_sql: WriteSql
) -> None:
    half = "marts_staging.migrated__readings__20240301__0a1b2c3d__shadow__again"
    # The month as it was to be, and in the live table beside what it was to replace.
    migrated.command(f"CREATE TABLE {half} AS migrated.readings")
    migrated.command(f"INSERT INTO {half} VALUES ('2024-03-01 12:00:00', 1, 'new')")
    migrated.command(f"INSERT INTO migrated.readings SELECT * FROM {half}")
    write_sql("migrated/ddl/readings.sql", DDL.replace(NOTE, "    more Nullable(Int32), -- More.\n" + NOTE))
    assert len(migration.upgrade()) == 1
    assert migrated.query("SELECT note, more FROM migrated.readings").result_rows == [("new", None)]
    assert migrated.query(f"EXISTS {half}").result_rows == [(0,)]


def test_a_replacement_that_a_load_is_making_is_left_to_it(
    migrated: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = "marts_staging.migrated__readings__20240301__0a1b2c3d__shadow__again"
    migrated.command(f"CREATE TABLE {half} AS migrated.readings")
    migrated.command(f"INSERT INTO {half} VALUES ('2024-03-01 12:00:00', 1, 'new')")
    monkeypatch.setattr(turns, "_WAIT_SECONDS", 1)
    with closing(psycopg2.connect(settings.load().url("warehouse_url"))) as load:
        with load.cursor() as cursor:
            lock = "SELECT pg_advisory_lock(hashtextextended('marts clickhouse migrated.readings', 0))"
            cursor.execute(lock)
        with pytest.raises(turns.BusyError, match=r"a load still writes migrated\.readings, after 1 seconds"):
            migration.upgrade()
        assert migrated.query("SELECT note FROM migrated.readings").result_rows == [("a",)]
        assert migrated.query(f"EXISTS {half}").result_rows == [(1,)]
    assert migration.upgrade() == []
    assert migrated.query("SELECT note FROM migrated.readings").result_rows == [("new",)]
    assert migrated.query(f"EXISTS {half}").result_rows == [(0,)]


@pytest.mark.parametrize(
    ("old", "new", "statement"),
    [
        ("sensor Int32", "sensor Int64", "ALTER TABLE `migrated`.`readings` MODIFY COLUMN `sensor` Int64"),
        (
            "    sensor Int32",
            "    more Int8, -- More.\n    sensor Int32",
            "ADD COLUMN IF NOT EXISTS `more` Int8",
        ),
        (NOTE, "", "DROP COLUMN `note`"),
        (
            "toYYYYMM(at)",
            "toDate(at)",
            "EXCHANGE TABLES `migrated`.`readings` AND `migrated`.`readings__new`",
        ),
        ("ReplacingMergeTree(at)", "MergeTree", "INSERT INTO `migrated`.`readings__new`"),
        ("ORDER BY (sensor, at)", "ORDER BY at", "DROP TABLE `migrated`.`readings__new`"),
        *((old, new, f"ALTER TABLE `migrated`.`readings` {clause}") for old, new, clause in ELEMENTS),
    ],
)
def test_any_other_difference_fails_with_the_statement_to_run(
    migrated: Client, write_sql: WriteSql, old: str, new: str, statement: str
) -> None:
    before = migrated.query(COLUMNS).result_rows
    assert old in DDL
    write_sql("migrated/ddl/readings.sql", DDL.replace(old, new).replace("ORDER BY (at)", "ORDER BY at"))
    with pytest.raises(migration.ClickHouseSchemaError) as raised:
        migration.upgrade()
    assert statement in str(raised.value)
    assert migrated.query(COLUMNS).result_rows == before


@pytest.mark.parametrize(
    ("old", "new"), [("toYYYYMM(at)", "toDate(at)"), *((old, new) for old, new, _ in ELEMENTS)]
)
def test_the_statements_that_a_person_runs_can_be_run(
    migrated: Client, write_sql: WriteSql, old: str, new: str
) -> None:
    write_sql("migrated/ddl/readings.sql", DDL.replace(old, new))
    with pytest.raises(migration.ClickHouseSchemaError) as raised:
        migration.upgrade()
    statements = str(raised.value).partition("files:\n")[2]
    for statement in statements.split(";\n"):
        migrated.command(statement)
    assert migration.upgrade() == []
    assert migrated.command("SELECT sensor FROM migrated.readings") == 1


def test_on_a_cluster_tables_are_replicated() -> None:
    table = parse_ddl(DDL)
    statement = create_table(table, "migrated", "readings", cluster="main", if_not_exists=True)
    assert statement.startswith(
        "CREATE TABLE IF NOT EXISTS `migrated`.`readings` ON CLUSTER `main` (\n    `at` "
    )
    assert (
        "\nENGINE = ReplicatedReplacingMergeTree("
        "'/clickhouse/tables/{shard}/{database}/{table}/{uuid}', '{replica}', at)\nPARTITION BY" in statement
    )
    assert "\n    INDEX by_note note TYPE bloom_filter GRANULARITY 4\n" in statement
    assert "DEFAULT '' COMMENT 'It\\'s a \\\\ note.' CODEC(ZSTD(1))" in statement
    assert replicated("ENGINE = MergeTree\nORDER BY at") == (
        "ENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/{table}/{uuid}', '{replica}')\n"
        "ORDER BY at"
    )
    assert migration.create_database("x", "main") == (
        "CREATE DATABASE IF NOT EXISTS `x` ON CLUSTER `main` ENGINE = Atomic"
    )


def test_a_replicated_table_has_the_declared_form(migrated: Client) -> None:
    from marts_platform.resources.clickhouse_form import _engine_clauses

    declared = form_of(migrated, "migrated", "readings")  # pyright: ignore[reportArgumentType]
    assert declared is not None
    engine = (
        "ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/x', '{replica}', at) "
        "PARTITION BY toYYYYMM(at) ORDER BY (sensor, at) "
        "TTL toDateTime(at) + toIntervalYear(10) SETTINGS index_granularity = 8192"
    )
    clauses = _engine_clauses(engine)
    assert {name: declared.clauses[name] for name in clauses} == clauses
