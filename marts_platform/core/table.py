"""A table as its DDL file declares it: name, columns with descriptions, key.

The declaration is the truth: the platform compares a table with it before it writes, and never
infers a column from data. A DDL file keeps one form, which `parse_ddl` reads (a full SQL parser
costs half a second of every run's import and does not know every clause we use). One with an ``ENGINE`` is
ClickHouse's or MySQL's; in ClickHouse's a column is nullable if its type says ``Nullable``::

    -- What the table holds.
    CREATE TABLE schema.name (
        column type …, -- What the column holds.
        PRIMARY KEY (column)
    )
    …
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from marts_platform.core.sql import read_sql
from marts_platform.settings import ExpectedError

_HEAD = re.compile(
    r"CREATE TABLE (?:IF NOT EXISTS )?(?P<schema>\w+)\.(?P<name>\w+)\s*\((?P<body>.*?)^\)", re.S | re.M
)
_COLUMN = re.compile(
    r"^    (?P<name>[a-z_]\w*) (?P<rest>[^-]*?(?:-(?!-)[^-]*?)*?),?\s*(?:-- (?P<description>.*))?$"
)
# An element that is no column starts with a word in capitals: PRIMARY KEY, CONSTRAINT, CHECK, INDEX …
_NO_COLUMN = re.compile(r"^    [A-Z]{2,}\b|^\s*(?:--.*)?$")
_PARENTHESES = re.compile(r"\([^()]*\)")
_PRIMARY_KEY = re.compile(r"^    PRIMARY KEY \((?P<key>[^)]*)\)", re.M)
_TYPE_ENDS = re.compile(
    r"\s+(?:NOT NULL|NULL|DEFAULT|COLLATE|COMPRESSION|GENERATED|PRIMARY KEY|REFERENCES|CHECK|UNIQUE|CODEC"
    r"|MATERIALIZED|ALIAS|EPHEMERAL|TTL|CONSTRAINT|COMMENT|STATISTICS)\b.*",
    re.S,
)
_CLICKHOUSE = re.compile(r"^ENGINE = \w*MergeTree\b", re.M)


class TableDeclarationError(ExpectedError):
    """A DDL file is not in the form that this module reads."""


@dataclass(frozen=True, slots=True)
class Column:
    """A declared column.

    Attributes:
        name: as in the engine.
        type: the engine's type, as written.
        nullable: whether NULL may stand there.
        description: what it holds, for the UI and the engine's comments.
        generated: the engine computes it, so nobody writes it.
        has_default: whoever writes may leave it out.
        definition: all that stands behind the name: type, collation, default, constraints.
    """

    name: str
    type: str
    nullable: bool
    description: str
    generated: bool = False
    has_default: bool = False
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A declared table.

    Attributes:
        schema: the schema (Postgres) or database (ClickHouse, MySQL).
        name: without the schema.
        description: the comment at the head of the DDL file.
        columns: in their order.
        key: the columns of the primary key, () if the file declares none.
        ddl: the statement that creates it.
    """

    schema: str
    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    ddl: str

    @property
    def is_clickhouse(self) -> bool:
        """Whether the file is in ClickHouse's form."""
        return _CLICKHOUSE.search(self.ddl) is not None

    @property
    def qualified(self) -> str:
        """``schema.name``."""
        return f"{self.schema}.{self.name}"

    @property
    def written(self) -> tuple[Column, ...]:
        """The columns that a load writes: all but the generated ones."""
        return tuple(column for column in self.columns if not column.generated)

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.qualified} has no column {name!r}")


def parse_ddl(ddl: str, file: str = "DDL") -> Table:
    """Reads one ``CREATE TABLE`` statement in the form that the module's docstring shows.

    Raises:
        TableDeclarationError: no table, no columns, a line that cannot be read, or a column without a
            description.
    """
    head = _HEAD.search(ddl)
    if head is None:
        raise TableDeclarationError(f"{file}: no `CREATE TABLE schema.name (` … `)` found")
    read = _clickhouse_column if _CLICKHOUSE.search(ddl) else _column
    columns: list[Column] = []
    for line in head["body"].splitlines():
        if _NO_COLUMN.match(line):
            continue
        match = _COLUMN.match(line)
        if match is None or "PRIMARY KEY" in match["rest"] or "," in _outside_parentheses(match["rest"]):
            raise TableDeclarationError(
                f"{file}: {line.strip()!r} is not one column: four spaces, a name in lower case, a type, "
                f"`-- description`; the key is a line of its own, `    PRIMARY KEY (…)`"
            )
        if not (match["description"] or "").strip():
            raise TableDeclarationError(f"{file}: column {match['name']} has no `-- description`")
        columns.append(read(match["name"], match["rest"], match["description"]))
    if not columns:
        raise TableDeclarationError(f"{file}: {head['schema']}.{head['name']} declares no columns")
    key = _PRIMARY_KEY.search(head["body"])
    return Table(
        schema=head["schema"],
        name=head["name"],
        description=_head_comment(ddl),
        columns=tuple(columns),
        key=tuple(part.strip() for part in key["key"].split(",")) if key else (),
        ddl=ddl,
    )


@cache
def declared(file: str) -> Table:
    """The table that a DDL file declares, such as ``camunda/ddl/process_documents.sql``."""
    return parse_ddl(read_sql(file), file)


def _column(name: str, rest: str, description: str) -> Column:
    return Column(
        name=name,
        type=_TYPE_ENDS.sub("", " " + rest).strip(),
        nullable="NOT NULL" not in rest,
        description=description.strip(),
        generated="GENERATED ALWAYS AS" in rest and "IDENTITY" not in rest,
        has_default="DEFAULT" in rest,
        definition=rest.strip(),
    )


def _clickhouse_column(name: str, rest: str, description: str) -> Column:
    type_ = _TYPE_ENDS.sub("", " " + rest).strip()
    clause = rest[len(type_) :]
    return Column(
        name=name,
        type=type_,
        nullable=re.match(r"(?:LowCardinality\()?Nullable\(", type_) is not None,
        description=description.strip(),
        generated=re.match(r"\s+(?:MATERIALIZED|ALIAS)\b", clause) is not None,
        has_default=re.match(r"\s+DEFAULT\b", clause) is not None,
        definition=rest.strip(),
    )


def _outside_parentheses(text: str) -> str:
    while (inner := _PARENTHESES.sub("", text)) != text:
        text = inner
    return text


def _head_comment(ddl: str) -> str:
    lines: list[str] = []
    for line in ddl.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return " ".join(lines)


def writer_lock(engine: str, table: str) -> str:
    """The name of the lock that a table's only writer holds, in a warehouse other than Postgres.

    Args:
        engine: the warehouse's.
        table: ``schema.name``.
    """
    return f"marts {engine} {table}"
