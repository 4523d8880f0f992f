"""The CRM over real HTTP: every form of answer that is understood, and every other one refused and said."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

import httpx
import pytest

from marts_platform.embedded.stack import Stack
from marts_platform.resources import crm
from marts_platform.resources.crm import CrmChangedError, CrmError, CrmResource
from marts_platform.settings import SettingsError
from marts_platform_tests.http_service import Answer, Asked, Service, service
from marts_platform_tests.resources.test_secrets import everything_of

RECORDS = [{"user_id": number, "email": f"имя{number}@example.com"} for number in range(25)]
PASSWORD = "s3cr3t p@ss:w/rd"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A CRM that answers RECORDS; ``MARTS_CRM_URL`` points at it."""
    with service(lambda _: Answer(RECORDS)) as running:
        monkeypatch.setenv("MARTS_CRM_URL", running.url())
        yield running


def page_number(asked: Asked, first: int = 1) -> int:
    return int(parse_qs(urlsplit(asked.path).query).get("page", [first])[0])


def linked(asked: Asked) -> Answer:
    page = page_number(asked)
    following = f"?page={page + 1}" if page < 3 else None
    return Answer({"items": RECORDS[page * 10 - 10 : page * 10], "next": following})


def linked_whole_urls(asked: Asked) -> Answer:
    page = page_number(asked)
    following = f"http://{asked.headers['Host']}/api/users?page={page + 1}" if page < 3 else ""
    return Answer({"data": RECORDS[page * 10 - 10 : page * 10], "next": following, "total": 25})


def numbered(first: int, **said: int) -> Callable[[Asked], Answer]:
    """Pages of ten with their number, the first one with `first`, and what else they say."""

    def answer(asked: Asked) -> Answer:
        page = page_number(asked, first)
        start = (page - first) * 10
        return Answer({"items": RECORDS[start : start + 10], "page": page, **said})

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: Answer(RECORDS),
        linked,
        linked_whole_urls,
        numbered(1, size=10, total=25),
        numbered(0, size=10, total=25),
        numbered(1, total=25),
        numbered(1, page_size=10),
        numbered(1, per_page=10, pages=3),
        numbered(0, total_pages=3),
        numbered(1),
        lambda _: Answer({"data": RECORDS, "total": 25}),
    ],
)
def test_each_form_of_answer_gives_all_records_in_order(
    server: Service, answer: Callable[[Asked], Answer]
) -> None:
    server.answer = answer
    assert CrmResource().users() == RECORDS


def test_an_empty_list_is_no_fault(server: Service) -> None:
    server.answer = lambda _: Answer([])
    assert CrmResource().users() == []


def test_paging_is_declared_by_the_setting(server: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answer = lambda _: Answer({"people": RECORDS, "took_ms": 3})
    with pytest.raises(CrmError, match="declare its pages with MARTS_CRM_PAGING"):
        CrmResource().users()
    monkeypatch.setenv("MARTS_CRM_PAGING", "records=people ignore=took_ms")
    assert CrmResource().users() == RECORDS
    monkeypatch.setenv("MARTS_CRM_PAGING", "record=people")
    with pytest.raises(SettingsError, match="MARTS_CRM_PAGING"):
        CrmResource().users()


def test_a_path_of_the_address_stays(server: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_CRM_URL", server.url() + "/crm/")
    CrmResource().users()
    assert [asked.path for asked in server.asked] == ["/crm/api/users"]


def test_basic_and_bearer(server: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    CrmResource().users()
    assert "Authorization" not in server.asked[-1].headers
    monkeypatch.setenv("MARTS_CRM_URL", server.url(f"me:{quote(PASSWORD, safe='')}"))
    CrmResource().users()
    basic = b64encode(f"me:{PASSWORD}".encode()).decode()
    assert server.asked[-1].headers["Authorization"] == f"Basic {basic}"
    monkeypatch.setenv("MARTS_CRM_TOKEN", "a token")
    CrmResource().users()
    assert server.asked[-1].headers["Authorization"] == "Bearer a token"


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (b"<html>Sign in</html>", "application/json of 20 bytes that is no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"", "no JSON"),
        ({"message": "hello", "users": []}, "an object of message, users, which has no list named items or"),
        ({"items": {"1": {}}}, "no list named items"),
        ("customers", "a text"),
        (None, "null"),
        (7, "a number"),
        ({"items": [], "next": 2}, "whose next is a number, and no link"),
        ({"items": [], "next": "http://elsewhere.invalid/api/users?page=2"}, "another server, elsewhere"),
        ({"items": [], "next": "http://crm:port/"}, "no URL"),
        ({"items": [], "next": "/api/users"}, "leads back"),
    ],
)
def test_another_shape_is_said(server: Service, value: Any, says: str) -> None:
    server.answer = lambda _: Answer(value)
    with pytest.raises(CrmError, match=says):
        CrmResource().users()
    assert len(server.asked) == 1, "it does not improve by asking again"


def test_pages_without_end(server: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crm, "MAX_PAGES", 5)
    server.answer = lambda asked: Answer({"items": [1], "next": f"?page={page_number(asked) + 1}"})
    with pytest.raises(CrmError, match="more than 5 pages"):
        CrmResource().users()
    assert len(server.asked) == 5


def test_a_total_that_did_not_come_is_a_fault_that_passes(server: Service) -> None:
    server.answer = lambda _: Answer({"items": RECORDS, "total": 26})
    with pytest.raises(CrmChangedError, match="told of 26 customers in all and gave 25"):
        CrmResource().users()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_fault_is_tried_again(server: Service, status: int) -> None:
    server.answer = lambda _: Answer(RECORDS) if len(server.asked) > 1 else Answer("later", status)
    assert CrmResource().users() == RECORDS
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("status", "says"), [(401, "MARTS_CRM_TOKEN"), (403, "403"), (404, "404 Not Found"), (302, "302")]
)
def test_what_stays_fails_at_once(server: Service, status: int, says: str) -> None:
    server.answer = lambda _: Answer("no", status, {"Location": "/elsewhere"})
    with pytest.raises(CrmError, match=says):
        CrmResource().users()
    assert len(server.asked) == 1


def test_an_answer_that_takes_too_long(server: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    waiting = threading.Event()

    def answer(_: Asked) -> Answer:
        waiting.wait(10)
        return Answer(RECORDS)

    server.answer = answer
    monkeypatch.setenv("MARTS_CRM_TIMEOUT_SECONDS", "0.05")
    with pytest.raises(CrmError, match="did not answer: ReadTimeout"):
        CrmResource().users()
    assert len(server.asked) == 4
    waiting.set()


@pytest.mark.parametrize("case", ["refused", "unauthorised", "no JSON", "no URL"])
def test_no_secret_in_an_error(server: Service, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    # What a test calls a password is in no form of it anywhere.
    url = server.url(f"me:{quote(PASSWORD, safe='')}")
    token = "t0ken"
    if case == "refused":
        url = url.replace(str(server.port), "9")
    if case == "no URL":
        url = f"http://me:{quote(PASSWORD, safe='')}"
    server.answer = lambda _: Answer(b"no", 401 if case == "unauthorised" else 200)
    monkeypatch.setenv("MARTS_CRM_URL", url)
    monkeypatch.setenv("MARTS_CRM_TOKEN", token)
    with pytest.raises(SettingsError if case == "no URL" else CrmError) as raised:
        CrmResource().users()
    text = everything_of(raised.value)
    assert str(raised.value) in text
    assert not [
        part for part in (PASSWORD, quote(PASSWORD, safe=""), "s3cr3t", "w/rd", token) if part in text
    ]


def test_the_embedded_crm(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    from marts_platform import settings

    stack.start(["crm"])
    file = Path(unquote(urlsplit(stack.owner_url("crm")).path))
    url = settings.load().url("crm_url")
    assert CrmResource().users() == []
    file.write_text(json.dumps({"users": RECORDS}), "utf-8")
    parts = urlsplit(url)
    assert parts.password and len(parts.password) > 20
    bare = httpx.get(url + "/api/users")
    assert bare.json() == RECORDS
    assert CrmResource().users() == RECORDS
    file.write_text(json.dumps({"users": RECORDS, "page_size": 10}), "utf-8")
    assert httpx.get(url + "/api/users?page=3").json() == {
        "items": RECORDS[20:], "page": 3, "size": 10, "total": 25, "next": None,
    }  # fmt: skip
    assert CrmResource().users() == RECORDS
    assert httpx.get(url + "/api/users?page=x").status_code == 400
    address = f"http://{parts.hostname}:{parts.port}"
    for path in ("/api/users", "/version"):
        assert httpx.get(address + path).status_code == 401
        assert httpx.get(address + path, auth=("marts", "wrong")).status_code == 401
    monkeypatch.setenv("MARTS_CRM_URL", url.replace(parts.password, "wrong"))
    with pytest.raises(CrmError, match="401 Unauthorized"):
        CrmResource().users()
