"""What `marts materialize` takes: which assets, which days, what is pending; and a second run rests."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from marts_platform import settings
from marts_platform.core import path
from marts_platform.core.mart import MAX_PARTITIONS_PER_RUN
from marts_platform.core.partitions import DAILY
from marts_platform.core.pending import Batch
from marts_platform.demonstration import materialize_selection
from marts_platform.embedded.stack import Stack
from marts_platform.materialization import (
    MaterializationError,
    SelectionError,
    days_between,
    materialize,
    pending_batches,
    select,
)
from marts_platform_tests import databases
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template

if TYPE_CHECKING:
    from dagster import DagsterInstance

__all__ = ["migrated_database", "warehouse", "warehouse_template"]

CAMUNDA = ("camunda/act_hi_detail", "camunda/process_documents", "camunda/process_variables")
D1, D2, D3 = (date(2024, 3, 1) + timedelta(days=place) for place in range(3))


def names(selection: str) -> list[str]:
    return [registered.mart.asset for registered in select(selection)]


# Selections


@pytest.mark.parametrize("selection", ["camunda", 'key:"camunda/*"', "group:camunda"])
def test_a_domain_is_selected_upstream_first(selection: str) -> None:
    assert sorted(names(selection)) == list(CAMUNDA)
    assert names(selection)[0] == "camunda/act_hi_detail"


def test_all_is_everything() -> None:
    assert set(CAMUNDA) <= set(names("all"))


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("camunda/process_documents", ["camunda/process_documents"]),
        ('key:"camunda/process_documents"', ["camunda/process_documents"]),
        ('+key:"camunda/process_documents"', ["camunda/act_hi_detail", "camunda/process_documents"]),
        ('key:"camunda/act_hi_detail"+', [*CAMUNDA]),
        ('key:"camunda/process_variables" or key:"camunda/act_hi_detail"', [CAMUNDA[0], CAMUNDA[2]]),
        ("kind:camunda", ["camunda/act_hi_detail"]),
    ],
)
def test_an_asset_is_selected_by_its_name_or_by_dagsters_syntax(selection: str, expected: list[str]) -> None:
    assert sorted(names(selection)) == expected
    assert names(selection)[0] == expected[0]


@pytest.mark.parametrize(
    ("selection", "asset"),
    [
        ("camundo", "camunda"),
        ("camunda/proces", "camunda/process_documents"),
        ("process_documents", "camunda/process_documents"),
        ("shop/kafka_event", "shop/kafka_events"),
    ],
)
def test_a_selection_of_nothing_names_the_nearest(selection: str, asset: str) -> None:
    with pytest.raises(SelectionError) as raised:
        select(selection)
    named = re.search(r"did you mean (.*)\?\)", str(raised.value))
    assert named is not None and asset in named.group(1).split(" or ")
    assert len(named.group(1).split(" or ")) <= 3


@pytest.mark.parametrize("selection", ["key:nothing", "((", "", "kind:none"])
def test_a_selection_of_nothing_lists_what_there_is(selection: str) -> None:
    with pytest.raises(SelectionError) as raised:
        select(selection)
    assert repr(selection) in str(raised.value)
    assert "there are: " in str(raised.value)
    for asset in CAMUNDA:
        assert asset in str(raised.value)


# Days


def test_the_end_is_exclusive() -> None:
    (batch,) = days_between(D1, D3, select("camunda"))
    assert batch.partition_keys == ("2024-03-01", "2024-03-02")
    assert sorted(batch.assets) == list(CAMUNDA)


def test_the_end_may_lie_in_the_future_and_todays_partition_is_open() -> None:
    today = datetime.now(UTC).date()
    (batch,) = days_between(today - timedelta(days=1), today + timedelta(days=400), select("camunda"))
    assert len(batch.partition_keys) in (2, 3)  # it may be midnight just now
    assert batch.partition_keys[0] == (today - timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("first", "end"),
    [(D1, D1), (D2, D1), (date(2001, 1, 1), date(2001, 2, 1)), (date(2190, 1, 1), date(2190, 1, 2))],
)
def test_no_days_are_an_error_that_says_which_there_are(first: date, end: date) -> None:
    start = settings.load().start
    with pytest.raises(
        SelectionError, match=rf"from {first} to {end} \(exclusive\): they run from {start} to"
    ):
        days_between(first, end, select("camunda"))


@pytest.mark.parametrize("count", [1, MAX_PARTITIONS_PER_RUN, MAX_PARTITIONS_PER_RUN + 1, 366])
def test_many_days_become_several_runs_of_consecutive_days(count: int) -> None:
    first = settings.load().start
    runs = days_between(first, first + timedelta(days=count), select("camunda/act_hi_detail"))
    assert tuple(key for run in runs for key in run.partition_keys) == tuple(
        DAILY.get_partition_keys()[:count]
    )
    assert all(len(run.partition_keys) == MAX_PARTITIONS_PER_RUN for run in runs[:-1])
    assert {run.assets for run in runs} == {("camunda/act_hi_detail",)}


# What is pending


@pytest.fixture
def engine(stack: Stack, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine's empty database beside an empty warehouse; the settings point at both."""
    owner, reader = stack.owner_url("camunda"), settings.load().url("camunda_url")
    with databases.scratch_database(owner, databases.user_of(owner)) as name:
        reader_url = databases.at_database(reader, name)
        monkeypatch.setenv("MARTS_CAMUNDA_URL", reader_url)
        with Engine.created(databases.at_database(owner, name), reader_url) as made:
            yield made


def documents(*ids: str) -> str:
    listed = ", ".join(f'{{"doc.id": "{one}"}}' for one in ids)
    return f'{{"report.AttachedDocuments": [{listed}]}}'


def pending() -> dict[str, list[str]]:
    """The pending days of each asset."""
    found: dict[str, list[str]] = {}
    for batch in pending_batches(select("camunda")):
        for asset in batch.assets:
            found.setdefault(asset, []).extend(batch.partition_keys)
    return found


def load(instance: DagsterInstance) -> list[Any]:
    return materialize(pending_batches(select("camunda")), instance, with_checks=False)


def write_two_days(engine: Engine) -> None:
    engine.write(
        change(at(D1), proc_inst_id_="P1", var_inst_id_="V1", text_=documents("A")),
        change(at(D3), proc_inst_id_="P2", var_inst_id_="V2", text_=documents("B")),
    )


def test_nothing_is_pending_of_an_empty_source(engine: Engine) -> None:
    assert pending() == {}


def test_new_days_are_pending_and_the_empty_ones_between_are_not(engine: Engine) -> None:
    write_two_days(engine)
    assert pending() == dict.fromkeys(CAMUNDA, [D1.isoformat(), D3.isoformat()])


def test_a_second_run_has_nothing_to_do(
    engine: Engine, warehouse: Warehouse, ephemeral_instance: DagsterInstance
) -> None:
    write_two_days(engine)
    results = load(ephemeral_instance)
    assert {result.asset: (result.partitions, result.rows) for result in results} == dict.fromkeys(
        CAMUNDA, (2, 2)
    )
    before = _content(warehouse)
    assert pending() == {}
    assert load(ephemeral_instance) == []
    assert _content(warehouse) == before


def _content(warehouse: Warehouse) -> list[Any]:
    return [
        warehouse.rows(f"SELECT xmin::text, it::text FROM {table} AS it ORDER BY 2")
        for table in ("camunda.process_variables", "camunda.process_documents", "ops.etl_run_log")
    ]


def test_the_command_says_that_there_is_nothing_to_do(
    engine: Engine, instance: DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    write_two_days(engine)
    load(instance)
    capsys.readouterr()
    materialize_selection("camunda", None, None)
    assert " ".join(capsys.readouterr().out.split()) == (
        "Nothing to do: the newest 30 days and all 2 older ones of camunda/act_hi_detail are as their source."
    )
    materialize_selection("camunda/process_documents", None, None)
    assert capsys.readouterr().out == "Nothing to do: every table is as what it is made of.\n"


def test_a_day_that_changed_at_the_source_is_pending_within_the_days_that_are_compared(
    engine: Engine, ephemeral_instance: DagsterInstance
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    engine.write(change(at(yesterday), text_=documents("A")))
    load(ephemeral_instance)
    late = change(at(yesterday, 9), proc_inst_id_="P2", var_inst_id_="V2", text_=documents("late"))
    engine.write(late)
    assert pending() == dict.fromkeys(CAMUNDA, [yesterday.isoformat()])
    load(ephemeral_instance)
    assert pending() == {}


def test_other_settings_make_every_day_pending(
    engine: Engine, ephemeral_instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_two_days(engine)
    load(ephemeral_instance)
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "docIds")
    assert pending() == dict.fromkeys(CAMUNDA, [D1.isoformat(), D3.isoformat()])


def test_a_mart_that_is_behind_its_upstream_is_pending_alone(
    engine: Engine, ephemeral_instance: DagsterInstance
) -> None:
    write_two_days(engine)
    raw = select("camunda/act_hi_detail")
    materialize(days_between(D1, D2, raw), ephemeral_instance, with_checks=False)
    assert pending() == {
        CAMUNDA[0]: [D3.isoformat()],
        CAMUNDA[1]: [D1.isoformat(), D3.isoformat()],
        CAMUNDA[2]: [D1.isoformat(), D3.isoformat()],
    }


def test_a_day_that_is_loaded_by_hand_makes_its_marts_pending_once(
    engine: Engine, warehouse: Warehouse, ephemeral_instance: DagsterInstance
) -> None:
    write_two_days(engine)
    load(ephemeral_instance)
    # Corrected in place, years ago; it is found, and somebody loads the day again by hand.
    engine.execute("UPDATE act_hi_detail SET text_ = %s WHERE proc_inst_id_ = 'P1'", documents("corrected"))
    assert pending() == dict.fromkeys(CAMUNDA, [D1.isoformat()])
    raw = days_between(D1, D2, select("camunda/act_hi_detail"))
    materialize(raw, ephemeral_instance, with_checks=False)
    assert pending() == dict.fromkeys(CAMUNDA[1:], [D1.isoformat()])
    load(ephemeral_instance)
    assert pending() == {}
    assert warehouse.rows("SELECT doc_id FROM camunda.process_documents ORDER BY 1") == [
        ("B",),
        ("corrected",),
    ]


def test_what_failed_is_pending_again_and_what_was_published_before_is_not(
    engine: Engine, warehouse: Warehouse, ephemeral_instance: DagsterInstance
) -> None:
    write_two_days(engine)
    warehouse.rows("ALTER TABLE camunda.process_documents ADD CONSTRAINT not_b CHECK (doc_id <> 'B')")
    with pytest.raises(MaterializationError, match="not_b") as raised:
        load(ephemeral_instance)
    assert "camunda/process_documents failed within 2024-03-03 to 2024-03-03" in str(raised.value)
    done = {result.asset: result.partitions for result in raised.value.results}
    assert done["camunda/act_hi_detail"] == 2
    assert pending()["camunda/process_documents"] == [D3.isoformat()]
    warehouse.rows("ALTER TABLE camunda.process_documents DROP CONSTRAINT not_b")
    load(ephemeral_instance)
    assert pending() == {}
    assert warehouse.rows("SELECT proc_inst_id_, doc_id FROM camunda.process_documents ORDER BY 1") == [
        ("P1", "A"),
        ("P2", "B"),
    ]


def test_a_day_that_fails_stops_no_other_day_and_no_asset_that_is_not_made_of_it(
    engine: Engine, warehouse: Warehouse, ephemeral_instance: DagsterInstance
) -> None:
    for place, day in enumerate((D1, D2, D3), start=1):
        values = {"proc_inst_id_": f"P{place}", "var_inst_id_": f"V{place}"}
        engine.write(change(at(day), text_=documents("ABC"[place - 1]), **values))
    warehouse.rows("ALTER TABLE camunda.process_documents ADD CONSTRAINT not_b CHECK (doc_id <> 'B')")
    warehouse.rows("ALTER TABLE camunda.process_variables ADD CONSTRAINT no_v1 CHECK (var_inst_id_ <> 'V1')")
    with pytest.raises(MaterializationError) as raised:
        load(ephemeral_instance)
    # Both are said, and neither was tried twice.
    assert "not_b" in str(raised.value) and "no_v1" in str(raised.value)
    assert raised.value.lost == {(CAMUNDA[1], D2.isoformat()), (CAMUNDA[2], D1.isoformat())}
    assert pending() == {CAMUNDA[1]: [D2.isoformat()], CAMUNDA[2]: [D1.isoformat()]}
    assert warehouse.log().count("failed") == 2


def test_a_source_that_is_away_is_not_asked_for_every_day(
    engine: Engine, warehouse: Warehouse, ephemeral_instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = [Batch((day.isoformat(),), CAMUNDA[:1]) for day in (D1, D2, D3)]
    work.append(Batch((D1.isoformat(),), CAMUNDA[1:]))
    monkeypatch.setattr(path, "with_retries", lambda attempt: attempt())
    monkeypatch.setenv("MARTS_CAMUNDA_URL", "postgresql://nobody@127.0.0.1:1/camunda")
    with pytest.raises(
        MaterializationError, match="act_hi_detail failed 2 times in a row: 1 more of its"
    ) as raised:
        materialize(work, ephemeral_instance, with_checks=False)
    assert raised.value.lost == {(CAMUNDA[0], day.isoformat()) for day in (D1, D2, D3)}
    assert warehouse.log("status") == ["failed"] * 2


def test_an_interrupt_stops_at_once(
    engine: Engine, warehouse: Warehouse, ephemeral_instance: DagsterInstance
) -> None:
    write_two_days(engine)

    def interrupt(_: str) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(MaterializationError) as raised:
        materialize(pending_batches(select("camunda")), ephemeral_instance, interrupt, with_checks=False)
    assert raised.value.was_interrupted
    assert warehouse.log("asset || ' ' || partition_key") == [f"{CAMUNDA[0]} {D1}"]


def test_progress_is_told_with_every_partition(engine: Engine, ephemeral_instance: DagsterInstance) -> None:
    write_two_days(engine)
    told: list[str] = []
    materialize(
        pending_batches(select("camunda")), ephemeral_instance, progress=told.append, with_checks=False
    )
    assert sorted(told) == sorted([*CAMUNDA, *CAMUNDA])


def test_checks_run_unless_they_are_left_out(engine: Engine, ephemeral_instance: DagsterInstance) -> None:
    write_two_days(engine)
    day = days_between(D1, D2, select("camunda"))
    results = materialize(day, ephemeral_instance, with_checks=False)
    bare = {result.asset: set(result.checks) for result in results}
    full = {result.asset: set(result.checks) for result in materialize(day, ephemeral_instance)}
    assert bare["camunda/act_hi_detail"] == {"unique_id"}
    assert {"unique_id", "agrees_with_source"} <= full["camunda/act_hi_detail"]
    assert all(bare[asset] <= full[asset] for asset in CAMUNDA)
