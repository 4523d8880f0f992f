"""The databases, roles and settings of the embedded MySQL; every start sees to them, whatever is there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pymysql import Connection
    from pymysql.cursors import Cursor

SUPERUSER = "root"
# Database -> its role and what that may do there. The chat's is only ever read, `mydb` is a warehouse.
DATABASES: dict[str, tuple[str, str]] = {
    "chatdb": ("chat_reader", "SELECT"),
    "mydb": ("shop_warehouse", "ALL PRIVILEGES"),
}
# What seekdb would do: a zone of +08:00, an end of every statement after ten seconds, no files
# from clients, and clients from anywhere.
_SETTINGS: dict[str, object] = {
    "ob_tcp_invited_nodes": "127.0.0.1",
    "time_zone": "+00:00",
    "ob_query_timeout": 24 * 3600 * 1_000_000,
    "local_infile": 1,
    # LOAD DATA wants the right FILE even for a file of the client; so no file of the server is in its reach.
    "secure_file_priv": "/dev/null",
}


def secure(connection: Connection[Cursor], password: str) -> None:
    """Sets the superuser's password, and lets no client in from beyond loopback.

    Args:
        connection: the superuser's, through the server's socket file.
        password: the superuser's from now on.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET GLOBAL ob_tcp_invited_nodes = %s", [_SETTINGS["ob_tcp_invited_nodes"]])
        _set_password(cursor, SUPERUSER, password)


def provision(connection: Connection[Cursor], password: Callable[[str], str]) -> str:
    """Makes the roles and databases that are missing, and sets the roles' passwords.

    Args:
        connection: the superuser's.
        password: the password of a role.

    Returns:
        The server's version, such as ``5.7.25-OceanBase seekdb-v1.4.0.0``.
    """
    with connection.cursor() as cursor:
        for name, value in _SETTINGS.items():
            cursor.execute(f"SET GLOBAL {name} = %s", [value])
        for database, (role, privileges) in DATABASES.items():
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4")
            stored = [verifier(password(role))]
            cursor.execute(f"CREATE USER IF NOT EXISTS {role} IDENTIFIED BY PASSWORD %s", stored)
            _set_password(cursor, role, password(role))
            cursor.execute(f"GRANT {privileges} ON {database}.* TO {role}")
        cursor.execute(f"GRANT FILE ON *.* TO {DATABASES['mydb'][0]}")
        cursor.execute("SELECT version()")
        row = cursor.fetchone()
    return str(row[0]) if row else ""


def _set_password(cursor: Cursor, role: str, password: str) -> None:
    # Of what seekdb offers to change a password, this alone takes what is stored: ALTER USER … AS would take
    # it for the password itself.
    cursor.execute(f"GRANT USAGE ON *.* TO {role} IDENTIFIED BY PASSWORD %s", [verifier(password)])


def verifier(password: str) -> str:
    """What MySQL stores of a password (``mysql_native_password``); the password itself need not travel.

    A statement may end up in the server's log.
    """
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()
