"""An HTTP collection over real HTTP: each dialect is read whole, and the rest is refused by name."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from marts_platform.resources import http_collection
from marts_platform.resources.http_collection import (
    Collection,
    CollectionChangedError,
    CollectionError,
    followed,
    read_collection,
)
from marts_platform.setting_paging import parse_declaration
from marts_platform_tests.http_service import Answer, Asked, Service, service

PEOPLE = [{"id": number, "email": f"имя{number}@example.com"} for number in range(1, 7)]
SECRET = "ann@example.com"


@pytest.fixture
def server() -> Iterator[Service]:
    """A server of PEOPLE."""
    with service(lambda _: Answer(PEOPLE)) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marts_platform.core.faults.wait_random_exponential", lambda **_: lambda _: 0)


def collection(server: Service, paging: str = "", **more: Any) -> Collection:
    values: dict[str, Any] = {
        "url": httpx.URL(f"{server.url()}/api/people"),
        "name": "the CRM",
        "noun": "people",
        "timeout_seconds": 5,
        "wait_seconds": 5,
        "paging": parse_declaration(paging),
        "advice": {"paging": "set PAGING", "wait": "see WAIT", "url": "see URL"},
    }
    return Collection(**values | more)


def query(asked: Asked) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(asked.path).query))


Fields = Callable[[int, int | None, str], Mapping[str, Any]]


def by_start(parameter: str, fields: Fields, records: str = "items") -> Callable[[Asked], Answer]:
    """Pages of two, asked for by the place of their first record; `fields` tells place, next place, host."""

    def answer(asked: Asked) -> Answer:
        start = int(query(asked).get(parameter, "0"))
        following = start + 2 if start + 2 < len(PEOPLE) else None
        said = dict(fields(start, following, asked.headers["Host"]))
        return Answer({records: PEOPLE[start : start + 2], **said})

    return answer


def by_page(
    parameter: str, fields: Callable[[int], Mapping[str, Any]], records: str = "items", first: int = 1
) -> Callable[[Asked], Answer]:
    """Pages of two by their number."""

    def answer(asked: Asked) -> Answer:
        page = int(query(asked).get(parameter, first))
        start = (page - first) * 2
        return Answer({records: PEOPLE[start : start + 2], **fields(page)})

    return answer


def link(place: int | None, host: str = "") -> str | None:
    return None if place is None else f"{host and 'http://'}{host}/api/people?start={place}"


def with_headers(headers: Callable[[int, int | None], Mapping[str, str]]) -> Callable[[Asked], Answer]:
    def answer(asked: Asked) -> Answer:
        start = int(query(asked).get("start", query(asked).get("page", "1"))) * 2 - 2
        following = start // 2 + 2 if start + 2 < len(PEOPLE) else None
        return Answer(PEOPLE[start : start + 2], headers=headers(start // 2 + 1, following))

    return answer


def without_null(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def stripe(asked: Asked) -> Answer:
    start = int(query(asked).get("starting_after", "0"))
    return Answer(
        {"object": "list", "data": PEOPLE[start : start + 2], "has_more": start + 2 < 6, "url": "/x"}
    )


def spring(page: int) -> Mapping[str, Any]:
    return {
        "number": page,
        "size": 2,
        "totalPages": 3,
        "totalElements": 6,
        "last": page == 2,
        "first": page == 0,
        "numberOfElements": 2,
        "empty": False,
        "sort": {"sorted": False},
        "pageable": {"pageNumber": page, "offset": page * 2, "unpaged": False},
    }


def laravel(start: int, following: int | None, host: str) -> Mapping[str, Any]:
    return {
        "current_page": start // 2 + 1,
        "from": start + 1,
        "to": start + 2,
        "last_page": 3,
        "per_page": 2,
        "total": 6,
        "next_page_url": link(following, host),
        "prev_page_url": None,
        "first_page_url": link(0),
        "path": "/api",
        "last_page_url": link(4),
        "links": [{"url": None, "label": "Next", "active": False}],
    }


DIALECTS: dict[str, Callable[[Asked], Answer]] = {
    "bare": lambda _: Answer(PEOPLE),
    "JSON:API, text": by_start(
        "start", lambda _, n, host: {"links": {"self": "/", "next": link(n, host)}}, "data"
    ),
    "JSON:API, object": by_start(
        "start", lambda _, n, host: {"links": {"next": n and {"href": link(n, host)}, "last": "/x"}}, "data"
    ),
    "JSON:API, absent": by_start(
        "start", lambda _, n, host: {"links": without_null({"next": link(n)})}, "data"
    ),
    "OData": by_start(
        "start",
        lambda _, n, host: without_null({"@odata.context": "x", "@odata.nextLink": link(n, host)}),
        "value",
    ),
    "DRF": by_start(
        "start", lambda s, n, host: {"count": 6, "next": link(n, host), "previous": link(s)}, "results"
    ),
    "Laravel": by_start("start", laravel, "data"),
    "Laravel's resources": by_start(
        "start",
        lambda s, n, host: {
            "links": {"first": link(0), "last": link(4), "prev": None, "next": link(n, host)},
            "meta": {"current_page": s // 2 + 1, "last_page": 3, "per_page": 2, "total": 6, "path": "/"},
        },
        "data",
    ),
    "list of links": by_start(
        "start",
        lambda _, n, host: {
            "link": [{"relation": "self", "url": "/"}]
            + ([{"relation": "next", "url": link(n, host)}] if n else [])
        },
        "entries",
    ),
    "Spring": by_page("page", spring, "content", first=0),
    "numbers as text": by_page("page", lambda page: {"page": str(page), "pages": "3", "total": "6"}),
    "next_page": by_page("page", lambda page: {"next_page": page + 1 if page < 3 else None}),
    "next_page as text": by_page("page", lambda page: {"next_page": str(page + 1) if page < 3 else ""}),
    "page in meta": by_page("page", lambda page: {"meta": {"pagination": {"page": page, "page_count": 3}}}),
    "page alone": by_page("page", lambda page: {"page": page}),
    "Stripe": stripe,
    "offset, limit": by_start("offset", lambda s, _, __: {"offset": s, "limit": 2}),
    "offset, limit, total": by_start("offset", lambda s, _, __: {"offset": str(s), "limit": "2", "total": 6}),
    "Jira": by_start(
        "startAt", lambda s, n, __: {"startAt": s, "maxResults": 2, "isLast": n is None}, "values_"
    ),
    "cursor": by_start("cursor", lambda _, n, __: {"cursor": n and str(n)}),
    "next_cursor": by_start("cursor", lambda _, n, __: {"meta": {"next_cursor": str(n or "")}}, "data"),
    "next_cursor, has_more": by_start(
        "cursor", lambda s, n, __: {"next_cursor": str(n or 6), "has_more": n is not None}, "data"
    ),
    "Slack": by_start(
        "cursor", lambda _, n, __: {"ok": True, "response_metadata": {"next_cursor": str(n or "")}}, "data"
    ),
    "Google": by_start(
        "pageToken", lambda _, n, __: without_null({"kind": "x", "nextPageToken": n and str(n)})
    ),
    "GraphQL": by_start(
        "after", lambda s, n, __: {"pageInfo": {"endCursor": str(s + 2), "hasNextPage": n is not None}}
    ),
    "Facebook": by_start(
        "after", lambda s, n, __: {"paging": {"cursors": {"after": str(s + 2)}} if n else {}}, "data"
    ),
    "Link header": with_headers(
        lambda _, n: {
            "Link": '</api/people?start=1>; rel="first"'
            + (f', </api/people?start={n}>; rel="next"' if n else "")
        }
    ),
    "Link header, unquoted": with_headers(
        lambda _, n: {"Link": f"</api/people?start={n}>; rel=next"} if n else {}
    ),
    "GitLab's headers": with_headers(
        lambda page, n: {
            "X-Page": str(page),
            "X-Next-Page": str(n or ""),
            "X-Per-Page": "2",
            "X-Total": "6",
            "X-Total-Pages": "3",
        }
    ),
    "null in the place of all": lambda _: Answer(
        {"items": PEOPLE, "next": None, "cursor": None, "total": None}
    ),
    "has_more false": lambda _: Answer({"data": PEOPLE, "has_more": False}),
    "nested": by_start("cursor", lambda _, n, __: {"status": "ok", "next_cursor": n}),
}


def hal(asked: Asked) -> Answer:
    start = int(query(asked).get("start", "0"))
    links = {"self": {"href": "/"}} | ({"next": {"href": link(start + 2)}} if start < 4 else {})
    return Answer({"_embedded": {"people": PEOPLE[start : start + 2]}, "_links": links, "page": {"size": 2}})


DIALECTS["HAL"] = hal
DECLARED = {"Jira": "records=values_"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_dialect_is_read_whole_and_in_order(server: Service, dialect: str) -> None:
    server.answer = DIALECTS[dialect]
    assert read_collection(collection(server, DECLARED.get(dialect, ""))) == PEOPLE


@pytest.mark.parametrize(
    ("paging", "answer"),
    [
        ("records=people", lambda _: Answer({"people": PEOPLE})),
        (
            "records=result.people ignore=took_ms,note",
            lambda _: Answer({"result": {"people": PEOPLE}, "took_ms": 3, "note": "x"}),
        ),
        ("next=go.on", by_start("start", lambda _, n, host: {"go": {"on": link(n, host)}})),
        ("cursor=mark cursor_param=from_mark", by_start("from_mark", lambda _, n, __: {"mark": n})),
        (
            "cursor=last:id cursor_param=beyond",
            lambda asked: Answer(PEOPLE[int(query(asked).get("beyond", 0)) :][:2]),
        ),
        (
            "page_param=p size_param=n size=2 first=0",
            lambda asked: Answer(PEOPLE[int(query(asked)["p"]) * 2 :][: int(query(asked)["n"])]),
        ),
        (
            "offset_param=skip size_param=take size=100",
            lambda asked: Answer(PEOPLE[int(query(asked)["skip"]) :][:2]),
        ),
        ("single", lambda _: Answer({"items": PEOPLE, "next": "/more", "other": 1})),
        ("total=in_all", lambda _: Answer({"items": PEOPLE, "in_all": 6})),
    ],
)
def test_a_declared_dialect_is_read(server: Service, paging: str, answer: Callable[[Asked], Answer]) -> None:
    server.answer = answer
    assert read_collection(collection(server, paging)) == PEOPLE


@pytest.mark.parametrize(
    ("value", "headers", "says"),
    [
        ({"items": PEOPLE[:2], "next_batch": "abc"}, {}, "not understood: next_batch"),
        ({"items": PEOPLE[:2], "meta": {"more_at": 1, "took": 1}}, {}, "not understood: meta.more_at"),
        ({"items": PEOPLE[:2], SECRET: 1}, {}, "not understood: …"),
        ({"items": PEOPLE[:2], "has_more": "maybe"}, {}, "not understood: has_more"),
        ({"items": PEOPLE[:2], "page": "two"}, {}, "not understood: page"),
        ({"items": PEOPLE[:2], "success": False}, {}, "not understood: success"),
        ({"items": PEOPLE[:2], "errors": ["x"]}, {}, "not understood: errors"),
        (
            {"items": PEOPLE[:2], "truncated": True},
            {},
            "says by truncated that there are more pages, and not where",
        ),
        ({"items": ["x"], "has_more": True}, {}, "says by has_more that there are more pages, and not where"),
        ({"items": PEOPLE[:2], "pages": 3}, {}, "says by pages that there are more pages, and not where"),
        ({"items": PEOPLE[:2], "limit": 2}, {}, "as long as its limit"),
        ({"items": PEOPLE[:2], "next": "abc"}, {}, "next is a text that is no link"),
        ({"items": PEOPLE[:2], "next": {"page": 2}}, {}, "next is an object of page, and no link"),
        ({"items": PEOPLE[:2], "data": []}, {}, "items, data may each be the records"),
        (
            {"items": PEOPLE[:2], "page": 2, "pages": 3},
            {},
            "answered page 2 where the first one was asked for",
        ),
        (PEOPLE[:2], {"X-Pagination": "{}"}, "not understood: x-pagination"),
        (PEOPLE[:2], {"x-ms-continuation": "abc"}, "not understood: x-ms-continuation"),
    ],
)
def test_what_is_not_understood_is_refused_by_name(
    server: Service, value: Any, headers: dict[str, str], says: str
) -> None:
    server.answer = lambda _: Answer(value, headers=headers)
    with pytest.raises(CollectionError, match=says) as refused:
        read_collection(collection(server))
    assert len(server.asked) == 1
    assert "set PAGING" in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (lambda page: {"page": page}, "answered page 1"),
        (lambda page: {"nextPageToken": "always"}, "leads back"),
        (lambda page: {"object": "list", "has_more": True}, "leads back"),
    ],
)
def test_a_server_that_ignores_the_parameter_is_refused(
    server: Service, fields: Callable[[int], Mapping[str, Any]], says: str
) -> None:
    server.answer = lambda _: Answer({"items": PEOPLE[:2], **fields(1)})
    with pytest.raises(CollectionError, match=says):
        read_collection(collection(server))
    assert len(server.asked) == 2


def pages_of(*pages: Mapping[str, Any]) -> Callable[[Asked], Answer]:
    return lambda asked: Answer(dict(pages[int(query(asked).get("page", 1)) - 1]))


UNSTEADY = {
    "a total that changes": (
        pages_of(
            {"items": PEOPLE[:2], "page": 1, "pages": 2, "total": 4},
            {"items": PEOPLE[2:5], "page": 2, "pages": 2, "total": 5},
        ),
        "changed its total between two pages, from 4 to 5",
    ),
    "an empty page": (
        pages_of(
            {"items": PEOPLE[:2], "page": 1, "pages": 3},
            {"items": [], "page": 2, "pages": 3},
            {"items": PEOPLE[2:], "page": 3, "pages": 3},
        ),
        "gave an empty page",
    ),
    "pages that say more": (
        pages_of(
            {"items": PEOPLE[:3], "page": 1, "pages": 3, "total": 6},
            {"items": PEOPLE[3:], "page": 2, "pages": 3, "total": 6},
        ),
        "says by pages that there are more pages, and by total that there are not",
    ),
    "a record twice": (
        pages_of({"items": PEOPLE[:3], "page": 1, "pages": 2}, {"items": PEOPLE[2:5], "page": 2, "pages": 2}),
        "gave the same record on two pages",
    ),
    "a count of more": (
        lambda _: Answer({"results": PEOPLE[:2], "count": 6}),
        "told of 6 people in all and gave 2",
    ),
    "a total in a header": (
        lambda _: Answer(PEOPLE[:2], headers={"X-Total-Count": "6"}),
        "told of 6 people in all and gave 2",
    ),
    "a range in a header": (
        lambda _: Answer(PEOPLE[:2], headers={"Content-Range": "items 0-1/6"}),
        "told of 6 people in all and gave 2",
    ),
}


@pytest.mark.parametrize("case", UNSTEADY)
def test_pages_that_contradict_each_other_are_read_again_then_refused(server: Service, case: str) -> None:
    answer, says = UNSTEADY[case]
    server.answer = answer
    with pytest.raises(CollectionChangedError, match=says):
        read_collection(collection(server))
    first = [asked for asked in server.asked if "page=" not in asked.path]
    assert len(first) == 3, "it is read from its beginning each time"
    server.asked.clear()
    server.answer = lambda asked: (
        answer(asked) if len([one for one in server.asked if "page=" not in one.path]) < 2 else Answer(PEOPLE)
    )
    assert read_collection(collection(server)) == PEOPLE


@pytest.mark.parametrize("headers", [{"Retry-After": "6"}, {}], ids=["with a time", "without a time"])
def test_a_rate_limit_is_waited_for(server: Service, headers: Mapping[str, str]) -> None:
    """Five requests in six seconds, eight pages."""
    people = [{"id": number} for number in range(8)]
    moments: list[float] = []
    refused: list[str] = []

    def answer(asked: Asked) -> Answer:
        now = time.monotonic()
        if len([moment for moment in moments if now - moment < 6]) >= 5:
            refused.append(asked.path)
            return Answer("slowly", 429, headers)
        moments.append(now)
        page = int(query(asked).get("page", 1))
        return Answer({"items": people[page - 1 : page], "page": page, "pages": 8})

    server.answer = answer
    assert read_collection(collection(server, wait_seconds=20)) == people
    assert refused
    moments[:] = [time.monotonic() + 60] * 5
    with pytest.raises(CollectionError, match="answered 429 .*time and again: beyond the 0 s .*: see WAIT"):
        read_collection(collection(server, wait_seconds=0.5))


@pytest.mark.parametrize("status", [429, 503])
def test_a_date_to_come_again_is_of_the_servers_clock(server: Service, status: int) -> None:
    skewed = datetime.now(UTC) + timedelta(hours=3)
    headers = {
        "Date": format_datetime(skewed, usegmt=True),
        "Retry-After": format_datetime(skewed + timedelta(seconds=1), usegmt=True),
    }
    server.answer = lambda _: Answer(PEOPLE) if len(server.asked) > 1 else Answer("later", status, headers)
    began = time.monotonic()
    assert read_collection(collection(server)) == PEOPLE
    assert 0.9 < time.monotonic() - began < 60


def test_a_429_without_a_time_is_waited_for(server: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_collection, "_FIRST_WAIT_SECONDS", 0.05)
    server.answer = lambda _: Answer(PEOPLE) if len(server.asked) > 5 else Answer("later", 429)
    assert read_collection(collection(server)) == PEOPLE


BASE = "https://crm.example.com:8443/api/people"


@pytest.mark.parametrize(
    ("found", "target"),
    [
        ("http://crm.example.com:8443/api/people?page=2", "https://crm.example.com:8443/api/people?page=2"),
        ("http://crm.example.com/api/people?page=2", "https://crm.example.com:8443/api/people?page=2"),
        ("https://CRM.example.com/x?page=2#top", "https://crm.example.com:8443/x?page=2"),
        ("//me:secret@crm.example.com/x?page=2", "https://crm.example.com:8443/x?page=2"),
        ("http://crm.example.com:80/x", "https://crm.example.com:8443/x"),
        ("?page=2", f"{BASE}?page=2"),
    ],
)
def test_a_link_of_the_same_host_keeps_the_configured_scheme_and_port(found: str, target: str) -> None:
    assert str(followed(httpx.URL(BASE), httpx.URL(BASE), found, "the CRM", "")) == target


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ("https://elsewhere.invalid/x", "another server, elsewhere.invalid"),
        ("https://crm.example.com.evil.invalid/x", "another server, crm.example.com.evil.invalid"),
        ("https://crm.example.com:9999/x", "another port of crm.example.com, 9999"),
        ("ftp://crm.example.com/x", "no URL of HTTP"),
        ("http://crm:port/x", "no URL of HTTP"),
    ],
)
def test_a_link_elsewhere_is_refused_and_the_reason_is_true(found: str, says: str) -> None:
    with pytest.raises(CollectionError, match=says):
        followed(httpx.URL(BASE), httpx.URL(BASE), found, "the CRM", "")


def test_a_link_that_a_proxy_left_without_its_port_is_followed(server: Service) -> None:
    server.answer = by_start("start", lambda _, n, host: {"next": link(n, host.partition(":")[0])})
    assert read_collection(collection(server, auth=("me", "secret"))) == PEOPLE
    assert all("Authorization" in asked.headers for asked in server.asked)


def test_a_redirect_is_named_and_not_followed(server: Service) -> None:
    with service(lambda _: Answer(PEOPLE)) as other:
        target = other.url("me:secret") + "/api/people?token=secret"
        server.answer = lambda _: Answer("", 301, {"Location": target})
        with pytest.raises(
            CollectionError, match=f"a redirect to {other.url()}/api/people: see URL"
        ) as refused:
            read_collection(collection(server, auth=("me", "secret")))
        assert other.asked == []
        assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "text", ["cursor=x", "next=a cursor=b cursor_param=c", "size=ten", "what=ever", "records", "size=2"]
)
def test_a_declaration_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="known|belong together|only one"):
        parse_declaration(text)
