"""The choice of the partitions that an evaluation compares with their source: least recently compared first.

The newest partitions are compared at each evaluation, and beside them a number of older ones. A table of the
schema ops remembers when each was compared, so each of N older partitions is compared within
``ceil(N / sampled)`` evaluations. The table is no cursor: a partition that it does not know counts as
compared when it was loaded.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, zip_longest
from typing import TYPE_CHECKING

from marts_platform.core.sql import compose

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from psycopg2.extensions import connection as Connection

    from marts_platform.core.pending import Key
    from marts_platform.core.run_log import Published

# The key under which the comparison of all rows of a whole table is noted; that of its usual one is ''.
ALL_ROWS = "all rows"
ALL_ROWS_EVERY = timedelta(hours=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The last comparison of a partition with its source.

    Attributes:
        tried_at: when its data version was asked for last (UTC).
        compared_at: when the source answered last; None if it never did.
        is_stale: whether its data version was another one than the loaded one then.
    """

    tried_at: datetime
    compared_at: datetime | None
    is_stale: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The partitions of an asset that an evaluation compares.

    Attributes:
        newest: of the newest ones.
        sampled: of the older ones, those whose turn it is.
        stale: of the older ones, those that differed from their source and have not been loaded since: their
            load failed, or none was asked for.
        older: all older ones that are published.
        is_older_first: whether one of the newest was tried after all older ones.
    """

    newest: Sequence[str]
    sampled: Sequence[str]
    stale: Sequence[str]
    older: Collection[str]
    is_older_first: bool = False

    @property
    def in_turn(self) -> list[str]:
        """Partitions of each kind in turn: where the time ends, no kind starves another."""
        newest, older = (self.newest, ()), (self.sampled, self.stale)
        pairs = zip_longest(*(*older, *newest) if self.is_older_first else (*newest, *older))
        return list(dict.fromkeys(key for key in chain.from_iterable(pairs) if key is not None))


def choose(
    keys: Sequence[str],
    published: Mapping[Key, Published],
    comparisons: Mapping[str, Comparison],
    lookback: int,
    sampled: int,
    rows: int = 0,
) -> Choice:
    """Choose what to compare of an asset: the newest partitions, and older published ones, in their turn.

    Args:
        keys: of all partitions that there are, in order.
        published: the last successful loads.
        comparisons: by partition when it was compared last.
        lookback: how many of the newest partitions are compared.
        sampled: how many of the older published ones.
        rows: more of these, as long as they hold no more rows than this together.
    """
    newest = list(reversed(keys[-lookback:]))
    floor = newest[-1] if newest else ""
    first = keys[0] if keys else ""
    older = [key for key in published if key is not None and first <= key < floor]

    def turn(key: str) -> tuple[datetime, str]:
        return _read_at(key, published, comparisons), key

    def last_tried(key: str) -> datetime:
        return comparisons[key].tried_at if key in comparisons else _NEVER

    def is_stale(key: str) -> bool:
        known = comparisons.get(key)
        return known is not None and known.is_stale and known.tried_at > published[key].started_at

    stale = {key for key in older if is_stale(key)}
    return Choice(
        # Of those that were tried at the same time the newest one first: sorting keeps their order.
        sorted(newest, key=last_tried),
        _first(sampled, rows, [key for key in older if key not in stale], turn, published),
        heapq.nsmallest(sampled, stale, key=turn),
        older,
        is_older_first=max(map(last_tried, older), default=_NEVER)
        < max(map(last_tried, newest), default=_NEVER),
    )


def _read_at(key: str, published: Mapping[Key, Published], comparisons: Mapping[str, Comparison]) -> datetime:
    """Return the time of the last try: a comparison that may have failed, or a load."""
    tried = comparisons[key].tried_at if key in comparisons else _NEVER
    return max(tried, published[key].started_at)


def _first(
    count: int,
    most_rows: int,
    older: Sequence[str],
    turn: Callable[[str], tuple[datetime, str]],
    published: Mapping[Key, Published],
) -> list[str]:
    """The partitions whose turn comes first: so many, and more while they hold few rows together."""
    if not most_rows:
        return heapq.nsmallest(count, older, key=turn)
    taken: list[str] = []
    held = 0
    for key in sorted(older, key=turn):
        held += published[key].rows_written
        if len(taken) >= count and held > most_rows:
            break
        taken.append(key)
    return taken


def compared_at(
    key: str, published: Mapping[Key, Published], comparisons: Mapping[str, Comparison]
) -> datetime:
    """Return when a source told last what it has of a published partition: when compared, or loaded."""
    compared = comparisons[key].compared_at if key in comparisons else None
    return max(compared or _NEVER, published[key].started_at)


def is_due_whole(
    published: Mapping[Key, Published], comparisons: Mapping[str, Comparison], now: datetime
) -> bool:
    """Return whether all rows of a loaded table are to be compared: an hour after a load or the last try.

    Args:
        published: the last successful loads of the table.
        comparisons: when it was compared.
        now: the time (UTC).
    """
    if None not in published:
        return False
    tried = comparisons[ALL_ROWS].tried_at if ALL_ROWS in comparisons else _NEVER
    return now - max(tried, published[None].started_at) >= ALL_ROWS_EVERY


def comparisons_of(connection: Connection, asset: str) -> dict[str, Comparison]:
    """Read when each partition of an asset was compared last; the key of a whole table is ''."""
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/partition_comparisons_of.sql"), {"asset": asset})
        return {row[0]: Comparison(*row[1:]) for row in cursor.fetchall()}


def note_comparisons(
    connection: Connection, asset: str, tried: Iterable[Key], compared: Iterable[Key], stale: Iterable[Key]
) -> None:
    """Write that partitions of an asset were compared now; the caller commits.

    Args:
        connection: of the Postgres warehouse.
        asset: the asset's key.
        tried: the partitions that the source was asked for.
        compared: those of them that it told the data version of.
        stale: those of these whose data version is another one than the loaded one.
    """
    values = {
        "asset": asset,
        "tried": sorted({key or "" for key in tried}),
        "compared": sorted({key or "" for key in compared}),
        "stale": sorted({key or "" for key in stale}),
    }
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/partition_comparisons_note.sql"), values)
