"""The session of one load into ClickHouse: its names, its values, and the statements that it runs."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Any

from marts_platform import settings
from marts_platform.core.clickhouse import AGAIN, STAGING, bound, quoted, render
from marts_platform.core.clickhouse_repetition import staged_prefix
from marts_platform.core.sql import read_sql
from marts_platform.resources.clickhouse import repeat_replacements
from marts_platform.resources.clickhouse_ddl import on_cluster
from marts_platform.resources.clickhouse_form import form_and_others

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from clickhouse_connect.driver.httpclient import HttpClient

    from marts_platform.core.path import Mart
    from marts_platform.core.run_log import Run
    from marts_platform.core.window import Slice, Window
    from marts_platform.resources.clickhouse_form import Form

_log = logging.getLogger(__name__)

_PARTS = ("shadow", "replicated", "touched", "touched_part", "sent")


@dataclass(frozen=True, slots=True)
class Names:
    """The tables of one load; the names say whose they are, so that the next load can clear up.

    Attributes:
        stage: where rows arrive.
        shadow: a copy of the live table, or a part of it, that becomes it.
        replicated: on a cluster, the shadow on all of its servers.
        touched: the keys that a load rewrites.
        touched_part: those of them that one query rewrites.
        sent: a stream's values as texts, where some of them are no values of their columns.
    """

    stage: str
    shadow: str
    replicated: str
    touched: str
    touched_part: str
    sent: str

    @classmethod
    def of(cls, mart: Mart, slice_: Slice, run: Run) -> Names:
        """The names of a load."""
        key = re.sub(r"\W", "", (slice_.partition_key or "whole").replace("_", ""))
        stem = f"{staged_prefix(mart.table)}{key}__{run.run_id.replace('-', '')[:8]}"
        return cls(stem, *(f"{stem}__{part}" for part in _PARTS))


class ClickHouseSession:
    """What staging and publication share.

    Attributes:
        client: of the warehouse, for this load alone.
        mart: what is loaded.
        slice: which part of it.
        run: who loads it.
        names: of the load's own tables, bare.
        table: the published table's name, quoted.
        days: of a keyed mart without partitions, the days of its upstream loaded since its own last load.
        live: the published table's form, None where there is no such table.
        cluster: on which the published table is replicated; staging tables are this server's.
    """

    def __init__(self, client: HttpClient, mart: Mart, slice_: Slice, run: Run) -> None:
        self.client = client
        self.mart = mart
        self.slice = slice_
        self.run = run
        self.names = Names.of(mart, slice_, run)
        self.table = quoted(mart.table.schema, mart.table.name)
        self.days: Sequence[str] = ()
        self.cluster = settings.load().clickhouse_cluster
        self.live: Form | None = None
        self._made: list[str] = []

    @property
    def stage(self) -> str:
        """The staging table's name, quoted."""
        return quoted(STAGING, self.names.stage)

    @property
    def shadow(self) -> str:
        """The shadow's name, quoted."""
        return quoted(STAGING, self.names.shadow)

    @property
    def bounds(self) -> dict[str, object]:
        """The values that every statement may take."""
        window = self.slice.window
        values: dict[str, object] = {
            "staged": self.names.stage,
            "touched": self.names.touched,
            "days": list(self.days),
        }
        return values | ({"start": window.start, "end": window.end} if window else {})

    def execute(self, file: str, values: Mapping[str, object] | None = None, **places: str) -> None:
        """Runs the statement of a file that gives no rows."""
        self.command(render(file, **places), values)

    def command(self, statement: str, values: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Runs a statement that gives no rows, and returns the server's figures of it."""
        answer = self.client.command(statement, parameters=bound(statement, values or {}))
        return getattr(answer, "summary", {})

    def rows(
        self, file: str, values: Mapping[str, object] | None = None, **places: str
    ) -> Sequence[Sequence[Any]]:
        """The rows of a file's statement: few."""
        statement = render(file, **places)
        return self.client.query(statement, parameters=bound(statement, values or {})).result_rows

    def names_of(self, file: str, values: Mapping[str, object] | None = None, **places: str) -> list[str]:
        """The first column of a file's statement."""
        return [row[0] for row in self.rows(file, values, **places)]

    def query(self, file: str, params: Mapping[str, object], **places: str) -> tuple[str, dict[str, Any]]:
        """A domain's query with what it is bound to; `params` join what every statement may take."""
        text = render(file, **places) if places else read_sql(file)
        return text, bound(text, {**self.bounds, **params}) or {}

    def make(self, name: str, statement: str, values: Mapping[str, Any] | None = None) -> None:
        """Runs the statement that makes one of the load's own tables."""
        self._made.append(name)
        self.client.command(statement, parameters=dict(values or {}) or None)

    def look(self) -> None:
        """Sees how the published table is, and clears up what killed loads of it have left.

        The caller is the table's only writer.
        """
        table = self.mart.table
        pattern = f"^{staged_prefix(table)}[0-9A-Za-z]+__[0-9a-z]{{1,8}}(__[a-z_]+)?$"
        self.live, leftovers = form_and_others(self.client, table.schema, table.name, STAGING, pattern)
        if kept := {name for name in leftovers if name.endswith(AGAIN)}:
            repeat_replacements(self.client, kept)
        for name in leftovers:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Drops a staging table, and what a swap on a cluster has left on its other servers."""
        on = on_cluster(self.cluster)
        self.execute("clickhouse/drop_table.sql", table=quoted(STAGING, name), on_cluster=on)

    def drop_own_tables(self) -> None:
        """Drops what the load has made; a fault is only logged, since the next load clears up."""
        from clickhouse_connect.driver.exceptions import Error

        try:
            while self._made:
                self.drop(self._made[-1])
                self._made.pop()
        except Error as fault:
            _log.warning("%s: staging tables stay until the next load: %s", self.mart.asset, fault)

    def keep_until_replaced(self, name: str) -> str:
        """Has a REPLACE PARTITION from one of the load's tables repeated, if the server is killed amid it.

        Returns:
            The table's name from now on, quoted.
        """
        kept = name + AGAIN
        table, other = quoted(STAGING, name), quoted(STAGING, kept)
        self._made.append(kept)
        self.execute("clickhouse/rename_table.sql", table=table, other=other)
        self._made.remove(name)
        return other


def within(column: str, type_: str, window: Window) -> str:
    """The condition that a row belongs to a window, as SQL.

    Args:
        column: the time column.
        type_: its type; a day belongs to the window in which it begins, in UTC.
        window: its bounds are whole days where the column holds days.

    Raises:
        ValueError: the column is no time, or the window's bounds lie within its days.
    """
    bare = re.sub(r"^(?:Nullable|LowCardinality)\((.*)\)$", r"\1", type_)
    name = quoted(column)
    if bare in ("Date", "Date32"):
        if any(bound.time() != time() for bound in (window.start, window.end)):
            raise ValueError(f"{column} holds days, and {window} does not begin and end with one (UTC)")
        start, end = (f"toDate32('{moment.date().isoformat()}')" for moment in (window.start, window.end))
    elif bare.startswith("DateTime"):
        start, end = (f"toDateTime64('{_text(moment)}', 6, 'UTC')" for moment in (window.start, window.end))
    else:
        raise ValueError(f"{column} is {type_}: windows are of a Date or a DateTime column")
    return f"({name} >= {start} AND {name} < {end})"


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
