"""Declared tables: every DDL file is read as PostgreSQL itself understands it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marts_platform.core.sql import sql_root
from marts_platform.core.table import Column, Table, TableDeclarationError, parse_ddl
from marts_platform_tests.marts import Warehouse

DDL_FILES = sorted(
    str(path.relative_to(sql_root()))
    for path in sql_root().glob("*/ddl/*.sql")
    if "CREATE TABLE" in path.read_text("utf-8")
)
POSTGRES_FILES = [file for file in DDL_FILES if "ENGINE" not in (sql_root() / file).read_text("utf-8")]

CATALOG = """
    SELECT
        attname,
        format_type(atttypid, atttypmod),
        NOT attnotnull,
        attgenerated <> '',
        col_description(attrelid, attnum)
    FROM pg_attribute
    WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""
KEY = """
    SELECT coalesce(array_agg(attname::text ORDER BY array_position(indkey::int2[], attnum)), '{}')
    FROM pg_index
    INNER JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey)
    WHERE indrelid = to_regclass(%s) AND indisprimary
"""


def parsed(file: str) -> Table:
    return parse_ddl((sql_root() / file).read_text("utf-8"), file)


@pytest.mark.parametrize("file", DDL_FILES)
def test_a_ddl_file_declares_the_table_it_is_named_after(file: str) -> None:
    table = parsed(file)
    assert table.name == Path(file).stem
    assert table.description
    assert all(column.description for column in table.columns)
    assert set(table.key) <= {column.name for column in table.columns}


@pytest.mark.parametrize("file", POSTGRES_FILES)
def test_postgres_understands_a_ddl_file_as_the_platform_does(file: str, warehouse: Warehouse) -> None:
    table = parsed(file)
    types = warehouse.rows(
        "SELECT format_type(to_regtype(t), to_regtypemod(t)) "
        "FROM unnest(%s) WITH ORDINALITY AS declared (t, place) ORDER BY place",
        [column.type for column in table.columns],
    )
    declared = [
        (
            column.name,
            type_,
            column.nullable and column.name not in table.key,
            column.generated,
            column.description,
        )
        for column, (type_,) in zip(table.columns, types, strict=True)
    ]
    assert warehouse.rows(CATALOG, table.qualified) == declared
    assert warehouse.one(KEY, table.qualified) == list(table.key)


# The form itself

names = st.from_regex(r"[a-z_][a-z0-9_]{0,20}", fullmatch=True)
types = st.sampled_from(
    [
        "text",
        "bigint",
        "double precision",
        "numeric(38,18)",
        "timestamptz",
        "timestamp(3) without time zone",
        "text[]",
        "character varying(64)",
        "LowCardinality(String)",
        "DateTime64(6, 'UTC')",
    ]
)
descriptions = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30)
clauses = st.sampled_from(
    [
        ("", True, False),
        (" NOT NULL", False, False),
        (" NULL", True, False),
        (' COLLATE "C" NOT NULL', False, False),
        (" DEFAULT 0", True, False),
        (" NOT NULL DEFAULT -1", False, False),
        (" GENERATED ALWAYS AS (1 - 2) STORED", True, True),
        (" NOT NULL CHECK (name IN ('a', 'b'))", False, False),
        (" CODEC(Delta, ZSTD)", True, False),
    ]
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, Table]:
    """A DDL text and the table that it declares."""
    columns: list[Column] = []
    lines: list[str] = []
    for name in draw(st.lists(names, min_size=1, max_size=8, unique=True)):
        type_, (clause, nullable, generated), description = draw(types), draw(clauses), draw(descriptions)
        columns.append(Column(name, type_, nullable, description, generated))
        lines.append(f"    {name} {type_}{clause}")
    key = tuple(draw(st.lists(st.sampled_from([column.name for column in columns]), unique=True, max_size=3)))
    body = "".join(
        f"{line}{',' if key or line is not lines[-1] else ''} -- {column.description}\n"
        for line, column in zip(lines, columns, strict=True)
    )
    if key:
        body += f"    PRIMARY KEY ({', '.join(key)})\n"
    head = draw(st.sampled_from(["CREATE TABLE", "CREATE TABLE IF NOT EXISTS"]))
    tail = draw(st.sampled_from(["", "\nPARTITION BY RANGE (at)", "\nENGINE = MergeTree\nORDER BY (at)"]))
    schema, name = draw(names), draw(names)
    ddl = f"-- What it\n-- holds.\n{head} {schema}.{name} (\n{body}){tail}"
    return ddl, Table(schema, name, "What it holds.", tuple(columns), key, ddl)


@given(tables())
def test_a_ddl_text_in_the_house_form_is_read_whole(given_: tuple[str, Table]) -> None:
    ddl, table = given_
    assert parse_ddl(ddl) == table
    assert table.qualified == f"{table.schema}.{table.name}"
    assert [column.name for column in table.written] == [c.name for c in table.columns if not c.generated]
    for column in table.columns:
        assert table.column(column.name) == column


def test_an_unknown_column_is_named() -> None:
    table = parse_ddl("CREATE TABLE probe.readings (\n    at date -- When.\n)")
    with pytest.raises(KeyError, match=r"probe\.readings has no column 'sensor'"):
        table.column("sensor")


@pytest.mark.parametrize(
    ("ddl", "reason"),
    [
        ("CREATE INDEX readings_by_time ON probe.readings (at)", "no `CREATE TABLE"),
        ("CREATE TABLE readings (\n    at date -- When.\n)", "no `CREATE TABLE"),
        ("CREATE TABLE probe.readings (\n)", "declares no columns"),
        ("CREATE TABLE probe.readings (\n    at date\n)", "column at has no `-- description`"),
        ("CREATE TABLE probe.readings (\n    at date, -- \n    b date -- B.\n)", "column at has no"),
    ],
)
def test_a_ddl_text_in_another_form_is_refused(ddl: str, reason: str) -> None:
    with pytest.raises(TableDeclarationError, match=f"readings.sql: .*{reason}"):
        parse_ddl(ddl, "readings.sql")


@pytest.mark.parametrize(
    "line",
    [
        "    Sensor integer, -- Which one.",
        '    "sensor" integer, -- Which one.',
        "  sensor integer, -- Which one.",
        "\tsensor integer, -- Which one.",
        "    sensor integer PRIMARY KEY, -- Which one.",
        "    at date, b date, -- Two at once.",
    ],
)
def test_a_column_that_cannot_be_read_is_refused_and_not_passed_over(line: str) -> None:
    with pytest.raises(TableDeclarationError, match=r"readings.sql: .*"):
        parse_ddl(f"CREATE TABLE probe.readings (\n{line}\n    at date -- When.\n)", "readings.sql")
