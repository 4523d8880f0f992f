"""What a request asks for, read from its URL and headers, and whether it may."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from marts_platform.embedded.clickhouse_http.errors import Code, raised_here

USER = "default"

_SESSION_SECONDS, _MAX_SESSION_SECONDS = 60, 3600  # the server's default_session_timeout, max_session_timeout

# ClickHouse, src/Server/HTTPHandler.cpp: what is neither a setting nor a parameter.
_RESERVED = re.compile(
    "|param_.*|buffer_size|client_protocol_version|close_session|compress|database|decompress|default_format"
    "|password|query|query_id|quota_key|session_check|session_id|session_timeout|stacktrace|user"
    "|wait_end_of_query"
)
# Settings of the HTTP interface: they mean this server, and the engine would do nothing with them.
_HTTP_SETTINGS = re.compile(
    "cancel_http_readonly_queries_on_client_close|enable_http_compression|http_headers_progress_interval_ms"
    "|http_native_compression_disable_checksumming_on_decompress|http_response_buffer_size"
    "|http_wait_end_of_query|http_zlib_compression_level|send_progress_in_http_headers"
)
_EXTERNAL = re.compile(r"_(format|types|structure)$")


@dataclass(frozen=True)
class Session:
    """The session a request belongs to: `must_exist` refuses to make it, `close` ends it with the request."""

    name: str
    seconds: int
    must_exist: bool
    close: bool


@dataclass(frozen=True)
class Request:
    """A statement's surroundings. Of the URL's names, the ones that are not listed here are `settings`."""

    method: str  # GET, also for HEAD, or POST
    query: bytes
    query_id: str
    database: str | None
    default_format: str
    settings: dict[str, str]
    parameters: dict[str, str]
    session: Session | None
    waits_for_end: bool
    buffer_bytes: int
    http_compression: tuple[str, ...]
    compression_level: int
    native_compression: bool
    encoding: str
    native_encoding: bool
    boundary: bytes | None
    fields: dict[str, str] = field(repr=False)


def read(method: str, url_query: bytes, headers: Mapping[str, str]) -> Request:
    """Reads a request.

    Args:
        method: GET or POST.
        url_query: what stands behind the question mark.
        headers: by lower-case name.

    Raises:
        ServerError: a value cannot be what it should.
    """
    # Latin-1 there and back again: bytes that are no UTF-8 (a statement may carry some) arrive as they are.
    pairs = parse_qsl(url_query.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    fields = {_text(name): value for name, value in pairs}
    texts = {name: _text(value) for name, value in fields.items()}
    boundary = _boundary(headers.get("content-type", ""))
    wants_compression = _flag(texts, "enable_http_compression")
    return Request(
        method="GET" if method == "HEAD" else method,
        query=fields.get("query", "").encode("latin-1"),
        query_id=texts.get("query_id") or headers.get("x-clickhouse-query-id") or str(uuid.uuid4()),
        database=headers.get("x-clickhouse-database") or texts.get("database") or None,
        default_format=_format(headers.get("x-clickhouse-format") or texts.get("default_format")),
        settings={name: value for name, value in texts.items() if _is_setting(name, boundary)},
        parameters={name[6:]: value for name, value in texts.items() if name.startswith("param_")},
        session=_session(texts),
        waits_for_end=_flag(texts, "wait_end_of_query") or _flag(texts, "http_wait_end_of_query"),
        buffer_bytes=max(_number(texts, "buffer_size", 0), 1 << 20),
        http_compression=_accepted(headers.get("accept-encoding", "")) if wants_compression else (),
        compression_level=_number(texts, "http_zlib_compression_level", 3),
        native_compression=_flag(texts, "compress"),
        encoding=headers.get("content-encoding", "").strip().lower(),
        native_encoding=_flag(texts, "decompress"),
        boundary=boundary,
        fields=texts,
    )


def authenticate(request: Request, headers: Mapping[str, str], password: str) -> None:
    """Lets the one user in: by basic authentication, ClickHouse's headers, or the URL's user and password.

    Raises:
        ServerError: wrong or missing credentials, with the code and status of a real server.
    """
    user, given = _credentials(request, headers)
    # bytes: compare_digest takes no text beyond ASCII.
    if hmac.compare_digest(given.encode(), password.encode()) and user == USER:
        return
    # A real server answers so for its default user, that a browser may ask for the password (401).
    code = Code.REQUIRED_PASSWORD if user == USER else Code.AUTHENTICATION_FAILED
    raise raised_here(
        code,
        f"{user}: Authentication failed: password is incorrect, or there is no user with such name.",
    )


def _credentials(request: Request, headers: Mapping[str, str]) -> tuple[str, str]:
    in_url = "user" in request.fields or "password" in request.fields
    in_headers = "x-clickhouse-user" in headers or "x-clickhouse-key" in headers
    authorization = headers.get("authorization")
    if in_url + in_headers + (authorization is not None) > 1:
        raise raised_here(
            Code.AUTHENTICATION_FAILED,
            "Invalid authentication: it is not allowed to use several authentication methods simultaneously.",
        )
    if in_headers:
        return headers.get("x-clickhouse-user", ""), headers.get("x-clickhouse-key", "")
    if authorization is not None:
        return _basic(authorization)
    return request.fields.get("user", USER), request.fields.get("password", "")


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, rest = authorization.partition(" ")
    try:
        user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        scheme = ""
        user = password = ""
    if scheme.lower() != "basic":
        raise raised_here(
            Code.AUTHENTICATION_FAILED,
            "Invalid authentication: only the HTTP Authorization scheme Basic is supported.",
        )
    return user, password


def _text(value: str) -> str:
    return value.encode("latin-1").decode("utf-8", "replace")


def _is_setting(name: str, boundary: bytes | None) -> bool:
    if _RESERVED.fullmatch(name) or _HTTP_SETTINGS.fullmatch(name):
        return False
    return boundary is None or not _EXTERNAL.search(name)


def _flag(texts: Mapping[str, str], name: str) -> bool:
    return texts.get(name, "0").lower() in ("1", "true")


def _number(texts: Mapping[str, str], name: str, default: int) -> int:
    value = texts.get(name, "")
    if not value:
        return default
    try:
        return int(value)
    except ValueError:
        raise raised_here(
            Code.CANNOT_PARSE_INPUT_ASSERTION_FAILED, f"Cannot parse the value {value!r} of {name}."
        ) from None


def _format(name: str | None) -> str:
    if name is None:
        return "TabSeparated"
    if not re.fullmatch(r"\w+", name, re.ASCII):
        raise raised_here(Code.UNKNOWN_FORMAT, f"Unknown format {name}.")
    return name


def _session(texts: Mapping[str, str]) -> Session | None:
    name = texts.get("session_id")
    if not name:
        return None
    given = texts.get("session_timeout", str(_SESSION_SECONDS))
    if not given.isdecimal() or int(given) > _MAX_SESSION_SECONDS:
        raise raised_here(
            Code.INVALID_SESSION_TIMEOUT,
            f"Invalid session timeout: '{given}'; it is a number of seconds up to {_MAX_SESSION_SECONDS}.",
        )
    return Session(name, int(given), _flag(texts, "session_check"), _flag(texts, "close_session"))


def _boundary(content_type: str) -> bytes | None:
    kind, _, rest = content_type.partition(";")
    if kind.strip().lower() != "multipart/form-data":
        return None
    found = re.search(r'boundary="?([^";,]+)"?', rest)
    if found is None:
        raise raised_here(Code.BAD_ARGUMENTS, "The multipart/form-data request names no boundary.")
    return found[1].encode()


def _accepted(header: str) -> tuple[str, ...]:
    """The encodings a client takes; one with ``q=0`` it does not."""
    names: list[str] = []
    for entry in header.lower().split(","):
        name, _, weight = entry.partition(";")
        if weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000"):
            names.append(name.strip())
    return tuple(names)
