"""Dagster's storage as ``dagster.yaml`` names it: where the platform's settings say, nothing to configure.

An address in ``dagster.yaml`` could only come from an environment variable that must be set, or stand there
with its password; and Dagster passes what stands there to its child processes as a command line argument.
These classes have no configuration: each process asks the settings itself.
"""

from __future__ import annotations

import json
import os
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from dagster._core.events.log import EventLogEntry
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._serdes import ConfigurableClassData, deserialize_value, serialize_value
from dagster_postgres import DagsterPostgresStorage
from dagster_postgres.utils import DagsterPostgresException
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine, ExceptionContext, make_url
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError
from typing_extensions import override

from marts_platform import settings
from marts_platform.dagster_home import dagster_home
from marts_platform.fault_origin import name_server
from marts_platform.masking import clean_logs, cleaned

T = TypeVar("T")

# Dagster nests statements of its three storages two or three deep, in each of its threads.
_POOL_SIZE = 2
_POOL_OVERFLOW = 20
_POOL_RECYCLE_SECONDS = 600


def storage_url(url: str) -> str:
    """A connection URL as dagster-postgres needs it: it speaks psycopg2.

    SQLAlchemy 2.1 takes a plain ``postgresql://`` for psycopg 3.
    """
    return make_url(url).set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


class PostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules in the database of ``MARTS_DAGSTER_URL``, by default the embedded one."""

    @classmethod
    @override
    def config_type(cls) -> Any:
        return {}

    @classmethod
    @override
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> PostgresStorage:
        """Opens the storage, and makes its tables where they are missing.

        Raises:
            settings.SettingsError: there is no database to open.
        """
        url = storage_url(settings.load().url("dagster_url"))
        try:
            storage = cls(postgres_url=url, inst_data=inst_data)
        except (DBAPIError, DagsterPostgresException) as error:
            _name_server(error)
            raise
        storage._pool_connections(url)
        storage._clean_records()
        clean_logs()
        return storage

    def _pool_connections(self, url: str) -> None:
        """Lets runs, events and schedules share a few connections that stay open.

        dagster-postgres opens one for each of its statements: a run of two assets opened a hundred, more than
        half of what it took beyond its loads.
        """
        engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=_POOL_SIZE,
            max_overflow=_POOL_OVERFLOW,
            # A server that was restarted meanwhile is noticed, and connected to anew.
            pool_pre_ping=True,
            pool_recycle=_POOL_RECYCLE_SECONDS,
        )
        listen(engine, "handle_error", _note_fault)
        for part in (self.run_storage, self.event_log_storage, self.schedule_storage):
            # It has no other way in; its own optimize_for_webserver does the same to them.
            replaced = cast("Any", part)
            cast("Engine", replaced._engine).dispose()
            replaced._engine = engine
        # A code server makes an instance for each of its answers: the connections go with it.
        weakref.finalize(self.event_log_storage, engine.dispose)

    def _clean_records(self) -> None:
        """Put the filter in front of stored events, ticks and backfills."""
        for part, names in (
            (self.event_log_storage, ("store_event",)),
            (self.schedule_storage, ("create_tick", "update_tick")),
            (self.run_storage, ("add_backfill", "update_backfill")),
        ):
            for name in names:
                setattr(part, name, _of_clean_record(getattr(part, name)))
        events = cast("Any", self.event_log_storage)
        store_batch = events.store_event_batch

        def store_clean_batch(batch: Sequence[EventLogEntry]) -> None:
            store_batch([clean_record(event) for event in batch])

        events.store_event_batch = store_clean_batch


def _note_fault(context: ExceptionContext) -> None:
    _name_server(context.sqlalchemy_exception)


def _name_server(error: BaseException | None) -> None:
    while error is not None:
        name_server(error, settings.variable("dagster_url"))
        error = error.orig if isinstance(error, DBAPIError) else error.__cause__


def _of_clean_record(store: Callable[[T], Any]) -> Callable[[T], Any]:
    return lambda record: store(clean_record(record))


# The fields of Dagster's records that are texts for people.
_TEXTS = frozenset(
    {"message", "user_message", "stack", "text", "md_str", "url", "data", "description", "skip_reason"}
)


def clean_record(record: T) -> T:
    """Return an event, a tick or a backfill without secrets and values of rows in its texts."""
    written = json.loads(serialize_value(cast("Any", record)))
    clean = _clean_texts(written)
    return record if clean == written else cast("T", deserialize_value(json.dumps(clean)))


def _clean_texts(node: Any, *, is_text: bool = False) -> Any:
    if isinstance(node, str):
        return cleaned(node) if is_text else node
    if isinstance(node, list):
        return [_clean_texts(item, is_text=is_text) for item in cast("list[Any]", node)]
    if isinstance(node, dict):
        fields = cast("dict[str, Any]", node)
        return {
            name: _clean_texts(
                item, is_text=(is_text or name in _TEXTS) and name not in ("__class__", "__enum__")
            )
            for name, item in fields.items()
        }
    return node


class HomeComputeLogs(LocalComputeLogManager):
    """What runs print, under Dagster's home."""

    @classmethod
    @override
    def config_type(cls) -> Any:
        return {}

    @classmethod
    @override
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> HomeComputeLogs:
        return cls(base_dir=str(_home() / "storage"), inst_data=inst_data)


class HomeArtifacts(LocalArtifactStorage):
    """Small files of runs, under Dagster's home."""

    @classmethod
    @override
    def config_type(cls) -> Any:
        return {}

    @classmethod
    @override
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> HomeArtifacts:
        return cls(base_dir=str(_home()), inst_data=inst_data)


def _home() -> Path:
    chosen = os.environ.get("DAGSTER_HOME")
    return Path(chosen) if chosen else dagster_home()
