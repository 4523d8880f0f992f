"""What has to be loaded: decided from the sources' state and the run log alone, and cut into runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count, pairwise
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from marts_platform.core.path import Mart, Replace, combined_fingerprint
from marts_platform.core.pending import (
    Batch,
    Key,
    Reason,
    SourceState,
    batches,
    pending_at_source,
    pending_from_upstream,
    pending_of,
    recent_keys,
    stages_of,
)
from marts_platform.core.run_log import Published, upstream_state
from marts_platform.core.table import Column, Table

START = datetime(2024, 3, 1, tzinfo=UTC)
FIRST = date(2024, 2, 20)  # a leap day is near
KEYS = [(FIRST + timedelta(days=place)).isoformat() for place in range(24)]
TABLE = Table("probe", "readings", "", (Column("at", "timestamptz", False, "When."),), (), "")

keys = st.sampled_from(KEYS)
reasons = st.sampled_from(Reason)
pendings = st.dictionaries(
    st.sampled_from(["shop/a", "shop/b", "shop/c"]), st.dictionaries(keys, reasons, max_size=24), max_size=3
)
scopes = st.sampled_from(["variables a in UTC", "variables a,b in UTC"])
fingerprints = st.tuples(st.integers(0, 3).map(str), scopes).map("; ".join)


def mart(asset: str, *upstream: str) -> Mart:
    return Mart(asset, TABLE, Replace("at"), upstream=upstream)


def published(key: str | None, fingerprint: str | None, log_id: int = 1) -> Published:
    return Published(log_id, key, "run", "run", fingerprint, 1, START, START)


def log(entries: Mapping[Any, str | None]) -> dict[str | None, Published]:
    return {key: published(key, fingerprint) for key, fingerprint in entries.items()}


def day(key: str) -> date:
    return date.fromisoformat(key)


def pairs(pending: Mapping[str, Mapping[Key, Reason]]) -> set[tuple[str, Key]]:
    return {(asset, key) for asset, found in pending.items() for key in found}


# Batches


@given(pendings, st.integers(1, 9))
def test_batches_cover_what_is_pending_once_and_nothing_else(
    pending: Mapping[str, Mapping[Key, Reason]], most: int
) -> None:
    covered = [
        (asset, key)
        for batch in batches(pending, most)
        for key in batch.partition_keys
        for asset in batch.assets
    ]
    assert len(covered) == len(set(covered))
    assert set(covered) == pairs(pending)


@given(pendings, st.integers(1, 9))
def test_a_batch_is_consecutive_days_of_the_same_assets_and_no_larger_than_allowed(
    pending: Mapping[str, Mapping[Key, Reason]], most: int
) -> None:
    for batch in batches(pending, most):
        assert 1 <= len(batch.partition_keys) <= most
        for key, later in pairwise(batch.partition_keys):
            assert day(later) - day(key) == timedelta(days=1)
        # Upstream ones first.
        assert list(batch.assets) == [asset for asset in pending if asset in batch.assets]


@given(pendings, st.integers(1, 9))
def test_there_are_no_more_batches_than_needed_and_they_go_on_in_time(
    pending: Mapping[str, Mapping[Key, Reason]], most: int
) -> None:
    for batch, later in pairwise(batches(pending, most)):
        gap = day(later.partition_keys[0]) - day(batch.partition_keys[-1])
        assert gap >= timedelta(days=1)
        could_be_one = gap == timedelta(days=1) and batch.assets == later.assets
        assert not could_be_one or len(batch.partition_keys) == most


def test_an_upstream_and_its_mart_of_one_day_are_one_run() -> None:
    pending: dict[str, dict[Key, Reason]] = {
        "shop/a": {KEYS[0]: Reason.NEW, KEYS[1]: Reason.CHANGED},
        "shop/b": {KEYS[1]: Reason.BEHIND},
    }
    assert batches(pending, 50) == [Batch((KEYS[0],), ("shop/a",)), Batch((KEYS[1],), ("shop/a", "shop/b"))]


@given(st.lists(keys, unique=True).map(sorted), st.integers(1, 30))
def test_recent_keys_are_the_last_ones(there: Sequence[str], count: int) -> None:
    assert recent_keys(there, count) == list(there)[max(0, len(there) - count) :]


# At a source


@given(
    rows=st.sets(keys),
    probed=st.dictionaries(keys, st.integers(0, 3)),
    scope=scopes,
    entries=st.dictionaries(keys, st.none() | fingerprints),
)
def test_a_day_is_pending_when_it_is_new_or_not_as_it_was_published(
    rows: set[str], probed: Mapping[str, int], scope: str, entries: Mapping[str, str | None]
) -> None:
    state = SourceState(rows, {key: f"{value}; {scope}" for key, value in probed.items()}, scope)
    found = pending_at_source(state, log(entries))
    for key in KEYS:
        if key not in entries:
            # A day that neither has rows nor ever had any is nobody's business.
            expected = Reason.NEW if key in rows else None
        else:
            seen = entries[key]
            differs = key in state.fingerprints and seen != state.fingerprints[key]
            other_scope = key in rows and not (seen or "").endswith(scope)
            expected = Reason.CHANGED if differs or other_scope or seen is None else None
        assert found.get(key) == expected


@given(
    rows=st.sets(keys),
    probed=st.dictionaries(keys, st.integers(0, 3)),
    scope=scopes,
    entries=st.dictionaries(keys, st.none() | fingerprints),
)
def test_once_what_is_pending_is_published_as_the_source_is_nothing_is_pending(
    rows: set[str], probed: Mapping[str, int], scope: str, entries: Mapping[str, str | None]
) -> None:
    state = SourceState(rows, {key: f"{value}; {scope}" for key, value in probed.items()}, scope)
    done = log(entries)
    for key in pending_at_source(state, done):
        done[key] = published(key, state.fingerprints.get(key, f"unseen; {scope}"))
    assert pending_at_source(state, done) == {}


def test_a_day_whose_rows_were_all_deleted_at_the_source_is_pending() -> None:
    state = SourceState(frozenset(), {KEYS[0]: "0; all"}, "all")
    assert pending_at_source(state, log({KEYS[0]: "7; all"})) == {KEYS[0]: Reason.CHANGED}


# Behind an upstream


def test_a_mart_is_pending_where_its_upstream_is_newer_or_will_be() -> None:
    upstream = log({key: f"now {key}" for key in KEYS[:4]})
    state = {"shop/raw": f"now {KEYS[0]}"}
    own = log({KEYS[0]: combined_fingerprint(state), KEYS[1]: "an older state", KEYS[3]: None})
    found = pending_from_upstream(
        mart("shop/sums", "shop/raw"),
        {"shop/raw": upstream, "shop/sums": own},
        {"shop/raw": {KEYS[0]: Reason.CHANGED, KEYS[9]: Reason.NEW}},
    )
    assert found == {
        KEYS[0]: Reason.BEHIND,
        KEYS[1]: Reason.BEHIND,
        KEYS[2]: Reason.NEW,
        KEYS[3]: Reason.BEHIND,
        KEYS[9]: Reason.NEW,
    }


@given(
    rows=st.sets(keys),
    probed=st.dictionaries(keys, st.integers(0, 3)),
    raw=st.dictionaries(keys, fingerprints),
    sums=st.dictionaries(keys, fingerprints),
    totals=st.dictionaries(keys, fingerprints),
    order=st.randoms(use_true_random=False),
)
def test_loading_what_is_pending_through_a_chain_leaves_nothing_pending(
    rows: set[str],
    probed: Mapping[str, int],
    raw: Mapping[str, str],
    sums: Mapping[str, str],
    totals: Mapping[str, str],
    order: Random,
) -> None:
    scope = "all"
    chain = [mart("shop/raw"), mart("shop/sums", "shop/raw"), mart("shop/totals", "shop/sums", "shop/raw")]
    state = SourceState(rows, {key: f"{value}; {scope}" for key, value in probed.items()}, scope)
    done = {"shop/raw": log(raw), "shop/sums": log(sums), "shop/totals": log(totals)}
    drawn = order.sample(range(1000), 3 * len(KEYS))
    for found in done.values():
        found.update({key: replace(entry, log_id=drawn.pop()) for key, entry in found.items()})
    pending = pending_of(chain, done, {"shop/raw": state})
    numbers = count(1000)
    for batch in batches(pending, 3):
        for member in (one for one in chain if one.asset in batch.assets):
            for key in batch.partition_keys:
                reached = _state_after_a_load(member, key, done, state)
                done[member.asset][key] = published(key, reached, next(numbers))
    assert pairs(pending_of(chain, done, {"shop/raw": state})) == set()


def loads(fingerprint: str, log_id: int, *keys: Key) -> dict[Key, Published]:
    return {key: published(key, fingerprint, log_id) for key in keys}


def test_a_slice_is_behind_whatever_it_is_computed_from_and_was_loaded_after_it() -> None:
    daily = mart("shop/daily", "shop/a", "shop/users")
    total = whole("shop/total", "shop/a")
    days = loads("a", 5, *KEYS[:3])
    all_days = combined_fingerprint({"shop/a": upstream_state(days, None)})
    before = {
        "shop/a": days,
        "shop/users": loads("u", 3, None),
        "shop/daily": loads(combined_fingerprint({"shop/a": "a", "shop/users": "u"}), 10, *KEYS[:3]),
        "shop/total": loads(all_days, 10, None),
    }
    for one in (daily, total):
        assert pending_from_upstream(one, before, {}) == {}
    day = before | {"shop/a": days | loads("a", 11, KEYS[1])}
    assert pending_from_upstream(daily, day, {}) == {KEYS[1]: Reason.BEHIND}
    assert pending_from_upstream(total, day, {}) == {None: Reason.BEHIND}
    users = before | {"shop/users": loads("u", 11, None)}
    assert pending_from_upstream(daily, users, {}) == dict.fromkeys(KEYS[:3], Reason.BEHIND)
    assert pending_from_upstream(total, users, {}) == {}


def _state_after_a_load(
    member: Mart, key: str, done: Mapping[str, Mapping[str | None, Published]], state: SourceState
) -> str:
    if not member.upstream:
        return state.fingerprints.get(key, f"unseen; {state.scope}")
    entries = {asset: done[asset].get(key) for asset in member.upstream}
    return combined_fingerprint({asset: entry and entry.fingerprint for asset, entry in entries.items()})


# Assets without partitions


def whole(asset: str, *upstream: str, lookups: Sequence[str] = ()) -> Mart:
    return Mart(asset, TABLE, Replace(), upstream=upstream, lookups=lookups, is_partitioned=False)


def test_a_whole_table_at_a_source_is_pending_until_it_shows_the_sources_state() -> None:
    state = SourceState([None], dict.fromkeys([None], "3 rows; all"), "all")
    assert pending_at_source(state, {}) == {None: Reason.NEW}
    assert pending_at_source(state, log({None: "2 rows; all"})) == {None: Reason.CHANGED}
    assert pending_at_source(state, log({None: "3 rows; all"})) == {}


def test_a_whole_table_made_of_days_is_behind_when_any_of_them_changes() -> None:
    total = whole("shop/total", "shop/a")
    days = log({KEYS[0]: "1", KEYS[1]: "2"})
    assert pending_from_upstream(total, {"shop/a": {}}, {}) == {}
    assert pending_from_upstream(total, {"shop/a": days}, {}) == {None: Reason.NEW}
    state = combined_fingerprint({"shop/a": upstream_state(days, None)})
    own = log({None: state})
    assert pending_from_upstream(total, {"shop/a": days, "shop/total": own}, {}) == {}
    for changed in (log({KEYS[0]: "1", KEYS[1]: "3"}), log({KEYS[0]: "1"})):
        assert pending_from_upstream(total, {"shop/a": changed, "shop/total": own}, {}) == {
            None: Reason.BEHIND
        }
    ahead: dict[str, dict[Key, Reason]] = {"shop/a": {KEYS[2]: Reason.NEW}}
    assert pending_from_upstream(total, {"shop/a": days, "shop/total": own}, ahead) == {None: Reason.BEHIND}


def test_a_whole_table_is_not_behind_days_that_will_not_be_loaded() -> None:
    # A sensor looks at the newest days; the history that nobody has loaded yet asked for the whole each time.
    days, whole = mart("shop/days"), replace(mart("shop/whole", "shop/days"), is_partitioned=False)
    loaded = log({KEYS[-1]: "1; all"})
    own = log({None: whole.computed_fingerprint({"shop/days": upstream_state(loaded, None)})})
    there = {"shop/days": loaded, "shop/whole": own}
    sources = {"shop/days": SourceState(KEYS, {KEYS[-1]: "1; all"}, "all")}
    assert pending_of([days, whole], there, sources)["shop/whole"] == {None: Reason.BEHIND}
    newest = pending_of([days, whole], there, sources, {None, *KEYS[-3:]})
    assert pairs(newest) == {("shop/days", KEYS[-3]), ("shop/days", KEYS[-2]), ("shop/whole", None)}
    assert pairs(pending_of([days, whole], there, sources, {None, KEYS[-1]})) == set()


def test_days_made_of_a_whole_table_are_all_behind_when_it_changes() -> None:
    daily = mart("shop/daily", "shop/a", "shop/users")
    before = {"shop/a": log({KEYS[0]: "1"}), "shop/users": log({None: "u"})}
    state = combined_fingerprint({asset: upstream_state(found, KEYS[0]) for asset, found in before.items()})
    there = before | {"shop/daily": log({KEYS[0]: state})}
    assert pending_from_upstream(daily, there, {}) == {}
    changed = there | {"shop/users": log({None: "v"})}
    assert pending_from_upstream(daily, changed, {}) == {KEYS[0]: Reason.BEHIND}
    ahead: dict[str, dict[Key, Reason]] = {"shop/users": {None: Reason.CHANGED}}
    assert pending_from_upstream(daily, there, ahead) == {KEYS[0]: Reason.BEHIND}


def test_what_a_mart_looks_up_makes_nothing_stale_and_comes_before_it() -> None:
    daily = Mart("shop/daily", TABLE, Replace("at"), upstream=["shop/a"], lookups=["shop/users"])
    marts = [whole("shop/users"), mart("shop/a"), daily, whole("shop/total", "shop/daily")]
    there = {"shop/a": log({KEYS[0]: "1"}), "shop/daily": log({KEYS[0]: "shop/a: 1"})}
    changed: dict[str, dict[Key, Reason]] = {"shop/users": {None: Reason.CHANGED}}
    assert pending_from_upstream(daily, there, changed) == {}
    assert stages_of(marts) == {"shop/users": 0, "shop/a": 0, "shop/daily": 1, "shop/total": 2}


def test_whole_tables_and_days_take_turns() -> None:
    marts = [whole("shop/users"), mart("shop/a"), whole("shop/total", "shop/a"), mart("shop/b", "shop/total")]
    pending: dict[str, dict[Key, Reason]] = {
        "shop/users": {None: Reason.NEW},
        "shop/a": {KEYS[0]: Reason.NEW, KEYS[1]: Reason.NEW},
        "shop/total": {None: Reason.NEW},
        "shop/b": {KEYS[1]: Reason.NEW},
    }
    assert batches(pending, 50, stages_of(marts)) == [
        Batch((), ("shop/users",)),
        Batch((KEYS[0], KEYS[1]), ("shop/a",)),
        Batch((), ("shop/total",)),
        Batch((KEYS[1],), ("shop/b",)),
    ]
