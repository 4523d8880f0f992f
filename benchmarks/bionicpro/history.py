"""Years of reports, made by ClickHouse itself, and months of them taken away and put back without copying."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from marts_platform.core.sql import read_sql

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

MART = "bionicpro_reports.reports_data_mart"
_KEPT = "default.kept_months"
_FILL = """
    INSERT INTO bionicpro_reports.reports_data_mart
    SELECT
        1 + intDiv(number, {days:UInt32}) AS user_id, concat('user', toString(user_id), '@example.com'),
        'User', concat('Number ', toString(user_id)), concat('PROT-', toString(user_id)) AS prosthesis_id,
        {first:Date} + number % {days:UInt32} AS report_date, 5 + cityHash64(number) % 12,
        55 + cityHash64(number, 1) % 600 / 10, 120, 50, 4, 3, 2, 20 + cityHash64(number, 2) % 800 / 10, 10,
        cityHash64(number, 3) % 3600 AS seconds, seconds / 3600, 12, 90, '2021-01-15', 'active', now(),
        now(), 5, 5, 5, true, true, now()
    FROM numbers({users:UInt64} * {days:UInt64})
"""
_CUSTOMERS = """
    INSERT INTO bionicpro_raw.crm_users
    SELECT
        now64(6), 1 + number AS user_id, concat('user', toString(user_id), '@example.com'), 'User',
        concat('Number ', toString(user_id)), concat('PROT-', toString(user_id)), '2021-01-15', 'active'
    FROM numbers({users:UInt64})
"""


def months_until(last: date, count: int) -> list[tuple[date, date]]:
    """Each of the newest months: its first day, and the day after its last one; `last` ends the newest."""
    found: list[tuple[date, date]] = []
    end = last + timedelta(days=1)
    while len(found) < count:
        first = (end - timedelta(days=1)).replace(day=1)
        found.append((first, end))
        end = first
    return found[::-1]


def today() -> date:
    """The last day of the reports."""
    return datetime.now(UTC).date()


class History:
    """The mart's months."""

    def __init__(self, client: Client, users: int, months: int) -> None:
        self._client = client
        self._users = users
        self._months = months_until(today(), months)
        # A month that is complete, and a day within it.
        self.day = self._months[-2][0] + timedelta(days=14)

    @property
    def rows(self) -> int:
        """How many reports there are now."""
        return self._one(f"SELECT count() FROM {MART}")  # noqa: S608 # a name of our own

    def customers(self) -> None:
        """A snapshot of the CRM that knows every user."""
        self._client.command(_CUSTOMERS, parameters={"users": self._users})

    def fill(self) -> None:
        """All months, each as one insert."""
        self._client.command(f"TRUNCATE TABLE {MART}")
        for first, end in self._months:
            values = {"first": first, "days": (end - first).days, "users": self._users}
            self._client.command(_FILL, parameters=values)
        # What a warehouse has done with the parts of years by the time somebody asks.
        self._client.command(f"OPTIMIZE TABLE {MART} FINAL")
        self._client.command(f"CREATE TABLE {_KEPT} AS {MART}")

    def shorten(self) -> None:
        """Takes all months but that of `day` away."""
        for partition in self._others(MART):
            self._client.command(f"ALTER TABLE {_KEPT} REPLACE PARTITION ID '{partition}' FROM {MART}")
            self._client.command(f"ALTER TABLE {MART} DROP PARTITION ID '{partition}'")

    def lengthen(self) -> None:
        """Puts them back."""
        for partition in self._others(_KEPT):
            self._client.command(f"ALTER TABLE {MART} REPLACE PARTITION ID '{partition}' FROM {_KEPT}")

    def settle(self) -> None:
        """Merges what the last rewrite has left, so that the next one does not meet it."""
        self._client.command(f"OPTIMIZE TABLE {MART} PARTITION ID '{self.day:%Y%m}' FINAL")

    def rows_read_of_users(self, users: Sequence[int]) -> Iterator[int]:
        """How many rows the server reads for a user's month, of the last 30 days."""
        since = today() - timedelta(days=29)
        for user in users:
            values = {"user_id": user, "since": since, "until": today() + timedelta(days=1)}
            yield self._read("bionicpro/report/user_period.sql", values)

    def rows_read_of_all(self) -> tuple[int, int]:
        """How many rows it reads for the last 30 days of all users, and how many their months have."""
        read = self._read("bionicpro/report/all_users.sql", {"days": 30, "limit": 20})
        since = today() - timedelta(days=29)
        touched = f"SELECT count() FROM {MART} WHERE toYYYYMM(report_date) >= toYYYYMM(toDate('{since}'))"  # noqa: S608
        return read, self._one(touched)

    def _read(self, file: str, values: dict[str, Any]) -> int:
        summary: dict[str, Any] = self._client.query(read_sql(file), parameters=values).summary
        return int(summary["read_rows"])

    def _others(self, table: str) -> list[str]:
        listed = f"SELECT DISTINCT _partition_id FROM {table} WHERE _partition_id != '{self.day:%Y%m}'"  # noqa: S608
        return [row[0] for row in self._client.query(listed).result_rows]

    def _one(self, statement: str) -> int:
        return int(self._client.query(statement).result_rows[0][0])
