"""Timestamps of events against Python's own reading of them, over whatever hypothesis comes up with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.sql import Identifier

from marts_platform.core.sql import compose
from marts_platform_tests.marts import Warehouse
from marts_platform_tests.shop.topic import event

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

ZONES = ("UTC", "Europe/Moscow", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")
NAMES = {"landed": Identifier("landed")}
QUIETLY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001 # local times, as they come


@pytest.fixture
def cursor(warehouse: Warehouse) -> Iterator[Cursor]:
    """A transaction with the table that messages land in."""
    with (
        closing(psycopg2.connect(warehouse.url, options="-c TimeZone=UTC")) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(compose("kafka/landed.sql", NAMES))
        yield cursor


def typed(cursor: Cursor, timestamp: object, zone: str) -> tuple[datetime | None, str | None]:
    """What the typing SQL makes of an event's timestamp: the moment, or the reason against it."""
    cursor.execute("TRUNCATE landed")
    cursor.execute(
        "INSERT INTO landed (kafka_topic, kafka_partition, kafka_epoch, kafka_offset, message) "
        "VALUES ('t', 0, 0, 0, %s)",
        [event(timestamp=timestamp).decode()],
    )
    params: Mapping[str, object] = {"zone": zone}
    cursor.execute(compose("shop/events/typed.sql", NAMES), params)
    row = cursor.fetchone()
    assert row is not None
    found = dict(zip([column.name for column in cursor.description or ()], row, strict=True))
    return found["timestamp"], found["reason"]


def is_plain(local: datetime, zone: ZoneInfo) -> bool:
    """Whether a local time is one moment: clocks neither skip it nor show it twice."""
    return local.replace(tzinfo=zone, fold=0).utcoffset() == local.replace(tzinfo=zone, fold=1).utcoffset()


@QUIETLY
@given(local=MOMENTS, zone=st.sampled_from(ZONES), is_whole=st.booleans())
def test_a_local_time_is_the_moment_of_its_zone(
    cursor: Cursor, local: datetime, zone: str, is_whole: bool
) -> None:
    local = local.replace(microsecond=0) if is_whole else local
    moment, reason = typed(cursor, local.isoformat(), zone)
    assert reason is None and moment is not None
    there = ZoneInfo(zone)
    if is_plain(local, there):
        assert moment == local.replace(tzinfo=there)
    else:
        # One of the two that it may be.
        assert any(moment == local.replace(tzinfo=there, fold=fold) for fold in (0, 1))


@QUIETLY
@given(
    local=MOMENTS,
    minutes=st.integers(-14 * 60, 14 * 60),
    zone=st.sampled_from(ZONES),
)
def test_a_time_that_names_its_offset_is_that_moment_in_any_zone(
    cursor: Cursor, local: datetime, minutes: int, zone: str
) -> None:
    aware = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert typed(cursor, aware.isoformat(), zone) == (aware.astimezone(UTC), None)


@QUIETLY
@given(
    text=st.one_of(
        st.text(max_size=30), st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,8})?", fullmatch=True)
    )
)
def test_what_python_cannot_read_as_written_is_no_timestamp(cursor: Cursor, text: str) -> None:
    moment, reason = typed(cursor, text, "UTC")
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        assert (moment, reason is None) == (None, False)
        return
    # Python reads more forms than it writes: dates alone, weeks, more digits than it keeps.
    if reason is None:
        assert moment == (read if read.tzinfo else read.replace(tzinfo=UTC))
    else:
        assert read.isoformat() != text
