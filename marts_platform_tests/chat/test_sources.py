"""The chat's source: zones, indexes, the days that are looked at, and what is no chat's database."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marts_platform.chat import assets, checks, sources
from marts_platform.chat.demo import schema
from marts_platform.chat.sources import ChatSource, ChatSourceError, spans
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.core.run_log import Published
from marts_platform.core.sql import read_sql
from marts_platform.core.window import Slice, Window
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform.resources.mysql_zones import in_utc
from marts_platform_tests.chat.loads import Star
from marts_platform_tests.chat.source import ChatDatabase


def logged(days: Sequence[str]) -> dict[str | None, Published]:
    """The run log of days that were loaded."""
    now = datetime.now(UTC)
    return {day: Published(1, day, "run", "run", "a state", 1, now, now) for day in days}


NOON = datetime(2024, 3, 31, 12)  # noqa: DTZ001 # as MySQL's times are


@given(
    st.lists(st.integers(0, 60), unique=True), st.dictionaries(st.integers(0, 60), st.integers(0, 150_000))
)
def test_spans_hold_each_day_once_and_few_messages(numbers: list[int], loaded: dict[int, int]) -> None:
    days = [Window.of_day(date(2024, 1, 1) + timedelta(days=number)) for number in numbers]
    rows = {
        (date(2024, 1, 1) + timedelta(days=number)).isoformat(): count for number, count in loaded.items()
    }
    found = spans(days, rows)
    assert sorted(day for span in found for day in span.days()) == sorted(day.start.date() for day in days)
    for span in found:
        keys = [day.isoformat() for day in span.days()]
        if len(keys) > 1:
            assert set(keys) <= rows.keys()
            assert sum(rows[key] for key in keys) <= 200_000
    # In the order of the first day of each that is wanted.
    firsts = [min(days.index(Window.of_day(day)) for day in span.days()) for span in found]
    assert firsts == sorted(firsts)


def test_a_time_limit_is_a_statements_about_a_day_and_the_error_names_its_setting(
    chat: ChatDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        chat.user(number, NOON)
    chat.chat(1, 1, 2, NOON)
    days = ["2024-03-01", "2024-03-02", "2024-03-30", "2024-03-31"]
    for number, day in enumerate(days, start=1):
        chat.message(number, 1, 1, datetime.fromisoformat(f"{day}T12:00"))
    monkeypatch.setenv("MARTS_SOURCE_PROBE_TIMEOUT_SECONDS", "1")
    asked, loaded = [slice_of(DAILY, day) for day in days], logged(days[:1])
    with slowed(chat, "messages", 0.6):
        state = ChatSource().source_state("chat/messages", asked, loaded)
    assert set(state.with_rows) == set(days)
    assert {key for key, text in state.fingerprints.items() if text.startswith("rows 1")} == set(days)
    with (
        slowed(chat, "messages", 1.5),
        pytest.raises(ChatSourceError, match="the 1 seconds of MARTS_SOURCE_PROBE_TIMEOUT_SECONDS"),
    ):
        ChatSource().source_state("chat/messages", asked, loaded)


def test_a_table_is_compared_in_parts(chat: ChatDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    source, whole = ChatSource(), Slice()
    for number in range(1, 6):
        chat.user(number * 10, NOON)
    chat.chat(1, 10, 20, NOON)

    def states() -> dict[str, str]:
        tables = ("users", "chats", "products")
        return {table: source.source_state(f"chat/{table}", [whole]).fingerprints[None] for table in tables}

    at_once = states()
    assert at_once["users"].startswith("rows 5, newest 50, checksum ")
    checksums = [source.checksum(table, whole) for table in at_once]
    for rows in (2, 1):
        monkeypatch.setattr(sources, "_ROWS_AT_ONCE", rows)
        assert states() == at_once
        assert [source.checksum(table, whole) for table in at_once] == checksums
    monkeypatch.setenv("MARTS_SOURCE_PROBE_TIMEOUT_SECONDS", "1")
    # Five rows, each of which takes more than half of what a statement may.
    with slowed(chat, "users", 0.6):
        state = source.source_state("chat/users", [whole])
    assert (state.fingerprints[None] or "").startswith(at_once["users"])


@contextmanager
def slowed(chat: ChatDatabase, table: str, seconds: float) -> Generator[None]:
    """Has the server take so long for the texts of each row."""
    text = {"messages": "message", "users": "email"}[table]
    names = ", ".join(
        f"concat(given.{name}, left(sleep({seconds}), 0)) AS {name}" if name == text else f"given.{name}"
        for name in schema.COLUMNS[table]
    )
    chat.execute(f"RENAME TABLE {table} TO {table}_there")
    try:
        chat.execute(f"CREATE VIEW {table} AS SELECT {names} FROM {table}_there AS given")
        yield
    finally:
        chat.execute(f"DROP VIEW IF EXISTS {table}")
        chat.execute(f"RENAME TABLE {table}_there TO {table}")


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
        state = ChatSource().source_state("chat/messages", newest, logged(published))
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
    assert ChatSource().newest(whole) == NOON.replace(tzinfo=UTC)


def test_a_database_without_the_chats_tables_is_refused(chat: ChatDatabase) -> None:
    chat.execute("DROP TABLE messages")
    with pytest.raises(ChatSourceError, match="MARTS_CHAT_URL has no messages"):
        ChatSource().source_state("chat/users", [Slice()])
