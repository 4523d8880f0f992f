"""Identities of the ClickHouse and MySQL warehouses: `marts migrate` writes them, the run log refers to them.

A URL does not say which server and data stand behind it. An identity is stored with the data, so that a load
counts for the warehouse that it went into, whatever the URL names later.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marts_platform import settings
from marts_platform.core.clickhouse import bound, quoted, render
from marts_platform.core.sql import read_sql
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform.resources.clickhouse_ddl import on_cluster
from marts_platform.resources.mysql import MySQLResource, statement
from marts_platform.resources.postgres import Limits

if TYPE_CHECKING:
    from clickhouse_connect.driver.httpclient import HttpClient
    from pymysql import Connection
    from pymysql.cursors import Cursor

    from marts_platform.core.run_log import Engine

# Servers change behind a URL, also while a process lives.
_TRUST_SECONDS = 60.0
# ClickHouse's UNKNOWN_TABLE and UNKNOWN_DATABASE; MySQL's ER_NO_SUCH_TABLE and ER_BAD_DB_ERROR.
_MISSING = {"clickhouse": frozenset({60, 81}), "mysql": frozenset({1146, 1049})}
_NAMES = {"clickhouse": "ClickHouse", "mysql": "MySQL"}

# By URL, the identity and when it was read (monotonic).
_known: dict[str, tuple[str, float]] = {}


class NotMigratedError(settings.ExpectedError):
    """A warehouse has no identity; nothing was loaded."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a warehouse in the settings.

    Attributes:
        engine: of the warehouse.
        setting: that names its URL.
    """

    engine: Engine
    setting: str

    def identity(self) -> str:
        """Return the identity of the warehouse that the setting names now.

        Raises:
            NotMigratedError: the warehouse has none.
            SettingsError: the URL is not set.
            Exception: the driver's, if the server does not answer.
        """
        url = settings.load().url(self.setting)
        found, read_at = _known.get(url, ("", 0.0))
        if found and time.monotonic() - read_at < _TRUST_SECONDS:
            return found
        found = _of_clickhouse(self.setting) if self.engine == "clickhouse" else _of_mysql(self.setting)
        if not found:
            raise NotMigratedError(
                f"the {_NAMES[self.engine]} of {settings.variable(self.setting)} is no migrated warehouse: "
                f"run `marts migrate`, or correct the address"
            )
        _known[url] = found, time.monotonic()
        return found

    def identity_if_known(self) -> str | None:
        """Return the identity, None where the server does not answer or has none."""
        try:
            return self.identity()
        except Exception as error:
            if is_of_a_driver(error) or isinstance(error, settings.ExpectedError):
                return None
            raise

    def trust(self, identity: str) -> None:
        """Note an identity that was just read or written."""
        _known[settings.load().url(self.setting)] = identity, time.monotonic()


def is_of_a_driver(error: BaseException) -> bool:
    """Return whether an error is a server's, or the way's to it."""
    from clickhouse_connect.driver.exceptions import Error
    from pymysql.err import MySQLError

    return isinstance(error, Error | MySQLError | OSError)


def write_clickhouse(client: HttpClient, setting: str, cluster: str | None) -> str:
    """Write an identity into a ClickHouse that has none, and return the one that it has."""
    replicas = render(
        "clickhouse/sync_replica.sql", on_cluster=on_cluster(cluster), table=quoted("ops", "warehouse")
    )
    if cluster:
        client.command(replicas)
    write = read_sql("clickhouse/identity_write.sql")
    client.command(write, parameters=bound(write, {"id": str(uuid.uuid4())}))
    if cluster:
        client.command(replicas)
    ((identity,),) = client.query(read_sql("clickhouse/identity.sql")).result_rows
    Slot("clickhouse", setting).trust(str(identity))
    return str(identity)


def write_mysql(connection: Connection[Cursor], setting: str) -> str:
    """Write an identity into a MySQL that has none, and return the one that it has."""
    with connection.cursor() as cursor:
        cursor.execute(statement("mysql/identity_write.sql"), {"id": str(uuid.uuid4())})
        cursor.execute(statement("mysql/identity.sql"))
        ((identity,),) = cursor.fetchall()
    Slot("mysql", setting).trust(str(identity))
    return str(identity)


def _of_clickhouse(setting: str) -> str:
    from clickhouse_connect.driver.exceptions import DatabaseError

    try:
        with ClickHouseResource(setting=setting).client({"purpose": "identity"}, read_only=True) as client:
            rows = client.query(read_sql("clickhouse/identity.sql")).result_rows
    except DatabaseError as error:
        if error.code in _MISSING["clickhouse"]:
            return ""
        raise
    return str(rows[0][0]) if rows else ""


def _of_mysql(setting: str) -> str:
    from pymysql.err import MySQLError

    try:
        with (
            MySQLResource(setting=setting).connect(Limits(read_only=True), purpose="identity") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement("mysql/identity.sql"))
            rows = cursor.fetchall()
    except MySQLError as error:
        if error.args and error.args[0] in _MISSING["mysql"]:
            return ""
        raise
    return str(rows[0][0]) if rows else ""
