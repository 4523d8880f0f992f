"""What goes on when something failed: nothing that is made of it, and everything else, once."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from marts_platform.core.pending import Batch, Cell
from marts_platform.core.remaining import cells_of, is_hopeless, remaining

DAYS = ("2024-03-01", "2024-03-02", "2024-03-03", "2024-03-04")
UPSTREAM = {"raw": (), "mart": ("raw",), "second": ("mart",), "whole": ("mart",), "of_whole": ("whole",)}
WORK = [
    Batch(DAYS, ("raw", "mart", "second")),
    Batch((), ("whole",)),
    Batch(DAYS[:2], ("of_whole",)),
]
CELLS = [cell for batch in WORK for cell in cells_of(batch)]


def left_of(done: set[Cell], lost: set[Cell]) -> set[Cell]:
    return {cell for batch in remaining(WORK, done, lost, UPSTREAM) for cell in cells_of(batch)}


def test_nothing_is_left_out_without_a_failure() -> None:
    assert remaining(WORK, (), (), UPSTREAM) == WORK


def test_a_failed_day_takes_along_what_is_made_of_it_and_no_other_day() -> None:
    assert remaining(WORK, (), {("mart", DAYS[1])}, UPSTREAM) == [
        Batch(DAYS[:1], ("raw", "mart", "second")),
        Batch(DAYS[1:2], ("raw",)),
        Batch(DAYS[2:], ("raw", "mart", "second")),
        *WORK[1:],
    ]


def test_a_failed_whole_table_takes_along_every_day_that_is_made_of_it() -> None:
    assert remaining(WORK, (), {("whole", None)}, UPSTREAM) == WORK[:1]


def test_what_was_loaded_is_not_loaded_again_and_feeds_what_was_not() -> None:
    done = {(asset, day) for asset in ("raw", "mart") for day in DAYS[:2]} | {("raw", DAYS[2])}
    assert remaining(WORK[:1], done, {("mart", DAYS[2])}, UPSTREAM) == [
        Batch(DAYS[:2], ("second",)),
        Batch(DAYS[3:], ("raw", "mart", "second")),
    ]


@given(st.sets(st.sampled_from(CELLS)), st.sets(st.sampled_from(CELLS)))
def test_every_cell_is_left_done_or_made_of_what_was_lost(done: set[Cell], lost: set[Cell]) -> None:
    left = left_of(done, lost)
    assert not left & (done | lost)
    for asset, key in set(CELLS) - left - done - lost:
        made_of = {(name, of) for name in UPSTREAM[asset] for of in (key, None)}
        assert made_of & (set(CELLS) - left - (done - lost))


@given(st.sets(st.sampled_from(CELLS)))
def test_a_run_has_consecutive_days_and_upstream_assets_come_first(lost: set[Cell]) -> None:
    for batch in remaining(WORK, (), lost, UPSTREAM):
        for one, next_one in pairwise(batch.partition_keys):
            assert DAYS.index(next_one) == DAYS.index(one) + 1
        assert sorted(batch.assets, key=list(UPSTREAM).index) == list(batch.assets)


def test_a_source_that_is_away_is_given_up_sooner_than_bad_days() -> None:
    assert [is_hopeless(count, passes=True) for count in (1, 2, 3)] == [False, True, True]
    assert [is_hopeless(count, passes=False) for count in (1, 9, 10)] == [False, False, True]
