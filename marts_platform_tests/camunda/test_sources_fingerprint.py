"""A day's fingerprint is a checksum of every stored column, the same at the source and of the staged rows."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier, Placeholder

from marts_platform.camunda.sources import CamundaSource
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.core.table import declared
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse

DAY = date(2024, 5, 6)
RAW = "camunda/act_hi_detail"
COMPUTED = {"json_", "bytes_", "is_purged_", "is_withdrawn_"}
COLUMNS = [column.name for column in declared("camunda/ddl/act_hi_detail.sql").columns]
STORED = [name for name in COLUMNS if name not in COMPUTED]
# Another value of each column; of texts any.
OTHERS: dict[str, Any] = {
    "name_": "contextData",
    "time_": at(DAY, 13),
    "rev_": 7,
    "double_": 0.25,
    "long_": 2**53 + 1,
    "sequence_counter_": 2,
    "removal_time_": at(DAY, 14),
    "initial_": True,
}


def fingerprint() -> str:
    """The day's at the source."""
    slice_ = slice_of(DAILY, DAY.isoformat())
    return CamundaSource().source_state(RAW, [slice_]).fingerprints[slice_.partition_key]


def published(warehouse: Warehouse) -> str:
    """The day's of the newest load."""
    return str(
        warehouse.one(
            "SELECT fingerprint FROM ops.etl_run_log WHERE asset = %s AND partition_key = %s "
            "AND status = 'success' ORDER BY id DESC LIMIT 1",
            RAW,
            DAY.isoformat(),
        )
    )


def test_every_stored_column_counts(engine_of_each_server: Engine, warehouse: Warehouse) -> None:
    engine = engine_of_each_server
    engine.write(
        change(at(DAY), id_="D1", text_="{}"),
        change(at(DAY), id_="D2", var_inst_id_="V2", bytes_=b"{}"),
        change(at(DAY), id_="D3", var_inst_id_="V3", double_=float("nan"), long_=-(2**63)),
        change(at(DAY), id_="D4", var_inst_id_="V4", double_=float("-inf"), text_='a\\b"\t\v Ünï {NULL},'),
    )
    seen = {fingerprint()}
    for name in STORED:
        engine.execute(
            SQL("UPDATE act_hi_detail SET {} = {} WHERE id_ = 'D1'").format(Identifier(name), Placeholder()),
            OTHERS.get(name, "D9" if name == "id_" else "another"),
        )
        if name == "id_":
            engine.execute("UPDATE act_hi_detail SET id_ = 'D1' WHERE id_ = 'D9'")
            engine.execute("UPDATE act_hi_detail SET id_ = 'D0' WHERE id_ = 'D4'")
        assert fingerprint() not in seen, name
        seen.add(fingerprint())
    for moment in ("infinity", "-infinity", None):
        engine.execute("UPDATE act_hi_detail SET removal_time_ = %s WHERE id_ = 'D1'", moment)
        assert fingerprint() not in seen, moment
        seen.add(fingerprint())
    engine.execute("UPDATE act_ge_bytearray SET bytes_ = '[]'")
    assert fingerprint() not in seen
    warehouse.load_bare(DAY)
    assert published(warehouse) == fingerprint()


def test_correction_of_any_column_is_loaded_once(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(
        change(at(DAY), id_="D1", text_="{}"), change(at(DAY), id_="D2", var_inst_id_="V2", bytes_=b"{}")
    )
    warehouse.load_pending()
    assert warehouse.load_pending() == []
    # No count, newest time, newest key nor newest removal time tells of these.
    engine.execute("UPDATE act_hi_detail SET text_ = '[]' WHERE id_ = 'D1'")
    engine.execute("UPDATE act_ge_bytearray SET bytes_ = '[]'")
    assert published(warehouse) != fingerprint()
    warehouse.load_bare(DAY)
    assert published(warehouse) == fingerprint()
    rows = warehouse.table("act_hi_detail", "id_")
    assert (rows["D1"]["text_"], rows["D2"]["bytes_"]) == ("[]", b"[]")


def test_bytes_that_the_mart_keeps_do_not_count(engine: Engine, warehouse: Warehouse) -> None:
    """A row that the clean-up took stays in the mart only: counting it would reload its day for ever."""
    engine.write(change(at(DAY), bytes_=b"{}"))
    warehouse.load_bare(DAY)
    engine.execute("DELETE FROM act_ge_bytearray")
    assert published(warehouse) != fingerprint()
    warehouse.load_bare(DAY)
    assert published(warehouse) == fingerprint()
    assert warehouse.one("SELECT bytes_ FROM camunda.act_hi_detail") == b"{}"


@pytest.mark.parametrize("compares", ["true", "false"])
def test_setting_decides_whether_byte_arrays_count(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, compares: str
) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_COMPARES_BYTES", compares)
    engine.write(change(at(DAY), bytes_=b"{}"))
    warehouse.load_bare(DAY)
    before = fingerprint()
    assert published(warehouse) == before
    engine.execute("UPDATE act_ge_bytearray SET bytes_ = '[]'")
    assert (fingerprint() != before) is (compares == "true")
