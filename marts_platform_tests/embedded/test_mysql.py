"""The embedded MySQL survives kills, lets nobody in from beyond loopback, nor anybody without a password."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import psutil
import pymysql
import pytest
from sqlalchemy.engine import make_url

from marts_platform.embedded.mysql_roles import verifier
from marts_platform.embedded.server import LOOPBACK
from marts_platform.embedded.stack import Stack
from marts_platform_tests.embedded.conftest import Marts
from marts_platform_tests.mysql_servers import MySQLAccess, connect, rows

pytestmark = pytest.mark.timeout(240)
UP = ("up", "mysql")


def _content(marts: Marts) -> dict[str, Any]:
    return json.loads((marts.home / "stack.json").read_text())


def _server(marts: Marts) -> psutil.Process:
    status = next(server for server in Stack(marts.home).status() if server.name == "mysql")
    assert status.alive and status.pid is not None
    return psutil.Process(status.pid)


def test_killed_restarted_and_with_its_stack_file_lost_it_keeps_its_data(marts: Marts) -> None:
    marts(*UP)
    before, pid = _content(marts), _server(marts).pid
    marts(*UP)
    assert _content(marts) == before and _server(marts).pid == pid
    replica = before["environment"]["MARTS_SHOP_REPLICA_URL"]
    rows(replica, "CREATE TABLE kept (value INT PRIMARY KEY)")
    for value in range(2):
        rows(replica, "INSERT INTO kept VALUES (%s)", [value])
        _server(marts).kill()
        marts(*UP)
    assert _content(marts) == before
    (marts.home / "stack.json").unlink()
    marts(*UP)
    replica = _content(marts)["environment"]["MARTS_SHOP_REPLICA_URL"]
    assert rows(replica, "SELECT value FROM kept ORDER BY value") == [(0,), (1,)]
    marts("down")
    assert _content(marts)["environment"] == {}
    _no_password_is_shown(marts, before)


def _no_password_is_shown(marts: Marts, before: dict[str, Any]) -> None:
    known = {Path("stack.json"), Path("mysql/password")}
    passwords = [
        password.encode()
        for content in (before, _content(marts))
        for password in content["servers"]["mysql"]["passwords"].values()
    ]
    assert len(passwords) == 6
    for path in marts.home.rglob("*"):
        if path.is_file() and path.relative_to(marts.home) not in known:
            content = path.read_bytes()
            assert not any(password in content for password in passwords), path


def test_a_client_from_beyond_loopback_is_turned_away(embedded_mysql: MySQLAccess) -> None:
    parts = make_url(embedded_mysql.chat_owner_url)
    addresses = [
        found.address
        for interface in psutil.net_if_addrs().values()
        for found in interface
        if found.family == socket.AF_INET and not found.address.startswith("127.")
    ]
    if not addresses:
        pytest.skip("this machine has no address but loopback")
    for password in (str(parts.password), ""):
        with pytest.raises(pymysql.OperationalError, match="1227|denied"):
            pymysql.connect(
                host=addresses[0], port=parts.port or 0, user=str(parts.username), password=password
            )


def test_no_role_gets_in_without_its_password(embedded_mysql: MySQLAccess) -> None:
    urls = (embedded_mysql.chat_url, embedded_mysql.replica_url, embedded_mysql.chat_owner_url)
    for parts in map(make_url, urls):
        for password in ("", "wrong", verifier(str(parts.password))):
            with pytest.raises(pymysql.OperationalError, match="1045"):
                pymysql.connect(
                    host=LOOPBACK, port=parts.port or 0, user=str(parts.username), password=password
                )


def test_the_chats_reader_only_reads(embedded_mysql: MySQLAccess) -> None:
    with connect(embedded_mysql.chat_url) as connection, connection.cursor() as cursor:
        with pytest.raises(pymysql.MySQLError, match="denied"):
            cursor.execute("CREATE TABLE mine (id INT)")
        with pytest.raises(pymysql.MySQLError, match="denied"):
            cursor.execute("USE mydb")
        cursor.execute("SELECT @@time_zone")
        assert cursor.fetchall() == (("+00:00",),)
