"""ClickHouse's DDL, rendered from the declarations: tables of another name, comments, clusters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from marts_platform import settings
from marts_platform.core.clickhouse import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from marts_platform.core.table import Column, Table

_BODY = re.compile(r"\((?P<body>.*?)^\)(?P<tail>.*)", re.S | re.M)
_OTHER_ELEMENT = re.compile(r"^    (?:INDEX|PROJECTION|CONSTRAINT)\b")
# In ClickHouse's grammar a column's comment stands behind its default, and before these.
_AFTER_COMMENT = re.compile(r"\s(?:CODEC|STATISTICS|TTL|COLLATE|SETTINGS)\b")
_ENGINE = re.compile(r"^ENGINE = (?P<family>\w*MergeTree)\b(?:\((?P<arguments>[^()]*)\))?", re.M)
_SETTING = re.compile(r"\{(\w+)\}")
# {shard} and {replica} are macros of each server's configuration.
_REPLICA = "'/clickhouse/tables/{shard}/{database}/{table}/{uuid}', '{replica}'"


def create_table(
    table: Table,
    database: str,
    name: str,
    *,
    cluster: str | None = None,
    if_not_exists: bool = False,
    more: Sequence[str] = (),
) -> str:
    """The statement that makes a table in the form that a file declares.

    Args:
        table: the declaration.
        database: where.
        name: what it is called there.
        cluster: on which cluster, with a replicated engine; None for this server alone.
        if_not_exists: whether one that is there is no fault.
        more: elements beside the declared ones, such as constraints.
    """
    found = _BODY.search(table.ddl)
    assert found is not None  # parse_ddl has read it
    others = [
        line.partition(" -- ")[0].strip().removesuffix(",")
        for line in found["body"].splitlines()
        if _OTHER_ELEMENT.match(line)
    ]
    elements = [*map(column_definition, table.columns), *others, *more]
    head = f"CREATE TABLE {'IF NOT EXISTS ' if if_not_exists else ''}{quoted(database, name)}"
    tail = with_settings(found["tail"].strip())
    return (
        f"{head}{on_cluster(cluster)} (\n    "
        + ",\n    ".join(elements)
        + f"\n)\n{replicated(tail) if cluster else tail}\nCOMMENT {literal(table.description)}"
    )


def with_settings(clauses: str) -> str:
    """The clauses behind a table's columns, ``{name}`` filled by the setting of that name.

    A TTL of no days is none: the clause is left out.
    """
    now = settings.load()
    lines: list[str] = []
    for line in clauses.splitlines():
        values = {name: getattr(now, name) for name in _SETTING.findall(line)}
        if line.startswith("TTL ") and 0 in values.values():
            continue
        lines.append(_SETTING.sub(lambda found, values=values: str(values[found[1]]), line))
    return "\n".join(lines)


def column_definition(column: Column) -> str:
    """A column as ``CREATE TABLE`` and ``ADD COLUMN`` take it, its description as its comment."""
    found = _AFTER_COMMENT.search(column.definition)
    place = found.start() if found else len(column.definition)
    before, after = column.definition[:place], column.definition[place:]
    return f"{quoted(column.name)} {before} COMMENT {literal(column.description)}{after}"


def replicated(clauses: str) -> str:
    """The clauses behind a table's columns, with the replicated engine in place of the plain one."""

    def engine(found: re.Match[str]) -> str:
        arguments = ", ".join(filter(None, (_REPLICA, (found["arguments"] or "").strip())))
        return f"ENGINE = Replicated{found['family']}({arguments})"

    return _ENGINE.sub(engine, clauses)


def on_cluster(cluster: str | None) -> str:
    """The clause of a statement that every server of a cluster shall run."""
    return f" ON CLUSTER {quoted(cluster)}" if cluster else ""
