"""Names that somebody may have meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST = 3
_CUTOFF = 0.5


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the nearest known names as the end of a sentence, '' if none is near."""
    names = sorted(known)
    by_lower = {one.lower(): one for one in names}
    found = difflib.get_close_matches(name.lower(), by_lower, _MOST, _CUTOFF)
    return f" (did you mean {' or '.join(by_lower[one] for one in found)}?)" if found else ""
