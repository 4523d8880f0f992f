"""Rules for the addresses in settings: each URL is checked before a driver sees it.

A driver quotes what it cannot read, often with the password. The reasons here name no part of a value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

if TYPE_CHECKING:
    from collections.abc import Mapping


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# PostgreSQL 17's libpq (libpq-connect, Parameter Key Words), which psycopg2 carries. "ssl" is JDBC's.
_LIBPQ = _words(
    """
    host hostaddr port dbname user password passfile require_auth channel_binding connect_timeout
    client_encoding options application_name fallback_application_name keepalives keepalives_idle
    keepalives_interval keepalives_count tcp_user_timeout replication gssencmode sslmode sslnegotiation
    sslcompression sslcert sslkey sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni
    requirepeer ssl_min_protocol_version ssl_max_protocol_version krbsrvname gsslib gssdelegation
    service target_session_attrs load_balance_hosts ssl
    """
)
MYSQL_OPTIONS = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert", "ssl_verify_identity")
_CLICKHOUSE = frozenset(
    {"verify", "ca_cert", "client_cert", "client_cert_key", "server_host_name", "tls_mode", "http_proxy"}
    | {"https_proxy", "proxy_path"}
)
# Schemes that a message may name: any other text before "://" can be a part of a secret.
_FAMILIES = _words(
    """
    postgresql postgres mysql mariadb http https smtp smtps clickhouse clickhouses clickhousedb sqlite
    oracle mssql mongodb redis kafka ftp tcp grpc
    """
)
_DRIVERS = _words(
    """
    psycopg psycopg2 asyncpg pg8000 psycopg2cffi pymysql mysqldb mysqlconnector aiomysql asyncmy http
    https native asynch
    """
)
_BAD_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})|%00")
_HOST = re.compile(r"\[[0-9A-Fa-f:.%\w]+\]|[^\s\[\]/?#@:,;=<>\"'`{}|\\^()!*&$+]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]|^\s|\s$")
_NAME = re.compile("[A-Za-z_]{1,40}")
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Kind:
    """Rules of one kind of address.

    Attributes:
        form: the address as people write it.
        schemes: the accepted ones.
        options: the accepted parameters of the query, None for any.
        has_many_hosts: whether several hosts, separated by commas, are accepted.
        is_libpq: whether libpq reads the address: a query may name the host, "#" is a plain character.
        has_user: whether a user and password are accepted.
        has_clear_path: whether "@" is accepted in the path.
    """

    form: str
    schemes: frozenset[str]
    options: frozenset[str] | None = frozenset()
    has_many_hosts: bool = False
    is_libpq: bool = False
    has_user: bool = True
    has_clear_path: bool = True


_HTTP = frozenset({"http", "https"})
POSTGRES = Kind(
    "postgresql://user:password@host:5432/database",
    frozenset({"postgresql", "postgres"}),
    _LIBPQ,
    has_many_hosts=True,
    is_libpq=True,
)
# SQLAlchemy, which opens Dagster's storage, takes one host.
DAGSTER = Kind(POSTGRES.form, POSTGRES.schemes, _LIBPQ, is_libpq=True)
MYSQL = Kind("mysql://user:password@host:3306/database", frozenset({"mysql"}), frozenset(MYSQL_OPTIONS))
CLICKHOUSE = Kind("http://user:password@host:8123", _HTTP, _CLICKHOUSE)
PROMETHEUS = Kind("http://user:password@host:9090", _HTTP)
HTTP = Kind("https://user:password@host:port/path", _HTTP, None)
WEBHOOK = Kind("https://host/path", _HTTP, None, has_clear_path=False)
SMTP = Kind("smtp://user:password@host:25", frozenset({"smtp", "smtps"}))
UI = Kind("https://host:port", _HTTP, None, has_user=False, has_clear_path=False)

KINDS: Mapping[str, Kind] = {
    "warehouse_url": POSTGRES,
    "clickhouse_url": CLICKHOUSE,
    "dagster_url": DAGSTER,
    "camunda_url": POSTGRES,
    "telemetry_url": POSTGRES,
    "crm_url": HTTP,
    "chat_url": MYSQL,
    "delivery_url": POSTGRES,
    "delivery_replica_url": POSTGRES,
    "delivery_publisher_url": POSTGRES,
    "prometheus_url": PROMETHEUS,
    "shop_url": POSTGRES,
    "shop_replica_url": MYSQL,
    "ui_url": UI,
    "alert_webhook_url": WEBHOOK,
    "alert_smtp_url": SMTP,
}


def refuse_unclear_url(url: str, kind: Kind) -> None:
    """Refuse an address that its driver would misread.

    Raises:
        ValueError: the reason and the form to write, without any part of the address.
    """
    reason = _fault_of(url, kind)
    if reason:
        raise ValueError(f"{reason}; write {kind.form}")


def _fault_of(url: str, kind: Kind) -> str:
    scheme, separator, address = url.partition("://")
    if not separator:
        return _without_scheme(url, kind)
    if scheme not in kind.schemes:
        return _other_scheme(scheme, kind)
    if _CONTROL.search(url):
        return "blanks around the address, or control characters in it, are refused"
    if _BAD_ESCAPE.search(url):
        return "% stands before no escape (a % in a user or password is written %25)"
    if not _parts_are_clear(address, kind):
        return "@, / and ? in a user or password have to be percent-encoded: %40, %2F, %3F"
    if "#" in url and not kind.is_libpq:
        return "# has to be percent-encoded: %23"
    authority = re.split("[/?]", address, maxsplit=1)[0]
    options = _options(address)
    user, _, hosts = authority.rpartition("@")
    return (
        ("a user and a password do not belong into this address" if user and not kind.has_user else "")
        or _fault_of_hosts(hosts, options, kind)
        or _fault_of_options(options, kind)
    )


def _without_scheme(url: str, kind: Kind) -> str:
    if kind.is_libpq and re.match(r"\s*\w+\s*=", url):
        return "libpq's keyword form (host=… password=…) is not supported"
    return "the address has no scheme"


def _other_scheme(scheme: str, kind: Kind) -> str:
    family, _, driver = scheme.removeprefix("jdbc:").lower().partition("+")
    if scheme.lower().startswith("jdbc:") and family in _FAMILIES:
        return "JDBC's form is not supported"
    if family not in _FAMILIES:
        return "the address has another scheme"
    if driver:
        named = f"{family}+{driver}" if driver in _DRIVERS else f"{family}+…"
        return f"SQLAlchemy's form {named}:// is not supported"
    accepted = " or ".join(f"{name}://" for name in sorted(kind.schemes))
    return f"the scheme is {scheme if scheme == family else 'not in lower case'}, not {accepted}"


def _parts_are_clear(address: str, kind: Kind) -> bool:
    """Tell whether the only @, if any, stands between the user and the host."""
    authority = re.split("[/?]", address, maxsplit=1)[0]
    path, _, query = address.removeprefix(authority).partition("?")
    if "@" in authority:
        return authority.count("@") == 1 and (not kind.has_clear_path or "@" not in path)
    return not kind.has_clear_path or "@" not in path + query


def _options(address: str) -> dict[str, str]:
    pairs = [pair.partition("=") for pair in address.partition("?")[2].split("&") if pair]
    return {unquote_plus(name): value for name, _, value in pairs}


def _fault_of_hosts(hosts: str, options: Mapping[str, str], kind: Kind) -> str:
    named = hosts.split(",")
    if not hosts:
        is_in_query = kind.is_libpq and not options.keys().isdisjoint({"host", "hostaddr", "service"})
        return "" if is_in_query else "the address names no host"
    if len(named) > 1 and not kind.has_many_hosts:
        return "the address names several hosts, and one is accepted"
    for one in named:
        host, port = _host_and_port(one)
        if not _HOST.fullmatch(host):
            return "the host is not a name or an address (IPv6 in brackets)"
        if port and not _is_port(port):
            return (
                f"the port is not a number from 1 to {_MAX_PORT} (a : in a user or password is written %3A)"
            )
    return ""


def _is_port(text: str) -> bool:
    return re.fullmatch("[0-9]{1,5}", text) is not None and 1 <= int(text) <= _MAX_PORT


def _host_and_port(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, bracket, rest = text.partition("]")
        return host + bracket, rest.removeprefix(":") if rest.startswith(":") else rest
    host, _, port = text.partition(":")
    return host, port


def _fault_of_options(options: Mapping[str, str], kind: Kind) -> str:
    if kind.options is None:
        return ""
    unknown = options.keys() - kind.options
    if not unknown:
        port = options.get("port", "")
        return "the port is not a number" if port and not re.fullmatch("[0-9,]+", port) else ""
    # The name of a parameter is no secret; a text without a value may be one.
    named = ", ".join(sorted(name for name in unknown if options[name] and _NAME.fullmatch(name)))
    accepted = ", ".join(sorted(kind.options)) or "none"
    return f"parameters after ? are options that are not known: {named or '…'}. There are {accepted}"


def refuse_unclear_servers(value: str) -> None:
    """Refuse a list of Kafka's bootstrap servers that is not host:port,….

    Raises:
        ValueError: the reason, without any part of the value.
    """
    for server in value.split(","):
        host, port = _host_and_port(server.strip())
        if "://" in value or "@" in value:
            raise ValueError("a scheme or a user is not accepted; write host:9092,host:9092")
        if not port or not _HOST.fullmatch(host) or not _is_port(port):
            raise ValueError("each server is a host and a port; write host:9092,host:9092")
