"""The Camunda engine's Postgres as a source: read by index ranges, in short read-only transactions."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.core.checks import Outside
from marts_platform.core.sql import compose
from marts_platform.core.table import declared
from marts_platform.resources.postgres import Limits, PostgresResource
from marts_platform.resources.postgres_source import NaiveSource, one_row, refuse_scans

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable

    from marts_platform.core.path import Extract
    from marts_platform.core.pending import Key, SourceState
    from marts_platform.core.window import Slice, Window
    from marts_platform.settings import Settings

# Without these there is no history to read; the engine has had them in every version.
_INDISPENSABLE = frozenset({"id_", "type_", "name_", "time_", "proc_inst_id_", "execution_id_", "task_id_"})
_COMPUTED = frozenset({"json_", "is_purged_", "is_withdrawn_", "bytes_"})
_LOCAL_TIMES = frozenset({"time_", "removal_time_"})
# What is no text of its own that every server writes alike.
_AS_TEXT = {
    "timestamptz": "encode(timestamptz_send({}), 'hex')",
    "double precision": "encode(float8send({}), 'hex')",
}
# Text of a database in SQL_ASCII that is UTF-8, byte by byte: no surrogates, nothing overlong.
_UTF8 = (
    r"^([\x01-\x7F]|[\xC2-\xDF][\x80-\xBF]|\xE0[\xA0-\xBF][\x80-\xBF]"
    r"|[\xE1-\xEC\xEE\xEF][\x80-\xBF]{2}|\xED[\x80-\x9F][\x80-\xBF]"
    r"|\xF0[\x90-\xBF][\x80-\xBF]{2}|[\xF1-\xF3][\x80-\xBF]{3}|\xF4[\x80-\x8F][\x80-\xBF]{2})*$"
)
# On each side of the days: read by the index in less than a second.
_UNDATED_ROWS = 100_000


class CamundaSourceError(settings.ExpectedError):
    """The database is not a Camunda history that can be read; the message says why."""


class CamundaSource(dg.ConfigurableResource[Any]):
    """The history tables of a Camunda engine, read through ``MARTS_CAMUNDA_URL``."""

    setting: str = "camunda_url"

    @property
    def server(self) -> PostgresResource:
        """The server."""
        return PostgresResource(setting=self.setting)

    def changes(self, slice_: Slice) -> Extract:
        """The wanted changes of a partition, with their byte arrays, as a stream.

        The open partition ends at the commit-safe bound. Columns that an older engine does not have
        come as NULL.

        Args:
            slice_: the partition.

        Raises:
            CamundaSourceError: there is no readable ``act_hi_detail``.
            SourceScanRefusedError: the source would scan a big table.
        """
        from psycopg2.sql import SQL

        now = settings.load()

        def query(connection: Connection) -> Composable:
            is_unchecked = has_unchecked_text(connection)
            columns = select_list(source_columns(connection), is_unchecked=is_unchecked)
            unreadable = _is_not_utf8("text_") if is_unchecked else SQL("FALSE")
            return compose("camunda/raw/act_hi_detail.sql", {"columns": columns, "unreadable": unreadable})

        def judge(missing: Sequence[tuple[Any, ...]]) -> dict[str, object]:
            return self._judged(slice_, missing, now)

        extract = self._history(now).extract(slice_, query, (*_plain_columns(), "bytes_"))
        return dataclasses.replace(
            extract,
            params={**_variables(now), "compares_bytes": now.camunda_compares_bytes},
            judge=judge,
        )

    def _judged(self, slice_: Slice, missing: Sequence[tuple[Any, ...]], now: Settings) -> dict[str, object]:
        """Tell published rows that are gone at the source from those that it has, maybe on another day.

        Args:
            slice_: the partition that they were published in.
            missing: key and process of each, as ``act_hi_detail_missing.sql`` gives them.
            now: the settings of the load.
        """
        assert slice_.window is not None  # the asset is partitioned
        values = {
            "keys": [key for key, _ in missing if key is not None],
            "processes": sorted({process for _, process in missing if process is not None}),
            "start": slice_.window.start,
            "end": slice_.window.end,
            "zone": now.camunda_timezone,
            **_variables(now),
        }
        here: list[str] = []
        elsewhere: list[str] = []
        living: list[str] = []
        limits = Limits(now.source_statement_timeout_seconds, read_only=True, by_index=True)
        if values["keys"] or values["processes"]:
            with self.server.connect(limits, purpose=f"camunda {slice_}") as connection:
                is_kept = _is_kept(source_columns(connection))
                here, elsewhere = one_row(connection, compose("camunda/raw/keys_at_source.sql"), values)
                query = compose("camunda/raw/processes_at_source.sql", {"is_kept": is_kept})
                (living,) = one_row(connection, query, values)
        return {"keys_here": here, "keys_elsewhere": elsewhere, "processes": living}

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Collection[Key] = ()
    ) -> SourceState:
        """Which days have rows, and the fingerprints of some: indexed probes under a short time limit.

        Days that were loaded before count as well: the mart keeps their rows when the engine deletes them, or
        another time zone moves all of them to the next day, and other settings make all of it stale.
        """

        def fingerprint(connection: Connection) -> Composable:
            values = stored_values(
                source_columns(connection),
                compares_bytes=now.camunda_compares_bytes,
                is_unchecked=has_unchecked_text(connection),
            )
            return compose("camunda/raw/fingerprint_source.sql", {"values": values})

        now = settings.load()
        days = compose("camunda/raw/days_with_rows.sql")
        state = self._history(now).state(slices, fingerprint, days)
        return dataclasses.replace(state, with_rows={*state.with_rows, *published})

    def checksum(self, slice_: Slice, read_until: datetime | None) -> dict[str, Any]:
        """Count and order-independent checksum of a partition's rows, up to where it was read."""

        def query(connection: Connection) -> Composable:
            values = stored_values(
                source_columns(connection),
                compares_bytes=False,
                is_unchecked=has_unchecked_text(connection),
            )
            return compose("camunda/checks/checksum_source.sql", {"values": values})

        rows, checksum = self._history(settings.load()).check_row(slice_, read_until, query)
        return {"rows_counted": rows, "checksum": checksum}

    def _history(self, now: Settings) -> NaiveSource:
        return NaiveSource(
            self.server, now.camunda_timezone, "camunda/act_hi_detail", "camunda", scope(now), _variables(now)
        )

    def newest(self) -> datetime | None:
        """The newest ``time_`` at the source (UTC) up to now, of any variable: one look-up in its index."""
        now = settings.load()
        query = compose("camunda/checks/newest_at_source.sql")
        limits = Limits(statement_timeout=now.source_probe_timeout_seconds, read_only=True)
        with self.server.connect(limits, purpose="check") as connection:
            values = {"zone": now.camunda_timezone, "until": datetime.now(UTC) + timedelta(days=1)}
            (newest,) = one_row(connection, query, values)
        return newest

    def outside(self, whole: Window) -> Outside:
        """Count the wanted rows whose ``time_`` is in no partition, among those next to the days.

        Args:
            whole: the window of all partitions.

        Raises:
            SourceScanRefusedError: the source would scan a big table.
        """
        now = settings.load()
        query = compose("camunda/checks/undated.sql")
        values = {
            "zone": now.camunda_timezone,
            "start": whole.start,
            "end": whole.end,
            "most": _UNDATED_ROWS,
            **_variables(now),
        }
        limits = Limits(now.source_statement_timeout_seconds, read_only=True, by_index=True)
        with self.server.connect(limits, purpose="check") as connection:
            refuse_scans(connection, query, values, "the rows of act_hi_detail outside of all days")
            return Outside(*one_row(connection, query, values))

    def due_for_purge(self, until: datetime) -> dict[str, int]:
        """How many wanted rows of each day the engine's clean-up may delete until then.

        Engines before 7.10 have no removal times, and none are due.
        """
        now = settings.load()
        limits = Limits(statement_timeout=now.source_statement_timeout_seconds, read_only=True)
        values = {
            "zone": now.camunda_timezone,
            "until": until,
            "start": now.start_time,
            **_variables(now),
        }
        with self.server.connect(limits, purpose="check") as connection:
            if "removal_time_" not in source_columns(connection):
                return {}
            with connection.cursor() as cursor:
                cursor.execute(compose("camunda/checks/due_for_purge.sql"), values)
                return {row[0]: int(row[1]) for row in cursor.fetchall()}


def scope(now: Settings) -> str:
    """The settings that decide which rows come and how: another scope makes a partition stale."""
    return f"variables {','.join(sorted(now.camunda_variables))}{_in_zone(now)}"


def _in_zone(now: Settings) -> str:
    return f" in {now.camunda_timezone}"


def _variables(now: Settings) -> dict[str, object]:
    return {"all_variables": now.camunda_variables == ("*",), "variables": list(now.camunda_variables)}


def source_columns(connection: Connection) -> frozenset[str]:
    """The columns of the source's ``act_hi_detail``.

    Raises:
        CamundaSourceError: there is none, or it lacks what every engine's has.
    """
    with connection.cursor() as cursor:
        cursor.execute(compose("camunda/raw/source_columns.sql"), {"table": "act_hi_detail"})
        present = frozenset(row[0] for row in cursor.fetchall())
    missing = _INDISPENSABLE - present
    if missing:
        raise CamundaSourceError(
            "the database of MARTS_CAMUNDA_URL has no act_hi_detail with "
            f"{', '.join(sorted(missing))}: is it a Camunda engine's, and its schema in the search_path?"
        )
    return present


def has_unchecked_text(connection: Connection) -> bool:
    """Return true if the source's database takes any bytes for text: its encoding is SQL_ASCII."""
    return connection.get_parameter_status("server_encoding") == "SQL_ASCII"


def select_list(present: frozenset[str], *, is_unchecked: bool = False) -> Composable:
    """The SELECT list of the declared columns; what an older engine lacks is NULL of the right type."""
    from psycopg2.sql import SQL

    table = declared("camunda/ddl/act_hi_detail.sql")
    return SQL(",\n    ").join(
        SQL("{} AS {}").format(
            _expression(name, table.column(name).type, present, is_unchecked), _identifier(name)
        )
        for name in _plain_columns()
    )


def _expression(name: str, type_: str, present: frozenset[str], is_unchecked: bool) -> Composable:
    from psycopg2.sql import SQL, Placeholder

    if name == "var_inst_id_" and name not in present:
        # Engines before 7.1 name no variable instance: its scope and its name do.
        return SQL(
            "CASE WHEN detail.type_ = 'VariableUpdate' THEN concat_ws(':', "
            "coalesce(detail.task_id_, detail.execution_id_, detail.proc_inst_id_), detail.name_) END"
        )
    if name not in present:
        return SQL("NULL::{}").format(SQL(type_))
    if name in _LOCAL_TIMES:
        return SQL("detail.{} AT TIME ZONE {}").format(_identifier(name), Placeholder("zone"))
    plain = SQL("detail.{}::{}").format(_identifier(name), SQL(type_))
    if not is_unchecked or type_ != "text":
        return plain
    # A value goes to quarantine with its bytes. Of what names a row, the other bytes become octal escapes.
    other = SQL("NULL") if name == "text_" else SQL("encode({}, 'escape')").format(_bytes_of(name))
    return SQL("CASE WHEN {} THEN {} ELSE {} END").format(_is_not_utf8(name), other, plain)


def _bytes_of(name: str) -> Composable:
    from psycopg2.sql import SQL

    return SQL("convert_to(detail.{}, 'SQL_ASCII')").format(_identifier(name))


def _is_not_utf8(name: str) -> Composable:
    from psycopg2.sql import SQL, Literal

    return SQL("detail.{} !~ {}").format(_identifier(name), Literal(_UTF8))


def stored_values(present: frozenset[str], *, compares_bytes: bool, is_unchecked: bool = False) -> Composable:
    """An array of a row's stored values as text, each written the same way on every server.

    Args:
        present: the columns of the source's table.
        compares_bytes: whether the byte array counts, which costs a look-up by key for each row that has one.
        is_unchecked: whether the source takes any bytes for text, as `has_unchecked_text` tells.
    """
    from psycopg2.sql import SQL

    table = declared("camunda/ddl/act_hi_detail.sql")
    values: list[Composable] = [
        SQL(_AS_TEXT.get(table.column(name).type, "({})::text")).format(
            _expression(name, table.column(name).type, present, is_unchecked)
        )
        for name in _plain_columns()
    ]
    digest: Composable = SQL(
        "CASE WHEN detail.bytearray_id_ IS NOT NULL THEN (SELECT md5(stored.bytes_) "
        "FROM act_ge_bytearray AS stored WHERE stored.id_ = detail.bytearray_id_) END"
    )
    if is_unchecked:
        digest = SQL("CASE WHEN {} THEN md5({}) ELSE {} END").format(
            _is_not_utf8("text_"), _bytes_of("text_"), digest
        )
    values.append(digest if compares_bytes else SQL("NULL"))
    return SQL("ARRAY[") + SQL(", ").join(values) + SQL("]")


def _is_kept(present: frozenset[str]) -> Composable:
    """The condition that the engine's clean-up may not delete a row yet; before 7.10 no row tells."""
    from psycopg2.sql import SQL

    if "removal_time_" not in present:
        return SQL("TRUE")
    return SQL(
        "(detail.removal_time_ IS NULL OR detail.removal_time_ > (clock_timestamp() AT TIME ZONE %(zone)s))"
    )


def _plain_columns() -> tuple[str, ...]:
    table = declared("camunda/ddl/act_hi_detail.sql")
    return tuple(column.name for column in table.columns if column.name not in _COMPUTED)


def _identifier(name: str) -> Composable:
    from psycopg2.sql import Identifier

    return Identifier(name)
