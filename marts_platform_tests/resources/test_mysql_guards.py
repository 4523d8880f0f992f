"""A MySQL server gets no file that was not offered to it, and is checked as its URL says."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from marts_platform.resources.mysql import MySQLResource, statement
from marts_platform.resources.mysql_address import address_of, tls_context
from marts_platform.resources.mysql_driver import FileRefusedError, offering
from marts_platform.settings import SettingsError
from marts_platform_tests.mysql_servers import MySQLAccess, rows

SERVER = MySQLResource(setting="shop_replica_url")
SECRETS = "/proc/self/environ"
URL = "mysql://owner:geheim@db.example/mydb"


@pytest.fixture
def access(mysql: MySQLAccess, monkeypatch: pytest.MonkeyPatch) -> Iterator[MySQLAccess]:
    """A server with a table of texts."""
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", mysql.replica_url)
    mysql.clear()
    rows(mysql.replica_owner_url, "CREATE TABLE taken (value LONGTEXT)")
    yield mysql
    mysql.clear()


@pytest.mark.parametrize("offered", [None, "/dev/null"])
def test_a_file_that_was_not_offered_is_not_sent(access: MySQLAccess, offered: str | None) -> None:
    # The server names the file in its answer: what it says is not what was offered, whoever made it say so.
    load = statement("mysql/load_text.sql", {"table": "taken", "columns": "value"})
    with (
        SERVER.connect(loads_files=True) as connection,
        connection.cursor() as cursor,
        pytest.raises(FileRefusedError, match=SECRETS),
    ):
        if offered is None:
            cursor.execute(load, {"file": SECRETS})
        else:
            with offering(connection, offered):
                cursor.execute(load, {"file": SECRETS})
    assert rows(access.replica_owner_url, "SELECT value FROM taken") == []


def test_the_offered_file_is_sent_and_offered_no_longer(access: MySQLAccess, tmp_path: Path) -> None:
    file = tmp_path / "rows.txt"
    file.write_text("é\n")
    load = statement("mysql/load_text.sql", {"table": "taken", "columns": "value"})
    with SERVER.connect(loads_files=True) as connection, connection.cursor() as cursor:
        with offering(connection, str(file)):
            cursor.execute(load, {"file": str(file)})
        with pytest.raises(FileRefusedError):
            cursor.execute(load, {"file": str(file)})
    assert rows(access.replica_owner_url, "SELECT value FROM taken") == [("é",)]


def test_a_server_that_cannot_show_who_it_is_is_refused_where_the_url_asks_for_it(
    access: MySQLAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", f"{access.replica_url}?ssl_verify_cert=true")
    told = "SSL is required|CERTIFICATE_VERIFY_FAILED"
    with pytest.raises(pymysql.OperationalError, match=told), SERVER.connect():
        pass


@pytest.mark.parametrize(
    ("options", "certificate", "name"),
    [
        ("ssl_verify_cert=true", ssl.CERT_REQUIRED, True),
        ("ssl_verify_identity=true", ssl.CERT_REQUIRED, True),
        ("ssl_verify_identity=false", ssl.CERT_REQUIRED, False),
        ("ssl_verify_cert=FALSE", ssl.CERT_NONE, False),
    ],
)
def test_both_are_checked_unless_the_url_says_otherwise(
    options: str, certificate: ssl.VerifyMode, name: bool
) -> None:
    context = tls_context("MARTS_CHAT_URL", address_of("MARTS_CHAT_URL", f"{URL}?{options}").tls)
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (certificate, name)


def test_without_options_tls_is_used_if_the_server_has_it() -> None:
    assert tls_context("MARTS_CHAT_URL", address_of("MARTS_CHAT_URL", URL).tls) is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("sslmode=require", "options that are not known: sslmode. There are ssl_ca"),
        ("ssl_ca=/nowhere/ca.pem", "the files of its TLS options do not do"),
        ("ssl_verify_cert=maybe", "ssl_verify_cert is true or false, not 'maybe'"),
        ("ssl_verify_cert=0&ssl_verify_identity=1", "a name is checked by a certificate"),
        ("ssl_key=/nowhere/key.pem", "ssl_cert, which is missing"),
    ],
)
def test_what_would_check_nothing_in_silence_is_refused(
    options: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", f"{URL}?{options}")
    with pytest.raises(SettingsError, match=said) as refused, SERVER.connect():
        pass
    assert "geheim" not in str(refused.value)
