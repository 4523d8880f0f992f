"""The usual volume of a day: the median of the fourteen days before it, within a factor of four."""

from __future__ import annotations

from datetime import date, timedelta
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from marts_platform.core.checks import usual_volume

DAYS = [(date(2024, 1, 1) + timedelta(days=place)).isoformat() for place in range(30)]
TODAY = DAYS[20]

volumes = st.dictionaries(st.sampled_from(DAYS), st.integers(0, 10_000), max_size=30)


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


@given(volumes)
def test_it_looks_at_the_fourteen_days_before_and_at_no_other_one(rows: dict[str, int]) -> None:
    found = usual_volume(TODAY, rows)
    before = [rows[day] for day in DAYS[6:20] if day in rows]
    assert found == usual_volume(TODAY, {day: rows[day] for day in DAYS[6:21] if day in rows})
    assert found.figures["days_compared"] == len(before)
    assert found.figures["rows"] == rows.get(TODAY, 0)
    if "usual_rows" in found.figures:
        assert found.figures["usual_rows"] == median(before)
