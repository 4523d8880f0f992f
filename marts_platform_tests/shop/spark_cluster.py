"""A local cluster of Spark for tests: a master, two workers, and executors in processes of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from marts_platform.resources.spark import spark_session
from marts_platform_tests.databases import absent, service

PARTS = 3


@dataclass(frozen=True)
class Cluster:
    """A running cluster, and all that it writes.

    Attributes:
        session: Spark's.
        folders: where its logs are: the driver's, the executors', and Spark's own events.
    """

    session: Any
    folders: tuple[Path, ...]

    def written(self) -> str:
        """Everything that Spark has logged so far."""
        files = [file for folder in self.folders for file in sorted(folder.rglob("*")) if file.is_file()]
        return "\n".join(file.read_text("utf-8", errors="replace") for file in files)


@contextmanager
def running(folder: Path) -> Generator[Cluster]:
    """Starts it for the settings of this process; ends it with the context.

    Without the extra, or the drivers' jars (``MARTS_TEST_SPARK_JARS``), the test is skipped; it fails in CI.
    """
    if find_spec("pyspark") is None:
        absent("pyspark is not installed (make spark)")
    jars = service("MARTS_TEST_SPARK_JARS")
    events = folder / "events"
    events.mkdir()
    options = {
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.driver.memory": "512m",
        "spark.executor.memory": "512m",
        "spark.log.level": "INFO",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")  # workers of a local cluster listen there
        patch.setenv("MARTS_SPARK_MASTER", "local-cluster[2,1,512]")
        patch.setenv("MARTS_SPARK_JARS", jars)
        patch.setenv("MARTS_SPARK_PARTITIONS", str(PARTS))
        patch.setenv("MARTS_SPARK_OPTIONS", " ".join(f"{name}={value}" for name, value in options.items()))
        with _standard_error_in(folder / "driver.log"):
            session = spark_session()
        # Where a local cluster's workers keep their executors' logs.
        work = (
            Path(str(import_module("pyspark").__file__)).parent / "work" / session.sparkContext.applicationId
        )
        try:
            yield Cluster(session, (folder, work))
        finally:
            _end(session)
            shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _standard_error_in(file: Path) -> Generator[None]:
    """What is started meanwhile writes its standard error into a file."""
    before = os.dup(2)
    try:
        with file.open("wb") as sink:
            os.dup2(sink.fileno(), 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def _end(session: Any) -> None:
    """Ends Spark and its Java process, which would otherwise live as long as this one."""
    gateway = session.sparkContext._gateway
    session.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait(30)
    context: Any = import_module("pyspark").SparkContext
    context._gateway = context._jvm = None
