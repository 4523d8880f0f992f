"""Snapshots of the CRM: each is kept, the newest good one is used, and what is wrong with one is said."""

from __future__ import annotations

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import pytest

from marts_platform.bionicpro.customers import NoCustomersError, customers_frame, snapshot_type, validated
from marts_platform.core.audit import AuditFailed
from marts_platform.materialization import MaterializationError
from marts_platform.resources.crm import CrmError
from marts_platform_tests.bionicpro.world import CRM, DAY, MART, TELEMETRY, World, action, customer
from marts_platform_tests.http_service import Answer, Asked

SNAPSHOTS = (
    "SELECT taken_at, count() AS users FROM bionicpro_raw.crm_users GROUP BY taken_at ORDER BY taken_at"
)


def users_of_snapshots(world: World) -> list[int]:
    return [row["users"] for row in world.rows(SNAPSHOTS)]


def age_snapshots(world: World, hours: int) -> None:
    """Moves what was taken into the past, the run log's entries with it."""
    # taken_at is part of the key, so the rows are written anew.
    world.clickhouse.command("CREATE TABLE bionicpro_raw.aged AS bionicpro_raw.crm_users")
    world.clickhouse.command(
        "INSERT INTO bionicpro_raw.aged "
        f"SELECT taken_at - INTERVAL {hours} HOUR, * EXCEPT taken_at FROM bionicpro_raw.crm_users"
    )
    world.clickhouse.command("EXCHANGE TABLES bionicpro_raw.aged AND bionicpro_raw.crm_users")
    world.clickhouse.command("DROP TABLE bionicpro_raw.aged SYNC")


def test_every_snapshot_stays_and_the_newest_is_used(world: World) -> None:
    world.write(action(1))
    world.customers = [customer(1, status="new"), customer(2)]
    world.snapshot()
    world.customers = [customer(1, status="active"), customer(2), customer(3)]
    world.snapshot()
    assert users_of_snapshots(world) == [2, 3]
    world.load(DAY)
    newest = world.rows(SNAPSHOTS)[-1]["taken_at"]
    assert world.reports("status, crm_taken_at") == [{"status": "active", "crm_taken_at": newest}]


def test_pages_are_one_snapshot(world: World) -> None:
    people = [customer(number) for number in range(1, 26)]

    def page(asked: Asked) -> Answer:
        number = int(parse_qs(urlsplit(asked.path).query).get("page", ["1"])[0])
        return Answer(
            {"items": people[number * 10 - 10 : number * 10], "page": number, "size": 10, "total": 25}
        )

    world.crm.answer = page
    assert world.snapshot().figures.rows_written == 25
    assert len(world.crm.asked) == 3
    assert users_of_snapshots(world) == [25]


def test_two_records_of_a_customer_double_no_report_and_both_are_kept(world: World) -> None:
    world.write(action(1), action(1))
    old, new = customer(1, order_date="2020-01-01", status="old"), customer(1, status="new")
    for told in ([old, new, old], [new, old]):
        world.customers = told
        world.snapshot()
        world.load(DAY)
        assert world.reports("total_actions, status") == [{"total_actions": 2, "status": "new"}]
    assert users_of_snapshots(world) == [3, 2]


def test_a_bad_record_is_in_quarantine_until_the_crm_tells_better(world: World) -> None:
    bad = [
        {"email": "nobody@example.com"},
        customer(2, user_id="02"),
        customer(3, email=7),
        ["a list"],
        customer(4, last_name="\ud800"),
    ]
    world.customers = [customer(1), *bad, customer(5, first_name="Ёлка 🦾", last_name=None, extra={"a": 1})]
    figures = world.snapshot().figures
    assert (figures.rows_read, figures.rows_written, figures.rows_quarantined) == (7, 4, 3)
    assert figures.values_quarantined == 2
    found = {key: (reason, json.loads(payload)) for key, reason, payload in world.quarantine(CRM)}
    keys = ["record 2", "user 02", "user 3", "record 5", "user 4"]
    assert {key: payload for key, (_, payload) in found.items()} == dict(zip(keys, bad, strict=True))
    assert found["record 2"][0] == "user_id: Field required"
    assert world.rows(
        "SELECT user_id, first_name, last_name FROM bionicpro_raw.crm_users ORDER BY user_id"
    ) == [
        {"user_id": 1, "first_name": "User", "last_name": "Number 1"},
        {"user_id": 3, "first_name": "User", "last_name": "Number 3"},
        {"user_id": 4, "first_name": "User", "last_name": None},
        {"user_id": 5, "first_name": "Ёлка 🦾", "last_name": None},
    ]
    world.customers = [customer(number) for number in range(1, 6)]
    world.snapshot()
    assert world.quarantine(CRM) == []


@pytest.mark.parametrize(
    ("value", "user"),
    [
        *((text, int(text)) for text in ("0", "42", "4294967295")),
        (42, 42),
        *((value, None) for value in ("042", "4.2e1", " 42", "42\n", "+42", "-1", "", "4294967296", "٤٢")),
        (True, None),
        (42.5, None),
    ],
)
def test_an_id_as_canonical_text_is_an_id(value: object, user: int | None) -> None:
    found = validated([{"user_id": value}])
    assert [one.user_id for one in found.customers] == ([] if user is None else [user])


@pytest.mark.parametrize("is_first", [True, False])
def test_a_snapshot_of_rejected_records_only_is_refused(world: World, is_first: bool) -> None:
    if not is_first:
        world.customers = [customer(1)]
        world.snapshot()
    world.customers = [customer(1, user_id="one"), customer(2, user_id=None)]
    with pytest.raises(NoCustomersError, match="gave 2 records, none of them is a customer") as refused:
        world.snapshot()
    assert "user_id: " in str(refused.value)
    assert "one:" not in str(refused.value) and "example.com" not in str(refused.value)
    assert world.postgres.log(asset=CRM) == ["failed"] if is_first else ["success", "failed"]
    assert users_of_snapshots(world) == ([] if is_first else [1])


@pytest.mark.parametrize(
    ("left", "audit"),
    [
        ([], "has_customers"),
        ([customer(1), customer(2)], "keeps_half"),
        ([customer(number) for number in (1, 2, 11, 12, 13)], "keeps_half"),
    ],
)
def test_a_snapshot_that_lost_too_many_is_refused_and_the_last_one_stays(
    world: World, left: list[object], audit: str
) -> None:
    world.write(action(1))
    world.customers = [customer(number) for number in range(1, 6)]
    world.snapshot()
    world.customers = left
    with pytest.raises(AuditFailed, match=audit) as refused:
        world.snapshot()
    assert "customers_before=5" in str(refused.value)
    assert users_of_snapshots(world) == [5]
    world.load(DAY, assets=[TELEMETRY, MART])
    assert world.reports("email") == [{"email": "user1@example.com"}]


def test_half_of_the_customers_is_enough(world: World) -> None:
    world.customers = [customer(number) for number in range(1, 5)]
    world.snapshot()
    world.customers = world.customers[:2]
    world.snapshot()
    assert users_of_snapshots(world) == [4, 2]


def test_an_outage_is_loud_and_yesterdays_snapshot_stays_in_use_and_is_said_to_be_stale(world: World) -> None:
    world.write(action(1))
    world.customers = [customer(1)]
    results = {result.asset: result for result in world.run(with_checks=True)}
    assert results[MART].checks["crm_is_fresh"]
    age_snapshots(world, 25)
    world.crm.answer = lambda _: Answer("no", 500)
    with pytest.raises(MaterializationError, match="answered 500 Internal Server Error, time and again"):
        world.run(with_checks=True)
    assert world.postgres.log(asset=CRM) == ["success", "failed"]
    assert world.reports("email, is_in_crm") == [{"email": "user1@example.com", "is_in_crm": True}]
    event = world.instance.get_latest_materialization_event(dg.AssetKey.from_user_string(MART))
    assert event is not None and event.asset_materialization is not None
    fresh = event.asset_materialization.metadata["crm_is_fresh"].value
    assert isinstance(fresh, dict)
    assert (fresh["passed"], fresh["hours_old"]) == (False, 25.0)
    assert str(world.rows(SNAPSHOTS)[-1]["taken_at"].date()) in str(fresh["crm_taken_at"])


def test_an_interrupt_amid_the_snapshot_ends_the_command(world: World) -> None:
    world.write(action(1))

    def interrupt(_: Asked) -> Answer:
        os.kill(os.getpid(), signal.SIGINT)
        return Answer([])

    world.crm.answer = interrupt
    with pytest.raises(MaterializationError, match="crm_users failed"):
        world.run()
    assert world.reports() == [], "the reports were loaded nevertheless, as if the CRM were away"


def test_planning_asks_for_one_snapshot_a_day(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert world.pending() == {CRM: [None]}
    world.crm.answer = lambda _: Answer("no", 404)
    with pytest.raises(CrmError):
        world.snapshot()
    assert world.pending() == {CRM: [None]}, "it failed"
    world.crm.answer = lambda _: Answer([customer(1)])
    world.snapshot()
    assert world.pending() == {}
    asked = len(world.crm.asked)
    # Another zone, another day, somewhere.
    far = "Pacific/Kiritimati" if datetime.now(UTC).hour >= 10 else "Pacific/Pago_Pago"
    monkeypatch.setenv("MARTS_REPORTS_TIMEZONE", far)
    assert world.pending() == {CRM: [None]}
    assert len(world.crm.asked) == asked, "planning asks the CRM nothing"


def test_a_snapshot_is_of_the_type_that_dagster_pandas_declares() -> None:
    taken_at = datetime.now(UTC)
    frame = customers_frame(validated([customer(1), {"user_id": 2}]).customers, taken_at)
    assert frame["taken_at"].tolist() == [taken_at, taken_at]
    for wrong in (
        frame.assign(user_id=-1),
        frame.assign(taken_at=None),
        frame.assign(order_date="2024-01-15"),
        frame.assign(email=7),
        frame.drop(columns="status"),
        frame.assign(order_date=(taken_at - timedelta(days=40_000)).date()),
    ):
        assert not dg.check_dagster_type(snapshot_type(), wrong).success
    assert dg.check_dagster_type(snapshot_type(), frame.iloc[:0]).success
