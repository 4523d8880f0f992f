"""``marts sql``: one statement against a warehouse, its result as a table."""

from __future__ import annotations

import psycopg

from marts_platform import settings
from marts_platform.console import result_table, screen


class QueryError(settings.SettingsError):
    """A statement failed; the message is the server's."""


def run(engine: str, query: str) -> None:
    """Runs a statement and prints what it returns.

    Args:
        engine: ``postgres`` or ``mysql``.
        query: SQL; several statements are one transaction, and each result is shown.

    Raises:
        settings.SettingsError: the engine is unknown or not set, or the statement failed.
    """
    if engine == "mysql":
        _mysql(query)
        return
    if engine != "postgres":
        raise settings.SettingsError(f"no warehouse engine {engine!r}; there are: postgres, mysql")
    _postgres(settings.load().url("warehouse_url"), query)


def _mysql(query: str) -> None:
    from pymysql.err import MySQLError

    from marts_platform.resources.mysql import MySQLResource

    try:
        with (
            MySQLResource(setting="shop_replica_url").connect(purpose="marts sql") as connection,
            connection.cursor() as cursor,
        ):
            count = cursor.execute(query)
            if not cursor.description:
                print(f"{count} row{'' if count == 1 else 's'} changed")
                return
            rows = cursor.fetchall()
            screen().print(result_table([column[0] for column in cursor.description], rows))
            print(f"{len(rows)} row{'' if len(rows) == 1 else 's'}")
    except MySQLError as error:
        # The driver's message names host, port and role, never the password.
        raise QueryError(str(error.args[-1] if error.args else error)) from None


def _postgres(url: str, query: str) -> None:
    try:
        with psycopg.connect(
            url, autocommit=True, connect_timeout=10, application_name="marts sql"
        ) as connection:
            cursor = connection.execute(query.encode())
            while True:
                _show(cursor)
                if not cursor.nextset():
                    return
    except psycopg.OperationalError as error:
        # The driver's message names host, port and role, never the password.
        raise QueryError(
            f"the warehouse did not answer: {str(error).strip()}\nIs it up? See `marts status`."
        ) from None
    except psycopg.Error as error:
        raise QueryError(str(error).strip()) from None


def _show(cursor: psycopg.Cursor[tuple[object, ...]]) -> None:
    if cursor.description is None:
        print(cursor.statusmessage)
        return
    screen().print(result_table([column.name for column in cursor.description], cursor))
    print(f"{cursor.rowcount} row{'' if cursor.rowcount == 1 else 's'}")
