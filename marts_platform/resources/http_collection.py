"""Read an HTTP collection whole: all pages, once, from one server, or an error that says why not.

`http_paging` reads the marks of an answer; this module asks, waits, follows links and compares the pages.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from marts_platform.core.faults import PassingFault, with_retries
from marts_platform.resources.http_paging import (
    ChangedError,
    PagingError,
    Progress,
    next_page,
    read_page,
)
from marts_platform.setting_paging import Declaration
from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from marts_platform.resources.http_paging import Next, Page

# A collection whose last page leads to another one would be read for ever.
MAX_PAGES = 1000
# A collection that changes while it is read is read again from its beginning.
_READINGS = 3
# Without Retry-After: the first wait after an answer 429, doubled each time, and the longest one.
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 30.0
_SHOWN_LINK_CHARACTERS = 200


class CollectionError(ExpectedError):
    """An unreadable collection; the message says what its server did, without secrets and values."""


class CollectionChangedError(CollectionError):
    """The pages do not make a whole, time and again: the collection changed while it was read."""


class _PassingAnswer(PassingFault):
    """No answer, or one that says to come again."""


class _Changed(PassingFault):
    """The pages contradict each other; another reading may see a whole."""


@dataclass(frozen=True, slots=True)
class Collection:
    """An HTTP collection.

    Attributes:
        url: of the first page, without user and password.
        name: the server's name in messages.
        noun: the records' name in messages.
        headers: of each request.
        auth: user and password.
        timeout_seconds: to connect, and between two pieces of an answer.
        wait_seconds: that one reading waits in all for answers 429 and 503.
        key: field of a record that tells it from others.
        paging: the declared dialect.
        max_pages: beyond so many pages nothing is taken over.
        advice: by subject (``credentials``, ``paging``, ``wait``, ``url``) the settings that a message names.
    """

    url: httpx.URL
    name: str
    noun: str
    timeout_seconds: float
    wait_seconds: float
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    key: str = "id"
    paging: Declaration = Declaration()
    max_pages: int = MAX_PAGES
    advice: Mapping[str, str] = field(default_factory=dict[str, str])


def read_collection(collection: Collection) -> list[Any]:
    """Return all records of a collection, in the order of its pages.

    Network faults and 5xx are tried again with back-off; 429 and 503 are waited for as ``Retry-After`` says.

    Raises:
        CollectionChangedError: its pages contradict each other, time and again.
        CollectionError: its server refuses, does not answer, or answers something that is not understood.
    """
    import httpx

    with httpx.Client(
        auth=collection.auth, timeout=collection.timeout_seconds, headers=dict(collection.headers)
    ) as client:
        reader = _Reader(collection, client, collection.wait_seconds)
        try:
            return with_retries(reader.read, attempts=_READINGS)
        except _Changed as fault:
            raise CollectionChangedError(
                f"{fault}. It was read {_READINGS} times from its beginning; nothing was taken over"
            ) from None


@dataclass(slots=True)
class _Reader:
    """One load's reading of a collection."""

    collection: Collection
    client: httpx.Client
    seconds_left: float

    def read(self) -> list[Any]:
        """Read all pages from the first one on."""
        declared, noun = self.collection.paging, self.collection.noun
        url = first_url(self.collection)
        asked = {url}
        pages: list[Page] = []
        records = 0
        expected: Next | None = None
        while len(pages) < self.collection.max_pages:
            answer = self._answer(url, may_be_missing=expected is not None and expected.is_probe)
            if answer is None:
                return self._whole(url, pages)
            where = self._where(url)
            try:
                page = read_page(_json(answer, where), answer.headers, declared, where=where, noun=noun)
                refuse_other_page(page, expected, where)
            except PagingError as error:
                raise CollectionError(f"{error}{self._advice('paging')}") from None
            pages.append(page)
            records += len(page.records)
            has_links = any(one.has_links for one in pages)
            progress = Progress(records, len(pages), self.collection.key, has_links)
            following = self._following(url, page, progress)
            if following is None:
                return self._whole(url, pages)
            expected, url = following
            if url in asked:
                raise CollectionError(
                    f"{where} leads back to a page that it gave before; nothing was taken over"
                    f"{self._advice('paging')}"
                )
            if not page.records:
                raise _Changed(f"{where} gave an empty page, and says that there are more")
            asked.add(url)
        raise CollectionError(
            f"{self._where(url)} has more than {self.collection.max_pages} pages; nothing was taken over"
        )

    def _following(self, url: httpx.URL, page: Page, progress: Progress) -> tuple[Next, httpx.URL] | None:
        where = self._where(url)
        try:
            found = next_page(page, progress, self.collection.paging, self.collection.noun)
        except ChangedError as fault:
            raise _Changed(f"{where} {fault}") from None
        except PagingError as error:
            raise CollectionError(
                f"{where} {error}; nothing was taken over{self._advice('paging')}"
            ) from None
        if found is None:
            return None
        if found.link is None:
            return found, url.copy_merge_params(dict(found.params))
        return found, followed(self.collection.url, url, found.link, where, self._advice("url"))

    def _whole(self, url: httpx.URL, pages: list[Page]) -> list[Any]:
        fault = contradiction(pages, self.collection.noun)
        if fault is not None:
            raise _Changed(f"{self._where(url)} {fault}")
        return [record for page in pages for record in page.records]

    def _answer(self, url: httpx.URL, *, may_be_missing: bool) -> httpx.Response | None:
        """Return the answer 200; None if the page is missing and may be."""
        tries = 0
        while True:
            try:
                answer = with_retries(lambda: self._ask(url))
            except _PassingAnswer as fault:
                # Tried several times: a load that tries as often again would only hold up its run.
                raise CollectionError(f"{fault}, time and again{self._advice('url')}") from None
            if answer.status_code in (429, 503):
                self._wait(url, answer, tries)
                tries += 1
                continue
            if answer.status_code == 404 and may_be_missing:
                return None
            self._refuse_status(url, answer)
            return answer

    def _ask(self, url: httpx.URL) -> httpx.Response:
        import httpx

        try:
            answer = self.client.get(url)
        except httpx.TransportError as error:
            raise _PassingAnswer(
                f"{self._where(url)} did not answer: {type(error).__name__} {error}"
            ) from None
        except httpx.RequestError as error:
            raise CollectionError(
                f"{self._where(url)} gave an unreadable answer: {type(error).__name__} {error}"
                f"{self._advice('url')}"
            ) from None
        is_waited_for = answer.status_code == 503 and seconds_to_wait(answer.headers) is not None
        if answer.status_code >= 500 and not is_waited_for:
            raise _PassingAnswer(f"{self._where(url)} answered {_status(answer)}")
        return answer

    def _wait(self, url: httpx.URL, answer: httpx.Response, tries: int) -> None:
        told = seconds_to_wait(answer.headers)
        wait = told or min(_FIRST_WAIT_SECONDS * 2**tries, _LONGEST_WAIT_SECONDS)
        if wait > self.seconds_left:
            asks = f" and asks to come again in {told:.0f} s" if told else ""
            raise CollectionError(
                f"{self._where(url)} answered {_status(answer)}{asks}, time and again: beyond the "
                f"{self.collection.wait_seconds:.0f} s in all that a load waits{self._advice('wait')}"
            )
        self.seconds_left -= wait
        time.sleep(wait)

    def _refuse_status(self, url: httpx.URL, answer: httpx.Response) -> None:
        if answer.status_code == 200:
            return
        said = f"{self._where(url)} answered {_status(answer)}"
        if answer.status_code in (401, 403):
            said += self._advice("credentials")
        elif answer.has_redirect_location:
            said += f", a redirect to {_place(url, answer.headers['Location'])}{self._advice('url')}"
        else:
            said += self._advice("url")
        raise CollectionError(said)

    def _where(self, url: httpx.URL) -> str:
        port = f":{url.port}" if url.port else ""
        return f"{self.collection.name} at {url.scheme}://{url.host}{port}{url.path}"

    def _advice(self, subject: str) -> str:
        advice = self.collection.advice.get(subject)
        return f": {advice}" if advice else ""


def first_url(collection: Collection) -> httpx.URL:
    """Return the URL of the first page, with what the declaration asks for."""
    declared = collection.paging
    params: dict[str, str] = {}
    if declared.page_param is not None:
        params[declared.page_param] = str(declared.first)
    if declared.offset_param is not None:
        params[declared.offset_param] = "0"
    if declared.size_param is not None:
        params[declared.size_param] = str(declared.size)
    return collection.url.copy_merge_params(params) if params else collection.url


def followed(base: httpx.URL, url: httpx.URL, link: str, where: str, advice: str) -> httpx.URL:
    """Return the URL of a link, at the configured scheme and port.

    A server behind a proxy writes links as it sees itself: http for https, its port missing. Credentials are
    for the configured server only.

    Raises:
        CollectionError: the link is no URL, or leads to another host or port.
    """
    import httpx

    target: httpx.URL | None = None
    with contextlib.suppress(httpx.InvalidURL):
        target = url.join(link)
    if target is None or target.scheme not in ("http", "https") or not target.host:
        raise CollectionError(f"{where} links to a next page that is no URL of HTTP")
    if target.host != base.host:
        raise CollectionError(
            f"{where} links to a next page at another server, {target.host}, which is not followed{advice}"
        )
    if target.port not in (None, base.port):
        raise CollectionError(
            f"{where} links to a next page at another port of {target.host}, {target.port}, which is not "
            f"followed{advice}"
        )
    return target.copy_with(scheme=base.scheme, port=base.port, username=None, password=None, fragment=None)


def refuse_other_page(page: Page, expected: Next | None, where: str) -> None:
    """Refuse a page that says that it is not the one that was asked for.

    Raises:
        PagingError: it says another number or offset.
    """
    if expected is None:
        for said in (page.page, page.offset):
            if said not in (None, 0, 1):
                raise PagingError(f"{where} answered page {said} where the first one was asked for")
        return
    for asked, said in ((expected.page, page.page), (expected.offset, page.offset)):
        if asked is not None and said is not None and asked != said:
            names = ", ".join(expected.params)
            raise PagingError(f"{where} was asked for page {asked} by {names}, and answered page {said}")


def contradiction(pages: list[Page], noun: str) -> str | None:
    """Return why pages do not make a whole; None if they do."""
    records = sum(len(page.records) for page in pages)
    for kind in ("total", "pages"):
        said = {value for page in pages if (value := getattr(page, kind)) is not None}
        if len(said) > 1:
            return f"changed its {kind} between two pages, from {min(said)} to {max(said)}"
        if kind == "total" and said and said != {records}:
            return f"told of {said.pop()} {noun} in all and gave {records}"
    # A count is of one page, or of all.
    counts = [(page.count, len(page.records)) for page in pages if page.count is not None]
    if any(count != here for count, here in counts) and {count for count, _ in counts} != {records}:
        return f"told of {max(count for count, _ in counts)} {noun} in all and gave {records}"
    seen: set[bytes] = set()
    for page in pages:
        here = {sha256(json.dumps(record, sort_keys=True).encode()).digest() for record in page.records}
        if seen & here:
            return "gave the same record on two pages"
        seen |= here
    return None


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for, by the server's clock; None without it."""
    told = headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdigit():
        return float(told)
    at, now = _moment(told), _moment(headers.get("Date", "")) or datetime.now(UTC)
    return max((at - now).total_seconds(), 0.0) if at else None


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _json(answer: httpx.Response, where: str) -> Any:
    try:
        return json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise CollectionError(
            f"{where} answered {answer.headers.get('content-type', 'something')} of "
            f"{len(answer.content)} bytes that is no JSON: {error}"
        ) from None


def _status(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.reason_phrase}"


def _place(url: httpx.URL, link: str) -> str:
    """Return where a link leads, without user, password and query."""
    import httpx

    with contextlib.suppress(httpx.InvalidURL):
        target = url.join(link)
        port = f":{target.port}" if target.port else ""
        return f"{target.scheme}://{target.host}{port}{target.path}"[:_SHOWN_LINK_CHARACTERS]
    return "no URL"
