"""Publication in ClickHouse: one statement makes staged rows the table's, and readers see all of it at once.

A partition is replaced, dropped or attached atomically; several are not, even within one ALTER. So a
publication that concerns several goes through a copy of the table (hard links, no rows are copied), which
then takes its place. One that concerns a part of a partition goes through a copy of that. The caller is the
table's only writer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from marts_platform.core.clickhouse import STAGING, quoted
from marts_platform.core.path import Keyed, Replace
from marts_platform.io_managers.clickhouse_session import within
from marts_platform.resources.clickhouse_ddl import create_table, on_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from marts_platform.io_managers.clickhouse_session import ClickHouseSession
    from marts_platform.io_managers.clickhouse_staging import Staging

_ATTACH = "clickhouse/attach_partition.sql"
_REPLACE = "clickhouse/replace_partition.sql"


def replaced(session: ClickHouseSession, keys: Sequence[str]) -> str | None:
    """The condition of the published rows that a load replaces; None if it replaces all of them, or none.

    Args:
        session: of the load.
        keys: of a keyed mart, the columns that tell its rows apart.
    """
    publication, window = session.mart.publication, session.slice.window
    if isinstance(publication, Keyed):
        names = ", ".join(map(quoted, keys))
        touched = quoted(STAGING, session.names.touched)
        return f"(({names}) IN (SELECT {names} FROM {touched}))"  # noqa: S608 # quoted names
    if isinstance(publication, Replace) and publication.column is not None and window is not None:
        column = session.mart.table.column(publication.column)
        return within(column.name, column.type, window)
    return None


class Publisher:
    """Publishes the staged rows of one load, in two steps: what takes long, and what readers see.

    Args:
        session: of the load.
        staging: what the load has staged.
        before: called right before the one statement that readers will see.
    """

    def __init__(self, session: ClickHouseSession, staging: Staging, before: Callable[[], None]) -> None:
        self._session = session
        self._gone = replaced(session, staging.keys)
        self._staged = sorted(staging.partitions)
        self._old = sorted(staging.partitions_before)
        self._before = before

    def prepare(self) -> Callable[[], None]:
        """Prepares all that readers do not see, however long it takes.

        Returns:
            What makes the staged rows the table's, at once.
        """
        publication = self._session.mart.publication
        if isinstance(publication, Replace) and self._gone is None:
            self._fill_shadow([], None)
            return self._exchange()
        concerned = sorted({*self._staged, *self._old})
        if not concerned:
            return self._before
        if len(concerned) == 1:
            gone = self._gone if self._old else None
            return self._rewrite_partition(concerned[0], gone, has_staged=bool(self._staged))
        everywhere = self._session.names_of("clickhouse/partitions.sql", table=self._session.table)
        self._fill_shadow(everywhere, self._gone if self._old else None)
        return self._exchange()

    def _rewrite_partition(self, partition: str, gone: str | None, *, has_staged: bool) -> Callable[[], None]:
        session = self._session
        if gone is None:
            # Nothing goes, and what is there stays.
            values = {"partition": partition}
            return partial(self._end, _ATTACH, values, table=session.table, source=session.stage)
        stays = session.names_of(
            "clickhouse/partitions_beyond.sql",
            {"partitions": [partition]},
            table=session.table,
            condition=gone,
        )
        if stays:
            self._fill_shadow([partition], gone)
            return partial(self._replace_partition, partition, session.names.shadow)
        if has_staged:
            return partial(self._replace_partition, partition, session.names.stage)
        values = {"partition": partition}
        return partial(self._end, "clickhouse/drop_partition.sql", values, table=session.table)

    def _replace_partition(self, partition: str, name: str) -> None:
        session = self._session
        source = quoted(STAGING, name) if session.cluster else session.keep_until_replaced(name)
        self._end(_REPLACE, {"partition": partition}, table=session.table, source=source)

    def _end(self, file: str, values: dict[str, str], **places: str) -> None:
        """Runs the one statement that readers see."""
        self._before()
        self._session.execute(file, values, **places)

    def _fill_shadow(self, partitions: Sequence[str], gone: str | None) -> None:
        """Makes the shadow: partitions of the live table without the rows that go, and the staged rows."""
        session = self._session
        session.make(session.names.shadow, create_table(session.mart.table, STAGING, session.names.shadow))
        for partition in partitions:
            self._move(_ATTACH, session.shadow, partition, session.table)
        if gone is not None:
            session.execute("clickhouse/delete_rows.sql", table=session.shadow, condition=gone)
        for partition in self._staged:
            self._move(_ATTACH, session.shadow, partition, session.stage)

    def _exchange(self) -> Callable[[], None]:
        session = self._session
        other, on = session.shadow, on_cluster(session.cluster)
        if session.cluster:
            other = self._replicate_shadow(session.cluster)
        file = "clickhouse/exchange_tables.sql"
        return partial(self._end, file, {}, table=session.table, other=other, on_cluster=on)

    def _replicate_shadow(self, cluster: str) -> str:
        """Brings the shadow to all servers of the cluster, complete before any of them is swapped."""
        session = self._session
        name = session.names.replicated
        table = quoted(STAGING, name)
        session.make(name, create_table(session.mart.table, STAGING, name, cluster=cluster))
        for partition in session.names_of("clickhouse/partitions.sql", table=session.shadow):
            self._move(_ATTACH, table, partition, session.shadow)
        session.execute("clickhouse/sync_replica.sql", table=table, on_cluster=on_cluster(cluster))
        return table

    def _move(self, file: str, table: str, partition: str, source: str) -> None:
        self._session.execute(file, {"partition": partition}, table=table, source=source)
