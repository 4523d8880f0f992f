"""The CRM: its customers over HTTP, whole, as the JSON says them.

What ``GET /api/users`` may answer:

* a bare array of records;
* an object with the records in ``items`` or ``data`` and a link in ``next`` (absolute or relative, of the
  same server; null or empty on the last page);
* an object with the records in ``items`` or ``data`` and the number of the page in ``page``, counted from
  0 or 1. The next page is asked for by ``?page=``, with the page's size if ``size``, ``page_size`` or
  ``per_page`` says it. ``pages``, ``total_pages`` or ``total`` say where it ends; else a short or empty page.

Anything else is an error, and so is a ``total`` that is not what came.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import dagster as dg

from marts_platform import settings
from marts_platform.core.faults import PassingFault, with_retries
from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx

USERS_PATH = "/api/users"
# A CRM whose last page links to another one would be read for ever.
MAX_PAGES = 1000
_RECORDS = ("items", "data")
_SIZES = ("size", "page_size", "per_page")
_PAGES = ("pages", "total_pages")
# What a message shows of the names in an answer that nobody expected.
_SHOWN_CHARACTERS = 200


class CrmError(ExpectedError):
    """The CRM cannot be read; the message says what it did, and holds no secret."""


class _PassingAnswer(PassingFault):
    """No answer, or one that says to come again."""


class CrmChangedError(PassingFault):
    """The customers changed while their pages were read: the pages do not make a whole."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of the CRM.

    Attributes:
        records: as the JSON says them, in order.
        link: of the next page, None if the answer links to none.
        next_page: values to ask for the next page with, None if there is none or a link says it.
        total: how many records there are on all pages, None if the answer does not say.
    """

    records: Sequence[Any]
    link: str | None = None
    next_page: Mapping[str, int] | None = None
    total: int | None = None


class CrmResource(dg.ConfigurableResource[Any]):
    """A CRM, named by the setting that holds its URL; ``MARTS_CRM_TOKEN`` is its bearer token, if any."""

    setting: str = "crm_url"

    def users(self) -> list[Any]:
        """All customers, as the CRM says them.

        Faults that pass (network, 429, 5xx) are tried again with back-off, page by page.

        Raises:
            CrmError: the CRM refuses, does not answer, or answers something else.
            CrmChangedError: it changed meanwhile.
            SettingsError: its URL is not set.
        """
        import httpx

        now = settings.load()
        address = _address(now.url(self.setting), settings.variable(self.setting))
        # Without the userinfo: whatever shows a URL from here on shows no password.
        url = address.copy_with(
            username=None, password=None, path=address.path.rstrip("/") + USERS_PATH, fragment=None
        )
        headers = {"Accept": "application/json", "User-Agent": "marts_platform"}
        if now.crm_token is not None:
            headers["Authorization"] = f"Bearer {now.crm_token.get_secret_value()}"
        auth = _auth(address) if now.crm_token is None else None
        with httpx.Client(auth=auth, timeout=now.crm_timeout_seconds, headers=headers) as client:
            return _all_pages(client, url)


def _address(url: str, variable: str) -> httpx.URL:
    import httpx

    address = None
    # Its message quotes what it takes for the port, which may be a part of the password: no cause of ours.
    with contextlib.suppress(httpx.InvalidURL):
        address = httpx.URL(url)
    if address is None or address.scheme not in ("http", "https") or not address.host:
        raise CrmError(f"{variable} cannot be read as a URL, http(s)://user:password@host:port")
    return address


def _auth(address: httpx.URL) -> tuple[str, str] | None:
    return (address.username, address.password) if address.username or address.password else None


def _all_pages(client: httpx.Client, url: httpx.URL) -> list[Any]:
    records: list[Any] = []
    asked = {url}
    first_page: int | None = None
    for _ in range(MAX_PAGES):
        try:
            body = with_retries(lambda url=url: _get(client, url))
        except _PassingAnswer as fault:
            # Tried several times: a load that tries as often again would only hold up its run.
            raise CrmError(f"{fault}, time and again") from None
        if first_page is None:
            first_page = _number(cast("dict[str, Any]", body), "page") if isinstance(body, dict) else None
        page = read_page(body, before=len(records), first_page=first_page, where=_where(url))
        records.extend(page.records)
        following = _following(url, page)
        if following is None:
            if page.total is not None and page.total != len(records):
                raise CrmChangedError(
                    f"{_where(url)} told of {page.total} customers in all and gave {len(records)}"
                )
            return records
        if following in asked:
            raise CrmError(f"{_where(url)} leads back to a page that it gave before; nothing was taken over")
        asked.add(following)
        url = following
    raise CrmError(f"{_where(url)} has more than {MAX_PAGES} pages; nothing was taken over")


def _following(url: httpx.URL, page: Page) -> httpx.URL | None:
    import httpx

    if page.link is not None:
        try:
            following = url.join(page.link)
        except httpx.InvalidURL as error:
            raise CrmError(f"{_where(url)} links to a next page that is no URL ({error})") from None
        if (following.scheme, following.host, following.port) != (url.scheme, url.host, url.port):
            # The credentials are for the CRM only.
            raise CrmError(f"{_where(url)} links to a next page at another server, {following.host}")
        return following
    return url.copy_merge_params(dict(page.next_page)) if page.next_page is not None else None


def _get(client: httpx.Client, url: httpx.URL) -> Any:
    import httpx

    try:
        response = client.get(url)
    except httpx.TransportError as error:
        raise _PassingAnswer(f"{_where(url)} did not answer: {type(error).__name__} {error}") from None
    except httpx.RequestError as error:
        raise CrmError(f"{_where(url)} gave an unreadable answer: {type(error).__name__} {error}") from None
    if response.status_code == 429 or response.status_code >= 500:
        raise _PassingAnswer(f"{_where(url)} answered {response.status_code} {response.reason_phrase}")
    if response.status_code in (401, 403):
        raise CrmError(
            f"{_where(url)} answered {response.status_code} {response.reason_phrase}: look at the user and "
            f"password in MARTS_CRM_URL, or at MARTS_CRM_TOKEN"
        )
    if response.status_code != 200:
        raise CrmError(f"{_where(url)} answered {response.status_code} {response.reason_phrase}")
    try:
        return json.loads(response.content)
    except ValueError as error:
        raise CrmError(
            f"{_where(url)} answered {response.headers.get('content-type', 'something')} of "
            f"{len(response.content)} bytes that is no JSON: {error}"
        ) from None


def read_page(body: Any, *, before: int, first_page: int | None, where: str = "the CRM") -> Page:
    """What one answer holds, and how it goes on.

    Args:
        body: the answer's JSON.
        before: how many records the pages before it had.
        first_page: the number that the first page gave itself, which tells what pages are counted from.
        where: what messages call the CRM.

    Raises:
        CrmError: it is of none of the forms that the module's docstring says.
    """
    if isinstance(body, list):
        return Page(cast("list[Any]", body))
    if not isinstance(body, dict):
        raise CrmError(f"{where} answered {_shape(body)}, neither a list of customers nor a page of it")
    envelope = cast("dict[str, Any]", body)
    records = next((envelope[name] for name in _RECORDS if isinstance(envelope.get(name), list)), None)
    if records is None:
        raise CrmError(
            f"{where} answered {_shape(envelope)}, which has no list named {' or '.join(_RECORDS)}"
        )
    total = _number(envelope, "total")
    if "next" in envelope:
        link = envelope["next"]
        if link is not None and not isinstance(link, str):
            raise CrmError(f"{where} answered a page whose next is {_shape(link)}, and no link")
        return Page(records, link=link or None, total=total)
    page = _number(envelope, "page")
    if page is None or _is_last(envelope, page, first_page or 0, before + len(records), len(records)):
        return Page(records, total=total)
    size = {name: found for name in _SIZES if (found := _number(envelope, name)) is not None}
    return Page(records, next_page={"page": page + 1, **size}, total=total)


def _is_last(envelope: Mapping[str, Any], page: int, first: int, so_far: int, here: int) -> bool:
    if here == 0:
        return True
    for name in _PAGES:
        if (pages := _number(envelope, name)) is not None:
            return page - first + 1 >= pages
    if (total := _number(envelope, "total")) is not None:
        return so_far >= total
    sizes = [found for name in _SIZES if (found := _number(envelope, name)) is not None]
    return bool(sizes) and here < sizes[0]


def _number(envelope: Mapping[str, Any], name: str) -> int | None:
    value = envelope.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _shape(value: object) -> str:
    """What a JSON value is, without what it says: that may be anybody's data."""
    if isinstance(value, dict):
        told = ", ".join(sorted(cast("dict[str, Any]", value)))
        return f"an object of {told[:_SHOWN_CHARACTERS] or 'nothing'}"
    names: dict[type, str] = {str: "a text", bool: "a truth value", type(None): "null", list: "a list"}
    return names.get(type(value), "a number")


def _where(url: httpx.URL) -> str:
    port = f":{url.port}" if url.port else ""
    return f"the CRM at {url.scheme}://{url.host}{port}{url.path}"
