"""The usual volume of a day: the median of the fourteen days before it, within a factor of four."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from marts_platform.core.checks import Finding, Volume, volume_of
from marts_platform.core.checks import usual_volume as check_volume
from marts_platform.core.run_log import Published

DAYS = [(date(2024, 1, 1) + timedelta(days=place)).isoformat() for place in range(30)]
TODAY = DAYS[20]

volumes = st.dictionaries(st.sampled_from(DAYS), st.integers(0, 10_000), max_size=30)


TOMORROW = DAYS[21]


def usual_volume(
    day: str, rows: Mapping[str, int], today: str = DAYS[29], shares: Mapping[int, float] | None = None
) -> Finding:
    """Check days that were read whole, but for those whose share is given by their place in DAYS."""
    volumes = {key: Volume(count, (shares or {}).get(DAYS.index(key), 1.0)) for key, count in rows.items()}
    return check_volume(day, volumes, today)


def history(rows: int, today: int | None) -> dict[str, int]:
    days = dict.fromkeys(DAYS[:20], rows)
    return days if today is None else {**days, TODAY: today}


def test_a_day_as_large_as_usual_passes() -> None:
    found = usual_volume(TODAY, history(1000, 1100))
    assert found.passed
    assert found.figures == {"rows": 1100, "days_compared": 14, "usual_rows": 1000}


def test_a_day_more_than_four_times_as_large_or_small_does_not() -> None:
    assert usual_volume(TODAY, history(1000, 4000)).passed
    assert not usual_volume(TODAY, history(1000, 4001)).passed
    assert usual_volume(TODAY, history(1000, 250)).passed
    assert not usual_volume(TODAY, history(1000, 249)).passed


def test_a_day_without_rows_does_not_pass_where_rows_are_usual() -> None:
    assert not usual_volume(TODAY, history(1000, 0)).passed
    assert not usual_volume(TODAY, history(1000, None)).passed


def test_one_odd_day_before_it_changes_nothing() -> None:
    rows = history(1000, 1000)
    rows[DAYS[19]] = 1_000_000
    assert usual_volume(TODAY, rows).passed


def test_a_history_of_a_week_is_needed_to_tell() -> None:
    week = dict.fromkeys(DAYS[14:20], 1000)
    assert usual_volume(TODAY, {**week, TODAY: 1_000_000}).passed
    assert "note" in usual_volume(TODAY, week).figures
    assert not usual_volume(TODAY, {**week, DAYS[13]: 1000, TODAY: 1_000_000}).passed


def test_few_rows_tell_nothing() -> None:
    assert usual_volume(TODAY, history(1, 99)).passed
    assert not usual_volume(TODAY, history(1, 100)).passed


def test_an_open_day_is_not_compared_with_whole_ones() -> None:
    for rows in (0, 10, 249, 1000, 4000):
        found = usual_volume(TODAY, history(1000, rows), TODAY, {20: 0.1})
        assert found.passed, rows
        assert str(found.figures["note"]).startswith("10% of the day were read")
    assert not usual_volume(TODAY, history(1000, 4001), TODAY, {20: 0.1}).passed
    assert usual_volume(TODAY, history(1000, 10), TODAY, {20: 0.99}).passed
    assert usual_volume(TODAY, history(1000, None), TODAY).passed, "not loaded yet"


def test_a_day_that_was_read_in_part_is_not_compared_when_it_is_over() -> None:
    assert usual_volume(TODAY, history(1000, 10), TOMORROW, {20: 0.5}).passed
    assert not usual_volume(TODAY, history(1000, 10), TOMORROW, {20: 0.9}).passed
    assert not usual_volume(TODAY, history(1000, 10), TOMORROW).passed


def test_days_that_were_read_in_part_are_not_usual() -> None:
    rows = history(1000, 1000) | dict.fromkeys(DAYS[12:20], 10)
    halves = dict.fromkeys(range(12, 20), 0.5)
    assert not usual_volume(TODAY, rows).passed
    found = usual_volume(TODAY, rows, shares=halves)
    assert (found.passed, found.figures["days_compared"]) == (True, 6)
    assert "too few days" in str(found.figures["note"])
    del halves[12]
    assert usual_volume(TODAY, rows | {DAYS[12]: 1000}, shares=halves).figures["usual_rows"] == 1000


def test_the_share_of_a_day_is_that_before_its_load() -> None:
    def share(started: datetime, read_until: datetime | None) -> float:
        return volume_of(
            Published(1, "2024-03-01", "run", "run", "", 5, started, started, read_until=read_until)
        ).share

    noon, end = datetime(2024, 3, 1, 12, tzinfo=UTC), datetime(2024, 3, 2, tzinfo=UTC)
    assert share(end, None) == share(end + timedelta(days=9), None) == 1
    assert share(noon, None) == share(noon + timedelta(minutes=1), noon) == 0.5
    assert share(end + timedelta(minutes=1), noon) == 0.5, "an open transaction held the reading back"
    assert share(noon - timedelta(days=1), None) == 0


@given(volumes)
def test_it_looks_at_the_fourteen_days_before_and_at_no_other_one(rows: dict[str, int]) -> None:
    found = usual_volume(TODAY, rows)
    before = [rows[day] for day in DAYS[6:20] if day in rows]
    assert found == usual_volume(TODAY, {day: rows[day] for day in DAYS[6:21] if day in rows})
    assert found.figures["days_compared"] == len(before)
    assert found.figures["rows"] == rows.get(TODAY, 0)
    if "usual_rows" in found.figures:
        assert found.figures["usual_rows"] == median(before)
