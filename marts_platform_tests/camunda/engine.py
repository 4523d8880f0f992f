"""The source of these tests: the database of a Camunda engine, written to as the engine writes."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any, LiteralString

import psycopg
import psycopg2
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composed, Identifier, Placeholder

from marts_platform.camunda import demo

Row = dict[str, Any]
_numbers = count(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A row of ``act_hi_detail`` (``time_`` is engine's local time), ``bytes_`` in ``act_ge_bytearray``."""

    id_: str
    type_: str = "VariableUpdate"
    proc_inst_id_: str | None = "P1"
    execution_id_: str | None = None
    task_id_: str | None = None
    var_inst_id_: str | None = "V1"
    name_: str = "docIds"
    var_type_: str | None = "string"
    rev_: int | None = None
    time_: datetime
    bytearray_id_: str | None = None
    double_: float | None = None
    long_: int | None = None
    text_: str | None = None
    text2_: str | None = None
    sequence_counter_: int | None = 1
    removal_time_: datetime | None = None
    bytes_: bytes | None = None


def at(day: date, hour: int = 12, minute: int = 0, second: float = 0) -> datetime:
    """An engine's local time: without a zone, as the source has it."""
    return datetime.combine(day, time(hour, minute)) + timedelta(seconds=second)


def change(time_: datetime, **columns: Any) -> Change:
    """A change of ``docIds`` in process P1, unless the columns say otherwise.

    With ``bytes_`` it names a byte array, and a sequence counter implies the engine's ``rev_``.
    """
    values: Row = {"id_": f"D{next(_numbers):05}", "time_": time_, "sequence_counter_": 1, **columns}
    if "bytes_" in values:
        values.setdefault("bytearray_id_", f"B-{values['id_']}")
        values.setdefault("var_type_", "json")
    if "rev_" not in values and values["sequence_counter_"] is not None:
        values["rev_"] = values["sequence_counter_"] - 1
    return Change(**values)


class Engine:
    """The engine's database, for its owner; the platform gets `reader_url`."""

    def __init__(self, url: str, reader_url: str, connection: psycopg.Connection[Row]) -> None:
        self.url = url
        self.reader_url = reader_url
        self._connection = connection

    @classmethod
    @contextmanager
    def created(cls, url: str, reader_url: str) -> Generator[Engine]:
        """Makes the engine's tables and indexes in an empty database."""
        with closing(psycopg2.connect(url)) as connection:
            demo.create_source(connection)
        with psycopg.Connection[Row].connect(url, autocommit=True, row_factory=dict_row) as connection:
            yield cls(url, reader_url, connection)

    def execute(self, statement: LiteralString | Composed, *values: object) -> None:
        """Executes and commits a statement."""
        self._connection.execute(statement, values or None)

    def rows(self, statement: LiteralString, *values: object) -> list[Row]:
        """The rows of a SELECT."""
        return self._connection.execute(statement, values or None).fetchall()

    def write(self, *changes: Change) -> None:
        """Commits changes with their byte arrays."""
        names = [field.name for field in fields(Change) if field.name != "bytes_"]
        insert = SQL("INSERT INTO act_hi_detail ({}) VALUES ({})").format(
            SQL(", ").join(map(Identifier, names)), SQL(", ").join(map(Placeholder, names))
        )
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(insert, [{name: getattr(row, name) for name in names} for row in changes])
            cursor.executemany(
                "INSERT INTO act_ge_bytearray (id_, rev_, name_, bytes_) VALUES (%s, 1, %s, %s)",
                [(row.bytearray_id_, row.name_, row.bytes_) for row in changes if row.bytes_ is not None],
            )

    def details(self) -> list[Row]:
        """Every row of ``act_hi_detail`` with the bytes that it names."""
        return self.rows("""
            SELECT d.*, b.bytes_
            FROM act_hi_detail AS d LEFT JOIN act_ge_bytearray AS b ON b.id_ = d.bytearray_id_
        """)

    def load_real_history(self) -> int:
        """Loads the demo's real history; returns its details."""
        with closing(psycopg2.connect(self.url)) as connection:
            return demo.load_real_history(connection)

    def generate(self, **options: Any) -> demo.GeneratedHistory:
        """Generates a history, as the demo does."""
        with closing(psycopg2.connect(self.url)) as connection:
            return demo.generate_history(connection, **options)
