"""The chat's source: zones, indexes, the days that are looked at, and what is no chat's database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from marts_platform.chat import assets, checks, sources
from marts_platform.chat.sources import ChatSource, ChatSourceError, sweep
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.core.sql import read_sql
from marts_platform.core.window import Slice, Window
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform.resources.mysql_zones import in_utc
from marts_platform_tests.chat.loads import Star
from marts_platform_tests.chat.source import ChatDatabase

NOON = datetime(2024, 3, 31, 12)  # noqa: DTZ001 # as MySQL's times are


def test_every_older_day_has_its_turn() -> None:
    start, first, newest = (
        datetime(2020, 1, 1, tzinfo=UTC),
        date(2024, 1, 1),
        datetime(2024, 3, 1, tzinfo=UTC),
    )
    now = datetime(2026, 1, 1, 7, 30, tzinfo=UTC)
    for turns in (1, 7, 1000):
        looked_at: set[date] = set()
        for hour in range(min(turns, 60)):
            looked_at |= set(sweep(start, first, newest, turns, now + timedelta(hours=hour)).days())
        # The days before the first message too: one of them may have been emptied.
        assert looked_at == set(Window(start, newest).days())


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/St_Johns", "Asia/Kathmandu"])
def test_local_times_become_utc_as_the_zone_says(chat: ChatDatabase, name: str) -> None:
    zone = ZoneInfo(name)
    # Every half hour around the transitions of a year, and the hours that are not, or are twice.
    days = [datetime(2024, month, day) for month, day in ((3, 10), (3, 31), (10, 27), (11, 3))]  # noqa: DTZ001
    moments = [day + timedelta(minutes=30 * step) for day in days for step in range(-48, 96)]
    chat.execute("CREATE TABLE moments (id int, local DATETIME(6))")
    try:
        with chat.connection.cursor() as cursor:
            cursor.executemany("INSERT INTO moments VALUES (%s, %s)", list(enumerate(moments)))
        found = dict(chat.rows(f"SELECT id, {in_utc('local', zone)} FROM moments"))
    finally:
        chat.execute("DROP TABLE moments")
    assert {number: value.replace(tzinfo=UTC) for number, value in found.items()} == {
        number: moment.replace(tzinfo=zone).astimezone(UTC) for number, moment in enumerate(moments)
    }


def test_a_source_of_local_times_without_an_index_is_read_right_and_says_what_is_missing(
    star: Star, chat: ChatDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_CHAT_TIMEZONE", "Europe/Berlin")
    for number in (1, 2):
        chat.user(number, NOON)
    chat.chat(1, 1, 2, NOON)
    # The day on which the clocks go forward begins at 23:00 in UTC and ends at 22:00.
    times = [datetime(2024, 3, 31, hour) for hour in (0, 1, 3, 23)] + [datetime(2024, 4, 1, 1, 59)]  # noqa: DTZ001
    chat.execute("DROP TABLE messages")
    declared = read_sql("chat/demo/create_messages.sql")
    chat.execute(declared.replace("TIMESTAMP", "DATETIME").replace("KEY messages_time (created_at),", ""))
    for number, local in enumerate(times, start=1):
        chat.message(number, 1, 1, local, "\ttab, \\N and \r\n'quote' 🦜")
    days = ["2024-03-30", "2024-03-31"]
    for day in days:
        star.load_assets("messages", day=date.fromisoformat(day))
    zone = ZoneInfo("Europe/Berlin")
    assert star.ask("SELECT id, created_at FROM chat_raw.messages ORDER BY id") == [
        (number, local.replace(tzinfo=zone).astimezone(UTC)) for number, local in enumerate(times, start=1)
    ]
    assert star.one("SELECT DISTINCT message FROM chat_raw.messages") == "\ttab, \\N and \r\n'quote' 🦜"
    slices = [slice_of(DAILY, day) for day in days]
    assert "CREATE INDEX" in ChatSource().messages(slices[0]).warnings[0]
    resources = {"chat": ChatSource(), "clickhouse": ClickHouseIOManager()}
    examine = checks.agreement(assets.messages)
    assert all(examine(slice_, resources).passed for slice_ in slices)
    star.ask_to("DELETE FROM chat_raw.messages WHERE id = 4")
    assert not examine(slices[1], resources).passed


def test_days_that_were_loaded_are_not_looked_for_and_new_ones_among_them_are_found(
    chat: ChatDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        chat.user(number, NOON)
    chat.chat(1, 1, 2, NOON)
    days = [f"2024-03-{day:02}" for day in (1, 2, 3, 5, 6, 7, 20, 30)]
    for number, day in enumerate(days, start=1):
        chat.message(number, 1, 1, datetime.fromisoformat(f"{day}T12:00"))
    asked: list[str] = []
    ask = sources._rows  # what the look costs is the statements that it makes

    def counted(connection: Any, file: str, *others: Any) -> Any:
        asked.append(file)
        return ask(connection, file, *others)

    monkeypatch.setattr(sources, "_rows", counted)

    def looks(published: list[str]) -> int:
        asked.clear()
        newest = [slice_of(DAILY, "2024-03-31")]
        state = ChatSource().source_state("chat/messages", newest, published)
        assert set(state.with_rows) == set(days)
        return asked.count("chat/source/next_message.sql")

    # One look-up for each new day, and one behind the last.
    assert looks([]) == len(days) + 1
    # One before the first and one behind each row of loaded days, of which there are four.
    assert looks(days) == 5
    # Those that came late: one before all others, one in a gap.
    assert looks(days[1:6] + days[7:]) == 5


def test_messages_beyond_every_partition_are_counted(chat: ChatDatabase) -> None:
    for number in (1, 2):
        chat.user(number, NOON)
    chat.chat(1, 1, 2, NOON)
    chat.message(1, 1, 1, NOON)
    chat.message(2, 1, 1, datetime(2019, 12, 31))  # noqa: DTZ001
    whole = Window.of_days(date(2020, 1, 1), date(2024, 4, 1))
    assert ChatSource().outside(whole) == (1, 2)
    assert ChatSource().newest() == NOON.replace(tzinfo=UTC)


def test_a_database_without_the_chats_tables_is_refused(chat: ChatDatabase) -> None:
    chat.execute("DROP TABLE messages")
    with pytest.raises(ChatSourceError, match="MARTS_CHAT_URL has no messages"):
        ChatSource().source_state("chat/users", [Slice()])
