"""One SQL file, run at the engine that it is for, its result whole: for reports and charts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from marts_platform.core.sql import compose, read_sql
from marts_platform.masking import cleaned

# The columns' names, and the rows.
Result: TypeAlias = tuple[Sequence[str], Sequence[Sequence[Any]]]

# What says that a table, a schema or a database is not there (yet).
_POSTGRES_MISSING = frozenset({"42P01", "3F000"})
_CLICKHOUSE_MISSING = ("UNKNOWN_TABLE", "UNKNOWN_DATABASE")
_MYSQL_MISSING = frozenset({1049, 1146})


class QueryFailedError(Exception):
    """An engine refused a query, or was not there; the message is the engine's, without values of rows.

    Attributes:
        is_missing: whether a table, a schema or a database of it is not there (yet).
    """

    def __init__(self, reason: str, *, is_missing: bool) -> None:
        super().__init__(cleaned(reason))
        self.is_missing = is_missing


def run(engine: str, file: str, values: Mapping[str, Any], purpose: str, seconds: int = 0) -> Result:
    """Runs an SQL file in a session that cannot write.

    Args:
        engine: ``postgres``, ``dagster``, ``clickhouse`` or ``mysql``.
        file: below ``sql/``.
        values: of its parameters; those that it does not take are left out.
        purpose: what for; the server sees it.
        seconds: the statement's time limit, 0 for the engine's own.

    Raises:
        QueryFailedError: the engine refused it, or cannot be reached.
        SettingsError: the engine is not set.
    """
    return ENGINES[engine](file, values, purpose, seconds)


def _postgres(setting: str, file: str, values: Mapping[str, Any], purpose: str, seconds: int) -> Result:
    import psycopg2

    from marts_platform.resources.postgres import Limits, PostgresResource

    server = PostgresResource(setting=setting)
    try:
        with (
            server.connect(Limits(seconds, read_only=True), purpose=purpose) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(compose(file), values)
            return [column.name for column in cursor.description or ()], cursor.fetchall()
    except psycopg2.Error as error:
        raise QueryFailedError(str(error).strip(), is_missing=error.pgcode in _POSTGRES_MISSING) from None


def _of_postgres(file: str, values: Mapping[str, Any], purpose: str, seconds: int) -> Result:
    return _postgres("warehouse_url", file, values, purpose, seconds)


def _of_dagster(file: str, values: Mapping[str, Any], purpose: str, seconds: int) -> Result:
    return _postgres("dagster_url", file, values, purpose, seconds)


def _of_clickhouse(file: str, values: Mapping[str, Any], purpose: str, seconds: int) -> Result:
    from clickhouse_connect.driver.exceptions import Error

    from marts_platform.core.clickhouse import bound
    from marts_platform.resources.clickhouse import ClickHouseResource

    statement = read_sql(file)
    try:
        with ClickHouseResource().client(
            {"purpose": purpose}, database="default", read_only=True, statement_timeout=seconds
        ) as client:
            found = client.query(statement, parameters=bound(statement, values))
    except Error as error:
        is_missing = any(name in str(error) for name in _CLICKHOUSE_MISSING)
        raise QueryFailedError(str(error), is_missing=is_missing) from None
    return found.column_names, found.result_rows


def _of_mysql(file: str, values: Mapping[str, Any], purpose: str, seconds: int) -> Result:
    import pymysql

    from marts_platform.resources.mysql import MySQLResource
    from marts_platform.resources.postgres import Limits

    server = MySQLResource(setting="shop_replica_url")
    try:
        with (
            server.connect(Limits(seconds, read_only=True), purpose=purpose) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(read_sql(file), dict(values))
            return [str(column[0]) for column in cursor.description or ()], list(cursor.fetchall())
    except pymysql.Error as error:
        is_missing = bool(error.args) and error.args[0] in _MYSQL_MISSING
        raise QueryFailedError(str(error), is_missing=is_missing) from None


ENGINES: Mapping[str, Callable[[str, Mapping[str, Any], str, int], Result]] = {
    "clickhouse": _of_clickhouse,
    "dagster": _of_dagster,
    "mysql": _of_mysql,
    "postgres": _of_postgres,
}
