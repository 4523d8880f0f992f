"""Pages of an HTTP collection: read the marks of one answer and decide how to go on.

Nothing here asks a server. An answer is an array of records, or an object (an envelope) with them. Each field
of an envelope is known as a mark of a dialect, known as harmless, or declared. Any other field is refused by
name, because a mark that is passed over makes one page look like the whole collection. Known marks:

* a link to the next page: ``next`` and its kin as text or as an object with ``href`` (JSON:API, HAL, OData,
  DRF, Laravel), lists of links with ``rel``, and the header ``Link``;
* a cursor: ``next_cursor``, ``nextPageToken``, ``endCursor`` and their kin;
* page numbers, counted from 0 or 1; offsets; ``has_more`` with the last record's key (Stripe);
* where the collection ends: totals, numbers of pages, ``has_more``, ``last``. All of them have to agree.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from marts_platform.setting_paging import LAST_RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from marts_platform.setting_paging import Declaration

Kind: TypeAlias = Literal[
    "link", "cursor", "next_page", "page", "pages", "size", "offset", "total", "count", "more", "last",
    "good", "bad", "harmless", "records",
]  # fmt: skip

_RECORDS = (
    "items",
    "data",
    "results",
    "value",
    "content",
    "records",
    "resources",
    "member",
    "entries",
    "rows",
)
_NAMES: Mapping[Kind, str] = {
    "link": "next nextlink nextpagelink nextpageurl nextpageuri nexturl nexturi nexthref",
    "cursor": "nextcursor cursor nextpagetoken pagetoken nexttoken continuationtoken nextmarker endcursor "
    "nextcontinuationtoken after scrollid",
    "next_page": "nextpage nextpagenumber",
    "page": "page currentpage pagenumber pagenum pageindex pageno number",
    "pages": "pages totalpages pagecount lastpage lastpagenumber numpages numberofpages pagetotal",
    "size": "size pagesize perpage limit itemsperpage maxresults",
    "offset": "offset skip startindex startat",
    "total": "total totalcount totalelements totalitems totalresults totalrecords totalsize recordstotal",
    "count": "count resultcount itemcount numberofelements numberofitems returned",
    "more": "hasmore more hasnext hasnextpage hasmoreitems hasmorerecords moreresults moreavailable "
    "istruncated truncated incompleteresults partial",
    "last": "last islast islastpage",
    "good": "success ok status",
    "bad": "error errors",
    "harmless": "object kind type self first prev previous prevpage previouspage prevpageurl previouspageurl "
    "firstpageurl lastpageurl prevlink previouslink firstlink lastlink prevcursor previouscursor "
    "startcursor before hasprevious hasprevpage hasprev haspreviouspage isfirst isfirstpage "
    "empty isempty from to path url href context jsonapi version apiversion took timestamp time "
    "requestid etag sort pageable included schemas curies facets template",
}  # fmt: skip
_KINDS: Mapping[str, Kind] = {name: kind for kind, names in _NAMES.items() for name in names.split()}
_HEADERS: Mapping[str, Kind] = {
    "x-total-count": "total",
    "x-total": "total",
    "x-total-pages": "pages",
    "x-page": "page",
    "x-per-page": "size",
    "x-next-page": "next_page",
    "x-next-cursor": "cursor",
    "x-has-more": "more",
    "x-prev-page": "harmless",
}
_PAGING_HEADER = re.compile(
    r"(?:^|-)(?:next|cursor|has-?more|continuation|pagination|paging|total-count|total-pages)(?:-|$)"
    r"|^x-page-(?:count|number|size|limit)$"
)
_LINK_HEADER = re.compile(r"<(?P<link>[^>]*)>(?P<rest>(?:[^,\"]|\"[^\"]*\")*)")
_REL_NEXT = re.compile(r";\s*rel\s*=\s*(?:\"(?:[^\"]*\s)?next(?:\s[^\"]*)?\"|next\b)", re.I)
_RANGE = re.compile(r"\D*\d+-\d+/(?P<total>\d+|\*)\s*")
# The query's parameter where it is not called as the field of the answer.
_PARAMETERS = {
    "nextcursor": "cursor",
    "xnextcursor": "cursor",
    "endcursor": "after",
    "currentpage": "page",
    "number": "page",
    "nextpage": "page",
    "nextpagenumber": "page",
    "xpage": "page",
    "xnextpage": "page",
    "xperpage": "per_page",
    "itemsperpage": "count",
}
_SHOWN_CHARACTERS = 200
_DEEPEST = 4


class PagingError(Exception):
    """An answer that is not understood; the message names fields, never values."""


class ChangedError(Exception):
    """Pages that contradict each other: the collection changed while it was read."""


@dataclass(slots=True)
class Page:
    """One answer: its records, and what its fields say of other pages.

    A field that is there and empty says that there is no further page; one that is not there says nothing.
    ``fields`` are the fields by kind, for messages. ``has_links`` says that the answer has links to other
    pages, or a place for them.
    """

    records: Sequence[Any]
    link: str | None = None
    cursor: str | None = None
    next_page: int | None = None
    page: int | None = None
    pages: int | None = None
    size: int | None = None
    offset: int | None = None
    total: int | None = None
    count: int | None = None
    more: bool | None = None
    has_links: bool = False
    fields: dict[Kind, str] = field(default_factory=dict[Kind, str])


@dataclass(frozen=True, slots=True)
class Next:
    """The place of the next page: a link, or the same URL with other query parameters.

    Attributes:
        link: absolute or relative.
        params: query parameters.
        page: the number that was asked for, which the answer repeats if it has one.
        offset: likewise the offset.
        is_probe: whether no mark says that there is a next page: it may be missing.
    """

    link: str | None = None
    params: Mapping[str, str] = field(default_factory=dict[str, str])
    page: int | None = None
    offset: int | None = None
    is_probe: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a reading, the last page included.

    Attributes:
        records: of all pages.
        pages: that were read.
        key: field of a record that ``starting_after`` may take.
        has_links: whether a page had links to others, or a place for them: no link is then no page.
    """

    records: int
    pages: int
    key: str
    has_links: bool = False


def read_page(body: Any, headers: Mapping[str, str], declared: Declaration, *, where: str, noun: str) -> Page:
    """Read one answer's records and marks.

    Args:
        body: the answer's JSON.
        headers: of the answer.
        declared: the dialect.
        where: the source, for messages.
        noun: the records' name in messages.

    Raises:
        PagingError: a field is not understood.
    """
    if isinstance(body, list):
        if declared.records is not None:
            raise PagingError(f"{where} answered a list, declared is records={declared.records}")
        page, leaves = Page(cast("list[Any]", body)), list[tuple[str, str, Any]]()
    elif isinstance(body, dict):
        leaves = list(_leaves(cast("dict[str, Any]", body)))
        path = _records_path(cast("dict[str, Any]", body), leaves, declared, where)
        page = Page(next(value for name, _, value in leaves if name == path))
        leaves = [leaf for leaf in leaves if leaf[0] != path]
    else:
        raise PagingError(f"{where} answered {shape(body)}, neither a list of {noun} nor a page of it")
    if declared.single:
        return page
    unknown: list[str] = []
    for path, name, value in leaves:
        kind = _kind(path, name, value, declared)
        page.has_links |= kind in ("link", "cursor", "next_page") or _in_links(tuple(path.split(".")[:-1]))
        if kind is None or not _note(page, kind, path, value, where):
            unknown.append(path)
    unknown += _read_headers(page, headers, declared, where)
    if unknown:
        raise PagingError(
            f"{where} answered a page with fields that are not understood: {_named(unknown)}. The first page "
            f"is not taken for all {noun}"
        )
    return page


def next_page(page: Page, progress: Progress, declared: Declaration, noun: str) -> Next | None:
    """Decide where the next page is; None after the last one.

    Raises:
        PagingError: there is more, and nothing says where.
        ChangedError: the fields contradict each other.
    """
    if declared.single:
        return None
    more, end = _votes(page, progress)
    if more and end:
        raise ChangedError(
            f"says by {_named(more)} that there are more pages, and by {_named(end)} that there are not"
        )
    is_probe = not more and page.cursor is None
    if end or (is_probe and not _can_probe(page, progress, declared)):
        return None
    found = _way(page, progress, declared)
    if found is None:
        if not more:
            size = _named([page.fields["size"]])
            raise PagingError(f"gave a page as long as its {size}, and says nothing of the next page")
        if more == [page.fields.get("total")]:
            raise ChangedError(f"told of {page.total} {noun} in all and gave {progress.records}")
        raise PagingError(f"says by {_named(more)} that there are more pages, and not where")
    if not page.records and not more:
        return None
    return replace(found, is_probe=is_probe)


def _votes(page: Page, progress: Progress) -> tuple[list[str], list[str]]:
    """Return the fields that say that there are more pages, and those that say that there are not."""
    said: dict[Kind, bool | None] = {
        "link": page.link is not None if "link" in page.fields else None,
        "next_page": page.next_page is not None if "next_page" in page.fields else None,
        "more": page.more,
        "pages": None if page.pages is None else progress.pages < page.pages,
        "total": None if page.total is None else progress.records < page.total,
        "cursor": False if "cursor" in page.fields and page.cursor is None else None,
    }
    return (
        [page.fields[kind] for kind, is_more in said.items() if is_more],
        [page.fields[kind] for kind, is_more in said.items() if is_more is False],
    )


def _can_probe(page: Page, progress: Progress, declared: Declaration) -> bool:
    """Return true if no mark tells the end, so that only a request for the next page can."""
    if declared.way is not None and declared.way != "next" and page.records:
        return declared.way != "cursor" or str(declared.cursor).startswith(LAST_RECORD)
    is_full = page.size is None or len(page.records) >= max(page.size, 1)
    if page.page is not None or page.offset is not None:
        return bool(page.records) and is_full
    return page.size is not None and is_full and not progress.has_links


def _way(page: Page, progress: Progress, declared: Declaration) -> Next | None:
    """Return the next page by the first way that the answer, or the declaration, offers."""
    size = {declared.size_param: str(declared.size)} if declared.size_param else {}
    if not size and page.size is not None:
        size = {_parameter(page.fields["size"]): str(page.size)}
    if declared.page_param is not None:
        return _numbered(declared.page_param, declared.first + progress.pages, size)
    if declared.offset_param is not None:
        return Next(params={declared.offset_param: str(progress.records)} | size)
    if declared.cursor is not None and declared.cursor.startswith(LAST_RECORD):
        last = _key_of(page, declared.cursor.removeprefix(LAST_RECORD))
        return Next(params={str(declared.cursor_param): last} | size) if last else None
    if page.link is not None:
        return Next(page.link)
    if page.next_page is not None:
        return _numbered(_parameter(page.fields["next_page"]), page.next_page, size)
    if page.cursor is not None:
        return Next(params={declared.cursor_param or _parameter(page.fields["cursor"]): page.cursor} | size)
    if page.page is not None:
        return _numbered(_parameter(page.fields["page"]), page.page + 1, size)
    if page.offset is not None:
        offset = page.offset + len(page.records)
        return Next(params={_parameter(page.fields["offset"]): str(offset)} | size, offset=offset)
    if page.more and _plain(page.fields["more"]) == "hasmore" and (last := _key_of(page, "id", progress.key)):
        return Next(params={"starting_after": last} | size)
    return None


def _numbered(parameter: str, number: int, size: Mapping[str, str]) -> Next:
    return Next(params={parameter: str(number), **size}, page=number)


def _key_of(page: Page, *names: str) -> str | None:
    """Return a key of the last record, by which the next page is asked for."""
    record = page.records[-1] if page.records else None
    values = [cast("dict[str, Any]", record).get(name) for name in names] if isinstance(record, dict) else []
    return next((str(value) for value in values if isinstance(value, str | int)), None)


def _leaves(envelope: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, str, Any]]:
    """Yield path, name and value of each field, objects being walked into; a link's object is a leaf."""
    for name, value in envelope.items():
        path = (*above, name)
        is_link = _KINDS.get(_plain(name)) in ("link", "harmless", "last") or _in_links(above)
        if isinstance(value, dict) and not is_link and len(path) < _DEEPEST:
            yield from _leaves(cast("dict[str, Any]", value), path)
        else:
            yield ".".join(path), name, value


def _records_path(
    body: Mapping[str, Any], leaves: Sequence[tuple[str, str, Any]], declared: Declaration, where: str
) -> str:
    lists = [(path, name) for path, name, value in leaves if isinstance(value, list)]
    if declared.records is not None:
        found = [path for path, _ in lists if path == declared.records]
    else:
        found = [
            path
            for path, name in lists
            if _plain(name) in _RECORDS or path.rpartition(".")[0].rpartition(".")[2] == "_embedded"
        ]
    if len(found) > 1:
        raise PagingError(f"{where} answered {shape(body)}, and {_named(found)} may each be the records")
    if not found:
        wanted = declared.records or " or ".join(_RECORDS)
        raise PagingError(f"{where} answered {shape(body)}, which has no list named {wanted}")
    return found[0]


def _kind(path: str, name: str, value: object, declared: Declaration) -> Kind | None:
    for kind in ("link", "cursor", "more", "total", "pages"):
        if path == getattr(declared, "next" if kind == "link" else kind):
            return kind
    if path in declared.ignore or "*" in declared.ignore:
        return "harmless"
    plain = _plain(name)
    if _in_links(tuple(path.split(".")[:-1])):
        return "link" if plain == "next" else "harmless"
    if plain in ("links", "link") and isinstance(value, list):
        return "link" if _listed_next(cast("list[Any]", value)) is not _ABSENT else "harmless"
    kind = _KINDS.get(plain)
    if kind == "last" and not isinstance(value, bool):
        return "pages" if _number(value) is not None else "harmless"
    if kind == "next_page" and isinstance(value, str) and any(mark in value for mark in "/?"):
        kind = "link"
    if declared.way is not None and kind in ("link", "cursor", "next_page", "offset"):
        return "harmless"
    if kind == "page" and declared.way not in (None, "page_param"):
        return "harmless"
    return kind


_ABSENT = object()


def _listed_next(links: Sequence[Any]) -> object:
    """Return the link of a list of links with ``rel``; _ABSENT if it has none with that."""
    for entry in links:
        if isinstance(entry, dict):
            said = cast("dict[str, Any]", entry)
            if said.get("rel", said.get("relation")) == "next":
                return said.get("href", said.get("url"))
    return _ABSENT


def _note(page: Page, kind: Kind, path: str, value: Any, where: str) -> bool:
    """Note what a field says; False if its value is of no form that is known."""
    if kind == "harmless":
        return True
    if kind == "good":
        return value in (True, None, "true", "ok", "OK", "success", 200, "200")
    if kind == "bad":
        return not value
    name: Kind = "more" if kind == "last" else kind
    said: str | int | bool | None
    if kind == "link":
        said = _link(
            _listed_next(cast("list[Any]", value)) if isinstance(value, list) else value, path, where
        )
    elif kind in ("more", "last"):
        said = _truth(value)
        if said is None:
            return False
        said = said != (kind == "last")
    elif value is None or value == "" or value is False:
        said = None
    else:
        said = _cursor(value) if kind == "cursor" else _number(value)
        if said is None:
            return False
    before = getattr(page, name)
    # Of two fields the one counts that says more: a page too many is seen, a page too few is not.
    if before is None or (name in ("more", "total", "pages") and said is not None and said > before):
        setattr(page, name, said)
        page.fields[name] = path
    return True


def _cursor(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _read_headers(page: Page, headers: Mapping[str, str], declared: Declaration, where: str) -> list[str]:
    unknown: list[str] = []
    for name, value in headers.items():
        lower = name.lower()
        if lower in declared.ignore or "*" in declared.ignore:
            continue
        if lower == "link" and declared.way is None:
            _read_link_header(page, value)
        elif lower == "content-range":
            found = _RANGE.fullmatch(value)
            if found is None:
                unknown.append(name)
            elif found["total"] != "*":
                page.total, page.fields["total"] = int(found["total"]), name
        elif lower in _HEADERS:
            kind = _HEADERS[lower]
            if declared.way is not None and kind in ("cursor", "next_page", "page"):
                continue
            # What the body says goes before.
            if kind not in page.fields and not _note(page, kind, name, value, where):
                unknown.append(name)
        elif _PAGING_HEADER.search(lower) and value not in ("", "0", "false"):
            unknown.append(name)
    return unknown


def _read_link_header(page: Page, value: str) -> None:
    for found in _LINK_HEADER.finditer(value):
        if _REL_NEXT.search(found["rest"]) and "link" not in page.fields:
            page.link, page.fields["link"] = found["link"], "Link"


def _link(value: Any, path: str, where: str) -> str | None:
    if isinstance(value, dict):
        value = cast("dict[str, Any]", value).get("href", cast("dict[str, Any]", value))
    if value is None or value == "" or value is False:
        return None
    if not isinstance(value, str):
        raise PagingError(f"{where} answered a page whose {path} is {shape(value)}, and no link")
    if not any(mark in value for mark in "/?"):
        raise PagingError(f"{where} answered a page whose {path} is a text that is no link")
    return value


def _in_links(above: tuple[str, ...]) -> bool:
    return bool(above) and above[-1] in ("links", "_links", "link")


def _plain(name: str) -> str:
    """Return a name in lower case, without what dialects write around it: next_page, @odata.nextLink."""
    return re.split(r"[.:]", name)[-1].lower().replace("_", "").replace("-", "").lstrip("@$")


def _parameter(path: str) -> str:
    """Return the query parameter that asks for what a field of the answer says."""
    name = path.rpartition(".")[2]
    if _plain(name) in ("nextpagetoken", "nexttoken", "nextmarker", "nextcontinuationtoken"):
        # nextPageToken is asked for by pageToken, next_page_token by page_token.
        rest = re.sub(r"^next_?", "", name)
        return rest[:1].lower() + rest[1:]
    return _PARAMETERS.get(_plain(name), name)


def _number(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _truth(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False, "1": True, "0": False}.get(str(value).lower())


def _named(paths: Sequence[str]) -> str:
    """Return names of fields for a message, without those that may be somebody's data."""
    told = ", ".join(path if re.fullmatch(r"[@$\w]?[A-Za-z][\w.:$-]*", path) else "…" for path in paths)
    return told[:_SHOWN_CHARACTERS]


def shape(value: object) -> str:
    """Describe a JSON value without its content, which may be anybody's data."""
    if isinstance(value, dict):
        return f"an object of {_named(sorted(cast('dict[str, Any]', value))) or 'nothing'}"
    names: dict[type, str] = {str: "a text", bool: "a truth value", type(None): "null", list: "a list"}
    return names.get(type(value), "a number")
