"""The chat's demo: a generated chat in the embedded MySQL, and what is worth a look in the star schema."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, time
from urllib.parse import unquote, urlsplit

from marts_platform.chat.demo.generated import Size, days, products, users
from marts_platform.chat.demo.schema import create_source, empty_source, write
from marts_platform.core.demo import Demo, Shown

_USERS, _MESSAGES, _DAYS = 1000, 100_000, 14


def fill(url: str, size: Size) -> str:
    """Makes the chat's tables in a database and fills them; what is there is replaced.

    Args:
        url: of the database, for somebody who may make tables.
        size: how much is generated.

    Returns:
        What was made, in words.
    """
    import pymysql

    parts = urlsplit(url)
    with contextlib.closing(
        pymysql.connect(
            host=parts.hostname,
            port=parts.port or 3306,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=parts.path.strip("/"),
            charset="utf8mb4",
        )
    ) as connection:
        create_source(connection)
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM messages")
            row = cursor.fetchone()
        if row is not None and row[0] >= size.messages:
            return f"{row[0]:,} messages were there already"
        empty_source(connection)
        made = write(connection, "users", users(size))
        write(connection, "products", products(size))
        chats = messages = 0
        for day in days(size):
            chats += write(connection, "chats", day.chats)
            messages += write(connection, "messages", day.messages)
    return f"{messages:,} messages of {made:,} users in {chats:,} chats over {size.days} days"


def _seed(owner_url: Callable[[str], str], scale: float) -> str:
    today = datetime.combine(datetime.now(UTC).date(), time.min)  # naive, as MySQL's times are
    users_wanted, messages_wanted = max(int(_USERS * scale), 10), max(int(_MESSAGES * scale), 30)
    return fill(owner_url("chatdb"), Size(users_wanted, messages_wanted, _DAYS, today))


DEMO = Demo(
    seed=_seed,
    shown=(
        Shown(
            "clickhouse",
            "chat_analytics.daily_activity_facts: the newest days of the chat",
            "chat/shown/newest_days.sql",
        ),
        Shown(
            "clickhouse",
            "chat_analytics.user_dimension: how many users are how active",
            "chat/shown/activity_levels.sql",
        ),
    ),
    hints=('marts sql clickhouse "SELECT * FROM chat_analytics.etl_run_log ORDER BY start_time"',),
)
