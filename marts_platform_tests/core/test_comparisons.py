"""Every older partition is compared within the stated number of evaluations, whatever fails between them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from math import ceil
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marts_platform.core.comparisons import Comparison, choose
from marts_platform.core.coverage import (
    Coverage,
    as_the_source_in_words,
    coverage_of_partitions,
    errors_in_words,
    missed_in_words,
)
from marts_platform.core.pending import SourceState
from marts_platform.core.run_log import Published

START = datetime(2024, 1, 1, tzinfo=UTC)
FIRST = date(2020, 1, 1)


def key(number: int) -> str:
    return (FIRST + timedelta(days=number)).isoformat()


def published(keys: list[str], rows: int = 1) -> dict[str | None, Published]:
    return {name: Published(1, name, "run", "run", "a state", rows, START, START) for name in keys}


@settings(max_examples=60)
@given(
    older=st.integers(1, 60),
    lookback=st.integers(1, 5),
    sampled=st.integers(1, 7),
    failing=st.sets(st.integers(0, 59)),
    reached=st.lists(st.booleans(), min_size=200, max_size=200),
)
def test_each_older_partition_is_tried_within_the_bound(
    older: int, lookback: int, sampled: int, failing: set[int], reached: list[bool]
) -> None:
    keys = [key(number) for number in range(older + lookback)]
    loaded = published(keys)
    seen: dict[str, Comparison] = {}
    waited = dict.fromkeys(keys[:older], 0)
    moments = count(1)
    for is_reached in reached:
        if not is_reached:
            continue  # the source was away: nothing is remembered, and no evaluation counts
        choice = choose(keys, loaded, seen, lookback, sampled)
        assert set(choice.newest) == set(keys[-lookback:])
        now = START + timedelta(seconds=next(moments))
        for name in choice.in_turn:
            has_failed = keys.index(name) in failing
            seen[name] = Comparison(now, None if has_failed else now, is_stale=has_failed)
        waited = {name: 0 if name in choice.in_turn else since + 1 for name, since in waited.items()}
        assert max(waited.values()) <= ceil(older / sampled)


@given(
    older=st.integers(0, 40),
    sampled=st.integers(0, 10),
    lookback=st.integers(1, 5),
    capacity=st.integers(1, 6),
)
def test_neither_new_nor_old_partitions_starve_when_time_ends(
    older: int, sampled: int, lookback: int, capacity: int
) -> None:
    keys = [key(number) for number in range(older + lookback)]
    loaded, seen = published(keys), dict[str, Comparison]()
    evaluations = 2 * (ceil(lookback / max(capacity // 2, 1)) + lookback)
    for number in range(evaluations):
        choice = choose(keys, loaded, seen, lookback, sampled)
        for name in choice.in_turn[:capacity]:
            seen[name] = Comparison(START + timedelta(seconds=number + 1), None)
    assert set(keys[-lookback:]) <= seen.keys()
    if older and sampled:
        assert seen.keys() & set(keys[:older])


def test_what_differed_and_was_not_loaded_is_compared_again_beside_the_others() -> None:
    keys = [key(number) for number in range(20)]
    later = START + timedelta(hours=1)
    seen = {name: Comparison(later, later, is_stale=name == keys[4]) for name in keys}
    assert choose(keys, published(keys), seen, 3, 2).stale == [keys[4]]
    loaded = published(keys)
    loaded[keys[4]] = Published(2, keys[4], "run", "run", "a state", 1, later + timedelta(1), later)
    assert choose(keys, loaded, seen, 3, 2).stale == []


def test_a_load_counts_as_a_comparison() -> None:
    keys = [key(number) for number in range(10)]
    loaded = published(keys)
    loaded[keys[0]] = Published(2, keys[0], "run", "run", "a state", 1, START + timedelta(1), START)
    assert choose(keys, loaded, {}, 2, 8).sampled[-1] == keys[0]


def test_many_small_partitions_are_compared_at_once() -> None:
    keys = [key(number) for number in range(100)]
    assert len(choose(keys, published(keys, 10), {}, 3, 2, 500).sampled) == 50
    assert len(choose(keys, published(keys, 1000), {}, 3, 2, 500).sampled) == 2


def test_partitions_before_the_first_one_are_left_alone() -> None:
    keys = [key(number) for number in range(20)]
    choice = choose(keys[10:], published(keys), {}, 3, 100)
    assert sorted([*choice.newest, *choice.sampled]) == keys[10:]


def test_choosing_among_10000_partitions_is_quick() -> None:
    keys = [key(number) for number in range(10_000)]
    loaded = published(keys)
    seen = {name: Comparison(START + timedelta(seconds=number), START) for number, name in enumerate(keys)}
    began = perf_counter()
    choose(keys, loaded, seen, 3, 3)
    assert perf_counter() - began < 0.5


def state(*keys: str) -> SourceState:
    return SourceState(keys, dict.fromkeys(keys, "a state"), "")


def test_what_is_said_is_what_was_looked_at() -> None:
    keys = [key(number) for number in range(820)]
    loaded = published(keys)
    choice = choose(keys, loaded, {}, 8, 3)
    whole = coverage_of_partitions(choice, state(*choice.in_turn), loaded, {})
    assert as_the_source_in_words({"shop/a": whole, "shop/b": whole}) == (
        "the newest 8 days and 3 of 812 older ones of shop/a, shop/b are as their source"
    )
    part = coverage_of_partitions(choice, state(*choice.newest[:2]), loaded, {})
    assert as_the_source_in_words({"shop/a": part}).startswith(
        "2 of the newest 8 days and 0 of 812 older ones"
    )
    assert list(missed_in_words({"shop/a": part, "shop/b": whole})) == [
        "shop/a: 6 of its newest 8 days and 3 of 3 older ones were not compared in time, the next evaluation "
        "begins with them; the oldest comparison is of 2024-01-01 00:00 UTC"
    ]
    every = coverage_of_partitions(choose(keys[:10], loaded, {}, 8, 3), state(*keys[:10]), loaded, {})
    assert as_the_source_in_words({"shop/a": every}) == (
        "the newest 8 days and all 2 older ones of shop/a are as their source"
    )
    crm = Coverage(1, 1, is_whole=True, scope="the customers of today")
    table = Coverage(1, 1, is_whole=True)
    assert as_the_source_in_words({"shop/t": table, "shop/c": crm}) == (
        "shop/t; shop/c (the customers of today; not compared further) are as their source"
    )


@pytest.mark.parametrize("stale", [1, 2000])
def test_nothing_is_said_to_be_as_its_source_while_something_is_stale(stale: int) -> None:
    said = as_the_source_in_words({"shop/t": Coverage(1, 1, is_whole=True)}, stale)
    assert said.startswith(f"{stale:,} stale partitions") and "as their source" not in said


def test_an_error_of_several_tables_is_one_line() -> None:
    errors: dict[str, Exception] = {
        "shop/a": OSError("away"),
        "shop/b": OSError("away"),
        "shop/c": OSError("no"),
    }
    assert list(errors_in_words(errors, str)) == [
        "shop/a, shop/b could not be compared with the source: away",
        "shop/c could not be compared with the source: no",
    ]
