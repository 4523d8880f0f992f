"""A generated history: any number of details, made inside PostgreSQL, the same for the same arguments.

Every value comes from a hash of the seed and the row's number, so nothing depends on the order in which
the server makes the rows, and a million of them take seconds. What a row can be like is in
``sql/camunda/demo/stage_wanted.sql`` and ``stage_others.sql``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from psycopg2 import sql

from marts_platform.camunda.demo.schema import INDEXES, drop_indexes, restore_indexes
from marts_platform.core.sql import read_sql

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

WANTED = ("contextData", "docIds")
_MINIMUM_WANTED = 20
_FUNCTIONS = ("pick", "unit", "identifier", "context_data", "doc_ids")
_STAGES: Mapping[str, str] = {
    "stage_instances": "generated_instance",
    "stage_variables": "generated_variable",
    "stage_wanted": "generated_detail",
    "stage_others": "generated_detail",
}
"""The statements that decide the rows, in their order, with the temporary table that each fills."""

_INSERTS = (
    "insert_process_instances",
    "insert_byte_arrays_of_details",
    "insert_byte_arrays_of_variables",
    "insert_variables",
    "insert_details",
    "insert_form_properties",
)


@dataclass(frozen=True)
class GeneratedHistory:
    """What was generated, in rows.

    Attributes:
        details: of act_hi_detail, all together.
        wanted: those of the variables contextData and docIds, forms included.
        process_instances: of act_hi_procinst.
        variables: of act_hi_varinst.
        byte_arrays: of act_ge_bytearray: of details and of variables.
        form_properties: details of the type FormProperty, of wanted names and others.
        removals: details that remove their variable: all their values are NULL.
        updates: details with a sequence_counter_ above 1, removals included.
        ties: details with the time_ of the version before them.
        locals: wanted details of an inner scope (execution_id_ is not proc_inst_id_).
        with_removal_time: details that the engine's clean-up will delete.
        wanted_bytes: bytes of the wanted values, in text_ and in byte arrays.
        cases: wanted VariableUpdate details by what they are: "docIds cut (json)" and so on.
    """

    details: int
    wanted: int
    process_instances: int
    variables: int
    byte_arrays: int
    form_properties: int
    removals: int
    updates: int
    ties: int
    locals: int
    with_removal_time: int
    wanted_bytes: int
    cases: Mapping[str, int]


@dataclass(frozen=True)
class Plan:
    """How many rows of which sort are generated; the sums are exact, whatever the hash says.

    Attributes:
        instances: process instances.
        contexts: variable instances contextData, in as many process instances.
        documents: variable instances docIds, in as many process instances.
        locals: wanted variable instances of an inner scope.
        recreated: variable instances docIds that follow a removed one. Its removal is a detail as well.
        wanted_updates: further versions of all these.
        wanted_forms: form properties of the wanted names.
        others: variable instances that nobody wants.
        other_updates: further versions of those.
        other_forms: form properties of other names.
    """

    instances: int
    contexts: int
    documents: int
    locals: int
    recreated: int
    wanted_updates: int
    wanted_forms: int
    others: int
    other_updates: int
    other_forms: int


def plan_history(details: int, wanted_share: float, instances: int | None = None) -> Plan:
    """Divides the details among the sorts of rows.

    Args:
        details: rows of act_hi_detail to come.
        wanted_share: the part of them that are of the wanted variables, above 0 and below 1.
        instances: process instances; by default one for three wanted details.

    Raises:
        ValueError: too few details for every sort to occur, or no such share.
    """
    wanted = round(details * wanted_share)
    if not 0 < wanted_share < 1 or wanted < _MINIMUM_WANTED or details - wanted < _MINIMUM_WANTED:
        raise ValueError(
            f"{details} details with a wanted share of {wanted_share} are too few: "
            f"at least {_MINIMUM_WANTED} wanted ones and as many others are needed."
        )
    many = max(wanted // 3, 1) if instances is None else instances
    if many < 1:
        raise ValueError(f"{many} process instances cannot hold a history; at least one can.")
    forms = max(wanted // 200, 1)
    recreated = min(max(wanted // 200, 1), max(many // 2, 1))
    inner = max(wanted // 50, 1)
    left = wanted - forms - inner - 2 * recreated
    contexts = max(min(many * 9 // 10, left * 45 // 100), 1)
    documents = max(min(many * 8 // 10, left * 40 // 100), recreated)
    others = details - wanted
    other_forms = max(others // 100, 1)
    other_variables = (others - other_forms) * 3 // 4
    return Plan(
        instances=many,
        contexts=contexts,
        documents=documents,
        locals=inner,
        recreated=recreated,
        wanted_updates=left - contexts - documents,
        wanted_forms=forms,
        others=other_variables,
        other_updates=others - other_forms - other_variables,
        other_forms=other_forms,
    )


def generate_history(
    connection: Connection,
    *,
    details: int = 100_000,
    days: int = 30,
    until: datetime,
    seed: int = 0,
    wanted_share: float = 0.2,
    text_share: float = 0.6,
    instances: int | None = None,
    timezone: str = "UTC",
) -> GeneratedHistory:
    """Generates a history, in place of the one that this seed gave before, in one transaction.

    The secondary indexes are dropped and made again when the history is the larger part of the tables.

    Args:
        connection: to a database that `create_source` prepared, outside a transaction.
        details: rows of act_hi_detail.
        days: how many days before ``until`` the history begins; every time_ is below ``until``.
        until: an aware instant.
        seed: 0 to 2**40 - 1; histories of different seeds stand side by side.
        wanted_share: the part of the details that are of the wanted variables.
        text_share: the part of the wanted values that are strings in text_; the others are json and Object
            variables, in byte arrays.
        instances: process instances; by default one for three wanted details.
        timezone: the zone of the engine's JVM: the tables hold its local times.

    Raises:
        ValueError: ``until`` is naive, or the numbers leave no history to generate.
    """
    if until.tzinfo is None:
        raise ValueError("until needs a time zone: a naive instant is another day somewhere else.")
    if days < 1 or not 0 <= seed < 2**40:
        raise ValueError(f"days is {days} and must be 1 or more; seed is {seed} and must be 0 to 2**40 - 1.")
    plan = plan_history(details, wanted_share, instances)
    # 02 in the first byte: a locally administered address, such as no network card has.
    node = f"02{seed:010x}"
    values = {
        **vars(plan),
        "seed": seed,
        "node": node,
        "days": days,
        "from": until - timedelta(days=days),
        "until": until,
        "text_share": text_share,
        "zone": str(ZoneInfo(timezone)),
    }
    with connection, connection.cursor() as cursor:
        return _generate(cursor, details, node, values)


def _generate(cursor: Cursor, details: int, node: str, values: Mapping[str, object]) -> GeneratedHistory:
    # Two seedings at once would both find the history missing.
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('marts_platform camunda demo'))")
    cursor.execute("SET LOCAL work_mem = '64MB'")
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'")
    kept = _delete_generated(cursor, node)
    anew = details > kept
    if anew:
        drop_indexes(cursor)
    for function in _FUNCTIONS:
        _execute(cursor, f"function_{function}", values)
    for stage in _STAGES:
        _execute(cursor, stage, values)
        # Autovacuum never looks at a temporary table, and the joins below need its size.
        _analyze(cursor, _STAGES[stage])
    for insert in _INSERTS:
        _execute(cursor, insert, values)
    if anew:
        restore_indexes(cursor)
    for table in INDEXES:
        _analyze(cursor, table)
    return _count(cursor, node, values)


def _delete_generated(cursor: Cursor, node: str) -> int:
    """Deletes the history that this seed gave before; returns how many other details stay."""
    for table in INDEXES:
        cursor.execute(
            sql.SQL("DELETE FROM {} WHERE right(id_, 12) = %s").format(sql.Identifier(table)), (node,)
        )
    cursor.execute("SELECT count(*) FROM act_hi_detail")
    row = cursor.fetchone()
    return int(row[0]) if row else 0


def _execute(cursor: Cursor, file: str, values: Mapping[str, object]) -> None:
    cursor.execute(read_sql(f"camunda/demo/{file}.sql"), values)


def _analyze(cursor: Cursor, table: str) -> None:
    cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))


def _count(cursor: Cursor, node: str, values: Mapping[str, object]) -> GeneratedHistory:
    _execute(cursor, "count_cases", values)
    cases = {str(what): int(rows) for what, rows in cursor.fetchall()}
    _execute(cursor, "count_history", {**values, "wanted": list(WANTED)})
    assert cursor.description is not None
    counts = dict(zip((column.name for column in cursor.description), cursor.fetchone() or (), strict=True))
    return GeneratedHistory(**{name: int(value) for name, value in counts.items()}, cases=cases)
