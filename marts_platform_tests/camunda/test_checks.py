"""The checks of what is published: they pass on good data, fail on bad, and raise when they cannot look."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest
from psycopg.sql import SQL, Identifier

from marts_platform import settings
from marts_platform.embedded.stack import Stack
from marts_platform_tests import databases
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse
from marts_platform_tests.databases import at_database

DAY = date(2024, 8, 5)
RAW = "camunda/act_hi_detail"
DOCUMENTS = "camunda/process_documents"
CHECKS = {
    RAW: {
        "agrees_with_source",
        "not_newer_than_source",
        "usual_volume",
        "extracted_before_purge",
        "every_row_has_a_day",
        "nothing_withdrawn",
        "unique_id",
    },
    "camunda/process_variables": {"unique_var_inst_id"},
    DOCUMENTS: {"unique_proc_inst_id", "documents_in_step", "json_valid"},
}


def check(warehouse: Warehouse, asset: str, name: str) -> dg.AssetCheckEvaluation:
    """Runs one check by itself, as the UI does, and returns what it found.

    Raises:
        AssertionError: it could not run.
    """
    run = run_check(warehouse, asset, name)
    assert run.success
    (evaluation,) = run.get_asset_check_evaluations()
    return evaluation


def run_check(warehouse: Warehouse, asset: str, name: str) -> dg.ExecuteInProcessResult:
    from marts_platform.definitions import defs

    key = dg.AssetCheckKey(dg.AssetKey.from_user_string(asset), name)
    job = defs.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection=set(), asset_check_selection={key}
    )
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return job.execute_in_process(instance=warehouse.instance, run_config=quiet, raise_on_error=False)


def write_days(engine: Engine, days: int, rows: int) -> None:
    engine.write(
        *(
            change(
                at(DAY + timedelta(days=day), 0, 0, row), proc_inst_id_=f"P{day}-{row}",
                var_inst_id_=f"V{day}-{row}", text_='{"report.AttachedDocuments": [{"doc.id": "A"}]}',
            )
            for day in range(days)
            for row in range(rows)
        )
    )  # fmt: skip


def test_all_checks_pass_on_good_data(engine_of_each_server: Engine, warehouse: Warehouse) -> None:
    engine_of_each_server.generate(details=400, days=1, until=datetime(2024, 8, 6, tzinfo=UTC))
    write_days(engine_of_each_server, 1, 3)
    # The generated history has values that are not JSON, on purpose.
    engine_of_each_server.execute("""
        UPDATE act_hi_detail SET text_ = '{"report.AttachedDocuments": []}', bytearray_id_ = NULL
        WHERE name_ IN ('docIds', 'contextData')
    """)
    results = warehouse.load(DAY, with_checks=True)
    assert {result.asset: result.checks for result in results} == {
        asset: dict.fromkeys(names, True) for asset, names in CHECKS.items()
    }


def test_a_value_that_differs_from_the_sources_is_found(engine: Engine, warehouse: Warehouse) -> None:
    write_days(engine, 2, 3)
    warehouse.load_bare(DAY, DAY + timedelta(days=1))
    assert check(warehouse, RAW, "agrees_with_source").passed
    engine.execute("UPDATE act_hi_detail SET long_ = 7 WHERE id_ = (SELECT min(id_) FROM act_hi_detail)")
    found = check(warehouse, RAW, "agrees_with_source")
    assert not found.passed and found.severity is dg.AssetCheckSeverity.WARN
    figures = {name: value.value for name, value in found.metadata.items()}
    assert figures["failed"] == DAY.isoformat() and figures["partitions_checked"] == 2
    assert figures["rows_at_source"] == figures["rows_in_mart"] == 3
    assert figures["checksum_at_source"] != figures["checksum_in_mart"]


@pytest.mark.parametrize("encoding", ["WIN1251", "ISO_8859_5"])
def test_a_source_of_another_encoding_agrees(
    stack: Stack, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    owner, reader = stack.owner_url("camunda"), settings.load().url("camunda_url")
    with (
        databases.scratch_database(owner, databases.user_of(owner), encoding=encoding) as name,
        Engine.created(at_database(owner, name), at_database(reader, name)) as engine,
    ):
        monkeypatch.setenv("MARTS_CAMUNDA_URL", engine.reader_url)
        engine.write(change(at(DAY), text_="договор"))
        warehouse.load_bare(DAY)
        assert [row["text_"] for row in warehouse.rows("SELECT text_ FROM camunda.act_hi_detail")] == [
            "договор"
        ]
        assert check(warehouse, RAW, "agrees_with_source").passed


def test_text_that_is_not_utf8_arrives_as_its_bytes(
    stack: Stack, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database in SQL_ASCII takes any bytes: one such value ended each load of its day."""
    owner, reader = stack.owner_url("camunda"), settings.load().url("camunda_url")
    bad = b"\xd4 \xff"
    with (
        databases.scratch_database(owner, databases.user_of(owner), encoding="SQL_ASCII") as name,
        Engine.created(at_database(owner, name), at_database(reader, name)) as engine,
    ):
        monkeypatch.setenv("MARTS_CAMUNDA_URL", engine.reader_url)
        engine.write(
            *(
                change(at(DAY), id_=f"D{number}", proc_inst_id_=f"P{number}", var_inst_id_=f"V{number}",
                       text_='{"report.AttachedDocuments": [{"doc.id": "A"}]}')
                for number in range(4)
            )
        )  # fmt: skip
        set_bytes = "UPDATE act_hi_detail SET {} = convert_from(%s::bytea, 'SQL_ASCII') WHERE id_ = %s"
        for column, value, key in (
            ("text_", bad, "D1"), ("tenant_id_", bad, "D2"),
            ("text_", '{"report.AttachedDocuments": [{"doc.id": "Ä"}]}'.encode(), "D3"),
        ):  # fmt: skip
            engine.execute(SQL(set_bytes).format(Identifier(column)), value, key)
        warehouse.load_pending()
        assert warehouse.load_pending() == []
        rows = warehouse.table("act_hi_detail", "id_")
        assert (rows["D1"]["text_"], rows["D1"]["bytes_"]) == (None, bad)
        assert rows["D2"]["tenant_id_"] == "\\324 \\377"
        assert [entry["source_key"] for entry in warehouse.quarantine(RAW)] == ["D1"]
        (entry,) = warehouse.quarantine()
        assert (entry["source_key"], entry["reason"], entry["payload"]) == (
            "D1", "docIds has type string but its bytes are not JSON in UTF-8", "\\xd420ff",
        )  # fmt: skip
        documents = warehouse.table("process_documents", "proc_inst_id_")
        assert {key: row["doc_ids"] for key, row in documents.items()} == {
            "P0": ["A"], "P1": [], "P2": ["A"], "P3": ["Ä"],
        }  # fmt: skip
        assert documents["P1"]["attached_documents"] is None
        assert warehouse.rebuilt("process_documents", "proc_inst_id_") == documents
        assert warehouse.table("process_variables", "var_inst_id_")["V1"]["is_removed"] is False
        assert check(warehouse, RAW, "agrees_with_source").passed


def test_a_row_that_is_missing_in_the_mart_is_found(engine: Engine, warehouse: Warehouse) -> None:
    write_days(engine, 1, 3)
    warehouse.load_bare(DAY)
    engine.write(change(at(DAY, 9), var_inst_id_="late"))
    found = check(warehouse, RAW, "agrees_with_source")
    assert not found.passed
    assert (found.metadata["rows_at_source"].value, found.metadata["rows_in_mart"].value) == (4, 3)


def test_rows_that_were_purged_since_do_not_disagree_after_a_rerun(
    engine: Engine, warehouse: Warehouse
) -> None:
    write_days(engine, 1, 3)
    warehouse.load_bare(DAY)
    engine.execute("DELETE FROM act_hi_detail WHERE id_ = (SELECT min(id_) FROM act_hi_detail)")
    assert not check(warehouse, RAW, "agrees_with_source").passed
    warehouse.load_bare(DAY)
    assert check(warehouse, RAW, "agrees_with_source").passed


def test_a_mart_that_is_newer_than_its_source_is_found(engine: Engine, warehouse: Warehouse) -> None:
    write_days(engine, 1, 3)
    warehouse.load_bare(DAY)
    assert check(warehouse, RAW, "not_newer_than_source").passed
    # The platform was pointed at an older copy of the database.
    engine.execute("DELETE FROM act_hi_detail WHERE time_ = (SELECT max(time_) FROM act_hi_detail)")
    assert not check(warehouse, RAW, "not_newer_than_source").passed


def test_a_value_that_is_not_json_is_found(engine: Engine, warehouse: Warehouse) -> None:
    write_days(engine, 1, 3)
    warehouse.load_bare(DAY)
    assert check(warehouse, DOCUMENTS, "json_valid").passed
    engine.write(change(at(DAY), id_="D", var_inst_id_="bad", proc_inst_id_="bad", text_="none"))
    warehouse.load_bare(DAY)
    found = check(warehouse, DOCUMENTS, "json_valid")
    assert not found.passed
    assert found.metadata["values_quarantined"].value == 1
    assert found.metadata["one_of_the_reasons"].value == "docIds is not JSON"
    engine.execute("UPDATE act_hi_detail SET text_ = 'null' WHERE id_ = 'D'")
    warehouse.load_bare(DAY)
    assert check(warehouse, DOCUMENTS, "json_valid").passed


def test_an_unusual_volume_is_found(engine: Engine, warehouse: Warehouse) -> None:
    write_days(engine, 9, 120)
    warehouse.load(DAY, DAY + timedelta(days=9), selection=RAW)
    assert check(warehouse, RAW, "usual_volume").passed
    last = DAY + timedelta(days=8)
    engine.execute("DELETE FROM act_hi_detail WHERE time_ >= %s AND id_ NOT LIKE '%%1'", at(last, 0))
    warehouse.execute("DELETE FROM camunda.act_hi_detail WHERE time_ >= %s", at(last, 0).replace(tzinfo=UTC))
    warehouse.load(last, selection=RAW)
    found = check(warehouse, RAW, "usual_volume")
    assert not found.passed
    assert found.metadata["failed"].value == last.isoformat()
    assert found.metadata["usual_rows"].value == 120


def test_days_that_are_purged_before_they_were_ever_extracted_are_found(
    engine: Engine, warehouse: Warehouse
) -> None:
    soon = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=3)
    later = soon + timedelta(days=30)
    other = DAY + timedelta(days=1)
    engine.write(
        change(at(DAY), var_inst_id_="V1", removal_time_=soon),
        change(at(other), var_inst_id_="V2", removal_time_=soon),
        change(at(other), var_inst_id_="V3", removal_time_=soon),
        change(at(other), var_inst_id_="V4", removal_time_=later),
        change(at(other), var_inst_id_="V5", removal_time_=soon, name_="nobody wants it"),
    )
    warehouse.load_bare(DAY)
    found = check(warehouse, RAW, "extracted_before_purge")
    assert not found.passed and found.severity is dg.AssetCheckSeverity.WARN
    figures = {name: value.value for name, value in found.metadata.items()}
    assert figures == {"rows_due": 3, "rows_never_extracted": 2, "days_never_extracted": other.isoformat()}
    warehouse.load_bare(other)
    assert check(warehouse, RAW, "extracted_before_purge").passed


UNDATED = ("infinity", "-infinity", "0001-01-01", "2019-12-31 23:59:59", "9999-12-31", "294276-12-31")


def write_undated(engine: Engine) -> None:
    engine.write(*(change(at(DAY), id_=f"U{number}") for number in range(len(UNDATED))))
    for number, moment in enumerate(UNDATED):
        engine.execute("UPDATE act_hi_detail SET time_ = %s::timestamp WHERE id_ = %s", moment, f"U{number}")


def test_rows_without_a_day_stop_nothing_and_are_counted(engine: Engine, warehouse: Warehouse) -> None:
    write_days(engine, 2, 2)
    write_undated(engine)
    engine.write(change(at(date(2019, 1, 1)), name_="nobody wants it"))
    engine.execute("UPDATE act_hi_detail SET removal_time_ = 'infinity' WHERE time_ >= %s", at(DAY, 0))
    results = warehouse.load_pending(with_checks=True)
    assert {result.asset: (result.partitions, result.rows) for result in results} == {
        RAW: (2, 4), "camunda/process_variables": (2, 4), DOCUMENTS: (2, 4),
    }  # fmt: skip
    (raw,) = (result for result in results if result.asset == RAW)
    assert [name for name, passed in raw.checks.items() if not passed] == ["every_row_has_a_day"]
    found = check(warehouse, RAW, "every_row_has_a_day")
    assert found.severity is dg.AssetCheckSeverity.WARN
    assert {name: value.value for name, value in found.metadata.items()} == {
        "rows_outside": len(UNDATED), "one_of_them": "U0", "earliest": "-infinity", "latest": "infinity",
    }  # fmt: skip
    engine.execute("DELETE FROM act_hi_detail WHERE id_ LIKE 'U%%'")
    assert check(warehouse, RAW, "every_row_has_a_day").passed


@pytest.mark.parametrize(
    "name",
    ["agrees_with_source", "not_newer_than_source", "extracted_before_purge", "every_row_has_a_day"],
)
def test_a_check_that_cannot_reach_the_source_raises_and_does_not_fail(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write_days(engine, 1, 1)
    warehouse.load_bare(DAY)
    monkeypatch.setenv("MARTS_CAMUNDA_URL", "postgresql://nobody:hidden@127.0.0.1:1/camunda")
    run = run_check(warehouse, RAW, name)
    assert not run.success
    assert run.get_asset_check_evaluations() == []
    (failure,) = [event for event in run.all_events if event.is_step_failure]
    assert "hidden" not in str(failure.step_failure_data.error)
