"""Dagster's storage as ``dagster.yaml`` names it: where the platform's settings say, nothing to configure.

An address in ``dagster.yaml`` could only come from an environment variable that must be set, or stand there
with its password; and Dagster passes what stands there to its child processes as a command line argument.
These classes have no configuration: each process asks the settings itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy.engine import make_url
from typing_extensions import override

from marts_platform import settings
from marts_platform.dagster_home import dagster_home


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
        return cls(postgres_url=storage_url(settings.load().url("dagster_url")), inst_data=inst_data)


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
