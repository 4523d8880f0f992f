"""What the Camunda marts have to hold, computed in plain Python from the source's rows.

Nothing here shares a line with the product: no SQL beyond reading the source's tables, no JSON path.
`RawHistory` follows what a load of a day may change, `current_variables` and `documents` are the definitions.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

Row = dict[str, Any]

BEYOND_TEXT = ("bytearray_id_", "long_", "double_")
VALUES = ("text_", "text2_", *BEYOND_TEXT)
# What a numeric of PostgreSQL takes before the decimal point.
MOST_DIGITS = 131_072
EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Json:
    """A value of a jsonb column. Without it, JSON's null and SQL's NULL would both be None."""

    value: Any


def read_json(text: str) -> Json | None:
    """The JSON in a text as far as jsonb holds it; None if it is none."""
    try:
        value = json.loads(text, parse_float=_number, parse_constant=_refuse)
        _refuse_unstorable(value)
    except (ValueError, RecursionError):
        return None
    return Json(value)


def read_json_bytes(var_type: str | None, stored: bytes | None) -> Json | None:
    """The JSON in a byte array of a variable of any type; None if it is none."""
    if stored is None or var_type is None:
        return None
    try:
        return read_json(stored.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return None


def _number(digits: str) -> Decimal:
    value = Decimal(digits)
    if value and value.adjusted() >= MOST_DIGITS:
        raise ValueError(f"{digits} is no numeric")
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _refuse_unstorable(value: Any) -> None:
    if isinstance(value, str):
        value.encode("utf-8")  # half a surrogate pair is a ValueError
        if "\0" in value:
            raise ValueError("jsonb has no \\u0000")
    elif isinstance(value, list):
        for part in value:
            _refuse_unstorable(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            _refuse_unstorable(name)
            _refuse_unstorable(part)


class RawHistory:
    """What ``camunda.act_hi_detail`` holds after a sequence of loads: by UTC day the rows by ``id_``."""

    def __init__(self, zone: str = "UTC") -> None:
        self._zone = ZoneInfo(zone)
        self.days: dict[date, dict[str, Row]] = {}

    def load(self, day: date, source: Iterable[Row], wanted: Collection[str] | None = None) -> None:
        """Loads a day from all rows of the source.

        Args:
            day: in UTC.
            source: the rows of ``act_hi_detail`` with the ``bytes_`` that each names.
            wanted: the variables' names; None for all.
        """
        source = list(source)
        living = {row["proc_inst_id_"] for row in source if not _is_due(row["removal_time_"])}
        before = {
            key: row | _as_gone(row, living)
            for key, row in self.days.get(day, {}).items()
            if wanted is None or row["name_"] in wanted
        }
        found: dict[str, Row] = {}
        for row in source:
            moment = row["time_"].replace(tzinfo=self._zone).astimezone(UTC)
            if moment.date() == day and (wanted is None or row["name_"] in wanted):
                held = before.get(row["id_"], {})
                kept = held["bytes_"] if held.get("bytearray_id_") == row["bytearray_id_"] and held else None
                found[row["id_"]] = row | {
                    "time_": moment,
                    "is_purged_": False,
                    "is_withdrawn_": False,
                    "bytes_": kept if row["bytes_"] is None else row["bytes_"],
                }
        self.days[day] = before | found

    def rows(self) -> list[Row]:
        """All rows of all loaded days."""
        return [row for rows in self.days.values() for row in rows.values()]


def _is_due(removal_time: datetime | None) -> bool:
    return removal_time is not None and removal_time.replace(tzinfo=UTC) <= datetime.now(UTC)


def _as_gone(row: Row, living: Collection[str | None]) -> Row:
    """Return the mark of a row that left the source: purged, or withdrawn from a living process."""
    process = row["proc_inst_id_"]
    lives = process is not None and process in living and not _is_due(row["removal_time_"])
    is_withdrawn = row["is_withdrawn_"] or lives
    return {"is_purged_": not is_withdrawn, "is_withdrawn_": is_withdrawn}


def current_variables(raw: Iterable[Row]) -> dict[str, Row]:
    """``camunda.process_variables`` by ``var_inst_id_``."""
    newest: dict[str, Row] = {}
    for row in raw:
        instance = row["var_inst_id_"]
        if row["type_"] != "VariableUpdate" or instance is None:
            continue
        if instance not in newest or _age(row) > _age(newest[instance]):
            newest[instance] = row
    return {instance: _variable(row) for instance, row in newest.items()}


def _age(row: Row) -> tuple[Any, ...]:
    order = (_counted(row["sequence_counter_"]), row["time_"], _counted(row["rev_"]), row["id_"])
    return (not row["is_withdrawn_"], *order)


def _counted(number: int | None) -> int:
    return -1 if number is None else number


def _variable(row: Row) -> Row:
    copied = (
        "var_inst_id_ proc_inst_id_ execution_id_ name_ var_type_ text_ text2_ long_ double_ rev_ "
        "sequence_counter_ time_"
    )
    return {name: row[name] for name in copied.split()} | {
        "json_": read_json_bytes(row["var_type_"], row["bytes_"]),
        "is_removed": _is_removed(row),
        "detail_id_": row["id_"],
        "is_withdrawn": row["is_withdrawn_"],
    }


def _is_removed(row: Row) -> bool:
    return row["var_type_"] != "null" and all(row[name] is None for name in VALUES)


def documents(raw: Iterable[Row]) -> dict[str, Row]:
    """``camunda.process_documents`` by ``proc_inst_id_``."""
    held: dict[tuple[str, str], list[Row]] = defaultdict(list)
    rows = list(raw)
    by_id = {row["id_"]: row for row in rows}
    for variable in current_variables(rows).values():
        change = by_id[variable["detail_id_"]]
        if change["proc_inst_id_"] is not None and change["name_"] in ("docIds", "contextData"):
            held[change["proc_inst_id_"], change["name_"]].append(change)
    processes = {process for process, _ in held}
    return {
        process: _documents_of(
            process, held.get((process, "docIds"), []), held.get((process, "contextData"), [])
        )
        | _contest(process, held, rows)
        for process in processes
    }


def _documents_of(process: str, docs: list[Row], contexts: list[Row]) -> Row:
    doc, context = _chosen(docs), _chosen(contexts)
    listed, ids = _listed(doc)
    parts = [part for part in (doc, context) if part is not None]
    return {
        "proc_inst_id_": process,
        "doc_id": ids[0] if ids else None,
        "doc_ids": ids,
        "attached_documents": listed,
        "context_data": None if context is None else value_of(context),
        "time_": max(part["time_"] for part in parts),
        **_origin("doc_ids", doc),
        **_origin("context_data", context),
        "is_withdrawn": any(part["is_withdrawn_"] for part in parts),
    }


def _contest(process: str, held: Mapping[tuple[str, str], list[Row]], rows: list[Row]) -> Row:
    is_contested = any(len(held.get((process, name), [])) > 1 for name in ("docIds", "contextData"))
    changes = {
        row["var_inst_id_"] for name in ("docIds", "contextData") for row in held.get((process, name), [])
    }
    times = [row["time_"] for row in rows if row["var_inst_id_"] in changes]
    return {
        "is_contested": is_contested,
        "contested_until_": max(times) if is_contested else None,
        "first_time_": min(times),
    }


def _chosen(instances: list[Row]) -> Row | None:
    def rank(row: Row) -> tuple[Any, ...]:
        newest = (row["time_"], _counted(row["sequence_counter_"]), row["id_"])
        return (not row["is_withdrawn_"], not _is_removed(row), *newest)

    return max(instances, key=rank, default=None)


def _origin(part: str, row: Row | None) -> Row:
    origin: Mapping[str, Any] = row or {}
    return {
        f"{part}_time_": origin.get("time_"),
        f"{part}_var_inst_id_": origin.get("var_inst_id_"),
        f"{part}_sequence_": origin.get("sequence_counter_"),
        f"{part}_detail_id_": origin.get("id_"),
    }


def value_of(row: Row) -> Json | None:
    """The JSON that a change set, in its bytes or in its text; None if there is none."""
    decoded = read_json_bytes(row["var_type_"], row["bytes_"])
    is_text = row["text_"] and row["bytearray_id_"] is None
    return decoded or (read_json(row["text_"]) if is_text else None)


def _listed(row: Row | None) -> tuple[int | None, list[str]]:
    """How many documents a docIds lists (None: it cannot be read), and their ids."""
    if row is None or (not row["text_"] and all(row[name] is None for name in BEYOND_TEXT)):
        return 0, []
    document = value_of(row)
    if document is None:
        return None, []
    if document.value is None:
        return 0, []
    attached = document.value.get("report.AttachedDocuments") if isinstance(document.value, dict) else None
    if not isinstance(attached, list):
        return None, []
    found = [entry["doc.id"] for entry in attached if isinstance(entry, dict) and "doc.id" in entry]
    return len(attached), [_digits(key) for key in found if _is_key(key)]


def _is_key(value: Any) -> bool:
    return isinstance(value, str | int | Decimal) and not isinstance(value, bool)


def _digits(key: str | int | Decimal) -> str:
    return format(key, "f") if isinstance(key, Decimal) else str(key)
