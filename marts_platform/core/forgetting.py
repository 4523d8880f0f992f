"""Declarations of what a domain can forget on a person's request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Forgettable:
    """A key whose rows a domain can delete from all of its marts in the Postgres warehouse.

    Attributes:
        domain: the domain.
        key: the name of the key, as the command's option spells it.
        columns: by asset (``domain/table``) the column that holds the key.
        quarantined: an SQL file that selects the ids of the entries in ``ops.quarantine`` that belong to
            ``%(key)s``; it runs before rows are deleted, so it may look the entries' rows up.
        rows_at_source: counts the rows that the source still has of a key. A load would bring them back.
    """

    domain: str
    key: str
    columns: dict[str, str]
    quarantined: str
    rows_at_source: Callable[[str], int]
