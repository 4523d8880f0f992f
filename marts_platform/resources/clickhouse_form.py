"""A table's form as ClickHouse itself words it, and in what two forms differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marts_platform.core.sql import read_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clickhouse_connect.driver.httpclient import HttpClient

# Of a replicated table, the engine's first two arguments say where its replicas meet.
_REPLICATED = re.compile(r"^(?:Replicated|Shared)(\w*MergeTree)(?:\('[^']*', '[^']*'(?:, )?([^()]*)\))?")
_CLAUSES = re.compile(
    r"^(?P<engine>.*?)"
    r"(?: PARTITION BY .*?)?(?: PRIMARY KEY .*?)?(?: ORDER BY .*?)?(?: SAMPLE BY .*?)?"
    r"(?: TTL (?P<ttl>.*?))?(?: SETTINGS (?P<settings>.*?))?$",
    re.S,
)
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


@dataclass(frozen=True, slots=True)
class Form:
    """A table's form.

    Attributes:
        columns: by name, in their order.
        clauses: engine, keys, TTL and settings, by keyword; '' for one that is not there.
        comment: the table's.
    """

    columns: Mapping[str, LiveColumn]
    clauses: Mapping[str, str]
    comment: str


def form_of(client: HttpClient, database: str, table: str) -> Form | None:
    """The form of a table that is there; None if it is not."""
    values = {"database": database, "table": table}
    described = client.query(read_sql("clickhouse/live_table.sql"), parameters=values).result_rows
    if not described:
        return None
    engine_full, partition_key, sorting_key, primary_key, comment = (str(part) for part in described[0])
    columns = client.query(read_sql("clickhouse/live_columns.sql"), parameters=values).result_rows
    return Form(
        {name: LiveColumn(type_, default, codec, note) for name, type_, default, codec, note in columns},
        {
            **_engine_clauses(engine_full),
            "PARTITION BY": partition_key,
            "ORDER BY": sorting_key,
            "PRIMARY KEY": primary_key,
        },
        comment,
    )


def differences(declared: Form, live: Form) -> list[str]:
    """In what two forms differ, in words; comments and settings do not count."""
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
