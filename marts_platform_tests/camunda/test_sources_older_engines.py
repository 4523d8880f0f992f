"""Engines of every age: columns that an older one lacks are NULL, and the marts are right without them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from psycopg.sql import SQL, Identifier

from marts_platform.camunda.sources import CamundaSource
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.materialization import MaterializationError
from marts_platform_tests.camunda.engine import Engine
from marts_platform_tests.camunda.loads import Warehouse
from marts_platform_tests.camunda.oracle import RawHistory, Row, current_variables, documents

DAYS = [date(2024, 4, 1), date(2024, 4, 2)]

# The version that brought columns to act_hi_detail: the engine before it lacks them, and all later ones.
BROUGHT = {
    "7.13": ["initial_"],
    "7.10": ["root_proc_inst_id_", "removal_time_"],
    "7.7": ["operation_id_"],
    "7.5": ["tenant_id_"],
    "7.3": ["proc_def_key_", "proc_def_id_", "case_def_key_", "case_def_id_", "sequence_counter_"],
    "7.2": ["case_inst_id_", "case_execution_id_"],
    "7.1": ["var_inst_id_"],
}


def lacking(before: str) -> list[str]:
    """The columns that an engine before a version does not have."""
    versions = list(BROUGHT)
    return [name for version in versions[: versions.index(before) + 1] for name in BROUGHT[version]]


def make_older(engine: Engine, missing: list[str]) -> None:
    for name in missing:
        engine.execute(SQL("ALTER TABLE act_hi_detail DROP COLUMN {}").format(Identifier(name)))


def padded(row: Row, missing: list[str]) -> Row:
    """The row as the mart sees it: NULL for what is missing, a variable instance made of scope and name."""
    whole = {**dict.fromkeys(missing), **row}
    if "var_inst_id_" in missing and row["type_"] == "VariableUpdate":
        scope = row["task_id_"] or row["execution_id_"] or row["proc_inst_id_"]
        whole["var_inst_id_"] = f"{scope}:{row['name_']}"
    return whole


def logged_fingerprints(warehouse: Warehouse) -> set[str]:
    rows = warehouse.rows("SELECT fingerprint FROM ops.etl_run_log WHERE asset = 'camunda/act_hi_detail'")
    return {row["fingerprint"] for row in rows}


@pytest.mark.parametrize("before", list(BROUGHT), ids="before {}".format)
def test_an_older_engines_history_gives_the_oracles_marts(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "*")
    engine.generate(details=500, days=len(DAYS), until=datetime(2024, 4, 3, tzinfo=UTC), seed=5)
    missing = lacking(before)
    make_older(engine, missing)
    for day in DAYS:
        warehouse.load_bare(day)
    raw = RawHistory()
    source = [padded(row, missing) for row in engine.details()]
    for day in DAYS:
        raw.load(day, source)
    found = warehouse.table("act_hi_detail", "id_")
    assert found.keys() == {row["id_"] for row in source}
    # What an older engine lacks is NULL in the checksum too.
    for day in DAYS:
        slice_ = slice_of(DAILY, day.isoformat())
        state = CamundaSource().source_state("camunda/act_hi_detail", [slice_])
        assert state.fingerprints[day.isoformat()] in logged_fingerprints(warehouse)
    always_null = set(missing) - {"var_inst_id_"}
    assert not any(row[name] is not None for row in found.values() for name in always_null)
    assert warehouse.table("process_variables", "var_inst_id_") == current_variables(raw.rows())
    assert warehouse.table("process_documents", "proc_inst_id_") == documents(raw.rows())


def test_the_checks_of_a_load_run_on_an_engine_without_removal_times(
    engine: Engine, warehouse: Warehouse
) -> None:
    engine.generate(details=200, days=len(DAYS), until=datetime(2024, 4, 3, tzinfo=UTC))
    make_older(engine, lacking("7.3"))
    results = warehouse.load(DAYS[0], DAYS[-1] + timedelta(days=1), with_checks=True)
    checks = {name: passed for result in results for name, passed in result.checks.items()}
    assert checks.pop("json_valid") is False  # the generated history has values that are not JSON
    assert len(checks) >= 7 and all(checks.values())


def test_a_database_without_a_history_is_said(engine: Engine, warehouse: Warehouse) -> None:
    engine.execute("DROP TABLE act_hi_detail")
    with pytest.raises(MaterializationError, match="MARTS_CAMUNDA_URL has no act_hi_detail"):
        warehouse.load(DAYS[0], selection="camunda/act_hi_detail")
    (entry,) = warehouse.rows("SELECT status, error FROM ops.etl_run_log")
    assert entry["status"] == "failed"
    assert "is it a Camunda engine's, and its schema in the search_path?" in entry["error"]


def test_an_engine_in_a_schema_of_its_own_is_read_through_the_search_path(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.generate(details=200, days=1, until=datetime(2024, 4, 2, tzinfo=UTC))
    engine.execute("ALTER SCHEMA public RENAME TO camunda")
    monkeypatch.setenv("MARTS_CAMUNDA_URL", f"{engine.reader_url}?options=-csearch_path%3Dcamunda")
    warehouse.load(DAYS[0], selection="camunda/act_hi_detail")
    wanted = "SELECT count(*) FROM camunda.act_hi_detail WHERE name_ IN ('docIds', 'contextData')"
    assert warehouse.one("SELECT count(*) FROM camunda.act_hi_detail") == engine.rows(wanted)[0]["count"]
