"""When a partition that failed is tried again, and that upstream marts come first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from marts_platform import definitions
from marts_platform.core.mart import marts
from marts_platform.core.planning import in_order, is_due

NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 # the zone is drawn


@given(moments)
def test_what_never_failed_is_due(now: datetime) -> None:
    assert is_due(0, None, now)
    assert is_due(0, now, now)
    assert is_due(3, None, now)


@given(st.integers(1, 10_000), moments, st.timedeltas(timedelta(0), timedelta(days=2)))
def test_waiting_longer_never_makes_a_try_less_due(failures: int, last: datetime, waited: timedelta) -> None:
    if is_due(failures, last, last + waited):
        assert is_due(failures, last, last + waited + timedelta(seconds=1))
        assert failures == 1 or is_due(failures - 1, last, last + waited)
    assert not is_due(failures, last, last)
    assert is_due(failures, last, last + timedelta(hours=1))


def test_the_wait_doubles_from_a_minute_to_an_hour() -> None:
    for failures, minutes in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (1000, 60)]:
        wait = timedelta(minutes=minutes)
        assert is_due(failures, NOW - wait, NOW)
        assert not is_due(failures, NOW - wait + timedelta(microseconds=1), NOW)


def test_marts_are_ordered_upstream_first_however_they_are_named() -> None:
    assert definitions.defs  # defines the marts
    keys = [key for key in marts() if key.path[0] == "camunda"]
    for order in permutations(keys):
        assets = [found.mart.asset for found in in_order(order)]
        assert sorted(assets) == sorted(key.to_user_string() for key in keys)
        assert assets.index("camunda/act_hi_detail") == 0


def test_ordering_a_part_leaves_the_rest_out() -> None:
    assert definitions.defs
    (documents,) = (key for key in marts() if key.path[-1] == "process_documents")
    assert [found.mart.asset for found in in_order([documents])] == ["camunda/process_documents"]
