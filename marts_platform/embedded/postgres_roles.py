"""The databases and roles of the embedded PostgreSQL; every start sees to them, so each may exist already."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable

import psycopg
from psycopg import sql

# Database -> the role that owns it. The sources are the superuser's: the platform only ever reads them.
# The delivery service's is its publisher's: only who owns tables can publish them (marts replica create).
DATABASES: dict[str, str] = {
    "warehouse": "warehouse",
    "dagster": "dagster",
    "camunda": "postgres",
    "telemetry": "postgres",
    "shop": "postgres",
    "delivery": "delivery_publisher",
    "delivery_replica": "delivery_subscriber",
}
# Role -> the source that it may read.
_READERS: dict[str, str] = {
    "camunda_reader": "camunda",
    "telemetry_reader": "telemetry",
    "shop_reader": "shop",
}
# Setting -> the role and the database that the platform connects with.
ADDRESSES: dict[str, tuple[str, str]] = {
    "MARTS_WAREHOUSE_URL": ("warehouse", "warehouse"),
    "MARTS_DAGSTER_URL": ("dagster", "dagster"),
    **{f"MARTS_{database.upper()}_URL": (role, database) for role, database in _READERS.items()},
    "MARTS_DELIVERY_URL": ("delivery_publisher", "delivery"),
    "MARTS_DELIVERY_REPLICA_URL": ("delivery_subscriber", "delivery_replica"),
}


def provision(url: Callable[[str], str], password: Callable[[str], str]) -> str:
    """Makes the roles and databases that are missing, and sets the roles' passwords.

    Args:
        url: the superuser's connection URL for a database.
        password: the password of a role.

    Returns:
        The server's version, such as ``18.6``.
    """
    with psycopg.connect(url("postgres"), autocommit=True, connect_timeout=10) as connection:
        roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role in [*DATABASES.values(), *_READERS]:
            if role != "postgres":
                _ensure_role(connection, role, password(role), exists=role in roles)
        # What each side of the logical replication needs, and no more: neither is a superuser.
        connection.execute("ALTER ROLE delivery_publisher REPLICATION")
        connection.execute("GRANT pg_read_all_stats TO delivery_publisher")
        connection.execute("GRANT pg_create_subscription TO delivery_subscriber")
        databases = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
        for database, owner in DATABASES.items():
            _ensure_database(connection, database, owner, exists=database in databases)
        for role, database in _READERS.items():
            # All databases and future tables; CONNECT narrows it to the one database it is for.
            connection.execute(
                sql.SQL("GRANT pg_read_all_data, pg_read_all_stats TO {}").format(sql.Identifier(role))
            )
            connection.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                    sql.Identifier(database), sql.Identifier(role)
                )
            )
        row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else ""


def _ensure_role(
    connection: psycopg.Connection[tuple[object, ...]], role: str, password: str, *, exists: bool
) -> None:
    # The verifier, not the password: a statement may end up in the server's log.
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
            sql.SQL("ALTER" if exists else "CREATE"),
            sql.Identifier(role),
            sql.Literal(scram_verifier(password)),
        )
    )


def _ensure_database(
    connection: psycopg.Connection[tuple[object, ...]], database: str, owner: str, *, exists: bool
) -> None:
    if not exists:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner))
        )
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))


def scram_verifier(password: str) -> str:
    """What PostgreSQL stores of a password (RFC 5803, SCRAM-SHA-256); the password itself need not travel."""
    iterations, salt = 4096, secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored = base64.b64encode(hashlib.sha256(client_key).digest()).decode()
    return (
        f"SCRAM-SHA-256${iterations}:{base64.b64encode(salt).decode()}"
        f"${stored}:{base64.b64encode(server_key).decode()}"
    )
