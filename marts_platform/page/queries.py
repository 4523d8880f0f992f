"""A chart's query, run at its engine: rows, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from marts_platform.core.sql import compose, read_sql
from marts_platform.page.charts import Engine
from marts_platform.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from marts_platform.page.charts import Chart

_SECONDS = 60

# What says that a table, a schema or a database is not there (yet).
_POSTGRES_MISSING = frozenset({"42P01", "3F000"})
_CLICKHOUSE_MISSING = ("UNKNOWN_TABLE", "UNKNOWN_DATABASE")
_MYSQL_MISSING = frozenset({1049, 1146})


class Absence(StrEnum):
    """Why a chart has nothing to draw."""

    NOT_SET = "not set"
    NOT_BUILT = "not built"
    EMPTY = "empty"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine answered to a chart's query.

    Attributes:
        columns: their names.
        rows: their values.
        absence: why there are no rows.
        reason: of a failure, in the engine's words.
    """

    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    absence: Absence | None = None
    reason: str = ""


def answer_to(chart: Chart, now: datetime) -> Answer:
    """Runs a chart's query; whatever goes wrong is an answer too, so that one chart does not cost the others.

    Args:
        chart: what is asked.
        now: bound as ``now`` where the query takes it.
    """
    try:
        answer = _ENGINES[chart.engine](chart, now)
    except SettingsError:
        return Answer(absence=Absence.NOT_SET)
    if answer.absence is None and not answer.rows:
        return Answer(answer.columns, absence=Absence.EMPTY)
    return answer


def _of_postgres(chart: Chart, now: datetime, setting: str = "warehouse_url") -> Answer:
    import psycopg2

    from marts_platform.resources.postgres import Limits, PostgresResource

    server = PostgresResource(setting=setting)
    try:
        with (
            server.connect(Limits(_SECONDS, read_only=True), purpose="report") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(compose(chart.file), {"now": now})
            return Answer([column.name for column in cursor.description or ()], cursor.fetchall())
    except psycopg2.Error as error:
        return _failure(str(error), is_missing=error.pgcode in _POSTGRES_MISSING)


def _of_dagster(chart: Chart, now: datetime) -> Answer:
    return _of_postgres(chart, now, "dagster_url")


def _of_clickhouse(chart: Chart, now: datetime) -> Answer:
    from clickhouse_connect.driver.exceptions import Error

    from marts_platform.resources.clickhouse import ClickHouseResource, bound

    statement = read_sql(chart.file)
    server = ClickHouseResource()
    try:
        with server.client(
            {"purpose": "report"}, database="default", read_only=True, statement_timeout=_SECONDS
        ) as client:
            found = client.query(statement, parameters=bound(statement, {"now": now}))
    except Error as error:
        return _failure(str(error), is_missing=any(name in str(error) for name in _CLICKHOUSE_MISSING))
    return Answer(found.column_names, found.result_rows)


def _of_mysql(chart: Chart, now: datetime) -> Answer:
    import pymysql

    from marts_platform.resources.mysql import MySQLResource
    from marts_platform.resources.postgres import Limits

    server = MySQLResource(setting="shop_replica_url")
    try:
        with (
            server.connect(Limits(_SECONDS, read_only=True), purpose="report") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(read_sql(chart.file), {"now": now})
            columns = [str(column[0]) for column in cursor.description or ()]
            return Answer(columns, list(cursor.fetchall()))
    except pymysql.Error as error:
        return _failure(str(error), is_missing=bool(error.args) and error.args[0] in _MYSQL_MISSING)


def _failure(reason: str, *, is_missing: bool) -> Answer:
    if is_missing:
        return Answer(absence=Absence.NOT_BUILT)
    return Answer(absence=Absence.FAILED, reason=reason.strip().split("\n")[0][:300])


_ENGINES: Mapping[Engine, Callable[[Chart, datetime], Answer]] = {
    Engine.POSTGRES: _of_postgres,
    Engine.DAGSTER: _of_dagster,
    Engine.CLICKHOUSE: _of_clickhouse,
    Engine.MYSQL: _of_mysql,
}
