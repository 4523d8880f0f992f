"""A relation: a published table and, for a partitioned asset, the window that a run asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from marts_platform.core.table import Table
    from marts_platform.core.window import Window


@dataclass(frozen=True, slots=True)
class Relation:
    """What a downstream asset of the same engine reads instead of a copy of the rows.

    Attributes:
        table: the published table.
        column: its time column, None if it has no windows.
        window: the rows asked for; None for the whole table.
    """

    table: Table
    column: str | None = None
    window: Window | None = None

    def __post_init__(self) -> None:
        if self.window is not None and self.column is None:
            # A keyed mart is fed by windows, but none of its rows belongs to one.
            object.__setattr__(self, "window", None)
