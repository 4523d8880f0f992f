"""``marts forget camunda``: a process leaves every mart and the quarantine, and no load brings it back."""

from __future__ import annotations

import hashlib
from contextlib import closing
from datetime import date, timedelta

import psycopg2
import pytest
from typer.testing import CliRunner, Result

from marts_platform.cli import app
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse

DAY = date(2024, 7, 8)
NEXT = DAY + timedelta(days=1)
PERSON = "7f0c-person"
TABLES = ("act_hi_detail", "process_variables", "process_documents")


@pytest.fixture(autouse=True)
def _loaded(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(
        *(
            change(
                at(day), id_=f"{process[0]}{name}{day}", proc_inst_id_=process,
                var_inst_id_=f"{process}{name}", name_=name, sequence_counter_=number,
                text_=f"secret {process}",
            )
            for process in (PERSON, "other")
            for name in ("docIds", "contextData")
            for number, day in enumerate((DAY, NEXT), 1)
        )
    )  # fmt: skip
    warehouse.load_bare(DAY, NEXT)


def forget(*options: str, domain: str = "camunda") -> Result:
    return CliRunner().invoke(app, ["forget", domain, *options])


def held(warehouse: Warehouse) -> dict[str, set[str]]:
    """The processes in each mart, and in quarantine by what its entries say."""
    found = {
        table: {row["proc_inst_id_"] for row in warehouse.table(table, "proc_inst_id_").values()}
        for table in TABLES
    }
    entries = warehouse.rows("SELECT source_key, payload FROM ops.quarantine")
    return found | {
        "quarantine": {process for process in (PERSON, "other") for entry in entries
                       if process in str(entry) or entry["source_key"][0] == process[0]}
    }  # fmt: skip


EVERYWHERE = dict.fromkeys((*TABLES, "quarantine"), {PERSON, "other"})
ELSEWHERE = dict.fromkeys((*TABLES, "quarantine"), {"other"})


def test_process_is_forgotten_everywhere_and_stays_so(engine: Engine, warehouse: Warehouse) -> None:
    assert held(warehouse) == EVERYWHERE
    engine.execute("DELETE FROM act_hi_detail WHERE proc_inst_id_ = %s", PERSON)
    warehouse.load_bare(DAY)  # One day has noticed, the other has not.
    log = warehouse.rows("SELECT * FROM ops.etl_run_log ORDER BY id")
    result = forget("--process", PERSON, "--yes")
    assert result.exit_code == 0, result.output
    assert "4 rows of camunda.act_hi_detail" in result.output and PERSON not in result.output
    assert held(warehouse) == ELSEWHERE
    assert warehouse.rows("SELECT * FROM ops.etl_run_log ORDER BY id") == log
    for days in ((DAY, NEXT), (NEXT, DAY)):
        warehouse.load_bare(*days)
        assert held(warehouse) == ELSEWHERE
    warehouse.load(DAY, NEXT + timedelta(days=1))
    assert held(warehouse) == ELSEWHERE
    for mart, key in (("process_variables", "var_inst_id_"), ("process_documents", "proc_inst_id_")):
        assert warehouse.rebuilt(mart, key) == warehouse.table(mart, key)


def test_log_holds_a_digest_and_nothing_of_the_person(engine: Engine, warehouse: Warehouse) -> None:
    engine.execute("DELETE FROM act_hi_detail WHERE proc_inst_id_ = %s", PERSON)
    forget("--process", PERSON, "--yes")
    (entry,) = warehouse.rows("SELECT * FROM ops.forgotten")
    assert (entry["domain"], entry["key_name"]) == ("camunda", "process")
    assert entry["key_digest"] == hashlib.sha256(PERSON.encode()).hexdigest()
    assert entry["rows_deleted"].value["camunda.act_hi_detail"] == 4
    assert PERSON not in str(entry) and "secret" not in str(entry)
    again = forget("--process", PERSON, "--yes")
    assert again.exit_code == 0 and "hold nothing of this process" in again.output
    assert warehouse.one("SELECT count(*) FROM ops.forgotten") == 1


def test_process_that_the_source_has_is_refused(engine: Engine, warehouse: Warehouse) -> None:
    engine.execute("DELETE FROM act_hi_detail WHERE proc_inst_id_ = %s AND time_ < %s", PERSON, at(NEXT, 0))
    result = forget("--process", PERSON, "--yes")
    assert result.exit_code == 1
    assert (
        "still has 2 rows of this process" in result.output and "delete them at the source" in result.output
    )
    assert held(warehouse) == EVERYWHERE
    assert warehouse.rows("SELECT * FROM ops.forgotten") == []


def test_without_an_answer_nothing_is_deleted(engine: Engine, warehouse: Warehouse) -> None:
    engine.execute("DELETE FROM act_hi_detail WHERE proc_inst_id_ = %s", PERSON)
    result = forget("--process", PERSON)
    assert result.exit_code == 1 and "--yes" in result.output
    assert "4 rows of camunda.act_hi_detail" in result.output
    assert held(warehouse) == EVERYWHERE


def test_source_that_does_not_answer_is_no_source_without_rows(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_URL", "postgresql://nobody:hidden@127.0.0.1:1/camunda")
    result = forget("--process", PERSON, "--yes")
    assert result.exit_code == 1 and "hidden" not in result.output
    assert "did not answer" in result.output and "Nothing was deleted" in result.output
    assert held(warehouse) == EVERYWHERE


def test_load_that_has_read_the_rows_is_waited_for(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marts_platform.io_managers.postgres_session._WRITER_WAIT_SECONDS", 1)
    engine.execute("DELETE FROM act_hi_detail WHERE proc_inst_id_ = %s", PERSON)
    with closing(psycopg2.connect(warehouse.url)) as load, load.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"marts camunda.act_hi_detail {NEXT}"]
        )
        result = forget("--process", PERSON, "--yes")
        assert result.exit_code == 1 and "nothing was deleted" in result.output
        assert held(warehouse) == EVERYWHERE
    assert forget("--process", PERSON, "--yes").exit_code == 0
    assert held(warehouse) == ELSEWHERE


@pytest.mark.parametrize(
    ("options", "domain", "message"),
    [(["--yes"], "camunda", "name the process"), (["--process", "1", "--yes"], "shop", "nothing to forget")],
)
def test_wrong_use_is_said(warehouse: Warehouse, options: list[str], domain: str, message: str) -> None:
    result = forget(*options, domain=domain)
    assert result.exit_code == 1 and message in result.output
