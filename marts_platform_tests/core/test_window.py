"""Windows: half-open, aware, UTC; and the local times of a source that hold every row of a window.

The local times are compared with what PostgreSQL itself makes of them, around the moments when clocks
shift: a row that the bounds leave out is a row that no load ever reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import psycopg2
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from marts_platform import settings as platform_settings
from marts_platform.core.window import Slice, Window, naive_bounds, naive_bounds_are_exact

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")]
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

moments = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.sampled_from(ZONES))  # noqa: DTZ001 # the zone is drawn


def window_of(start: datetime, span: timedelta) -> Window:
    return Window(start, start.astimezone(UTC) + span)


windows = st.builds(window_of, moments, st.timedeltas(timedelta(microseconds=1), timedelta(days=40)))
days = st.dates(date(1990, 1, 1), date(2090, 1, 1))


@given(windows, moments)
def test_a_window_is_half_open(window: Window, moment: datetime) -> None:
    assert (moment in window) == (window.start <= moment < window.end)
    assert window.start in window
    assert window.end not in window
    assert window.end - timedelta(microseconds=1) in window


@given(windows)
def test_bounds_are_utc_whatever_zone_they_came_in(window: Window) -> None:
    for zone in ZONES:
        same = Window(window.start.astimezone(zone), window.end.astimezone(zone))
        assert same == window
        assert str(same) == str(window)
        assert same.start.tzinfo is UTC
        assert same.end.tzinfo is UTC


@given(moments, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_a_window_without_a_span_is_refused(start: datetime, back: timedelta) -> None:
    with pytest.raises(ValueError, match="before its end"):
        Window(start, start.astimezone(UTC) - back)


@pytest.mark.parametrize("naive", ["start", "end"])
def test_a_bound_without_a_zone_is_refused(naive: str) -> None:
    bounds = {"start": datetime(2024, 1, 1, tzinfo=UTC), "end": datetime(2024, 1, 2, tzinfo=UTC)}
    bounds[naive] = bounds[naive].replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        Window(**bounds)


@given(windows)
def test_days_are_those_that_the_window_touches(window: Window) -> None:
    found = list(window.days())
    assert all(later - day == DAY for day, later in pairwise(found))
    assert found[0] == window.start.date()
    assert found[-1] == (window.end - timedelta(microseconds=1)).date()


@given(days, st.integers(1, 500))
def test_days_and_windows_of_days_undo_each_other(first: date, count: int) -> None:
    window = Window.of_days(first, first + count * DAY)
    found = list(window.days())
    assert found == [first + place * DAY for place in range(count)]
    parts = [Window.of_day(day) for day in found]
    assert (parts[0].start, parts[-1].end) == (window.start, window.end)
    assert all(part.end == later.start for part, later in pairwise(parts))


@given(windows, moments)
def test_until_is_the_part_before_the_bound(window: Window, bound: datetime) -> None:
    part = window.until(bound)
    if bound <= window.start:
        assert part is None
    else:
        assert part == Window(window.start, min(window.end, bound.astimezone(UTC)))


@given(windows, moments, moments)
def test_until_keeps_what_lies_before_the_bound_and_nothing_else(
    window: Window, bound: datetime, moment: datetime
) -> None:
    part = window.until(bound)
    assert (part is not None and moment in part) == (moment in window and moment < bound)


def test_a_slice_says_what_it_is() -> None:
    assert str(Slice()) == "the whole table"
    assert str(Slice("2024-01-01", Window.of_day(date(2024, 1, 1)))) == "2024-01-01"


# Local times

# These zones crossed the date line: only local times that did happen are held. The longest jump of any
# other is three hours (Antarctica/Casey).
LONG_JUMPS = {"Pacific/Apia", "Pacific/Fakaofo"}
YEARS = range(2007, 2024)

WRONGLY_HELD = """
    SELECT naive::text
    FROM (
        SELECT probe.naive FROM unnest(%(edges)s) AS probe (naive)
        UNION
        SELECT generate_series(
            %(low)s - interval '30 hours', %(high)s + interval '30 hours', interval '13 minutes'
        )
    ) AS probe
    CROSS JOIN LATERAL (
        SELECT
            (naive AT TIME ZONE %(zone)s) >= %(start)s
            AND (naive AT TIME ZONE %(zone)s) < %(end)s AS is_within,
            naive >= %(low)s AND naive < %(high)s AS is_held
    ) AS judged
    WHERE is_within AND NOT is_held OR %(is_exact)s AND is_held AND NOT is_within
    ORDER BY naive
"""


@pytest.fixture(scope="module")
def server(stack: object) -> Iterator[Connection]:
    """The embedded server, asked what a local time is in UTC."""
    url = platform_settings.load().url("warehouse_url")
    with closing(psycopg2.connect(url, options="-c TimeZone=UTC")) as connection:
        yield connection


@cache
def accepted_zones() -> list[str]:
    """The zones that the settings accept."""
    return sorted(name for name in available_timezones() if _is_accepted(name))


def _is_accepted(zone: str) -> bool:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARTS_CAMUNDA_TIMEZONE", zone)
        try:
            return platform_settings.load().camunda_timezone == zone
        except platform_settings.SettingsError:
            return False


@cache
def shifts(zone: str, year: int) -> tuple[datetime, ...]:
    """When a zone's clocks shifted in a year (UTC, to the minute)."""
    there = ZoneInfo(zone)

    def offset(moment: datetime) -> timedelta | None:
        return moment.astimezone(there).utcoffset()

    found: list[datetime] = []
    first = datetime.combine(date(year, 1, 1), time(), UTC)
    for day in range(366):
        before, after = first + day * DAY, first + (day + 1) * DAY
        if offset(before) == offset(after):
            continue
        while after - before > MINUTE:
            middle = before + (after - before) // 2
            before, after = (middle, after) if offset(middle) == offset(before) else (before, middle)
        found.append(after.replace(second=0, microsecond=0))
    return tuple(found)


def assert_holds_every_row(
    server: Connection, zone: str, window: Window, *, existing_only: bool = False
) -> None:
    low, high = naive_bounds(window, ZoneInfo(zone))
    edges = [
        bound + step
        for bound in (low, high, *(_local(moment, zone) for moment in (window.start, window.end)))
        for hours in range(-4, 5)
        for step in (hours * HOUR, hours * HOUR - timedelta(microseconds=1))
    ]
    values = {
        "zone": zone,
        "start": window.start,
        "end": window.end,
        "low": low,
        "high": high,
        "edges": edges,
        "is_exact": naive_bounds_are_exact(window, ZoneInfo(zone)),
    }
    with server, server.cursor() as cursor:
        cursor.execute(WRONGLY_HELD, values)
        missed = [row[0] for row in cursor.fetchall()]
    if existing_only:
        missed = [naive for naive in missed if _happened(datetime.fromisoformat(naive), zone)]
    assert not missed, f"{zone} {window}: outside of {low} to {high}"


def _local(moment: datetime, zone: str) -> datetime:
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _happened(naive: datetime, zone: str) -> bool:
    aware = naive.replace(tzinfo=ZoneInfo(zone))
    return _local(aware.astimezone(UTC), zone) == naive


def test_a_zone_that_the_settings_accept_is_the_same_to_python_and_postgres(server: Connection) -> None:
    # Postgres looks a name up among its abbreviations first: there CET is an hour, all the year.
    accepted = set(accepted_zones())
    assert {"Europe/Berlin", "UTC", "Asia/Kolkata"} < accepted
    assert not {"CET", "EET", "MET", "WET", "localtime"} & accepted
    dates = [(year, month) for year in (2008, 2015, 2022) for month in (1, 4, 7, 10)]
    noons = [datetime(year, month, 15, 12, tzinfo=UTC) for year, month in dates]
    with server, server.cursor() as cursor:
        cursor.execute(
            "SELECT zone, moment, moment AT TIME ZONE zone FROM unnest(%s) AS zone, unnest(%s) AS moment",
            (accepted_zones(), noons),
        )
        found = cursor.fetchall()
    assert {zone for zone, moment, local in found if _local(moment, zone) != local} == set()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_local_bounds_hold_every_row_of_a_window_near_a_shift(
    server: Connection, data: st.DataObject
) -> None:
    zone = data.draw(st.sampled_from(accepted_zones()), "zone")
    assume(zone not in LONG_JUMPS)
    found = shifts(zone, data.draw(st.sampled_from(YEARS), "year"))
    assume(found)
    shift = data.draw(st.sampled_from(found), "shift")
    start = shift + data.draw(st.integers(-30 * 60, 8 * 60), "minutes from the shift") * MINUTE
    span = data.draw(st.sampled_from([MINUTE, 17 * MINUTE, HOUR, 7 * HOUR, DAY, 3 * DAY]), "span")
    assert_holds_every_row(server, zone, Window(start, start + span))


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "Europe/London",
        "Europe/Moscow",  # standard time changed in 2011 and 2014
        "America/New_York",
        "America/St_Johns",  # half hours, shifted at 00:01 until 2011
        "America/Caracas",
        "Africa/Casablanca",  # shifts for Ramadan
        "Asia/Gaza",
        "Asia/Pyongyang",
        "Australia/Lord_Howe",  # shifts by half an hour
        "Antarctica/Troll",  # by two
        "Antarctica/Casey",  # by three
        "Pacific/Chatham",
    ],
)
def test_the_local_bounds_hold_every_row_of_the_days_around_a_shift(server: Connection, zone: str) -> None:
    for year in (2010, 2011, 2014, 2016, 2018, 2020):
        for shift in shifts(zone, year):
            for days_later in (-1, 0, 1):
                day = shift.date() + days_later * DAY
                assert_holds_every_row(server, zone, Window.of_day(day))


@pytest.mark.parametrize("zone", sorted(LONG_JUMPS))
def test_where_a_day_was_skipped_every_time_that_happened_is_held(server: Connection, zone: str) -> None:
    for hours in range(-30, 31):
        start = datetime(2011, 12, 30, 10, tzinfo=UTC) + hours * HOUR
        for span in (HOUR, DAY):
            assert_holds_every_row(server, zone, Window(start, start + span), existing_only=True)


@given(windows, st.sampled_from(ZONES))
@example(Window.of_day(date(2024, 6, 1)), ZoneInfo("Europe/Berlin"))
def test_away_from_shifts_the_local_bounds_are_the_window(window: Window, zone: ZoneInfo) -> None:
    for moment, bound in zip((window.start, window.end), naive_bounds(window, zone), strict=True):
        offsets = {(moment + hours * HOUR).astimezone(zone).utcoffset() for hours in range(-3, 4)}
        local = moment.astimezone(zone).replace(tzinfo=None)
        if len(offsets) == 1:
            assert bound == local
        elif bound != local:
            assert not naive_bounds_are_exact(window, zone)
        assert abs(bound - local) <= 3 * HOUR
