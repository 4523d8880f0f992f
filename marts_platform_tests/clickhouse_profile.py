"""A ClickHouse server whose users have a profile: what a request does not set has the profile's values."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from http.client import HTTPConnection
from urllib.parse import parse_qsl, urlencode, urlsplit

from marts_platform_tests.http_service import Answer, Asked, service

# Of one connection only.
_HOP = {"connection", "content-length", "transfer-encoding", "host", "keep-alive"}


@contextmanager
def profiled(url: str, profile: Mapping[str, str]) -> Generator[str]:
    """The URL of the same server with that profile: the embedded one has no users who could have one."""
    with service(partial(_answer, url, profile)) as relay:
        parts = urlsplit(url)
        yield relay.url(f"{parts.username}:{parts.password}")


def _answer(url: str, profile: Mapping[str, str], asked: Asked) -> Answer:
    parts, path = urlsplit(url), urlsplit(asked.path)
    given = dict(parse_qsl(path.query, keep_blank_values=True))
    target = f"{path.path}?{urlencode({**profile, **given})}"
    headers = {name: value for name, value in asked.headers.items() if name.lower() not in _HOP}
    with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=60)) as connection:
        connection.request(asked.method, target, asked.body, headers)
        answer = connection.getresponse()
        told = {name.title(): value for name, value in answer.getheaders() if name.lower() not in _HOP}
        return Answer(answer.read(), answer.status, told)
