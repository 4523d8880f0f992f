"""Each variable type of Camunda 7: the columns that the engine fills, and the values of the marts.

Every line of the table in docs/camunda.md is a case here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from marts_platform.core.sql import sql_root
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse
from marts_platform_tests.camunda.oracle import Json

DAY = date(2024, 6, 4)
TEXT = '{"report.AttachedDocuments": [{"doc.id": "Ä"}]}'
DOCUMENT = TEXT.encode()
READ = Json({"report.AttachedDocuments": [{"doc.id": "Ä"}]})
JAVA = bytes.fromhex("aced000574") + len(DOCUMENT).to_bytes(2) + DOCUMENT
IS_JAVA = "docIds is a serialised Java object, not JSON"


@dataclass(frozen=True)
class Case:
    """A variable docIds of a type.

    Attributes:
        type: its var_type_.
        columns: the other columns that the engine fills.
        marts: values of process_variables.
        reason: of its entry in quarantine; None if its document is found.
    """

    type: str
    columns: Mapping[str, Any]
    marts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reason: str | None = None


def no_json(type_: str) -> str:
    return f"docIds has type {type_}, which is not JSON"


def no_json_bytes(type_: str) -> str:
    return f"docIds has type {type_} but its bytes are not JSON in UTF-8"


CASES = [
    Case("string", {"text_": TEXT}, {"text_": TEXT}),
    Case("string", {"text_": TEXT[:-1]}, {"text_": TEXT[:-1]}, "docIds is not JSON"),
    Case(
        "string",
        {"text_": TEXT[:-1].ljust(4000)},
        {"text_": TEXT[:-1].ljust(4000)},
        "docIds is not JSON: its text has 4000 characters, the most that act_hi_detail holds",
    ),
    Case("boolean", {"long_": 1}, {"long_": 1}, no_json("boolean")),
    Case(
        "short", {"long_": 7, "text_": "7"}, {"long_": 7}, "docIds has no list report.AttachedDocuments"
    ),
    Case(
        "integer", {"long_": 7, "text_": "7"}, {"long_": 7}, "docIds has no list report.AttachedDocuments"
    ),
    Case(
        "long",
        {"long_": 2**63 - 1, "text_": str(2**63 - 1)},
        {"long_": 2**63 - 1},
        "docIds has no list report.AttachedDocuments",
    ),
    Case("double", {"double_": 2.5}, {"double_": 2.5}, no_json("double")),
    Case("date", {"long_": 1_717_491_600_000}, {"long_": 1_717_491_600_000}, no_json("date")),
    Case("json", {"bytes_": DOCUMENT}, {"json_": READ}),
    Case("json", {"bytes_": b"\xef\xbb\xbf" + DOCUMENT}, {"json_": READ}),
    Case("json", {"bytes_": TEXT.encode("utf-16")}, {"json_": None}, no_json_bytes("json")),
    Case("object", {"bytes_": DOCUMENT, "text2_": "com.example.Documents"}, {"json_": READ}),
    Case("spin://application/json", {"bytes_": DOCUMENT}, {"json_": READ}),
    Case("bytes", {"bytes_": DOCUMENT}, {"json_": READ}),
    Case("bytes", {"bytes_": TEXT.encode("cp1252")}, {"json_": None}, no_json_bytes("bytes")),
    Case("bytes", {"bytes_": b"%PDF-1.7 \xff\x00"}, {"json_": None}, no_json_bytes("bytes")),
    Case("longString", {"bytes_": b" \r\n\t" + DOCUMENT}, {"json_": READ}),
    Case("longString", {"bytes_": DOCUMENT.ljust(100_000)}, {"json_": READ}),
    # The name of a file is text_, and no value.
    Case("file", {"bytes_": DOCUMENT, "text_": "null", "text2_": "application/json#UTF-8"}, {"json_": READ}),
    Case("file", {"bytes_": b"\x89PNG", "text_": "null"}, {"json_": None}, no_json_bytes("file")),
    Case("xml", {"bytes_": b"<docIds/>"}, {"json_": None}, no_json_bytes("xml")),
    Case("spin://application/xml", {"bytes_": b"<a/>"}, {"json_": None}, no_json_bytes("spin://application/xml")),
    Case("serializable", {"bytes_": JAVA, "text2_": "java.lang.String"}, {"json_": None}, IS_JAVA),
    Case("object", {"bytes_": JAVA, "text2_": "java.lang.String"}, {"json_": None}, IS_JAVA),
    Case("jpa", {"text_": "com.example.Order", "text2_": "17"}, {"text2_": "17"}, "docIds is not JSON"),
    Case("null", {}, {"json_": None, "is_removed": False}),
]  # fmt: skip


def test_every_variable_type_is_read_or_refused_with_its_reason(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(
        *(
            change(
                at(DAY), id_=f"D{number:02}", proc_inst_id_=f"P{number:02}", var_inst_id_=f"V{number:02}",
                **case.columns, var_type_=case.type,
            )
            for number, case in enumerate(CASES)
        )
    )  # fmt: skip
    warehouse.load_bare(DAY)
    variables = warehouse.table("process_variables", "var_inst_id_")
    documents = warehouse.table("process_documents", "proc_inst_id_")
    reasons = {entry["source_key"]: entry["reason"] for entry in warehouse.quarantine()}
    for number, case in enumerate(CASES):
        row, found = variables[f"V{number:02}"], documents[f"P{number:02}"]
        assert {name: row[name] for name in case.marts} == case.marts, case
        is_found = case.reason is None and case.type != "null"
        assert found["doc_ids"] == (["Ä"] if is_found else []), case
    assert reasons == {f"D{number:02}": case.reason for number, case in enumerate(CASES) if case.reason}
    assert warehouse.rebuilt("process_documents", "proc_inst_id_") == documents


def test_context_of_every_type_is_read_or_refused_with_its_reason(
    engine: Engine, warehouse: Warehouse
) -> None:
    cases = [case for case in CASES if case.reason is None or "report.AttachedDocuments" not in case.reason]
    engine.write(
        *(
            change(
                at(DAY), id_=f"D{number:02}", proc_inst_id_=f"P{number:02}", var_inst_id_=f"V{number:02}",
                name_="contextData", **case.columns, var_type_=case.type,
            )
            for number, case in enumerate(cases)
        )
    )  # fmt: skip
    warehouse.load_bare(DAY)
    documents = warehouse.table("process_documents", "proc_inst_id_")
    for number, case in enumerate(cases):
        is_found = case.reason is None and case.type != "null"
        assert documents[f"P{number:02}"]["context_data"] == (READ if is_found else None), case
    assert {entry["source_key"]: entry["reason"] for entry in warehouse.quarantine()} == {
        f"D{number:02}": case.reason.replace("docIds", "contextData")
        for number, case in enumerate(cases)
        if case.reason
    }


def test_table_of_types_in_the_guide_names_the_tested_types() -> None:
    guide = (sql_root().parent / "docs" / "camunda.md").read_text("utf-8")
    table = guide.split("| `var_type_` |")[1].split("\n\n")[0]
    lines = re.findall(r"^\| (`.*?`(?:, `.*?`)*) \|", table, re.MULTILINE)
    named = [name for line in lines for name in re.findall(r"`(.*?)`", line)]
    assert len(named) == len(set(named))
    assert set(named) == {case.type for case in CASES}
