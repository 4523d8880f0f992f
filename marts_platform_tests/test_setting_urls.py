"""Addresses: what a driver would misread is refused by its variable, and no part of the value shows."""

from __future__ import annotations

import re

import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn

from marts_platform import setting_urls, settings
from marts_platform.setting_urls import KINDS, POSTGRES, refuse_unclear_url
from marts_platform_tests.resources.test_secrets import everything_of

PASSWORD = "Geh3imnis"
AUTHORITY = f"marts:{PASSWORD}@db.example"
POSTGRES_SETTINGS = [name for name, kind in KINDS.items() if kind.is_libpq]


def refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> str:
    """The message of the settings that were refused, which shows nothing of the value."""
    monkeypatch.setenv(settings.variable(name), value)
    with pytest.raises(settings.SettingsError, match=settings.variable(name)) as raised:
        settings.load()
    assert PASSWORD not in everything_of(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("name", POSTGRES_SETTINGS)
@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"postgresql+psycopg2://{AUTHORITY}:5432/marts", r"postgresql\+psycopg2://.*write postgresql://"),
        (f"postgresql+{PASSWORD}://{AUTHORITY}/marts", "SQLAlchemy"),
        (f"jdbc:postgresql://{AUTHORITY}/marts", "JDBC"),
        (f"mysql://{AUTHORITY}/marts", "the scheme is mysql, not postgres:// or postgresql://"),
        (f"{PASSWORD}://{AUTHORITY}/marts", "another scheme"),
        (f"{AUTHORITY}/marts", "no scheme.*write postgresql://"),
        (f"host=db.example user=marts password={PASSWORD}", "keyword form"),
        (f"postgresql://marts:{PASSWORD}%@db.example/marts", "%25"),
        (f"postgresql://marts:{PASSWORD}%zz@db.example/marts", "%25"),
        (f"postgresql://{AUTHORITY}:54x32/marts", "port"),
        (f"postgresql://{AUTHORITY}:0/marts", "port"),
        (f"postgresql://{AUTHORITY}:70000/marts", "port"),
        (f"postgresql://marts:{PASSWORD}/marts", "port"),
        (f"postgresql://marts:{PASSWORD}@/marts", "no host"),
        (f"postgresql://{AUTHORITY}/marts?pasword={PASSWORD}", "not known: pasword"),
        (f"postgresql://{AUTHORITY}/marts\n", "control characters"),
        (f" postgresql://{AUTHORITY}/marts", "scheme"),
    ],
)
def test_postgres_url_mistyped_names_variable_only(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str, says: str
) -> None:
    assert re.search(says, refused(monkeypatch, name, url))


@pytest.mark.parametrize(
    ("name", "url", "says"),
    [
        (
            "chat_url",
            f"mysql+pymysql://{AUTHORITY}/chat",
            "mysql+pymysql:// is not supported; write mysql://",
        ),
        ("chat_url", f"mariadb://{AUTHORITY}/chat", "the scheme is mariadb"),
        ("chat_url", f"mysql://marts:{PASSWORD}#x@db.example/chat", "%23"),
        ("shop_replica_url", f"mysql://{AUTHORITY}:port/mydb", "port"),
        ("shop_replica_url", f"mysql://{AUTHORITY}/mydb?charset=utf8", "ssl_ca"),
        ("shop_replica_url", f"mysql://marts:{PASSWORD}@one,two/mydb", "several hosts"),
        ("clickhouse_url", f"clickhouse://{AUTHORITY}:9000", "the scheme is clickhouse, not http://"),
        ("clickhouse_url", f"{AUTHORITY}:8123", "no scheme"),
        ("clickhouse_url", f"http://db.example:8123?password={PASSWORD}", "not known: password"),
        ("prometheus_url", f"http://{AUTHORITY}:9090x", "port"),
        ("crm_url", f"ftp://{AUTHORITY}/", "the scheme is ftp"),
        ("crm_url", f"http://marts:{PASSWORD}:80@db.example:port", "port"),
        ("alert_smtp_url", f"mail://{AUTHORITY}:25", "another scheme"),
        ("alert_webhook_url", f"hooks.example/services/{PASSWORD}", "no scheme"),
        ("alert_webhook_url", f"https://hooks.example:x/services/{PASSWORD}", "port"),
        ("ui_url", f"https://{AUTHORITY}", "do not belong"),
        ("dagster_url", f"postgresql://marts:{PASSWORD}@one:1,two:2/dagster", "several hosts"),
        ("kafka_bootstrap", f"kafka://marts:{PASSWORD}@one:9092", "host:9092"),
        ("kafka_bootstrap", "one:9092,two", "host:9092"),
        ("kafka_bootstrap", "one:90920", "host:9092"),
    ],
)
def test_url_mistyped_names_variable_only(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str, says: str
) -> None:
    assert says in refused(monkeypatch, name, url)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("warehouse_url", "postgres://marts:p%25w@[::1]:5432/marts?sslmode=require&options=-c%20a%3Db"),
        ("warehouse_url", "postgresql:///marts?host=/run/postgresql"),
        ("warehouse_url", "postgresql://%2Frun%2Fpostgresql/marts"),
        ("delivery_url", "postgresql://marts:a b@one:1,two:2/marts?target_session_attrs=read-write"),
        ("chat_url", "mysql://owner:x@db_1:3306/chat?ssl_ca=/etc/ssl/ca.pem&ssl_verify_identity=false"),
        ("clickhouse_url", "https://default:x@clickhouse.example/?verify=false"),
        ("crm_url", "https://crm.example/base?tenant=1"),
        ("prometheus_url", "http://u:p%40ss@127.0.0.1:9090/base/"),
        ("alert_webhook_url", "https://hooks.example/services/T@1/B?x=y"),
        ("alert_smtp_url", "smtps://me:p%40@mail.example"),
        ("ui_url", "https://dagster.example/"),
        ("kafka_bootstrap", "one:9092, [::1]:9093"),
    ],
)
def test_url_as_its_driver_reads_it_is_accepted(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    monkeypatch.setenv(settings.variable(name), url)
    settings.load()


@given(st.text(st.sampled_from("ab1:@/?#%[],=& +."), max_size=12))
def test_postgres_url_accepted_is_read_by_libpq(rest: str) -> None:
    url = f"postgresql://{rest}"
    try:
        refuse_unclear_url(url, POSTGRES)
    except ValueError:
        return
    assert parse_dsn(url) is not None


def test_known_parameters_are_libpqs() -> None:
    for name in sorted(setting_urls.POSTGRES.options or ()):
        value = "true" if name == "ssl" else "1"
        assert parse_dsn(f"postgresql://h/d?{name}={value}")
    with pytest.raises(psycopg2.ProgrammingError):
        parse_dsn("postgresql://h/d?pasword=1")


@given(st.sampled_from(sorted(KINDS)), st.text(max_size=20), st.text(max_size=20))
def test_reason_shows_no_part_of_an_address(name: str, before: str, after: str) -> None:
    for url in (before + PASSWORD + after, f"{before}://{PASSWORD}{after}", f"{PASSWORD}://{before}{after}"):
        try:
            refuse_unclear_url(url, KINDS[name])
        except ValueError as error:
            assert PASSWORD not in str(error)


def test_every_url_has_a_kind() -> None:
    urls = {name for name in settings.Settings.model_fields if name.endswith("_url")}
    assert urls == set(KINDS)
