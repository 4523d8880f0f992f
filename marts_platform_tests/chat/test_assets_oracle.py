"""The star schema beside an independent oracle, on every row of every table, after any sequence of loads."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

import pytest

from marts_platform.chat.demo import generated
from marts_platform_tests.chat.loads import Star, days_from
from marts_platform_tests.chat.source import ChatDatabase

START = datetime(2024, 2, 27)  # noqa: DTZ001 # as MySQL's times are
DAYS = 5
FIRST = START.date()


def size(seed: int, messages: int = 600) -> generated.Size:
    return generated.Size(30, messages, DAYS, START + timedelta(days=DAYS), seed)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_run_then_edits_late_rows_and_deletes(
    star: Star, chat_of_each_server: ChatDatabase, seed: int
) -> None:
    chat = chat_of_each_server
    chat.fill(size(seed))
    star.load_pending()
    star.expect(chat.for_oracle())
    assert star.pending() == []
    random = Random(seed)
    for _ in range(2):
        chat.disturb(random, START, DAYS, 12)
        star.load_bare()
        star.expect(chat.for_oracle())
        assert star.pending() == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_days_in_reverse(star: Star, chat: ChatDatabase, seed: int) -> None:
    chat.fill(size(seed))
    days = days_from(FIRST, DAYS)[::-1]
    star.load_bare(days[:2])
    star.load_bare(days[2:])
    star.expect(chat.for_oracle())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hour_by_hour_the_open_day_is_loaded_again_and_again(
    star: Star, chat: ChatDatabase, seed: int
) -> None:
    made = size(seed, messages=200)
    chat.write("users", list(generated.users(made)))
    chat.write("products", list(generated.products(made)))
    days = list(generated.days(made))
    chats = {row[0]: row for day in days for row in day.chats}
    messages = [row for day in days for row in day.messages]
    # The hours after which it is looked: three on the first day, then each in the middle of another.
    ends = [START + timedelta(hours=hours) for hours in (8, 12, 16, 36, 60, 24 * DAYS)]
    begin = datetime.min  # noqa: DTZ901 # before all
    for end in ends:
        chat.write("chats", [row for row in chats.values() if begin <= row[4] < end])
        chat.write("messages", [row for row in messages if begin <= row[4] < end])
        star.load_bare()
        begin = end
    star.expect(chat.for_oracle())
    assert star.pending() == []


def test_a_day_loaded_twice_is_the_same_table(star: Star, chat: ChatDatabase) -> None:
    chat.fill(size(4))
    star.load_bare(days_from(FIRST, DAYS))
    before = {name: star.table(name) for name in ("message_facts", "chat_facts", "daily_activity_facts")}
    star.load_bare([date(2024, 2, 28), FIRST, date(2024, 2, 28)])
    assert {name: star.table(name) for name in before} == before
