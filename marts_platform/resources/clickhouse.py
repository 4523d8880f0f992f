"""ClickHouse: a client of its HTTP interface, with limits, and settings that let nothing pass in silence."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import dagster as dg

from marts_platform import settings
from marts_platform.core.clickhouse import STAGING
from marts_platform.core.clickhouse_repetition import cut_short, end_replacements
from marts_platform.fault_origin import naming_server
from marts_platform.resources.idle import Idle

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping

    from clickhouse_connect.driver.httpclient import HttpClient

_CONNECT_SECONDS = 10
# Beyond the server's own limit of a statement, so that its answer arrives.
_ANSWER_SECONDS = 30
# What a server said of itself to a client that waits for its next use may change with its upgrade.
_IDLE_SECONDS = 60.0
_MOST_IDLE = 4

# A server's profile may say otherwise; each of these would change rows without a word.
SESSION = {
    # NULL into a column that takes none is refused, not zeroed.
    "input_format_null_as_default": "0",
    "insert_null_as_default": "0",
    "input_format_skip_unknown_fields": "0",
    "input_format_allow_errors_num": "0",
    "input_format_allow_errors_ratio": "0",
    "date_time_overflow_behavior": "throw",
    # COPY writes a zone behind each time; the basic parser knows none.
    "date_time_input_format": "best_effort",
    # An answer only after the rows are there, one part for what is inserted at once, and each row kept until
    # it was counted: engines that merge rows would do so within an insert.
    "async_insert": "0",
    "insert_deduplicate": "0",
    "optimize_on_insert": "0",
    "max_partitions_per_insert_block": "0",
    # A statement that changes a table is done when it is answered.
    "mutations_sync": "2",
    "lightweight_deletes_sync": "2",
    "session_timezone": "UTC",
    # What SQL and DDL mean: a join's missing side and an empty sum are 0 or '', a declared type is what
    # it says, a name is an alias before it is a column.
    "join_use_nulls": "0",
    "transform_null_in": "0",
    "aggregate_functions_null_for_empty": "0",
    "cast_keep_nullable": "0",
    "data_type_default_nullable": "0",
    "prefer_column_name_to_alias": "0",
    "decimal_check_overflow": "1",
    # An empty text is one, and NULL is what COPY writes for it.
    "input_format_tsv_empty_as_default": "0",
    "format_tsv_null_representation": "\\N",
    # All rows, or an error: a limit that is reached would end a result early.
    "limit": "0",
    "offset": "0",
    **{
        f"{what}_overflow_mode": "throw"
        for what in ("distinct", "group_by", "join", "read", "result", "set", "sort", "timeout", "transfer")
    },
}

# READONLY and SETTING_CONSTRAINT_VIOLATION.
_REFUSED_SETTINGS = frozenset({164, 452})

# A load drops its own tables, and what it has replaced, whatever their size.
_DROPPED = ("max_table_size_to_drop", "max_partition_size_to_drop")

# A statement is done when every replica has done it, and fails if one does not.
_CLUSTER = {"alter_sync": "2", "distributed_ddl_output_mode": "throw"}


class ClickHouseReadOnlyError(settings.ExpectedError):
    """The server's user may not change settings."""


class ClickHouseResource(dg.ConfigurableResource[Any]):
    """A ClickHouse server, named by the setting that holds its URL.

    The URL itself is no configuration of the resource: Dagster's UI shows that.
    """

    setting: str = "clickhouse_url"

    @contextlib.contextmanager
    def client(
        self,
        comment: Mapping[str, object] | None = None,
        *,
        database: str = STAGING,
        read_only: bool = False,
        statement_timeout: float = 0,
    ) -> Generator[HttpClient]:
        """A client of its own; statements are independent of each other, and none is sent twice.

        It goes to the next one who asks for its like: to make one takes three requests, and a load not many
        more. One in whose use something failed does not.

        Args:
            comment: who asks, and what for; it stands in ``log_comment`` of the server's query log.
            database: the current one of its statements.
            read_only: whether it cannot write.
            statement_timeout: seconds of one statement; 0 for what the setting says.

        Raises:
            SettingsError: the URL is not set.
            clickhouse_connect.driver.exceptions.Error: the server cannot be reached or refuses.
        """
        from clickhouse_connect.driver.exceptions import Error

        current = settings.load()
        seconds = int(statement_timeout or current.clickhouse_statement_timeout_seconds)
        kind = _Kind(current.url(self.setting), seconds, bool(current.clickhouse_cluster), read_only)
        variable = settings.variable(self.setting)
        with naming_server(variable, Error):
            client = _idle.take(kind) or _allowed(kind, variable)
        # Not with the first request: the client begins by asking for settings, and that database may not be
        # there.
        client.database = database
        client.set_client_setting("log_comment", json.dumps(dict(comment or {}), default=str))
        try:
            with naming_server(variable, Error):
                yield client
        except BaseException:
            client.close()
            raise
        _idle.keep(kind, client)


class _Kind(NamedTuple):
    """What clients have to have in common to stand for each other."""

    url: str
    seconds: int
    is_cluster: bool
    is_read_only: bool


_idle: Idle[HttpClient] = Idle(_MOST_IDLE, _IDLE_SECONDS)


def _allowed(kind: _Kind, variable: str) -> HttpClient:
    """Connect, and say of a user that may not have the settings of a session what has to change.

    Raises:
        ClickHouseReadOnlyError: the user may not.
        clickhouse_connect.driver.exceptions.Error: the server cannot be reached or refuses.
    """
    from clickhouse_connect.driver.exceptions import Error

    try:
        return _connected(kind)
    except Error as error:
        if error.code in _REFUSED_SETTINGS or "readonly" in str(error):
            raise ClickHouseReadOnlyError(
                f"the user of {variable} may not change settings, without which a server may change rows: "
                f"its profile must have neither readonly = 1 nor constraints on them ({error})"
            ) from error
        raise


def _connected(kind: _Kind) -> HttpClient:
    import clickhouse_connect

    client = clickhouse_connect.get_client(
        dsn=kind.url,
        # The driver goes by the port alone, and would send a password to https://host unencrypted.
        interface=kind.url.partition("://")[0],
        database="default",
        settings={
            **SESSION,
            **(_CLUSTER if kind.is_cluster else {}),
            "max_execution_time": str(kind.seconds),
            # 2, not 1: settings of a statement stay possible.
            **({"readonly": "2"} if kind.is_read_only else {}),
        },
        connect_timeout=_CONNECT_SECONDS,
        send_receive_timeout=kind.seconds + _ANSWER_SECONDS,
        client_name="marts_platform",
        # Statements of one load may run in two threads, and a session has one at a time.
        autogenerate_session_id=False,
        query_retries=0,
        tz_mode="aware",
        compress=False,
    )
    made = cast("HttpClient", client)  # of an http URL it is one
    for name in () if kind.is_read_only else _DROPPED:
        # Older servers know these as settings of the server alone.
        if name in made.server_settings:
            made.set_client_setting(name, "0")
    return made


def repeat_replacements(client: HttpClient, kept: Collection[str] | None = None) -> None:
    """`end_replacements` on a client's server."""

    def command(statement: str, values: dict[str, str]) -> None:
        client.command(statement, values)

    end_replacements(lambda statement, values: client.query(statement, values).result_rows, command, kept)


def replacements(client: HttpClient) -> list[tuple[str, str]]:
    """The tables of a client's server that are being replaced, or were when it ended, and by which."""
    found = cut_short(lambda statement, values: client.query(statement, values).result_rows)
    return [(f"{database}.{table}", name) for database, table, name, *_ in found]
