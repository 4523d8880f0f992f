"""The engine's history clean-up deletes at the source; the mart keeps what it has."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse

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
