"""The engine's history clean-up deletes at the source; the mart keeps what it has."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from marts_platform_tests.camunda.engine import Change, Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse
from marts_platform_tests.camunda.test_checks import check

DAY = date(2024, 7, 8)
NEXT = DAY + timedelta(days=1)
DOCUMENT = '{"report.AttachedDocuments": [{"doc.id": "A"}]}'


@pytest.fixture(autouse=True)
def _loaded(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(
        *(
            change(at(day), id_=f"{process} {day}", proc_inst_id_=process, var_inst_id_=process,
                   sequence_counter_=number, text_=DOCUMENT, removal_time_=at(NEXT, 18))
            for process in ("P1", "P2")
            for number, day in enumerate((DAY, NEXT), 1)
        )
    )  # fmt: skip
    warehouse.load_bare(DAY, NEXT)


def details(warehouse: Warehouse) -> dict[str, bool]:
    """Whether each row of the mart was purged at the source, by its key."""
    return {key: row["is_purged_"] for key, row in warehouse.table("act_hi_detail", "id_").items()}


def marts(warehouse: Warehouse) -> tuple[object, object]:
    return (
        warehouse.table("process_variables", "var_inst_id_"),
        warehouse.table("process_documents", "proc_inst_id_"),
    )


def test_rows_that_are_gone_at_the_source_stay_and_say_so(engine: Engine, warehouse: Warehouse) -> None:
    before = marts(warehouse)
    engine.execute("DELETE FROM act_hi_detail WHERE proc_inst_id_ = 'P1'")
    warehouse.load_bare(DAY, NEXT)
    assert details(warehouse) == {
        f"P1 {DAY}": True, f"P1 {NEXT}": True, f"P2 {DAY}": False, f"P2 {NEXT}": False,
    }  # fmt: skip
    assert marts(warehouse) == before
    log = warehouse.rows("""
        SELECT rows_read, rows_written, rows_kept FROM ops.etl_run_log
        WHERE asset = 'camunda/act_hi_detail' ORDER BY id
    """)
    assert [tuple(row.values()) for row in log] == [(2, 2, 0)] * 2 + [(1, 1, 1)] * 2


def test_a_rerun_of_a_purged_day_does_not_empty_it(engine: Engine, warehouse: Warehouse) -> None:
    before = marts(warehouse)
    engine.execute("DELETE FROM act_hi_detail")
    for _ in range(2):
        warehouse.load(DAY, NEXT + timedelta(days=1))
        assert list(details(warehouse).values()) == [True] * 4
        assert marts(warehouse) == before


def test_a_row_that_comes_back_is_not_purged(engine: Engine, warehouse: Warehouse) -> None:
    (row,) = engine.rows("SELECT * FROM act_hi_detail WHERE id_ = %s", f"P1 {DAY}")
    engine.execute("DELETE FROM act_hi_detail WHERE id_ = %s", row["id_"])
    warehouse.load_bare(DAY)
    assert details(warehouse)[row["id_"]] is True
    engine.write(
        change(
            at(DAY),
            id_=row["id_"],
            proc_inst_id_="P1",
            var_inst_id_="P1",
            sequence_counter_=1,
            text_=DOCUMENT,
        )
    )
    warehouse.load_bare(DAY)
    assert details(warehouse)[row["id_"]] is False


def test_variables_that_are_no_longer_wanted_go(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.execute("DELETE FROM act_hi_detail WHERE proc_inst_id_ = 'P1'")
    warehouse.load_bare(NEXT)
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "contextData")
    warehouse.load_bare(NEXT)
    assert set(details(warehouse)) == {f"P1 {DAY}", f"P2 {DAY}"}
    rows = warehouse.rows("SELECT var_inst_id_, sequence_counter_ FROM camunda.process_variables ORDER BY 1")
    assert [tuple(row.values()) for row in rows] == [("P1", 1), ("P2", 1)]
    warehouse.load_bare(DAY)
    assert details(warehouse) == {}
    assert marts(warehouse) == ({}, {})


def test_rows_on_another_day_at_the_source_leave_their_old_day(engine: Engine, warehouse: Warehouse) -> None:
    engine.execute("UPDATE act_hi_detail SET time_ = %s WHERE id_ = %s", at(NEXT, 9), f"P1 {DAY}")
    warehouse.load_bare(DAY, NEXT)
    rows = warehouse.rows(
        "SELECT id_, time_, is_purged_ FROM camunda.act_hi_detail WHERE id_ = %s", f"P1 {DAY}"
    )
    assert [(row["time_"].replace(tzinfo=None), row["is_purged_"]) for row in rows] == [(at(NEXT, 9), False)]


@pytest.mark.parametrize("due", [None, "2999-01-01"])
def test_rows_that_no_clean_up_can_have_taken_are_withdrawn(
    engine: Engine, warehouse: Warehouse, due: str | None
) -> None:
    """An engine restored from a backup: e3 and e4 are gone, f3 has the counter of e3 and a later time."""

    def of_restored(number: int, name: str, hour: int, day: date) -> Change:
        return change(at(day, hour), id_=name, proc_inst_id_="R", var_inst_id_="R", sequence_counter_=number,
                      text_=f'{{"report.AttachedDocuments": [{{"doc.id": "{name}"}}]}}')  # fmt: skip

    engine.write(*(of_restored(number, f"e{number}", number, DAY) for number in (1, 2, 3, 4)))
    engine.execute("UPDATE act_hi_detail SET removal_time_ = %s::timestamp WHERE proc_inst_id_ = 'R'", due)
    warehouse.load_bare(DAY)
    engine.execute("DELETE FROM act_hi_detail WHERE id_ IN ('e3', 'e4')")
    engine.write(of_restored(3, "f3", 1, NEXT))
    warehouse.load_bare(NEXT)
    warehouse.load_bare(DAY)
    rows = warehouse.table("act_hi_detail", "id_")
    assert {key: (rows[key]["is_purged_"], rows[key]["is_withdrawn_"]) for key in ("e2", "e3", "e4")} == {
        "e2": (False, False), "e3": (False, True), "e4": (False, True),
    }  # fmt: skip
    found = check(warehouse, "camunda/act_hi_detail", "nothing_withdrawn")
    assert not found.passed and found.severity is dg.AssetCheckSeverity.WARN
    figures = {name: value.value for name, value in found.metadata.items()}
    assert (figures["rows_withdrawn"], figures["one_of_them"]) == (2, "e3")
    expect_restored(warehouse)
    # The clean-up takes what is left: the withdrawn changes stay what they are.
    engine.execute("UPDATE act_hi_detail SET removal_time_ = '2024-01-01' WHERE proc_inst_id_ = 'R'")
    warehouse.load_bare(DAY, NEXT)
    engine.execute("DELETE FROM act_hi_detail WHERE proc_inst_id_ = 'R'")
    warehouse.load_bare(DAY, NEXT)
    expect_restored(warehouse)
    rows = warehouse.table("act_hi_detail", "id_")
    assert (rows["f3"]["is_purged_"], rows["e4"]["is_withdrawn_"]) == (True, True)


def expect_restored(warehouse: Warehouse) -> None:
    assert warehouse.table("process_variables", "var_inst_id_")["R"]["detail_id_"] == "f3"
    row = warehouse.table("process_documents", "proc_inst_id_")["R"]
    assert (row["doc_id"], row["is_withdrawn"]) == ("f3", False)
    assert warehouse.rebuilt("process_documents", "proc_inst_id_")["R"] == row


def test_a_variable_without_living_changes_keeps_its_last_value(engine: Engine, warehouse: Warehouse) -> None:
    engine.execute("UPDATE act_hi_detail SET removal_time_ = NULL")
    engine.write(
        change(at(DAY), id_="other", proc_inst_id_="P1", var_inst_id_="V", name_="contextData", text_="1")
    )
    warehouse.load_bare(DAY, NEXT)
    engine.execute("DELETE FROM act_hi_detail WHERE var_inst_id_ = 'P1'")
    warehouse.load_bare(DAY, NEXT)
    row = warehouse.table("process_variables", "var_inst_id_")["P1"]
    assert (row["detail_id_"], row["is_withdrawn"]) == (f"P1 {NEXT}", True)
    row = warehouse.table("process_documents", "proc_inst_id_")["P1"]
    assert (row["doc_id"], row["is_withdrawn"]) == ("A", True)


def test_rows_beyond_the_bound_are_not_taken_for_purged(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction that is open since before the last load sets the bound back."""
    today = datetime.now(UTC).date()
    moment = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=1)
    engine.write(change(moment, id_="now", proc_inst_id_="N", var_inst_id_="N"))
    monkeypatch.setenv("MARTS_COMMIT_MARGIN_SECONDS", "0")
    warehouse.load_bare(today)
    monkeypatch.setenv("MARTS_COMMIT_MARGIN_SECONDS", "600")
    warehouse.load_bare(today)
    rows = warehouse.table("act_hi_detail", "id_")
    assert (rows["now"]["is_purged_"], rows["now"]["is_withdrawn_"]) == (False, False)
