"""The embedded PostgreSQL: its settings, and what each role may do."""

from __future__ import annotations

import psycopg
import pytest

from marts_platform import settings
from marts_platform.embedded.postgres import ready_port
from marts_platform.embedded.postgres_roles import scram_verifier
from marts_platform.embedded.stack import Stack

_READY = ["4711", "/data", "1700000000", "20123", "", "127.0.0.1", "  1 2", "ready   "]


@pytest.mark.parametrize(
    ("lines", "port"),
    [
        (_READY, 20123),
        ([*_READY[:7], "starting"], None),
        ([*_READY[:7], "stopping"], None),
        (["4712", *_READY[1:]], None),  # another server's file
        (_READY[:7], None),  # being written
        ([], None),
    ],
)
def test_ready_port(lines: list[str], port: int | None) -> None:
    assert ready_port(lines, 4711) == port


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("wal_level", "logical"),
        ("shared_buffers", "1GB"),
        ("max_wal_size", "4GB"),
        ("checkpoint_timeout", "15min"),
        ("max_connections", "200"),
        ("jit", "off"),
        ("track_io_timing", "on"),
        ("TimeZone", "UTC"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("password_encryption", "scram-sha-256"),
        ("unix_socket_directories", ""),
        ("listen_addresses", "127.0.0.1"),
        ("server_encoding", "UTF8"),
    ],
)
def test_server_settings(stack: Stack, name: str, value: str) -> None:
    with psycopg.connect(stack.owner_url("warehouse")) as connection:
        assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == (value,)


def test_texts_sort_the_same_everywhere(warehouse_url: str) -> None:
    with psycopg.connect(warehouse_url) as connection:
        locale = connection.execute(
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        assert locale == ("b", "C.UTF-8")
        assert connection.execute("SELECT upper('ёжик'), 'Z' < 'a'").fetchone() == ("ЁЖИК", True)


def test_prepared_transactions_are_possible(warehouse_url: str) -> None:
    with psycopg.connect(warehouse_url) as connection:
        row = connection.execute("SELECT current_setting('max_prepared_transactions')::int").fetchone()
    assert row is not None and row[0] > 0


def test_the_reader_reads_what_others_make_and_nothing_more(stack: Stack, camunda_owner_url: str) -> None:
    reader_url = settings.load().url("camunda_url")
    with psycopg.connect(camunda_owner_url, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA late")
        try:
            owner.execute("CREATE TABLE late.rows AS SELECT 1 AS one")
            with psycopg.connect(reader_url, autocommit=True) as reader:
                assert reader.execute("SELECT one FROM late.rows").fetchone() == (1,)
                for forbidden in (
                    "INSERT INTO late.rows VALUES (2)",
                    "CREATE TABLE late.mine ()",
                    "CREATE TABLE public.mine ()",
                    "CREATE SCHEMA mine",
                    "CREATE TEMPORARY TABLE mine ()",
                    "SELECT pg_read_file('/etc/hostname')",
                    "COPY late.rows TO '/nowhere'",
                    f"SELECT pg_terminate_backend({owner.info.backend_pid})",
                ):
                    with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable)):
                        reader.execute(forbidden.encode())
        finally:
            owner.execute("DROP SCHEMA late CASCADE")


def test_the_reader_sees_when_others_transactions_began(stack: Stack, camunda_owner_url: str) -> None:
    with (
        psycopg.connect(camunda_owner_url) as owner,
        psycopg.connect(settings.load().url("camunda_url")) as reader,
    ):
        owner.execute("SELECT 1")
        seen = reader.execute(
            "SELECT xact_start IS NOT NULL FROM pg_stat_activity WHERE pid = %s", [owner.info.backend_pid]
        ).fetchone()
        assert seen == (True,)


@pytest.mark.parametrize(
    ("role", "database"),
    [("camunda", "warehouse"), ("camunda", "dagster"), ("warehouse", "dagster"), ("warehouse", "camunda")],
)
def test_no_role_enters_another_ones_database(stack: Stack, role: str, database: str) -> None:
    url = settings.load().url(f"{role}_url")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(url.rpartition("/")[0] + "/" + database)


def test_the_warehouse_role_owns_its_database_and_is_no_superuser(warehouse_url: str) -> None:
    with psycopg.connect(warehouse_url) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication FROM pg_roles"
            " WHERE rolname = current_user"
        ).fetchone()
        assert row == (False, False, False, False)
        connection.execute("CREATE SCHEMA its_own")
        connection.execute("CREATE EXTENSION pg_trgm")  # a trusted one
        connection.rollback()


def test_a_verifier_lets_its_password_in(stack: Stack) -> None:
    password = "pass word'\"\\%ё"  # of a role that lives for this test
    with psycopg.connect(stack.owner_url("warehouse"), autocommit=True) as owner:
        owner.execute("CREATE ROLE verified LOGIN")
        try:
            owner.execute(f"ALTER ROLE verified PASSWORD '{scram_verifier(password)}'".encode())
            url = stack.owner_url("warehouse")
            with psycopg.connect(url, user="verified", password=password, dbname="template1") as connection:
                assert connection.execute("SELECT current_user").fetchone() == ("verified",)
        finally:
            owner.execute("DROP ROLE verified")
