"""Rows between engines and pandas, without losing what the types say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from marts_platform.core.table import Table

# pandas' own types turn NULL into NaN, an integer beside it into a float, and times into nanoseconds.
_EXACT = {
    "smallint": "Int64",
    "integer": "Int64",
    "bigint": "Int64",
    "boolean": "boolean",
    "timestamptz": "datetime64[us, UTC]",
    "timestamp": "datetime64[us]",
}


def typed_frame(rows: Sequence[tuple[Any, ...]], table: Table) -> pd.DataFrame:
    """A DataFrame of a table's columns with types that hold every value exactly.

    Args:
        rows: with the table's columns in their order.
        table: the declaration.

    Returns:
        Integers and booleans in pandas' nullable types, times in microseconds (UTC where aware),
        everything else as the driver gave it (Decimal, str, list, dict), NULL as None or NA.
    """
    import pandas as pd

    frame = pd.DataFrame.from_records(
        list(rows), columns=[column.name for column in table.columns], coerce_float=False
    )
    return frame.astype({column.name: _EXACT.get(column.type, "object") for column in table.columns})


def frame_rows(frame: pd.DataFrame, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of a frame as tuples of plain Python values, what pandas calls missing as None."""
    import pandas as pd

    # pandas' own types do not say what a row holds.
    rows = cast("Iterable[tuple[Any, ...]]", frame[list(columns)].itertuples(index=False, name=None))
    for row in rows:
        yield tuple(_plain(value, pd) for value in row)


def _plain(value: Any, pd: Any) -> Any:
    if isinstance(value, list | dict | tuple | str | bytes):
        return cast("Any", value)
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        if value.nanosecond:
            raise ValueError(f"{value} has nanoseconds, which the warehouse cannot hold: round it first")
        return value.to_pydatetime()
    return value.item() if hasattr(value, "item") else value
