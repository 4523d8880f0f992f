"""``marts sql``: one statement against a warehouse, its result as a table."""

from __future__ import annotations

import json
import re
import sys
from urllib.parse import unquote, urlsplit

import httpx
import psycopg

from marts_platform import settings
from marts_platform.console import result_table, screen


class QueryError(settings.SettingsError):
    """A statement failed; the message is the server's."""

    shows_values = True


def run(engine: str, query: str) -> None:
    """Runs a statement and prints what it returns.

    Args:
        engine: ``postgres``, ``clickhouse`` or ``mysql``.
        query: SQL; in Postgres several statements are one transaction, and each result is shown.

    Raises:
        settings.SettingsError: the engine is unknown or not set, or the statement failed.
    """
    if engine not in _ENGINES:
        raise settings.SettingsError(f"no warehouse engine {engine!r}; there are: {', '.join(_ENGINES)}")
    _ENGINES[engine](query)


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
            screen(is_masked=False).print(result_table([column[0] for column in cursor.description], rows))
            print(f"{len(rows)} row{'' if len(rows) == 1 else 's'}")
    except MySQLError as error:
        # The driver's message names host, port and role, never the password.
        raise QueryError(str(error.args[-1] if error.args else error)) from None


def _postgres(query: str) -> None:
    url = settings.load().url("warehouse_url")
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
            f"the warehouse of MARTS_WAREHOUSE_URL did not answer: {str(error).strip()}\n"
            f"Is it up? See `marts status`."
        ) from None
    except psycopg.Error as error:
        raise QueryError(str(error).strip()) from None


def _show(cursor: psycopg.Cursor[tuple[object, ...]]) -> None:
    if cursor.description is None:
        print(cursor.statusmessage)
        return
    screen(is_masked=False).print(result_table([column.name for column in cursor.description], cursor))
    print(f"{cursor.rowcount} row{'' if cursor.rowcount == 1 else 's'}")


def _clickhouse(query: str) -> None:
    parts = urlsplit(settings.load().url("clickhouse_url"))
    secure = parts.scheme == "https"
    address = f"{parts.scheme}://{parts.hostname}:{parts.port or (8443 if secure else 8123)}"
    user = (unquote(parts.username or "default"), unquote(parts.password or ""))
    # The whole result before the first byte of it: an error in the middle would look like rows.
    parameters = {"default_format": _TABLE_FORMAT, "wait_end_of_query": "1"}
    try:
        with (
            # Certificates take longer to load than most statements to run.
            httpx.Client(auth=user, timeout=httpx.Timeout(10, read=None), verify=secure) as client,
            client.stream("POST", address, params=parameters, content=query.encode()) as answer,
        ):
            if answer.is_error:
                raise QueryError(answer.read().decode("utf-8", "replace").strip())
            if _OWN_TABLE_FORMAT.search(query) or answer.headers.get(_FORMAT_HEADER) not in (
                None,
                _TABLE_FORMAT,
            ):
                for piece in answer.iter_bytes():
                    sys.stdout.buffer.write(piece)
                sys.stdout.flush()
                return
            _show_lines(answer.read().decode("utf-8", "replace"))
    except httpx.TransportError as error:
        raise QueryError(
            f"ClickHouse at {address} (MARTS_CLICKHOUSE_URL) did not answer: {error}\n"
            f"Is it up? See `marts status`."
        ) from None


def _show_lines(text: str) -> None:
    # Numbers with a point as the server wrote them. A value may hold what splitlines takes for a line's end.
    lines = [json.loads(line, parse_float=str) for line in text.split("\n") if line]
    if not lines:
        print("Ok.")
        return
    names, *rows = lines
    screen(is_masked=False).print(result_table(names, rows))
    print(f"{len(rows)} row{'' if len(rows) == 1 else 's'}")


_TABLE_FORMAT = "JSONCompactEachRowWithNames"
_OWN_TABLE_FORMAT = re.compile(rf"\bFORMAT\s+{_TABLE_FORMAT}\b", re.I)
_FORMAT_HEADER = "X-ClickHouse-Format"
_ENGINES = {"postgres": _postgres, "clickhouse": _clickhouse, "mysql": _mysql}
