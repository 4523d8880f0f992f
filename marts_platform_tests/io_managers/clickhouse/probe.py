"""The tests' own domain with its mart in ClickHouse."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

import clickhouse_connect
from typing_extensions import override

from marts_platform.core.clickhouse import STAGING
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform_tests.io_managers.probe import COLUMNS, Probe, Row

if TYPE_CHECKING:
    from collections.abc import Generator

    from clickhouse_connect.driver.client import Client

    from marts_platform.core.rows import Query
    from marts_platform.core.window import Slice
    from marts_platform.resources.postgres import CopyOut

TABLE = """
-- Readings of sensors.
CREATE TABLE probe.readings (
    at DateTime64(6, 'UTC'), -- When it was read.
    sensor Int32, -- Which sensor.
    value Nullable(String) -- What it read.
)
ENGINE = MergeTree
"""
BY_MONTH = TABLE + "PARTITION BY toYYYYMM(at)\nORDER BY (sensor, at)"
BY_DAY = TABLE + "PARTITION BY toDate(at)\nORDER BY (sensor, at)"
UNPARTITIONED = TABLE + "ORDER BY (sensor, at)"
FEED = """
SELECT at, sensor, value
FROM probe.feed
WHERE at >= {start:DateTime64(6, 'UTC')} AND at < {end:DateTime64(6, 'UTC')}
"""
WHOLE_FEED = "SELECT at, sensor, value FROM probe.feed"
POSTGRES_FEED = "SELECT at, sensor, value FROM probe.feed WHERE at >= %(start)s AND at < %(end)s"


@contextmanager
def connected(url: str) -> Generator[Client]:
    """A client that looks at the server from outside the platform."""
    client = clickhouse_connect.get_client(dsn=url, autogenerate_session_id=False, tz_mode="aware")
    try:
        yield client
    finally:
        client.close()


@dataclass
class ClickHouseProbe(Probe):
    """The domain with its mart in ClickHouse; `warehouse` holds the run log and the feed.

    Attributes:
        url: of the ClickHouse server.
    """

    manager: PostgresIOManager | ClickHouseIOManager = field(default_factory=ClickHouseIOManager)
    engine: str = "clickhouse"
    url: str = ""

    def ask(self, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a statement, times aware."""
        with connected(self.url) as client:
            return [tuple(row) for row in client.query(statement, parameters or None).result_rows]

    def one(self, statement: str) -> Any:
        """The one value of a statement."""
        ((value,),) = self.ask(statement)
        return value

    def do(self, *statements: str) -> None:
        """Runs statements that give no rows."""
        with connected(self.url) as client:
            for statement in statements:
                client.command(statement)

    @override
    def create(self, ddl: str = BY_MONTH, *indexes: str) -> None:
        self.write_sql("probe/ddl/readings.sql", ddl.strip())
        self.do(_plain(ddl), *indexes)

    @override
    def feed(self, *rows: Row) -> None:
        super().feed(*rows)
        with connected(self.url) as client:
            client.command("TRUNCATE TABLE probe.feed")
            if rows:
                lines = "".join(
                    f"{at.astimezone(UTC).isoformat()}\t{sensor}\t{_text(value)}\n"
                    for at, sensor, value in rows
                )
                client.raw_insert(
                    "probe.feed",
                    list(COLUMNS),
                    lines.encode(),
                    {"date_time_input_format": "best_effort"},
                    "TabSeparated",
                )

    @override
    def query(self, text: str = FEED, **params: object) -> Query:
        return super().query(text, **params)

    @override
    def stream(self, slice_: Slice, text: str = POSTGRES_FEED, columns: Sequence[str] = COLUMNS) -> CopyOut:
        return replace(super().stream(slice_, text, columns), format="postgres-text")

    @override
    def published(self) -> list[Row]:
        return self.ask("SELECT at, sensor, value FROM probe.readings ORDER BY at, sensor, value")

    @override
    def leftovers(self) -> list[str]:
        return [
            name
            for (name,) in self.ask("SELECT name FROM system.tables WHERE database = {d:String}", d=STAGING)
        ]


def _plain(ddl: str) -> str:
    return "\n".join(line.partition(" -- ")[0] for line in ddl.splitlines() if not line.startswith("--"))


def _text(value: str | None) -> str:
    if value is None:
        return "\\N"
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
