"""Audits: what staged rows must fulfil before readers get them. Each is an asset check in the UI."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Audit:
    """A question to the staged rows.

    The SQL file is a SELECT over ``{staged}`` (in ClickHouse ``{staged:Identifier}``) that gives one row: a
    boolean column ``passed`` and any figures beside it, which the UI shows.

    Attributes:
        name: the check's name.
        file: the SQL file, below ``sql/``; ``{engine}`` in it is the warehouse's folder.
        description: what holds if it passes.
        blocking: True: if it fails nothing is published. False: it warns.
        identifiers: names of columns that the file leaves open.
    """

    name: str
    file: str
    description: str
    blocking: bool = True
    identifiers: Mapping[str, str | tuple[str, ...]] = field(
        default_factory=dict[str, "str | tuple[str, ...]"]
    )

    def file_for(self, engine: str) -> str:
        """The SQL file of one engine: ``postgres``, ``clickhouse``, ``mysql``."""
        return self.file.replace("{engine}", engine)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit found in one slice."""

    audit: Audit
    partition_key: str | None
    passed: bool
    figures: Mapping[str, Any]

    @property
    def blocks(self) -> bool:
        """Whether nothing may be published."""
        return self.audit.blocking and not self.passed


class AuditFailed(Exception):
    """A blocking audit failed: nothing of the slice was published, readers keep what they had."""

    def __init__(self, asset: str, verdicts: Sequence[Verdict]) -> None:
        self.verdicts = tuple(verdicts)
        failed = [verdict for verdict in verdicts if verdict.blocks]
        reasons = "; ".join(
            f"{verdict.audit.name} ({verdict.audit.description}): "
            + ", ".join(f"{name}={value}" for name, value in verdict.figures.items())
            for verdict in failed
        )
        where = failed[0].partition_key or "the whole table"
        super().__init__(
            f"{asset}, {where}: the staged rows failed {len(failed)} audit(s), "
            f"nothing was published: {reasons}"
        )


def unique(*columns: str) -> Audit:
    """No two staged rows share these columns."""
    return Audit(
        name="unique_" + "_".join(column.strip("_") for column in columns),
        file="{engine}/audit_unique.sql",
        description=f"No two rows share {', '.join(columns)}.",
        identifiers={"key": columns},
    )
