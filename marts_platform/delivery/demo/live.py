"""The delivery service as it lives: orders come in, stages end, customers cancel, old orders go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg2

from marts_platform.core.sql import read_sql

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

STAGES = ("start_pipeline", "estimate_cost", "assign_performer", "perform_delivery", "release_performer")
CANCELABLE = STAGES[:2]
_TYPES = (None, "standard", "express", "fragile")
_FAILS, _CANCELS, _RESTARTS = 0.04, 0.05, 0.4
_MOST_ORDERS = 4
_MOST_STAGES = 25


@dataclass(frozen=True, slots=True)
class Message:
    """What the service says in Kafka: the payload's fields, as they are there."""

    topic: str
    payload: dict[str, str | None]


@dataclass
class Service:
    """The service, a step at a time. The same seed makes the same choices on the same rows.

    Attributes:
        connection: of its database, for a role that may write there.
        random: what it chooses by.
        results: the topic of the stages' results.
        triggers: the topic that asks for stages.
    """

    connection: Connection
    random: Random = field(default_factory=Random)
    results: str = "result-channel"
    triggers: str = "trigger-channel"

    def step(self) -> tuple[dict[str, int], Sequence[Message]]:
        """What happens within a second or so, in one transaction.

        Returns:
            How much of what happened, and what the service said of it.
        """
        messages: list[Message] = []
        done = {"registered": 0, "stages": 0, "finished": 0, "restarted": 0, "deleted": 0}
        with self.connection, self.connection.cursor() as cursor:
            for _ in range(self.random.randint(0, _MOST_ORDERS)):
                self._register(cursor, messages)
                done["registered"] += 1
            _execute(cursor, "unfinished", limit=_MOST_STAGES)
            for stage_id, pipeline_id, name, status in cursor.fetchall():
                done["stages"] += 1
                if status == "pending":
                    _execute(cursor, "start_stage", stage_id=stage_id)
                else:
                    self._finish(cursor, stage_id, pipeline_id, name, done, messages)
            _execute(cursor, "retention")
            done["deleted"] = cursor.rowcount
        return done, messages

    def _uuid(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def _register(self, cursor: Cursor, messages: list[Message]) -> None:
        pipeline_id = self._uuid()
        _execute(
            cursor,
            "register",
            order_id=self._uuid(),
            pipeline_id=pipeline_id,
            stage_id=self._uuid(),
            source=str(UUID(int=self.random.randint(1, 40))),
            target=str(UUID(int=self.random.randint(1, 40))),
            extra=self.random.choice(_TYPES),
        )
        messages.append(self._trigger(pipeline_id, STAGES[0]))

    def _finish(
        self,
        cursor: Cursor,
        stage_id: str,
        pipeline_id: str,
        name: str,
        done: dict[str, int],
        messages: list[Message],
    ) -> None:
        status, message = self._outcome(name)
        _execute(cursor, "finish_stage", stage_id=stage_id, status=status, message=message)
        messages.append(Message(self.results, {"stage_id": stage_id, "status": status, "message": message}))
        if status == "succeeded":
            self._work(cursor, pipeline_id, name)
            if name != STAGES[-1]:
                following = STAGES[STAGES.index(name) + 1]
                _execute(cursor, "next_stage", stage_id=self._uuid(), pipeline_id=pipeline_id, name=following)
                messages.append(self._trigger(pipeline_id, following))
                return
        done["finished"] += 1
        _execute(cursor, "finish_pipeline", pipeline_id=pipeline_id, status=status, message=message)
        if status != "succeeded" and self.random.random() < _RESTARTS:
            again = self._uuid()
            _execute(cursor, "restart", pipeline_id=pipeline_id, new_pipeline_id=again, stage_id=self._uuid())
            messages.append(self._trigger(again, STAGES[0]))
            done["restarted"] += 1

    def _outcome(self, name: str) -> tuple[str, str | None]:
        luck = self.random.random()
        if luck < _FAILS and name != STAGES[0]:
            return "failed", f"{name}: 404 Not Found"
        if luck > 1 - _CANCELS and name in CANCELABLE:
            return "canceled", "by the customer"
        return "succeeded", None

    def _work(self, cursor: Cursor, pipeline_id: str, name: str) -> None:
        """What a stage leaves in the delivery."""
        if name == "estimate_cost":
            distance, load = self.random.uniform(1, 75_000), self.random.uniform(0.5, 2.5)
            cost = round(
                max(self.random.uniform(0, 100), distance * self.random.uniform(0.05, 0.1) * load), 2
            )
            _execute(cursor, "estimate", pipeline_id=pipeline_id, cost=cost)
        elif name == "assign_performer":
            performer = str(UUID(int=self.random.randint(1, 60)))
            _execute(cursor, "assign", pipeline_id=pipeline_id, performer_id=performer)
        elif name == "release_performer":
            _execute(cursor, "release", pipeline_id=pipeline_id)

    def _trigger(self, pipeline_id: str, stage: str) -> Message:
        return Message(self.triggers, {"pipeline_id": pipeline_id, "stage_name": stage})


def lives(
    url: str, *, publish: Callable[[Sequence[Message]], None] = lambda _: None, seed: int | None = None
) -> Iterator[str]:
    """The service, a second a step, for as long as it is asked; each says what happened in a few words.

    Args:
        url: of its database, for a role that may write there.
        publish: sends what it says to Kafka, after the step's commit.
        seed: of its choices; another each time by default.
    """
    import time

    with closing(psycopg2.connect(url)) as connection:
        service = Service(connection, Random(seed))
        while True:
            done, messages = service.step()
            publish(messages)
            yield ", ".join(f"{count} {what}" for what, count in done.items())
            time.sleep(1)


def _execute(cursor: Cursor, step: str, **values: Any) -> None:
    cursor.execute(read_sql(f"delivery/demo/live_{step}.sql"), values)
