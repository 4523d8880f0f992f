"""What is left to do when some of it failed: all that is not made of what failed."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from marts_platform.core.pending import Batch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from marts_platform.core.pending import Cell, Key

# So many partitions of an asset that fail one after another are its own fault, not theirs.
_FAILURES_IN_A_ROW = 10
# A fault that passes was waited for within the load: whatever it is, it has come to stay for a while.
_PASSING_IN_A_ROW = 2


def cells_of(batch: Batch) -> Iterator[Cell]:
    """What a run has to load, in its order."""
    for asset in batch.assets:
        for key in batch.partition_keys or (None,):
            yield asset, key


def remaining(
    work: Sequence[Batch],
    done: Collection[Cell],
    lost: Collection[Cell],
    upstream: Mapping[str, Collection[str]],
) -> list[Batch]:
    """The runs that are left.

    Args:
        work: the runs, in an order in which upstream assets come first.
        done: what was loaded.
        lost: what failed, or is not to be tried. What is made of it is left out: the same partition, or all
            of them if it is a whole table. A whole table made of days is made of those that there are.
        upstream: of each asset the keys of the assets that it is computed from.
    """
    missing = set(lost)
    left: list[Batch] = []
    for batch in work:
        for asset, key in cells_of(batch):
            made_of = {cell for name in upstream.get(asset, ()) for cell in ((name, key), (name, None))}
            if (asset, key) not in done and not missing.isdisjoint(made_of):
                missing.add((asset, key))

        def wanted(key: Key, batch: Batch = batch) -> tuple[str, ...]:
            cells = ((asset, key) for asset in batch.assets)
            return tuple(cell[0] for cell in cells if cell not in missing and cell not in done)

        for assets, keys in groupby(batch.partition_keys or (None,), wanted):
            if assets:
                left.append(Batch(tuple(key for key in keys if key is not None), assets))
    return left


def is_hopeless(in_a_row: int, *, passes: bool) -> bool:
    """Whether the rest of an asset is not worth a try now.

    Args:
        in_a_row: how many of its partitions failed, without a success between them.
        passes: whether the last fault is one that passes by itself.
    """
    return in_a_row >= (_PASSING_IN_A_ROW if passes else _FAILURES_IN_A_ROW)
