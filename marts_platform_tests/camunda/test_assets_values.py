"""Values of every kind and every fault: the row arrives, and what cannot be read stands in quarantine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date
from random import Random
from string import ascii_letters, digits
from typing import Any

import pytest

from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse
from marts_platform_tests.camunda.oracle import Json

DAY = date(2024, 6, 3)
JAVA = bytes.fromhex("aced0005737200116a6176612e7574696c2e486173684d6170")
LIST = "docIds lists documents without a doc.id that is a string or a number of at most 1000 bytes"
# Random, so that no compression makes an index's key of it.
LONG = "".join(Random(1).choices(ascii_letters + digits, k=3900))
SHAPE = "docIds has no list report.AttachedDocuments"
NO_JSON = "docIds is not JSON"
RAW = "camunda/act_hi_detail"


@pytest.fixture(autouse=True)
def _no_row_is_lost(warehouse: Warehouse) -> Iterator[None]:
    yield
    assert warehouse.lost_rows() == []


# The source's columns of a value, and what the mart has to hold of it.
VALUES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"text_": 'Ünïcode ""\t😀'}, {"text_": 'Ünïcode ""\t😀', "var_type_": "string"}),
    ({"text_": "", "text2_": "!emptyString!"}, {"text_": "", "text2_": "!emptyString!"}),
    ({"var_type_": "null"}, {"text_": None, "long_": None, "double_": None}),
    ({"var_type_": "long", "long_": -(2**63), "text_": str(-(2**63))}, {"long_": -(2**63)}),
    # A birthday before 1970, in milliseconds.
    ({"var_type_": "date", "long_": -1_234_567_890_123}, {"long_": -1_234_567_890_123}),
    ({"var_type_": "boolean", "long_": 0}, {"long_": 0}),
    ({"var_type_": "double", "double_": 0.1 + 0.2}, {"double_": 0.1 + 0.2}),
    ({"var_type_": "double", "double_": float("inf")}, {"double_": float("inf")}),
    ({"var_type_": "double", "double_": 5e-324}, {"double_": 5e-324}),
    ({"var_type_": "json", "bytes_": b' {"a": [1, ""]} '}, {"json_": Json({"a": [1, ""]}), "text_": None}),
    ({"var_type_": "json", "bytes_": b"null"}, {"json_": Json(None)}),
    (
        {"var_type_": "object", "text2_": "com.example.Thing", "bytes_": '{"ü": 1}'.encode()},
        {"json_": Json({"ü": 1}), "text2_": "com.example.Thing"},
    ),
    ({"var_type_": "spin://application/json", "bytes_": b"[]"}, {"json_": Json([])}),
    ({"var_type_": "bytes", "bytes_": b"\xff\x00"}, {"json_": None}),
    ({"var_type_": "xml", "bytes_": b"<a/>"}, {"json_": None}),
]


def test_values_of_every_type_arrive_as_they_are(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "*")
    engine.write(
        *(
            change(at(DAY), name_="some", var_inst_id_=f"V{number}", **columns)
            for number, (columns, _) in enumerate(VALUES)
        )
    )
    warehouse.load_bare(DAY)
    rows = warehouse.table("process_variables", "var_inst_id_")
    for number, (_, wanted) in enumerate(VALUES):
        row = rows[f"V{number}"]
        assert {name: row[name] for name in wanted} == wanted
        assert row["is_removed"] is False
    assert warehouse.quarantine(RAW) == []


def test_a_typed_null_shows_as_removed_since_the_history_does_not_tell_them_apart(
    engine: Engine, warehouse: Warehouse
) -> None:
    typed = change(at(DAY), var_type_="string", var_inst_id_="typed", text_=None)
    untyped = change(at(DAY), var_type_="null", var_inst_id_="untyped", text_=None)
    engine.write(typed, untyped)
    warehouse.load_bare(DAY)
    rows = warehouse.table("process_variables", "var_inst_id_")
    assert {key: row["is_removed"] for key, row in rows.items()} == {"typed": True, "untyped": False}


def test_times_keep_their_microseconds_on_both_sides_of_midnight(
    engine: Engine, warehouse: Warehouse
) -> None:
    times = [at(date(2024, 2, 29), 23, 59, 59.999999), at(date(2024, 3, 1), 0, 0, 0.000001)]
    engine.write(*(change(time_, var_inst_id_=str(time_)) for time_ in times))
    warehouse.load_bare(date(2024, 2, 29), date(2024, 3, 1))
    rows = warehouse.rows("SELECT time_ FROM camunda.process_variables ORDER BY 1")
    assert [row["time_"] for row in rows] == [time_.replace(tzinfo=UTC) for time_ in times]


NO_UTF8_JSON = "contextData has type json but its bytes are not JSON in UTF-8"
UNREADABLE: list[tuple[dict[str, Any], str]] = [
    ({"bytes_": b'{"client": "\xfc"}'}, NO_UTF8_JSON),
    ({"bytes_": b'{"cut": '}, NO_UTF8_JSON),
    ({"bytes_": b'{"note": "\\u0000"}'}, NO_UTF8_JSON),
    ({"bytes_": b""}, NO_UTF8_JSON),
    ({"bytes_": b"[" * 100_000}, NO_UTF8_JSON),
    ({"bytes_": JAVA, "var_type_": "object"}, "contextData is a serialised Java object, not JSON"),
    ({"bytearray_id_": "gone", "var_type_": "json"}, "the byte array of contextData is gone at the source"),
]


def test_bytes_that_cannot_be_read_are_quarantined_and_their_rows_arrive(
    engine: Engine, warehouse: Warehouse
) -> None:
    engine.write(
        *(
            change(
                at(DAY), id_=f"D{number}", name_="contextData", var_inst_id_=f"V{number}",
                proc_inst_id_=f"P{number}", **columns,
            )
            for number, (columns, _) in enumerate(UNREADABLE)
        )
    )  # fmt: skip
    warehouse.load_bare(DAY)
    details = warehouse.table("act_hi_detail", "id_")
    rows = warehouse.table("process_documents", "proc_inst_id_")
    raw = {entry["source_key"]: entry for entry in warehouse.quarantine(RAW)}
    for number, (columns, reason) in enumerate(UNREADABLE):
        stored = columns.get("bytes_")
        entry = raw.pop(f"D{number}")
        assert (entry["reason"], entry["is_row"]) == (reason, False)
        assert entry["payload"] == (None if stored is None else "\\x" + stored.hex())
        assert (details[f"D{number}"]["bytes_"], details[f"D{number}"]["json_"]) == (stored, None)
        assert rows[f"P{number}"]["context_data"] is None
        assert rows[f"P{number}"]["context_data_time_"] == at(DAY).replace(tzinfo=UTC)
    assert raw == {}
    assert {entry["source_key"]: entry["reason"] for entry in warehouse.quarantine()} == {
        f"D{number}": reason for number, (_, reason) in enumerate(UNREADABLE)
    }


def test_payload_of_a_huge_value_is_its_beginning(engine: Engine, warehouse: Warehouse) -> None:
    """Hexadecimal digits of 512 MB are no text any more, and the day failed with them."""
    engine.write(change(at(DAY), id_="D1", bytes_=b"{" * 10_000_001))
    warehouse.load_bare(DAY)
    for asset in (RAW, "camunda/process_documents"):
        (entry,) = warehouse.quarantine(asset)
        assert entry["payload"] == "\\x" + "7b" * 10_000_000
    assert warehouse.one("SELECT octet_length(bytes_) FROM camunda.act_hi_detail") == 10_000_001


# docIds of every shape: what is found of it, and why it is quarantined.
SHAPES: list[tuple[str, list[str], int | None, str | None]] = [
    ('{"report.AttachedDocuments": [{"doc.id": "A"}, {"doc.id": "B", "more": 1}]}', ["A", "B"], 2, None),
    (
        '{"report.AttachedDocuments": [{"doc.id": 7}, {"doc.id": 1.50}, {"doc.id": 1e3}]}',
        ["7", "1.50", "1000"],
        3,
        None,
    ),
    ('{"report.AttachedDocuments": []}', [], 0, None),
    ("null", [], 0, None),
    ("", [], 0, None),
    (
        '{"report.AttachedDocuments": [null, {"doc.id": "A"}, 3, {"x": 1}, "D", {"doc.id": "B"}]}',
        ["A", "B"],
        6,
        LIST,
    ),
    ('{"report.AttachedDocuments": [{"doc.id": null}, {"doc.id": true}, {"doc.id": {}}]}', [], 3, LIST),
    ('{"report.AttachedDocuments": [{"doc.id": ["A"]}, [{"doc.id": "B"}]]}', [], 2, LIST),
    (f'{{"report.AttachedDocuments": [{{"doc.id": "{LONG}"}}, {{"doc.id": "A"}}]}}', ["A"], 2, LIST),
    (f'{{"report.AttachedDocuments": [{{"doc.id": "{LONG[:1000]}"}}]}}', [LONG[:1000]], 1, None),
    (f'{{"report.AttachedDocuments": [{{"doc.id": "{LONG[:999]}ж"}}]}}', [], 1, LIST),
    ('{"report.AttachedDocuments": {"doc.id": "A"}}', [], None, SHAPE),
    ('{"report.AttachedDocuments": "A"}', [], None, SHAPE),
    ('{"report.AttachedDocuments": null}', [], None, SHAPE),
    ('{"report.attachedDocuments": []}', [], None, SHAPE),
    ('[{"report.AttachedDocuments": [{"doc.id": "A"}]}]', [], None, SHAPE),
    ("{}", [], None, SHAPE),
    ("42", [], None, SHAPE),
    ('"A"', [], None, SHAPE),
    ("true", [], None, SHAPE),
    ('{"report.AttachedDocuments": [{"doc.id": "A"', [], None, NO_JSON),
    ('{"report.AttachedDocuments": [{"doc.id": "A\\u0000"}]}', [], None, NO_JSON),
    ("none", [], None, NO_JSON),
    (" ", [], None, NO_JSON),
    ("{'report.AttachedDocuments': []}", [], None, NO_JSON),
    ("[" * 3999, [], None, NO_JSON),
]


@pytest.mark.parametrize("carrier", ["text", "bytes"])
def test_document_ids_of_every_shape(engine: Engine, warehouse: Warehouse, carrier: str) -> None:
    engine.write(
        *(
            change(
                at(DAY), id_=f"D{number:02}", proc_inst_id_=f"P{number:02}", var_inst_id_=f"V{number:02}",
                **({"text_": text} if carrier == "text" or not text else {"bytes_": text.encode()}),
            )
            for number, (text, *_) in enumerate(SHAPES)
        )
    )  # fmt: skip
    warehouse.load(DAY)
    rows = warehouse.table("process_documents", "proc_inst_id_")
    assert {key: (row["doc_id"], row["doc_ids"], row["attached_documents"]) for key, row in rows.items()} == {
        f"P{number:02}": (ids[0] if ids else None, ids, listed)
        for number, (_, ids, listed, _) in enumerate(SHAPES)
    }
    assert warehouse.rebuilt("process_documents", "proc_inst_id_") == rows
    no_json = "docIds has type json but its bytes are not JSON in UTF-8" if carrier == "bytes" else NO_JSON
    assert {entry["source_key"]: entry["reason"] for entry in warehouse.quarantine()} == {
        f"D{number:02}": no_json if reason == NO_JSON else reason
        for number, (*_, reason) in enumerate(SHAPES)
        if reason
    }
    (run,) = warehouse.rows(
        "SELECT rows_written, rows_quarantined, values_quarantined FROM ops.etl_run_log WHERE asset = %s",
        "camunda/process_documents",
    )
    faults = sum(1 for *_, reason in SHAPES if reason)
    assert run == {"rows_written": len(SHAPES), "rows_quarantined": 0, "values_quarantined": faults}


def test_after_the_source_is_corrected_a_rerun_marks_the_entries_as_replayed(
    engine: Engine, warehouse: Warehouse
) -> None:
    engine.write(
        change(at(DAY), id_="D1", text_="none"),
        change(at(DAY), id_="D2", name_="contextData", var_inst_id_="V2", bytes_=b"\xff"),
        change(at(DAY), id_="D3", proc_inst_id_="P2", var_inst_id_="V3", text_="still none"),
    )
    warehouse.load_bare(DAY)
    assert [entry["source_key"] for entry in warehouse.quarantine()] == ["D1", "D2", "D3"]
    warehouse.load_bare(DAY)
    found_first = warehouse.quarantine()
    assert len(found_first) == 3 and not any(entry["replayed_at"] for entry in found_first)
    engine.execute("""UPDATE act_hi_detail SET text_ = '{"report.AttachedDocuments": [{"doc.id": "A"}]}'
        WHERE id_ = 'D1'""")
    engine.execute("UPDATE act_ge_bytearray SET bytes_ = '{}'")
    warehouse.load_bare(DAY)
    assert {entry["source_key"]: entry["replayed_at"] is not None for entry in warehouse.quarantine()} == {
        "D1": True, "D2": True, "D3": False,
    }  # fmt: skip
    (raw,) = warehouse.quarantine(RAW)
    assert raw["replayed_at"] is not None
    row = warehouse.table("process_documents", "proc_inst_id_")["P1"]
    assert (row["doc_id"], row["context_data"]) == ("A", Json({}))


def test_a_value_that_breaks_again_is_a_new_entry(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(change(at(DAY), id_="D1", text_="none"))
    for text in ("{}", '{"report.AttachedDocuments": []}', "none"):
        warehouse.load_bare(DAY)
        engine.execute("UPDATE act_hi_detail SET text_ = %s", text)
    warehouse.load_bare(DAY)
    entries = warehouse.rows("SELECT reason, replayed_at IS NULL AS stands FROM ops.quarantine ORDER BY id")
    assert [tuple(entry.values()) for entry in entries] == [(NO_JSON, False), (SHAPE, False), (NO_JSON, True)]


def test_a_byte_array_that_the_clean_up_deleted_first_keeps_its_value_in_the_mart(
    engine: Engine, warehouse: Warehouse
) -> None:
    engine.write(change(at(DAY), name_="contextData", bytes_=b'{"kept": true}'))
    warehouse.load_bare(DAY)
    engine.execute("DELETE FROM act_ge_bytearray")
    warehouse.load_bare(DAY)
    assert warehouse.one("SELECT context_data FROM camunda.process_documents") == Json({"kept": True})
    engine.execute("DELETE FROM act_hi_detail")
    warehouse.load_bare(DAY)
    assert warehouse.one("SELECT context_data FROM camunda.process_documents") == Json({"kept": True})


def test_more_columns_are_a_line_of_sql(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(change(at(DAY), name_="contextData", text_=json.dumps({"client": {"id": "C-7"}})))
    warehouse.load_bare(DAY)
    client = "SELECT context_data #>> '{client,id}' FROM camunda.process_documents"
    assert warehouse.one(client) == "C-7"
