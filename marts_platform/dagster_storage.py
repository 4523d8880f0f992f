"""Dagster's storage as ``dagster.yaml`` names it: where the platform's settings say, nothing to configure.

An address in ``dagster.yaml`` could only come from an environment variable that must be set, or stand there
with its password; and Dagster passes what stands there to its child processes as a command line argument.
These classes have no configuration: each process asks the settings itself.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy import create_engine
from sqlalchemy.engine import Engine, make_url
from typing_extensions import override

from marts_platform import settings
from marts_platform.dagster_home import dagster_home

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
        storage = cls(postgres_url=url, inst_data=inst_data)
        storage._pool_connections(url)
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
        for part in (self.run_storage, self.event_log_storage, self.schedule_storage):
            # It has no other way in; its own optimize_for_webserver does the same to them.
            replaced = cast("Any", part)
            cast("Engine", replaced._engine).dispose()
            replaced._engine = engine
        # A code server makes an instance for each of its answers: the connections go with it.
        weakref.finalize(self.event_log_storage, engine.dispose)


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
