"""The demo's chat, built in Dagster with all of its checks, and the run log in the former loader's form."""

from __future__ import annotations

from datetime import datetime

import pytest

from marts_platform.chat import demo
from marts_platform.chat.demo import generated, schema
from marts_platform.core.sql import read_sql
from marts_platform.resources import mysql
from marts_platform_tests.chat.loads import Star
from marts_platform_tests.chat.source import ChatDatabase
from marts_platform_tests.mysql_servers import MySQLAccess
from marts_platform_tests.sql_dialects import files_of

SIZE = generated.Size(40, 500, 3, datetime(2024, 5, 4))  # noqa: DTZ001 # as MySQL's times are


def test_the_same_seed_gives_the_same_chat_of_the_wanted_size() -> None:
    days = list(generated.days(SIZE))
    assert days == list(generated.days(SIZE))
    messages = [message for day in days for message in day.messages]
    assert [message[0] for message in messages] == list(range(1, SIZE.messages + 1))
    assert len(days) == SIZE.days
    assert max(message[4] for message in messages) < SIZE.until


def test_the_demo_is_built_checked_and_then_as_its_source_is(
    star: Star, chat: ChatDatabase, embedded_mysql: MySQLAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: set[str] = set()

    def recorded(file: str) -> str:
        sent.add(file)
        return read_sql(file)

    monkeypatch.setattr(schema, "read_sql", recorded)
    monkeypatch.setattr(mysql, "read_sql", recorded)
    assert demo.fill(embedded_mysql.chat_owner_url, SIZE).startswith("500 messages of 40 users")
    assert demo.fill(embedded_mysql.chat_owner_url, SIZE) == "500 messages were there already"
    results = star.load_pending(with_checks=True)
    failed = {result.asset: result.checks for result in results if not all(result.checks.values())}
    # The newest message is of another year than the run, and every check looks at what is there.
    assert failed == {}
    assert {name for result in results for name in result.checks} >= {
        "agrees_with_source", "is_fresh", "every_message_has_a_day", "has_every_user", "has_every_day",
        "has_every_chat", "usual_volume", "unique_id", "first_or_after_another",
    }  # fmt: skip
    star.expect(chat.for_oracle())
    assert star.pending() == []
    for shown in demo.DEMO.shown:
        assert star.ask(read_sql(shown.file))
    figures = (
        "sum(users_processed), sum(chats_processed), sum(messages_processed), max(last_processed_message_id)"
    )
    assert star.one(f"SELECT {figures} FROM chat_analytics.etl_run_log") == (
        40,
        star.one("SELECT count() FROM chat_raw.chats"),
        500,
        500,
    )
    assert star.one("SELECT DISTINCT status FROM chat_analytics.etl_run_log") == "success"
    assert star.one("SELECT min(end_time >= start_time) FROM chat_analytics.etl_run_log")
    # Each statement for the chat's MySQL was sent to one.
    assert sent >= {file for file in files_of("mysql") if file.startswith("chat/")}
