"""What the original process does wrong, one test each: each fails where it is done the original's way."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal

from marts_platform.materialization import compare, select
from marts_platform.resources import postgres_source
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse
from marts_platform_tests.camunda.oracle import Json
from marts_platform_tests.databases import as_role, user_of

DAY = date(2024, 6, 3)
NEXT = DAY + timedelta(days=1)
COMPARED = 45  # days back: beyond the 30 that are compared usually, within the 60 of a doubtful source


def attached(*documents: str) -> str:
    return json.dumps({"report.AttachedDocuments": [{"doc.id": document} for document in documents]})


def test_of_several_versions_the_newest_is_taken_not_any(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(
        *(
            change(
                at(DAY, 10, version), proc_inst_id_=f"P{process}", var_inst_id_=f"V{process}",
                sequence_counter_=version, text_=attached(f"version {version}"),
            )
            for process in range(30)
            for version in range(1, 6)
        )
    )  # fmt: skip
    warehouse.load(DAY)
    rows = warehouse.rows("SELECT proc_inst_id_, doc_id FROM camunda.process_documents")
    assert {row["proc_inst_id_"]: row["doc_id"] for row in rows} == {f"P{n}": "version 5" for n in range(30)}


def test_a_later_run_completes_the_processs_row_and_adds_none(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(change(at(DAY), text_=attached("A")))
    engine.write(change(at(NEXT), var_inst_id_="V2", name_="contextData", text_='{"step": 2}'))
    warehouse.load(DAY)
    warehouse.load(NEXT)
    (row,) = warehouse.rows("SELECT * FROM camunda.process_documents")
    assert (row["doc_id"], row["context_data"]) == ("A", Json({"step": 2}))
    assert (row["doc_ids_time_"].date(), row["context_data_time_"].date()) == (DAY, NEXT)
    assert row["time_"] == row["context_data_time_"]


def test_rows_below_the_newest_and_beside_it_arrive(engine: Engine, warehouse: Warehouse) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    engine.write(change(at(yesterday, 12), id_="newest"))
    warehouse.load_pending()
    engine.write(
        change(at(yesterday, 12), id_="tie", var_inst_id_="V2"),
        change(at(yesterday, 9), id_="late", var_inst_id_="V3"),
    )
    warehouse.load_pending()
    found = warehouse.rows("SELECT id_ FROM camunda.act_hi_detail")
    assert {row["id_"] for row in found} == {"newest", "tie", "late"}


def test_valid_json_with_empty_strings_stays_as_it_is(engine: Engine, warehouse: Warehouse) -> None:
    texts = ['{"name": "", "note": ""}', r'{"note": "she said \"\" twice", "path": "C:\\"}', '[""]', '""']
    for number, text in enumerate(texts):
        engine.write(
            change(at(DAY), name_="contextData", proc_inst_id_=text, var_inst_id_=f"V{number}", text_=text)
        )
    warehouse.load(DAY)
    rows = warehouse.rows("SELECT proc_inst_id_, context_data FROM camunda.process_documents")
    assert {row["proc_inst_id_"]: row["context_data"] for row in rows} == {
        text: Json(json.loads(text)) for text in texts
    }
    assert warehouse.one("SELECT count(*) FROM camunda.process_variables WHERE text_ = proc_inst_id_") == 4
    assert warehouse.quarantine() == []


def test_an_empty_list_of_documents_is_no_document_and_no_fault(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(change(at(DAY), text_=attached()))
    warehouse.load(DAY)
    (row,) = warehouse.rows("SELECT doc_id, doc_ids, attached_documents FROM camunda.process_documents")
    assert row == {"doc_id": None, "doc_ids": [], "attached_documents": 0}
    assert warehouse.quarantine() == []


def test_the_sources_role_needs_to_read_and_nothing_else(
    engine_of_each_server: Engine, warehouse: Warehouse
) -> None:
    engine = engine_of_each_server
    (role,) = engine.rows(
        """
        SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication,
            pg_has_role(rolname, 'pg_write_server_files', 'MEMBER') AS writes_files,
            pg_has_role(rolname, 'pg_execute_server_program', 'MEMBER') AS executes
        FROM pg_roles WHERE rolname = %s
        """,
        user_of(engine.reader_url),
    )
    assert not any(role.values())
    engine.write(change(at(DAY), bytes_=attached("A").encode()))
    warehouse.load(DAY)
    assert warehouse.one("SELECT doc_id FROM camunda.process_documents") == "A"


@pytest.fixture
def blind_role(engine_of_each_server: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The engine read by a role that sees nobody else's transactions."""
    engine = engine_of_each_server
    name, password = f"blind_{secrets.token_hex(4)}", secrets.token_urlsafe(12)
    role = Identifier(name)
    with psycopg.connect(engine.url, autocommit=True) as owner:
        owner.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, Literal(password)))
        owner.execute(SQL("GRANT pg_read_all_data TO {}").format(role))
        monkeypatch.setenv("MARTS_CAMUNDA_URL", as_role(engine.url, name, password))
        yield engine
        owner.execute(SQL("DROP OWNED BY {}").format(role))
        owner.execute(SQL("DROP ROLE {}").format(role))


def test_a_role_without_sight_of_transactions_is_said_and_loses_nothing(
    blind_role: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    margin = postgres_source.BLIND_MARGIN
    now = datetime.now(UTC).replace(tzinfo=None)
    old, young = now - margin - timedelta(seconds=30), now - margin + timedelta(seconds=30)
    blind_role.write(change(old, id_="old"), change(young, id_="young", var_inst_id_="V2"))
    warehouse.load(now.date() - timedelta(days=1), now.date() + timedelta(days=1), "camunda/act_hi_detail")
    assert [row["id_"] for row in warehouse.rows("SELECT id_ FROM camunda.act_hi_detail")] == ["old"]
    assert any("pg_read_all_stats" in warning for warning in warehouse.warnings())
    monkeypatch.setattr(postgres_source, "BLIND_MARGIN", timedelta(seconds=1))
    warehouse.load_pending()
    found = warehouse.rows("SELECT id_ FROM camunda.act_hi_detail")
    assert {row["id_"] for row in found} == {"old", "young"}


def test_a_role_without_sight_of_transactions_makes_the_look_back_twice_as_long(
    blind_role: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = datetime.now(UTC).date() - timedelta(days=COMPARED)
    blind_role.write(change(at(day), id_="first"))
    warehouse.load_pending()
    blind_role.write(change(at(day), id_="late", var_inst_id_="V2"))
    with monkeypatch.context() as seeing:
        seeing.setenv("MARTS_CAMUNDA_URL", blind_role.reader_url)
        assert str(day) not in compare(select("camunda"), 0).pending["camunda/act_hi_detail"]
    assert str(day) in compare(select("camunda"), 0).pending["camunda/act_hi_detail"]
    warehouse.load_pending()
    assert warehouse.one("SELECT count(*) FROM camunda.act_hi_detail") == 2


def test_what_was_submitted_in_a_form_is_no_variable(engine: Engine, warehouse: Warehouse) -> None:
    form = {"type_": "FormProperty", "var_type_": None, "var_inst_id_": None, "sequence_counter_": None}
    engine.write(
        change(at(DAY, 9), text_=attached("A")),
        change(at(DAY, 10), text_=attached("FORM"), **form),
        change(
            at(DAY, 10), text_=attached("FORM"), **{**form, "proc_inst_id_": "P2", "sequence_counter_": 9}
        ),
    )
    warehouse.load(DAY)
    assert warehouse.one("SELECT count(*) FROM camunda.act_hi_detail WHERE type_ = 'FormProperty'") == 2
    (variable,) = warehouse.rows("SELECT text_ FROM camunda.process_variables")
    assert variable["text_"] == attached("A")
    (row,) = warehouse.rows("SELECT proc_inst_id_, doc_id FROM camunda.process_documents")
    assert row == {"proc_inst_id_": "P1", "doc_id": "A"}


def test_values_of_json_variables_arrive(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(
        change(at(DAY), bytes_=attached("A", "B").encode()),
        change(
            at(DAY), var_inst_id_="V2", name_="contextData", var_type_="object", text2_="com.example.Context",
            bytes_=b'{"client": 1.10}',
        ),
    )  # fmt: skip
    warehouse.load(DAY)
    (row,) = warehouse.rows("SELECT doc_ids, context_data::text AS context FROM camunda.process_documents")
    assert row == {"doc_ids": ["A", "B"], "context": '{"client": 1.10}'}


def test_a_removal_takes_the_value_away(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(change(at(DAY), text_=attached("A")), change(at(NEXT), sequence_counter_=2))
    warehouse.load(DAY)
    assert warehouse.one("SELECT doc_id FROM camunda.process_documents") == "A"
    warehouse.load(NEXT)
    (variable,) = warehouse.rows("SELECT is_removed, text_, sequence_counter_ FROM camunda.process_variables")
    assert variable == {"is_removed": True, "text_": None, "sequence_counter_": 2}
    (row,) = warehouse.rows("SELECT doc_id, doc_ids, time_ FROM camunda.process_documents")
    assert (row["doc_id"], row["doc_ids"], row["time_"].date()) == (None, [], NEXT)
    assert warehouse.quarantine() == []
