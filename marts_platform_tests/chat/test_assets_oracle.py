"""The star schema beside an independent oracle, on every row of every table, after any sequence of loads."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest

from marts_platform import settings
from marts_platform.chat.demo import generated
from marts_platform_tests.chat.loads import Star, days_from
from marts_platform_tests.chat.source import ChatDatabase
from marts_platform_tests.clickhouse_profile import profiled

START = datetime(2024, 2, 28)  # noqa: DTZ001 # as MySQL's times are
DAYS = 3
FIRST = START.date()
# What a profile may say, and each of which would change rows without a word.
OTHERWISE = {
    "join_use_nulls": "1",
    "transform_null_in": "1",
    "aggregate_functions_null_for_empty": "1",
    "prefer_column_name_to_alias": "1",
    "cast_keep_nullable": "1",
    "data_type_default_nullable": "1",
    "input_format_tsv_empty_as_default": "1",
    "format_tsv_null_representation": "none",
    "limit": "2",
}


def size(seed: int) -> generated.Size:
    return generated.Size(25, 300, DAYS, START + timedelta(days=DAYS), seed)


def one_run_then_disturbed(star: Star, chat: ChatDatabase, seed: int, rounds: int) -> None:
    chat.fill(size(seed))
    star.load_bare()
    star.expect(chat.for_oracle())
    assert star.pending() == []
    random = Random(seed)
    for _ in range(rounds):
        chat.disturb(random, START, DAYS, 12)
        star.load_bare()
        star.expect(chat.for_oracle())
        assert star.pending() == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_run_then_edits_late_rows_and_deletes(star: Star, chat: ChatDatabase, seed: int) -> None:
    one_run_then_disturbed(star, chat, seed, rounds=1)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4, 24))
def test_many_edits_never_part_the_tables_from_the_oracle(star: Star, chat: ChatDatabase, seed: int) -> None:
    one_run_then_disturbed(star, chat, seed, rounds=6)


def test_each_kind_of_server_gives_the_same(star: Star, chat_of_each_server: ChatDatabase) -> None:
    chat_of_each_server.fill(size(7))
    star.load_bare()
    star.expect(chat_of_each_server.for_oracle())
    assert star.pending() == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_days_in_reverse(star: Star, chat: ChatDatabase, seed: int) -> None:
    chat.fill(size(seed))
    star.load_assets("users", "products", "chats")
    days = days_from(FIRST, DAYS)[::-1]
    for some in (days[:1], days[1:]):
        for day in some:
            star.load_assets("messages", "message_facts", day=day)
        star.load_computed()
    star.expect(chat.for_oracle())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hour_by_hour_the_open_day_is_loaded_again_and_again(
    star: Star, chat: ChatDatabase, seed: int
) -> None:
    made = size(seed)
    chat.write("users", list(generated.users(made)))
    chat.write("products", list(generated.products(made)))
    days = list(generated.days(made))
    chats = [row for day in days for row in day.chats]
    messages = [row for day in days for row in day.messages]
    # The hours after which it is looked: twice on the first day, once in the second, and at the end.
    begin = datetime.min  # noqa: DTZ901 # before all
    for hours in (11, 15, 36, 24 * DAYS):
        end = START + timedelta(hours=hours)
        chat.write("chats", [row for row in chats if begin <= row[4] < end])
        chat.write("messages", [row for row in messages if begin <= row[4] < end])
        star.load_bare()
        begin = end
    star.expect(chat.for_oracle())
    assert star.pending() == []


def test_a_profile_of_the_warehouses_users_changes_no_row(
    star: Star, chat: ChatDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    with profiled(settings.load().url("clickhouse_url"), OTHERWISE) as url:
        monkeypatch.setenv("MARTS_CLICKHOUSE_URL", url)
        assert star.one("SELECT getSetting('join_use_nulls')") is False
        one_run_then_disturbed(star, chat, 5, rounds=1)
