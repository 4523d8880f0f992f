"""The one path of every table: extract a window, stage, audit, publish, record.

`Mart` declares a table of the platform, `Warehouse` is what an engine offers, `load_slice` walks the
path. A kill at any point leaves readers with what they had, and nothing to clean up.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from marts_platform.core.audit import AuditFailed
from marts_platform.core.faults import with_retries

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    from marts_platform.core.audit import Audit, Verdict
    from marts_platform.core.rows import Rows
    from marts_platform.core.run_log import Figures, Run
    from marts_platform.core.streams import Position
    from marts_platform.core.table import Table
    from marts_platform.core.window import Slice

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Replace:
    """The rows of a window are replaced by the staged ones: with rows, or emptied.

    Where the table's key does not hold the column, a row moves with its time: it leaves the window that it
    stood in, whichever is loaded first, and that window counts as stale.

    Attributes:
        column: the time column that decides which window a row belongs to; None: the whole table.
        keep: an SQL file that selects, from the rows published before, those that stay although the
            source no longer has them (``{staged}`` are the new rows). None: the source decides alone.
        restore: an SQL file that updates ``{staged}`` with values that the source no longer has of rows
            which it still has, from the rows published before.
        missing: an SQL file that selects what `Extract.judge` takes of the rows published before that are
            not among ``{staged}``.
    """

    column: str | None = None
    keep: str | None = None
    restore: str | None = None
    missing: str | None = None


@dataclass(frozen=True, slots=True)
class Keyed:
    """A row a key, fed by many windows: a window's load rewrites the keys that it touches.

    Whatever is loaded in whatever order, the table equals a full rebuild from the raw history.

    A mart without partitions takes in all days of its upstream at once that were loaded since its own last
    load: in ClickHouse its files take them as ``{days:Array(Date)}``.

    Attributes:
        touched: an SQL file that selects the keys that the window's rows touch, now or before: the
            key's columns, and ``in_doubt``, whether only the raw history can tell the key's row. In Postgres
            also ``since``: no change of the key that counts is older (a timestamptz; NULL if nobody knows).
        rebuild: an SQL file with the rows of ``{touched}`` from the whole raw history: the definition
            of the mart. Of keys that are in doubt, or of all if there is no `merge`. In Postgres
            ``%(since)s`` is the oldest of theirs, so that partitions of the history before it need no look.
        merge: an SQL file with the same rows for keys that are not in doubt, from the window's rows
            and the table's present ones; provably the same, and its cost is the window's.
    """

    touched: str
    rebuild: str
    merge: str | None = None


@dataclass(frozen=True, slots=True)
class Append:
    """The staged rows join those that are there: snapshots, each kept, or a log read from where it was left.

    The extract gives what the table does not have yet: a load that was killed between its publication and
    its record is repeated.

    Attributes:
        column: the time column that decides which window a row belongs to; None if rows belong to none. In
            Postgres, loads of a table without partitions note the days that they add rows to: see
            `marts_platform.core.appended`.
        is_snapshot: whether each load gives all that there is now: what stood in quarantine before and is not
            among it any more has then been corrected at the source.
    """

    column: str | None = None
    is_snapshot: bool = False


Publication: TypeAlias = Replace | Keyed | Append


def reads_only_what_is_new(publication: Publication) -> bool:
    """Whether a load says nothing of what was found in loads before, so that their quarantine stands."""
    return isinstance(publication, Append) and not publication.is_snapshot


@dataclass(frozen=True, slots=True)
class Landing:
    """How rows that come raw become the table's: the warehouse's SQL types them, and says which cannot be.

    A row that cannot is quarantined whole. Once its source has moved on, a replay judges it anew.

    Attributes:
        landed: an SQL file that makes the temporary table ``{landed}``: the stream's columns, and ``place``,
            a number of its own for each row.
        typed: an SQL file that selects from ``{landed}`` the table's columns, ``place``, and ``reason``: why
            the row cannot be one of the table; NULL for a good one.
        rejected: an SQL file that selects from ``{judged}`` (what `typed` gave) and ``{landed}`` what the
            quarantine takes: ``source_key, reason, payload, is_row, context``.
        replayed: an SQL file that selects the columns of ``{landed}`` from the rows in quarantine.
        params: gives the values that `typed` takes (settings).
    """

    landed: str
    typed: str
    rejected: str
    replayed: str
    params: Callable[[], Mapping[str, object]] = dict


@dataclass(frozen=True, slots=True)
class Mart:
    """A table of the platform and how it is made.

    Attributes:
        asset: the asset's key, ``domain/table``.
        table: its declaration.
        publication: how staged rows become the table's.
        audits: what they must fulfil.
        quarantine: an SQL file that finds, among the ``{staged}`` rows, what could not be read.
        fingerprint: an SQL file that gives the state of the source that the ``{staged}`` rows show, as
            one text; the source's probe gives the same text for the same state.
        upstream: keys of the assets it is computed from, whose state stands for its source's.
        lookups: keys of the assets that it looks values up in: they are loaded before it, and what changes
            in them makes nothing of it stale.
        is_partitioned: whether it is published by days; otherwise it is one slice, the whole table.
        landing: how rows that come raw become the table's; None if they come typed.
        scope: the settings that decide what a computed mart's rows are, as text; its extract says the same.
    """

    asset: str
    table: Table
    publication: Publication
    audits: Sequence[Audit] = ()
    quarantine: str | None = None
    fingerprint: str | None = None
    upstream: Sequence[str] = ()
    lookups: Sequence[str] = ()
    is_partitioned: bool = True
    landing: Landing | None = None
    scope: Callable[[], str] | None = None

    @property
    def key_spans_windows(self) -> bool:
        """True if loads replace windows, and the key does not tell a row's window."""
        publication, key = self.publication, self.table.key
        return (
            isinstance(publication, Replace)
            and publication.column is not None
            and bool(key)
            and publication.column not in key
        )

    def computed_fingerprint(self, upstream: Mapping[str, str | None]) -> str:
        """The fingerprint of a computed mart that reflects these states of its upstream assets."""
        return with_scope(combined_fingerprint(upstream), self.scope() if self.scope else "")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row of the source that goes to quarantine, or a value of a row that arrives without it.

    Attributes:
        source_key: which row of the source, None if that cannot be told.
        reason: why it could not be read.
        payload: the row as it came; bytes that are no text as a backslash, x and hexadecimal digits.
        is_row: whether the row is not among the extract's rows; False if it is, without the value.
    """

    source_key: str | None
    reason: str
    payload: str | None
    is_row: bool = True


@dataclass(frozen=True, slots=True)
class Extract:
    """The rows of a slice, with what there is to say of how they were read.

    Attributes:
        rows: a query, a stream or a DataFrame; None for a keyed mart, whose publication says them.
        read_until: up to where an open window is read (UTC); None if it is read whole.
        scope: what else decides which rows come (settings); it becomes part of the fingerprint.
        params: values that the publication's ``keep`` file and the mart's ``fingerprint`` file take, beside
            ``start`` and ``end``.
        judge: asks the source about published rows that it did not give: takes the rows of the publication's
            ``missing`` file and returns more values of ``keep``.
        warnings: what whoever looks at the run should know.
        rejected: rows that were read and are not among `rows`, and values that these lack.
        fingerprint: the state of the source that the rows show, where no SQL file of the mart says it; a
            function is called once all rows have come.
        never_null: columns without NULL at the source; a NULL in one of them stands in quarantine.
        key: the columns that tell rows apart. Of rows with the same key one arrives, and the others stand in
            quarantine. Empty where audits alone decide.
        positions: gives where the reader of a log stands once all rows have come; they are stored in the
            transaction that publishes.
    """

    rows: Rows | None
    read_until: datetime | None = None
    scope: str = ""
    params: Mapping[str, object] = field(default_factory=dict[str, object])
    judge: Callable[[Sequence[tuple[Any, ...]]], Mapping[str, object]] | None = None
    warnings: Sequence[str] = ()
    rejected: Sequence[Rejected] = ()
    fingerprint: str | Callable[[], str] | None = None
    never_null: Sequence[str] = ()
    key: tuple[str, ...] = ()
    positions: Callable[[], Iterable[Position]] | None = None

    def state(self) -> str | None:
        """Return the state of the source that the rows show, once all rows have come; None if unknown."""
        return self.fingerprint() if callable(self.fingerprint) else self.fingerprint


@dataclass(frozen=True, slots=True)
class Outcome:
    """A published slice."""

    slice: Slice
    figures: Figures
    verdicts: Sequence[Verdict]
    seconds: float
    warnings: Sequence[str] = field(default=())


class Load(Protocol):
    """One load of a slice, as an engine does it; nothing is visible to readers before `publish`."""

    def stage(self, extract: Extract) -> None:
        """Brings the rows into a staging table named after the run."""
        ...

    def audit(self, audit: Audit) -> Verdict:
        """Asks one audit's question to the staged rows."""
        ...

    def publish(self) -> Figures:
        """Makes the staged rows the table's in one atomic step, and records the success."""
        ...


class Warehouse(Protocol):
    """What the path needs of an engine. The IO managers are the warehouses."""

    def load(self, mart: Mart, slice_: Slice, run: Run) -> AbstractContextManager[Load]:
        """Begins a load as the table's only writer; on a fault all of it is undone and recorded."""
        ...

    def published_by(self, mart: Mart, root_run_id: str) -> Mapping[str | None, int]:
        """The partitions that a chain of runs has published already, with the rows of each."""
        ...


def load_slice(
    warehouse: Warehouse, mart: Mart, slice_: Slice, run: Run, extract: Callable[[], Extract | Rows]
) -> Outcome:
    """Walks the one path for one slice; passing faults are retried from the start of it.

    Args:
        warehouse: where the mart lives.
        mart: what is loaded.
        slice_: the partition to rewrite, or the whole table.
        run: who does it.
        extract: gives the slice's rows; called again by a retry.

    Raises:
        AuditFailed: a blocking audit failed; nothing was published.
        Exception: whatever the source or the warehouse raised, once retries are used up.
    """

    def attempt() -> Outcome:
        began = time.monotonic()
        with warehouse.load(mart, slice_, run) as load:
            extracted = as_extract(extract())
            load.stage(extracted)
            verdicts = [load.audit(audit) for audit in mart.audits]
            if any(verdict.blocks for verdict in verdicts):
                raise AuditFailed(mart.asset, verdicts)
            figures = load.publish()
        return Outcome(slice_, figures, verdicts, time.monotonic() - began, extracted.warnings)

    return with_retries(attempt)


def as_extract(rows: Extract | Rows) -> Extract:
    """An asset may return bare rows where there is nothing to say of them."""
    return rows if isinstance(rows, Extract) else Extract(rows)


def with_scope(state: str | None, scope: str) -> str:
    """A fingerprint: a state, and the settings that decide which rows come of it."""
    return "; ".join(filter(None, (state, scope)))


def combined_fingerprint(upstream: Mapping[str, str | None]) -> str:
    """The fingerprint of a mart computed from other assets: theirs, by asset."""
    return "; ".join(f"{asset}: {state}" for asset, state in sorted(upstream.items()))
