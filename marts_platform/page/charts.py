"""A chart is a file ``sql/<domain>/charts/<name>.sql``: adding one is adding a file.

The comment at its head says what it is::

    -- Orders a day
    -- What a reader should know of it, in a sentence or more.
    -- @engine clickhouse
    -- @kind bars
    -- @unit orders
    SELECT …

Its columns, by kind:

* ``bars`` (stacked) and ``lines``: x (a time, or a text for bars), y, and if there are several a series,
* ``ranking``: a label, a value, and if there are several a series,
* ``heatmap``: a column's label, a row's label, a value,
* ``tiles``: a label, a value, a remark,
* ``table``: any; a column ``state`` is shown as a badge.

Charts stand in the order of their files' names. ``@wide`` gives one the page's whole width.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from marts_platform.core import sql

if TYPE_CHECKING:
    from collections.abc import Sequence


class Kind(StrEnum):
    """How a chart is drawn."""

    BARS = "bars"
    LINES = "lines"
    RANKING = "ranking"
    HEATMAP = "heatmap"
    TILES = "tiles"
    TABLE = "table"


class Engine(StrEnum):
    """Where its query runs: a warehouse, or Dagster's own storage."""

    POSTGRES = "postgres"
    CLICKHOUSE = "clickhouse"
    MYSQL = "mysql"
    DAGSTER = "dagster"


class ChartDeclarationError(Exception):
    """A chart's file does not say what it is; the message names it."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart as its file declares it.

    Attributes:
        domain: whose it is.
        name: of its file.
        title: what it shows.
        note: what to know of it.
        engine: where its query runs.
        kind: how it is drawn.
        unit: of its values.
        is_wide: whether it takes the page's whole width.
    """

    domain: str
    name: str
    title: str
    note: str
    engine: Engine
    kind: Kind
    unit: str = ""
    is_wide: bool = False

    @property
    def file(self) -> str:
        """The SQL file."""
        return f"{self.domain}/charts/{self.name}.sql"


_OPTION = re.compile(r"@(?P<name>\w+)\s*(?P<value>.*)")


def parse_chart(domain: str, name: str, text: str) -> Chart:
    """Reads the comment at the head of a chart's file.

    Raises:
        ChartDeclarationError: a title, the engine or the kind is missing, or an option is unknown.
    """
    words: list[str] = []
    options: dict[str, str] = {}
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        comment = line.removeprefix("--").strip()
        if (found := _OPTION.fullmatch(comment)) is not None:
            options[found["name"]] = found["value"].strip()
        else:
            words.append(comment)
    where = f"{domain}/charts/{name}.sql"
    if unknown := set(options) - {"engine", "kind", "unit", "wide"}:
        raise ChartDeclarationError(f"{where}: no option @{', @'.join(sorted(unknown))}")
    if not words or not words[0]:
        raise ChartDeclarationError(f"{where}: its first line has to be a comment with the title")
    try:
        return Chart(
            domain,
            name,
            title=words[0].rstrip("."),
            note=" ".join(words[1:]),
            engine=Engine(options["engine"]),
            kind=Kind(options["kind"]),
            unit=options.get("unit", ""),
            is_wide="wide" in options,
        )
    except KeyError as error:
        raise ChartDeclarationError(f"{where}: `-- @{error.args[0]} …` is missing") from None
    except ValueError as error:
        raise ChartDeclarationError(f"{where}: {error}") from None


def charts_of(domain: str) -> list[Chart]:
    """The charts of a domain, in the order of their files' names."""
    files = sorted(sql.sql_root().glob(f"{domain}/charts/*.sql"))
    return [parse_chart(domain, file.stem, file.read_text("utf-8")) for file in files]


def domains_with_charts() -> Sequence[str]:
    """The folders of ``sql/`` that have charts, by name."""
    return sorted({file.parts[-3] for file in sql.sql_root().glob("*/charts/*.sql")})
