"""Figures and words for the comparisons of an evaluation: no text claims more than was compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from marts_platform.core.comparisons import compared_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from marts_platform.core.comparisons import Choice, Comparison
    from marts_platform.core.pending import Key, SourceState
    from marts_platform.core.run_log import Published


@dataclass(frozen=True, slots=True)
class Coverage:
    """The comparisons of an evaluation, of one asset that reads a source.

    Attributes:
        newest: how many of its newest partitions were to be compared; 1 for a whole table.
        newest_compared: how many of them were.
        older: how many older partitions are published.
        sampled: how many of those were to be compared.
        older_compared: how many of them were.
        oldest: of the other older ones the earliest comparison or load (UTC); None if all were compared.
        is_whole: whether the asset is a whole table.
        scope: what is known of a source that tells no data version; '' of one that tells it.
    """

    newest: int
    newest_compared: int
    older: int = 0
    sampled: int = 0
    older_compared: int = 0
    oldest: datetime | None = None
    is_whole: bool = False
    scope: str = ""


def coverage_of_partitions(
    choice: Choice,
    state: SourceState | None,
    published: Mapping[Key, Published],
    comparisons: Mapping[str, Comparison],
) -> Coverage:
    """Count what was compared of the partitions that were chosen.

    Args:
        choice: what was to be compared.
        state: what the source told, None if it was not asked.
        published: the last successful loads.
        comparisons: by partition when it was compared before this evaluation.
    """
    compared = set(state.fingerprints) if state else set[str | None]()
    waiting = [compared_at(key, published, comparisons) for key in choice.older if key not in compared]
    return Coverage(
        newest=len(choice.newest),
        newest_compared=len(compared.intersection(choice.newest)),
        older=len(choice.older),
        sampled=len(choice.sampled) + len(choice.stale),
        older_compared=len(compared.intersection(choice.older)),
        oldest=min(waiting, default=None),
    )


def coverage_of_a_table(state: SourceState | None) -> Coverage:
    """Say whether a whole table was compared.

    Args:
        state: what the source told, None if it was not asked.
    """
    is_told = state is not None and bool(state.fingerprints or not state.with_rows)
    scope = state.scope if state and not is_told else ""
    return Coverage(1, int(state is not None), is_whole=True, scope=scope)


def compared_in_words(coverage: Mapping[str, Coverage]) -> str:
    """Name what was compared: ``the newest 3 days and 3 of 812 older ones of shop/orders``; '' for nothing.

    Args:
        coverage: by asset.
    """
    assets_of: dict[str, list[str]] = {}
    for asset, found in coverage.items():
        if found.newest_compared + found.older_compared:
            assets_of.setdefault(_part_of(found), []).append(asset)
    parts = [part + ", ".join(assets) for part, assets in assets_of.items() if not part.startswith("(")]
    parts += [f"{', '.join(assets)} {part}" for part, assets in assets_of.items() if part.startswith("(")]
    return "; ".join(parts)


def _part_of(found: Coverage) -> str:
    if found.is_whole:
        return f"({found.scope}; not compared further)" if found.scope else ""
    days = _counted(found.newest_compared, found.newest, "newest", "day")
    if not found.older:
        return f"{days} of "
    if found.older_compared == found.older:
        return f"{days} and all {found.older:,} older ones of "
    return f"{days} and {found.older_compared:,} of {found.older:,} older ones of "


def _counted(compared: int, wanted: int, kind: str, noun: str) -> str:
    all_of_them = f"the {kind} {wanted:,} {noun}s" if wanted != 1 else f"the {kind} {noun}"
    return all_of_them if compared == wanted else f"{compared:,} of {all_of_them}"


def as_the_source_in_words(coverage: Mapping[str, Coverage], stale: int = 0) -> str:
    """Say of what was compared that it is as its source.

    Args:
        coverage: by asset, of those without an error.
        stale: how many partitions are stale all the same, and are not loaded now.
    """
    compared = compared_in_words(coverage)
    if stale:
        return (
            f"{stale:,} stale partitions are not asked for now: a run has them in hand, they failed lately, "
            f"or they are older than what is loaded (compared: {compared or 'nothing'})"
        )
    return f"{compared} are as their source" if compared else "every table is as what it is made of"


def errors_in_words(errors: Mapping[str, Exception], said_by: Callable[[Exception], str]) -> Iterator[str]:
    """Name the assets that could not be compared and why: one line for each reason.

    Args:
        errors: by asset.
        said_by: words an error.
    """
    assets_of: dict[str, list[str]] = {}
    for asset, error in errors.items():
        assets_of.setdefault(said_by(error), []).append(asset)
    for said, assets in assets_of.items():
        yield f"{', '.join(assets)} could not be compared with the source: {said}"


def warnings_in_words(sources: Mapping[str, SourceState]) -> Iterator[str]:
    """Give what the sources warn of, such as a topic that does not exist: a line for each warning.

    Args:
        sources: what they told, by asset.
    """
    assets_of: dict[str, list[str]] = {}
    for asset, state in sources.items():
        for warning in state.warnings:
            assets_of.setdefault(warning, []).append(asset)
    for warning, assets in assets_of.items():
        yield f"{', '.join(assets)}: {warning}"


def missed_in_words(coverage: Mapping[str, Coverage]) -> Iterator[str]:
    """Name what was to be compared and was not, an asset a line: the evaluations fall behind.

    Args:
        coverage: by asset.
    """
    for asset, found in coverage.items():
        newest, older = found.newest - found.newest_compared, max(found.sampled - found.older_compared, 0)
        if found.is_whole and newest:
            yield f"{asset} was not compared with its source in time"
        elif newest or older:
            since = f"; the oldest comparison is of {_minute(found.oldest)}" if found.oldest else ""
            yield (
                f"{asset}: {newest:,} of its newest {found.newest:,} days and {older:,} of {found.sampled:,} "
                f"older ones were not compared in time, the next evaluation begins with them{since}"
            )


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
