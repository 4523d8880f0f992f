"""The chat's star schema in these tests: loaded through the platform, read as the oracle says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from marts_platform import materialization, settings
from marts_platform.chat import assets
from marts_platform.chat.sources import ChatSource
from marts_platform.core.mart import slice_of
from marts_platform.core.path import Extract, load_slice
from marts_platform.core.pending import Batch
from marts_platform.core.rows import Query
from marts_platform.core.run_log import Run
from marts_platform.core.window import Slice
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform_tests.chat import oracle

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from marts_platform.core.mart import RegisteredMart
    from marts_platform.core.path import Outcome
    from marts_platform.core.rows import Rows
    from marts_platform.materialization import AssetResult

KEYS = {
    "message_facts": ("message_id",),
    "chat_facts": ("chat_id",),
    "user_dimension": ("id",),
    "daily_activity_facts": ("date_id",),
    "hourly_activity_facts": ("date_id", "hour_of_day"),
    "time_dimension": ("id",),
}
REPLICAS = ("chat/users", "chat/products", "chat/chats")
# What the platform keeps for itself.
_OWN_COLUMNS = {"facts_checksum", "checksum"}


class Star:
    """The warehouse's chat."""

    def __init__(self, instance: DagsterInstance) -> None:
        self.instance = instance

    def clear(self) -> None:
        """Empties every table of the chat's, and the run log's copy."""
        with ClickHouseResource().client(database="default") as client:
            for database, table in client.query(
                "SELECT database, name FROM system.tables "
                "WHERE database IN ('chat_raw', 'chat_analytics') AND engine != 'View'"
            ).result_rows:
                client.command(f"TRUNCATE TABLE {database}.{table}")
            client.command("TRUNCATE TABLE ops.etl_run_log_entries")

    def load_pending(self, selection: str = "chat", *, with_checks: bool = False) -> list[AssetResult]:
        """What is new, changed or failed, as ``marts materialize`` without days does it."""
        work = materialization.pending_batches(materialization.select(selection))
        return materialization.materialize(work, self.instance, with_checks=with_checks)

    def load(self, first: date, end: date, selection: str = "chat") -> list[AssetResult]:
        """The days from ``first`` up to, and without, ``end``."""
        work = materialization.days_between(first, end, materialization.select(selection))
        return materialization.materialize(work, self.instance, with_checks=False)

    def pending(self) -> list[Batch]:
        """What a load of what is pending would do."""
        return materialization.pending_batches(materialization.select("chat"))

    def load_bare(self) -> list[Outcome]:
        """Loads what is pending without Dagster around it, as a run does, and quicker."""
        return self._load_batches(self.pending())

    def load_computed(self) -> None:
        """Loads what is computed of all days."""
        known = [found.mart for found in materialization.select("chat")]
        computed = [mart.asset for mart in known if not mart.is_partitioned and mart.asset not in REPLICAS]
        self._load_batches([Batch((), tuple(computed))])

    def load_assets(self, *names: str, day: date | None = None) -> None:
        """Loads some assets one after another, of a day or as whole tables."""
        keys = (day.isoformat(),) if day else ()
        self._load_batches([Batch(keys, tuple(f"chat/{name}" for name in names))])

    def _load_batches(self, work: Iterable[Batch]) -> list[Outcome]:
        registered = {found.mart.asset: found for found in materialization.select("chat")}
        run = Run(str(uuid4()), str(uuid4()))
        return [
            _load(registered[asset], key, run)
            for batch in work
            for asset in batch.assets
            for key in batch.partition_keys or (None,)
        ]

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a statement."""
        with ClickHouseResource().client(database="default") as client:
            return [tuple(row) for row in client.query(statement).result_rows]

    def ask_to(self, statement: str) -> None:
        """Runs a statement that gives no rows, behind the platform's back."""
        with ClickHouseResource().client(database="default") as client:
            client.command(statement)

    def one(self, statement: str) -> Any:
        """The one value of a statement, or its one row."""
        (row,) = self.ask(statement)
        return row[0] if len(row) == 1 else row

    def table(self, name: str) -> oracle.Table:
        """A table's rows by key.

        Raises:
            AssertionError: two rows have the same key.
        """
        with ClickHouseResource().client(database="default") as client:
            answer = client.query(f"SELECT * FROM chat_analytics.{name}")
        found: oracle.Table = {}
        for values in answer.result_rows:
            row = {
                column: value.replace(tzinfo=None) if isinstance(value, datetime) else value
                for column, value in zip(answer.column_names, values, strict=True)
                if column not in _OWN_COLUMNS
            }
            key = tuple(row[column] for column in KEYS[name])
            key = key[0] if len(key) == 1 else key
            assert key not in found, (name, key)
            found[key] = row
        return found

    def expect(self, source: oracle.Source, thresholds: oracle.Thresholds = oracle.DEFAULT) -> None:  # frozen
        """Every table is, row by row and column by column, what the oracle says.

        Raises:
            AssertionError: one is not; the message shows the first difference of it.
        """
        for name, wanted in oracle.star(source, thresholds).items():
            found = self.table(name)
            keys = found.keys() | wanted.keys()
            unlike = {
                key: (found.get(key), wanted.get(key)) for key in keys if found.get(key) != wanted.get(key)
            }
            assert not unlike, (
                f"{name}: {len(unlike)} of {len(wanted)} rows: (found, wanted): {next(iter(unlike.items()))}"
            )


def days_from(first: date, count: int) -> list[date]:
    """Consecutive days."""
    return [first + timedelta(days=number) for number in range(count)]


def _load(registered: RegisteredMart, key: str | None, run: Run) -> Outcome:
    definition = registered.partitions_def
    slice_ = slice_of(definition, key) if key is not None and definition is not None else Slice()
    return load_slice(ClickHouseIOManager(), registered.mart, slice_, run, lambda: _rows(registered, slice_))


def _rows(registered: RegisteredMart, slice_: Slice) -> Extract | Rows:
    name = registered.mart.asset.removeprefix("chat/")
    if name == "messages":
        return ChatSource().messages(slice_)
    if registered.source is not None:
        return ChatSource().table(name)
    now = settings.load()
    computed: dict[str, Callable[[], Extract | Rows]] = {
        "chat_facts": lambda: Query("chat/marts/chat_facts.sql"),
        "time_dimension": lambda: Query("chat/marts/time_dimension.sql"),
        "user_dimension": lambda: Extract(
            Query(
                "chat/marts/user_dimension.sql",
                {"high_activity": now.chat_high_activity, "medium_activity": now.chat_medium_activity},
            ),
            scope=assets.activity_scope(),
        ),
    }
    return computed[name]() if name in computed else Extract(None)
