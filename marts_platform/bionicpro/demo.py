"""BionicPRO's demo: a month of telemetry, and a CRM that knows most of its users, and some twice."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import psycopg2
from psycopg2.sql import SQL, Identifier

from marts_platform.core.demo import Demo, Shown, parts
from marts_platform.core.sql import compose

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

USERS = 200
DAYS = 30
_INDEXES = ("user_id", "prosthesis_id", "created_at", "user_id, date(created_at)")
_FIRST_NAMES = ("Анна", "Ben", "Chiara", "Дмитрий", "Elif", "Frida", "Григорий", "Hana", "Igor", "Zoë")
_LAST_NAMES = ("Иванова", "Smith", "Rossi", "Кузнецов", "Yılmaz", "Kahlo", "Петров", "Suzuki", "O'Brien")
_STATUSES = ("active", "active", "active", "paused", "new")


def create_telemetry(connection: Connection) -> None:
    """Makes the source's table and its indexes where they are missing."""
    with connection, connection.cursor() as cursor:
        cursor.execute(compose("bionicpro/source/demo/create_telemetry.sql"))
        for number, columns in enumerate(_INDEXES, start=1):
            names = {"index": Identifier(f"telemetry_data_{number}"), "columns": SQL(columns)}
            cursor.execute(compose("bionicpro/source/demo/create_index.sql", names))


def fill_telemetry(connection: Connection, *, users: int, days: int, until: date) -> int:
    """Replaces the source's rows by generated ones, the same for the same arguments.

    Args:
        connection: of the source.
        users: from 1 on.
        days: how many.
        until: the day after the last one, in the source's zone.

    Returns:
        How many rows there are.
    """
    values = {"users": users, "first": until - timedelta(days=days), "last": until - timedelta(days=1)}
    with connection, connection.cursor() as cursor:
        cursor.execute(compose("bionicpro/source/demo/create_unit.sql"))
        cursor.execute(compose("bionicpro/source/demo/empty_telemetry.sql"))
        cursor.execute(compose("bionicpro/source/demo/fill_telemetry.sql"), values)
        return cursor.rowcount


def crm_records(users: int) -> list[Any]:
    """What the CRM tells: one user in fifty is missing, one in forty is there twice, three are unreadable."""
    told: list[Any] = [_customer(user) for user in range(1, users + 1) if user % 50]
    told += [_customer(user, "2019-05-01") for user in range(40, users + 1, 40)]
    told += [
        _customer(3) | {"order_date": "15.01.2024"},
        _customer(4) | {"user_id": "four"},
        {"email": "nobody@example.com"},
    ]
    return told


def _customer(user: int, order_date: str | None = None) -> dict[str, Any]:
    chance = random.Random(user)
    ordered = date(2021, 1, 1) + timedelta(days=chance.randrange(1500))
    return {
        "user_id": user,
        "email": f"user{user}@example.com",
        "first_name": chance.choice(_FIRST_NAMES),
        "last_name": chance.choice(_LAST_NAMES),
        "prosthesis_id": f"PROT-{user:03}",
        "order_date": order_date or ordered.isoformat(),
        "status": chance.choice(_STATUSES),
    }


def _seed(address: Callable[[str], str], scale: float) -> str:
    users = max(round(USERS * scale), 5)

    def telemetry() -> str:
        today = datetime.now(UTC).date()
        with closing(psycopg2.connect(address("telemetry"))) as connection:
            create_telemetry(connection)
            rows = fill_telemetry(connection, users=users, days=DAYS, until=today)
        return f"{rows:,} actions of {users:,} users in {DAYS} days"

    def crm() -> str:
        records = crm_records(users)
        file = Path(unquote(urlsplit(address("crm")).path))
        aside = file.with_suffix(".new")
        aside.write_text(json.dumps({"users": records}), "utf-8")
        aside.rename(file)  # the CRM may be reading it
        return f"{len(records):,} records in the CRM"

    return parts(telemetry, crm)


DEMO = Demo(
    seed=_seed,
    shown=[
        Shown(
            "clickhouse",
            "bionicpro_reports.reports_data_mart: the newest day's most active users",
            "bionicpro/shown/most_active.sql",
        ),
        Shown(
            "clickhouse",
            "bionicpro_reports.user_reports_summary: averages that stay averages, however rows are merged",
            "bionicpro/shown/newest_summaries.sql",
        ),
    ],
    hints=["marts report bionicpro", "marts report bionicpro user_period --param user_id=10"],
)
