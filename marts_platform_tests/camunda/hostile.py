"""A small history that is edited while it is loaded: few keys, many changes, all that can meet on a key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from marts_platform_tests.camunda.engine import Change, Engine, change

# As the source's columns come: value, and whether a byte array carries it.
BODIES: Sequence[tuple[str, bytes | None]] = (
    ("string", b'{"report.AttachedDocuments": [{"doc.id": "A"}, {"doc.id": "B"}]}'),
    ("json", b'{"report.AttachedDocuments": [{"doc.id": "C"}]}'),
    ("object", b'{"report.AttachedDocuments": [null, {"doc.id": 7}, {"doc.name": ""}, {"doc.id": "D"}]}'),
    ("string", b'{"report.AttachedDocuments": []}'),
    ("string", b'{"client": {"name": "", "amount": 1.10}}'),
    ("string", b'{"report.AttachedDocuments": [{"doc.id"'),
    ("json", b"\xff\xfe"),
    ("bytes", b'{"report.AttachedDocuments": [{"doc.id": "E"}]}'),
    ("longString", b'{"report.AttachedDocuments": [{"doc.id": "F'),
    ("json", b"null"),
    ("string", b""),
    ("null", None),
    ("string", None),
)


@dataclass
class _Variable:
    """A variable instance as the engine knows it: changes are numbered, their times may go backwards."""

    process: str
    name: str
    var_inst_id: str
    counted_from: int
    changes: int = 0


@dataclass
class HostileHistory:
    """Edits the source of an engine at random; the same seed gives the same edits.

    Attributes:
        engine: the source.
        days: where its changes are.
        random: what decides.
    """

    engine: Engine
    days: Sequence[date]
    random: Random
    _variables: list[_Variable] = field(default_factory=list[_Variable])
    _written: int = 0

    def grow(self, changes: int) -> None:
        """Writes changes: of old instances and new ones, in any day, also between older changes."""
        self.engine.write(*(self._change(self._variable()) for _ in range(changes)))

    def correct(self) -> None:
        """Gives some rows another value, as an administrator's UPDATE does."""
        for body, carried in self.random.sample(BODIES, 2):
            text = carried.decode() if carried is not None and body == "string" else None
            self.engine.execute(
                """
                UPDATE act_hi_detail SET var_type_ = %s, text_ = %s, bytearray_id_ = NULL
                WHERE id_ IN (SELECT id_ FROM act_hi_detail ORDER BY md5(id_ || %s) LIMIT 3)
                """,
                body, text, str(self.random.random()),
            )  # fmt: skip

    def purge(self) -> None:
        """Deletes the rows of a process, as the engine's clean-up does."""
        process = self.random.choice(self._variables).process
        self.engine.execute("DELETE FROM act_hi_detail WHERE proc_inst_id_ = %s", process)

    def restore(self) -> None:
        """Takes the newest changes of a variable back and its counter with them, as a backup does."""
        variable = self.random.choice(self._variables)
        taken = self.random.randrange(1, 4)
        variable.changes = max(variable.changes - taken, 0)
        self.engine.execute(
            "DELETE FROM act_hi_detail WHERE var_inst_id_ = %s AND sequence_counter_ > %s",
            variable.var_inst_id, variable.changes,
        )  # fmt: skip

    def purge_partly(self) -> None:
        """Deletes some rows of a process that all are due, as the clean-up does between its batches."""
        process = self.random.choice(self._variables).process
        self.engine.execute(
            "UPDATE act_hi_detail SET removal_time_ = '2024-04-01' WHERE proc_inst_id_ = %s", process
        )
        self.engine.execute(
            "DELETE FROM act_hi_detail WHERE proc_inst_id_ = %s AND md5(id_ || %s) < '8'",
            process, str(self.random.random()),
        )  # fmt: skip

    def rewrite_bytes(self) -> None:
        """Gives some byte arrays other bytes, in place."""
        self.engine.execute(
            """
            UPDATE act_ge_bytearray SET bytes_ = %s
            WHERE id_ IN (SELECT id_ FROM act_ge_bytearray ORDER BY md5(id_ || %s) LIMIT 3)
            """,
            b'{"report.AttachedDocuments": [{"doc.id": "G"}]}', str(self.random.random()),
        )  # fmt: skip

    def forget_bytes(self) -> None:
        """Deletes byte arrays whose changes stay, as the engine's clean-up does in between."""
        self.engine.execute(
            """
            DELETE FROM act_ge_bytearray
            WHERE id_ IN (SELECT id_ FROM act_ge_bytearray ORDER BY md5(id_ || %s) LIMIT 3)
            """,
            str(self.random.random()),
        )

    def _variable(self) -> _Variable:
        if not self._variables or self.random.random() < 0.25:
            name = self.random.choice(("docIds", "docIds", "contextData", "contextData", "other"))
            process = f"P{self.random.randrange(8)}"
            counted_from = self.random.choice((0, 0, 0, 0, 2, 99))
            self._variables.append(_Variable(process, name, f"V{len(self._variables):03}", counted_from))
        return self.random.choice(self._variables)

    def _change(self, variable: _Variable) -> Change:
        self._written += 1
        # An engine that was set back counts some numbers twice.
        if variable.changes == 0 or self.random.random() < 0.75:
            variable.changes += 1
        body, carried = self.random.choice(BODIES)
        is_text = body == "string" and carried is not None
        day = self.random.choice(self.days)
        return change(
            # To the minute, so that ties are common.
            datetime.combine(day, time.min) + timedelta(minutes=self.random.randrange(1440)),
            id_=f"D{self.random.randrange(10**6):06}-{self._written}",
            proc_inst_id_=variable.process,
            execution_id_=variable.process,
            var_inst_id_=variable.var_inst_id,
            name_=variable.name,
            var_type_=body,
            # An engine that was older than 7.3 at first has no counter in its oldest changes.
            sequence_counter_=variable.changes if variable.changes > variable.counted_from else None,
            text_=carried.decode() if is_text and carried else ("" if is_text else None),
            text2_="!emptyString!" if is_text and not carried else None,
            **({} if is_text or carried is None else {"bytes_": carried}),
        )
