"""A table's form as ClickHouse itself words it, and in what two forms differ."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from marts_platform.core.sql import read_sql

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse_connect.driver.httpclient import HttpClient

# Of a replicated table, the engine's first two arguments say where its replicas meet.
_REPLICATED = re.compile(r"^(?:Replicated|Shared)(\w*MergeTree)(?:\('[^']*', '[^']*'(?:, )?([^()]*)\))?")
_CLAUSES = re.compile(
    r"^(?P<engine>.*?)"
    r"(?: PARTITION BY .*?)?(?: PRIMARY KEY .*?)?(?: ORDER BY .*?)?(?: SAMPLE BY .*?)?"
    r"(?: TTL (?P<ttl>.*?))?(?: SETTINGS (?P<settings>.*?))?$",
    re.S,
)
# No table has no name.
_NONE = "^$"
# A quoted text or name, what parts a list's elements, or anything between these.
_TOKEN = re.compile(r"'(?:[^'\\]|\\.|'')*'|`(?:[^`\\]|\\.)*`|[(),]|[^'`(),]+", re.S)
_ELEMENT = re.compile(r"^(?P<kind>INDEX|PROJECTION|CONSTRAINT) (?P<name>`(?:[^`\\]|\\.)*`|\S+)")
_SETTING = re.compile(r"(?P<name>\w+) = (?P<value>'(?:[^'\\]|\\.|'')*'|[^,]+)")
_COMMENT = re.compile(r" COMMENT '(?:[^'\\]|\\.|'')*'$")


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """A column: its type, the default's kind and expression, how it is compressed, its comment."""

    type: str
    default: str
    codec: str
    comment: str

    def __str__(self) -> str:
        return " ".join(filter(None, (self.type, self.default, self.codec)))

    def admits_null(self, wanted: LiveColumn) -> bool:
        """Return true if a column would only have to admit NULL to be another: no value changes by that."""
        return str(replace(self, type=f"Nullable({self.type})")) == str(wanted)


@dataclass(frozen=True, slots=True)
class Form:
    """A table's form.

    Attributes:
        columns: by name, in their order.
        clauses: engine, keys, TTL and settings, by keyword; '' for one that is not there.
        comment: the table's.
        elements: what stands beside the columns, as the server words it: by its kind and name, such as
            ``INDEX by_note``.
    """

    columns: Mapping[str, LiveColumn]
    clauses: Mapping[str, str]
    comment: str
    elements: Mapping[str, str]

    @property
    def settings(self) -> dict[str, str]:
        """The table's own settings."""
        return {found["name"]: found["value"] for found in _SETTING.finditer(self.clauses["SETTINGS"])}


def form_of(client: HttpClient, database: str, table: str) -> Form | None:
    """The form of a table that is there; None if it is not."""
    form, _ = form_and_others(client, database, table, database, _NONE)
    return form


def form_and_others(
    client: HttpClient, database: str, table: str, beside: str, pattern: str
) -> tuple[Form | None, list[str]]:
    """The form of a table, None if it is not there; and the tables of another database of some names.

    Args:
        client: of the server.
        database: the table's.
        table: its name.
        beside: the other database.
        pattern: a regular expression that the names there match.
    """
    values = {"database": database, "table": table, "beside": beside, "pattern": pattern}
    form: Form | None = None
    others: list[str] = []
    found = client.query(read_sql("clickhouse/live_table.sql"), parameters=values).result_rows
    for is_it, name, *rest in found:
        if is_it:
            form = _form(*rest)
        else:
            others.append(name)
    return form, others


def _form(
    engine_full: str,
    partition_key: str,
    sorting_key: str,
    primary_key: str,
    comment: str,
    create_table_query: str,
    columns: Sequence[tuple[str, str, str, str, str]],
) -> Form:
    return Form(
        {name: LiveColumn(type_, default, codec, note) for name, type_, default, codec, note in columns},
        {
            **_engine_clauses(engine_full),
            "PARTITION BY": partition_key,
            "ORDER BY": sorting_key,
            "PRIMARY KEY": primary_key,
        },
        comment,
        elements_of(create_table_query),
    )


def elements_of(create_table_query: str) -> dict[str, str]:
    """What stands beside the columns of a table, by its kind and name."""
    elements, depth = [""], 0
    for token in _TOKEN.findall(create_table_query):
        depth -= token == ")"
        if depth == 0 and token == ")":
            break
        if depth == 1 and token == ",":
            elements.append("")
        elif depth > 0:
            elements[-1] += token
        depth += token == "("
    found = [(text.strip(), _ELEMENT.match(text.strip())) for text in elements]
    return {f"{head['kind']} {head['name']}": text for text, head in found if head is not None}


def differences(declared: Form, live: Form) -> list[str]:
    """In what two forms differ, in words; comments, constraints and settings do not count.

    A staging table has a constraint more; without the same indexes and projections its parts could not be
    attached.
    """
    faults = [f"{name} is missing" for name in declared.columns.keys() - live.columns.keys()]
    faults += [f"{name} is not declared" for name in live.columns.keys() - declared.columns.keys()]
    faults += [
        f"{name} is {live.columns[name]}, declared {wanted}"
        for name, wanted in declared.columns.items()
        if name in live.columns and str(live.columns[name]) != str(wanted)
    ]
    faults += [
        f"{clause} is {live.clauses[clause] or 'not there'}, declared {wanted or 'none'}"
        for clause, wanted in declared.clauses.items()
        if clause != "SETTINGS" and live.clauses[clause] != wanted
    ]
    faults += [
        f"{name} is {live.elements.get(name, 'missing')}, declared {declared.elements.get(name, 'none')}"
        for name in declared.elements.keys() | live.elements.keys()
        if live.elements.get(name) != declared.elements.get(name) and not name.startswith("CONSTRAINT")
    ]
    return sorted(faults)


def _engine_clauses(engine_full: str) -> dict[str, str]:
    found = _CLAUSES.match(_COMMENT.sub("", engine_full))
    assert found is not None  # every part of it may be missing
    return {
        "ENGINE": _REPLICATED.sub(_plain, found["engine"]),
        "TTL": found["ttl"] or "",
        "SETTINGS": found["settings"] or "",
    }


def _plain(found: re.Match[str]) -> str:
    return found[1] + (f"({found[2]})" if found[2] else "")
