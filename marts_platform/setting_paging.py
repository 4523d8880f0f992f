"""The declared paging of an HTTP collection: the text of a setting, and what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

# A declared cursor that is a field of the last record.
LAST_RECORD = "last:"


@dataclass(frozen=True, slots=True)
class Declaration:
    """The dialect of a collection, as its user declares it; a field that is None is detected.

    Attributes:
        single: whether one answer is the whole collection, whatever its fields say.
        records: path of the records.
        next: path of the link to the next page.
        cursor: path of the cursor; ``last:NAME`` is the field of the last record.
        cursor_param: query parameter that takes the cursor.
        page_param: query parameter that takes a page number.
        first: number of the first page.
        offset_param: query parameter that takes the number of records to pass over.
        size_param: query parameter that takes the number of records in a page.
        size: this number.
        more: path of the field that says whether there is another page.
        total: path of the number of records on all pages.
        pages: path of the number of pages.
        ignore: paths that say nothing of pages; ``*`` is all that are not declared.
    """

    single: bool = False
    records: str | None = None
    next: str | None = None
    cursor: str | None = None
    cursor_param: str | None = None
    page_param: str | None = None
    first: int = 1
    offset_param: str | None = None
    size_param: str | None = None
    size: int | None = None
    more: str | None = None
    total: str | None = None
    pages: str | None = None
    ignore: tuple[str, ...] = ()

    @property
    def way(self) -> str | None:
        """The declared way to the next page; None if it is detected."""
        ways = ("next", "cursor", "page_param", "offset_param")
        return next((name for name in ways if getattr(self, name) is not None), None)


_NUMBERS = ("first", "size")
_WORDS = ("records", "next", "cursor", "cursor_param", "page_param", "offset_param", "size_param", "more") + (
    "total",
    "pages",
)


def parse_declaration(text: str) -> Declaration:
    """Parse ``name=value`` pairs separated by blanks, or ``single``.

    Raises:
        ValueError: the text is of another form; the message says what is known.
    """
    values: dict[str, Any] = {}
    for part in text.split():
        name, equals, value = part.partition("=")
        if part == "single":
            values["single"] = True
        elif name in _WORDS and value:
            values[name] = value
        elif name in _NUMBERS and value.isascii() and value.isdigit():
            values[name] = int(value)
        elif name == "ignore" and value:
            values[name] = tuple(value.split(","))
        else:
            known = ", ".join(f"{word}=" for word in (*_WORDS, *_NUMBERS, "ignore"))
            raise ValueError(f"{name}{equals} is not known; known are single, {known}")
    found = Declaration(**values)
    if sum(getattr(found, name) is not None for name in ("next", "cursor", "page_param", "offset_param")) > 1:
        raise ValueError(
            "only one of next=, cursor=, page_param= and offset_param= can lead to the next page"
        )
    if (found.cursor is None) != (found.cursor_param is None):
        raise ValueError("cursor= and cursor_param= belong together")
    if (found.size is None) != (found.size_param is None):
        raise ValueError("size= and size_param= belong together")
    return found
