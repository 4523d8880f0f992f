"""What the chat's former loader did wrong, each shown to be right here.

That rows of a run's time arrive, `test_assets_writers` shows; that a failure leaves nothing half done,
`test_assets_killed` as well.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from marts_platform.io_managers.ledger import SchemaMismatchError
from marts_platform_tests.chat.loads import Star
from marts_platform_tests.chat.source import ChatDatabase

NOON = datetime(2024, 6, 1, 12)  # noqa: DTZ001 # as MySQL's times are
DAY = date(2024, 6, 1)
ANNA, BORIS = 1, 2
MINUTE = timedelta(minutes=1)


@pytest.fixture
def two_days(star: Star, chat: ChatDatabase) -> ChatDatabase:
    """A chat of two days, each loaded by itself, the second one after the first."""
    for number, name in ((ANNA, "Anna"), (BORIS, "Boris")):
        chat.user(number, NOON - timedelta(days=7), name)
    chat.chat(1, ANNA, BORIS, NOON)
    chat.message(1, 1, ANNA, NOON, "Hello")
    chat.message(2, 1, BORIS, NOON + 10 * MINUTE, " Привет ")
    star.load_bare()
    chat.message(3, 1, ANNA, NOON + timedelta(days=1), "Is it still there?")
    star.load_bare()
    return chat


def expect_two_days(star: Star) -> None:
    # Totals are of the whole chat, not of one batch.
    totals = "total_messages, buyer_messages, seller_messages, start_time_id, end_time_id"
    assert star.one(f"SELECT {totals} FROM chat_analytics.chat_facts") == (3, 2, 1, 20240601, 20240602)
    # Days are counted, not invented, and each is there once.
    days = "date_id, total_messages, total_new_chats, active_users, peak_hour"
    assert star.ask(
        f"SELECT {days} FROM chat_analytics.daily_activity_facts WHERE total_messages > 0 ORDER BY date_id"
    ) == [(20240601, 2, 1, 2, 12), (20240602, 1, 0, 1, 12)]
    # The first message of a later batch is not the chat's first; lengths are characters.
    columns = "message_id, is_first_in_chat, message_length, response_time_minutes"
    found = star.ask(f"SELECT {columns} FROM chat_analytics.message_facts ORDER BY message_id")
    assert found == [(1, True, 5, 0.0), (2, False, 6, 10.0), (3, False, 18, 1430.0)]


def test_totals_days_and_first_messages_are_of_the_whole_history_however_often_a_day_is_loaded(
    star: Star, two_days: ChatDatabase
) -> None:
    assert len(two_days.for_oracle().messages) == 3
    expect_two_days(star)
    star.load_assets("messages", "message_facts", day=DAY)
    star.load_computed()
    expect_two_days(star)


def test_known_users_are_refreshed_and_the_thresholds_of_the_settings_decide(
    star: Star, two_days: ChatDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = (
        "SELECT id, total_messages, toString(activity_level) FROM chat_analytics.user_dimension ORDER BY id"
    )
    assert star.ask(levels) == [(ANNA, 2, "low"), (BORIS, 1, "low")]
    assert star.pending() == []
    # Two messages in eight days, and one in seven.
    monkeypatch.setenv("MARTS_CHAT_HIGH_ACTIVITY", "1.5")
    monkeypatch.setenv("MARTS_CHAT_MEDIUM_ACTIVITY", "1")
    assert [batch.assets for batch in star.pending()] == [("chat/user_dimension",)]
    star.load_bare()
    assert star.ask(levels) == [(ANNA, 2, "high"), (BORIS, 1, "medium")]
    assert star.pending() == []
    two_days.execute("UPDATE users SET username = 'Анна 🌷' WHERE id = %s", ANNA)
    assert star.pending()[0].assets == ("chat/users",)
    star.load_assets("users")
    assert star.one(f"SELECT username FROM chat_raw.users WHERE id = {ANNA}") == "Анна 🌷"


def test_a_failure_leaves_what_was_there_and_the_next_load_goes_on(
    star: Star, two_days: ChatDatabase
) -> None:
    before = star.table("message_facts")
    two_days.message(4, 1, BORIS, NOON + timedelta(days=1, minutes=1))
    star.ask_to("RENAME TABLE chat_analytics.chat_senders TO chat_analytics.chat_senders_away")
    try:
        with pytest.raises(SchemaMismatchError):
            star.load_bare()
    finally:
        star.ask_to("RENAME TABLE chat_analytics.chat_senders_away TO chat_analytics.chat_senders")
    # What was published is whole; what failed is as it was, and not forgotten.
    assert star.table("message_facts").keys() == before.keys() | {4}
    assert star.one("SELECT total_messages FROM chat_analytics.chat_facts") == 3
    star.load_bare()
    star.expect(two_days.for_oracle())


def test_a_backlog_of_any_size_arrives(star: Star, chat: ChatDatabase) -> None:
    for number in (ANNA, BORIS):
        chat.user(number, NOON - timedelta(days=7))
    chat.chat(1, ANNA, BORIS, NOON)
    # The former loader's batches had 10 000 messages.
    chat.write(
        "messages",
        [(number, 1, ANNA, "x", NOON + timedelta(seconds=number % 7), False) for number in range(1, 25_001)],
    )
    star.load_assets("messages", "message_facts", day=DAY)
    assert star.one("SELECT count(), uniqExact(message_id) FROM chat_analytics.message_facts") == (
        25_000, 25_000,
    )  # fmt: skip
