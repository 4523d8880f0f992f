"""Logs that are read by offsets, such as Kafka's topics: where a reader stands, and what it reads next.

A reader stores its positions in the transaction that publishes the rows, so each message is there once. A
position names the log that it belongs to: a topic that was deleted and made again, or cut back, has the old
name and other messages at the same offsets. The rows of each log are kept apart by its *epoch*, which is part
of their key.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from marts_platform.core.sql import compose
from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from psycopg2.extensions import connection as Connection


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where an asset's reader stands in a partition.

    Attributes:
        place: the partition.
        epoch: which log of that name it reads: 0, and one more each time that another took its place.
        next_offset: the first offset that was not read.
        log_id: the topic's id as the broker tells it, '' where it tells none.
        last_offset: of the last message that was read; None if none was.
        last_digest: of that message's bytes and time.
        incident: what was noticed last: messages lost, another log; None if nothing ever was.
        incident_at: when (UTC).
    """

    place: Place
    epoch: int
    next_offset: int
    log_id: str
    last_offset: int | None = None
    last_digest: str | None = None
    incident: str | None = None
    incident_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """A partition as the broker shows it.

    Attributes:
        place: the partition.
        log_id: the topic's id, '' if the broker tells none.
        first: the lowest offset that is still there.
        end: one more than the highest offset.
        digest: of the message at the stored position's last offset; None if there is none to compare.
    """

    place: Place
    log_id: str
    first: int
    end: int
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a run reads of a partition: the offsets from ``start`` up to, and without, ``end``.

    Attributes:
        place: the partition.
        log_id: the log that these offsets belong to.
        epoch: of the rows.
        start: the first offset.
        end: the offset that ends it, fixed before the first message is read.
        incident: what is noticed and has to be said.
    """

    place: Place
    log_id: str
    epoch: int
    start: int
    end: int
    incident: str | None = None


class PositionsLostError(ExpectedError):
    """An asset has rows, and where its reader stood is not known: nothing is read, nothing is guessed."""


def reading_of(stored: Position | None, log: Log, newest_epoch: int = 0) -> Reading:
    """Decides what to read of a partition.

    Args:
        stored: where the reader stands, None if it never read this partition.
        log: what the broker has.
        newest_epoch: of the topic's other partitions, for a partition that joins them.
    """
    if stored is None:
        return Reading(log.place, log.log_id, newest_epoch, log.first, log.end)
    another = _why_another(stored, log)
    if another is not None:
        said = (
            f"{another}: it is read from its beginning (offset {log.first}), as epoch {stored.epoch + 1}; "
            f"what was read of the other one stays"
        )
        return Reading(log.place, log.log_id, stored.epoch + 1, log.first, log.end, said)
    log_id = log.log_id or stored.log_id
    if log.first > stored.next_offset:
        lost = log.first - stored.next_offset
        said = (
            f"retention overtook the reader: up to {lost} messages, offsets {stored.next_offset} to "
            f"{log.first - 1}, were deleted before they were read"
        )
        return Reading(log.place, log_id, stored.epoch, log.first, log.end, said)
    return Reading(log.place, log_id, stored.epoch, stored.next_offset, log.end)


def _why_another(stored: Position, log: Log) -> str | None:
    """Why the log is not the one that the position belongs to; None if nothing speaks against it."""
    if stored.log_id and log.log_id and stored.log_id != log.log_id:
        return f"the topic was made anew (its id is {log.log_id}, it was {stored.log_id})"
    if log.end < stored.next_offset:
        return f"the log ends at offset {log.end} and was read up to {stored.next_offset}"
    if log.digest is not None and log.digest != stored.last_digest:
        return f"another message stands at offset {stored.last_offset}, which was read last"
    return None


def readings_of(stored: Mapping[Place, Position], logs: Iterable[Log]) -> list[Reading]:
    """What a run reads of all partitions: `reading_of` each, new partitions in their topic's newest epoch."""
    logs = list(logs)
    known = [reading_of(stored[log.place], log) for log in logs if log.place in stored]
    newest: dict[str, int] = {}
    for reading in known:
        topic = reading.place.topic
        newest[topic] = max(newest.get(topic, 0), reading.epoch)
    return known + [
        reading_of(None, log, newest.get(log.place.topic, 0)) for log in logs if log.place not in stored
    ]


def position_after(
    reading: Reading, stored: Position | None, last: tuple[int, str] | None, now: datetime
) -> Position:
    """Where the reader stands once a reading is complete.

    Args:
        reading: what was read.
        stored: where it stood.
        last: offset and digest of the last message that came; None if none did.
        now: when, UTC.
    """
    before = stored if stored is not None and stored.epoch == reading.epoch else None
    last_offset, last_digest = last or ((before.last_offset, before.last_digest) if before else (None, None))
    position = Position(
        reading.place, reading.epoch, reading.end, reading.log_id, last_offset, last_digest,
        stored.incident if stored else None, stored.incident_at if stored else None,
    )  # fmt: skip
    return replace(position, incident=reading.incident, incident_at=now) if reading.incident else position


def state_of(logs: Iterable[Log], absent: Iterable[str] = ()) -> str:
    """The state of topics as one text: it is the same exactly while nothing is to be read.

    Args:
        logs: their partitions.
        absent: topics that are not there.
    """
    ends: dict[tuple[str, str], list[str]] = {(topic, "absent"): [] for topic in absent}
    for log in sorted(logs, key=lambda log: log.place):
        ends.setdefault((log.place.topic, log.log_id), []).append(f"{log.place.partition}={log.end}")
    return "; ".join(" ".join(filter(None, (*key, *found))) for key, found in sorted(ends.items()))


def places_of(state: str | None) -> set[Place]:
    """Return the partitions that a state of topics names."""
    found: set[Place] = set()
    for topic, *words in (part.split(" ") for part in (state or "").split("; ")):
        numbers = (word.partition("=")[0] for word in words if "=" in word)
        found |= {Place(topic, int(number)) for number in numbers if number.isdigit()}
    return found


def stored_positions(connection: Connection, asset: str) -> dict[Place, Position]:
    """Where an asset's reader stands."""
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/stream_positions_stored.sql"), {"asset": asset})
        rows = cursor.fetchall()
    return {(place := Place(topic, number)): Position(place, *rest) for topic, number, *rest in rows}


def refuse_lost_positions(connection: Connection, asset: str, stored: Collection[Place]) -> None:
    """Refuse to read a log again whose stored positions are gone.

    A success that found no topic stored no position, so it has lost none.

    Args:
        connection: of the warehouse.
        asset: the reader.
        stored: the partitions whose positions are known.

    Raises:
        PositionsLostError: an earlier load read a partition whose position is not stored any more.
    """
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/stream_was_read.sql"), {"asset": asset})
        row = cursor.fetchone()
    if row is None:
        return
    run_id, state = row
    lost = sorted(places_of(state) - set(stored))
    if stored and not lost:
        return
    of = ", ".join(f"{place.topic}, partition {place.partition}" for place in lost) or "any partition"
    raise PositionsLostError(
        f"{asset} was loaded (run {run_id}, up to {state}), and ops.stream_positions does not say where its "
        f"reader stands in {of}. Restore the rows of that table, or empty the asset's table and delete the "
        f"asset's entries in ops.etl_run_log and ops.stream_positions to read the topics anew"
    )


def store_positions(connection: Connection, asset: str, positions: Iterable[Position]) -> None:
    """Stores where an asset's reader stands, in the transaction that publishes what it read."""
    with connection.cursor() as cursor:
        for position in positions:
            values = {"asset": asset, **asdict(position), **position.place._asdict()}
            cursor.execute(compose("ops/stream_positions_store.sql"), values)
