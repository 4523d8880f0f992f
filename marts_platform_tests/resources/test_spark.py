"""What Spark needs is said before anything runs, and its faults are few words without secrets."""

from __future__ import annotations

import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from marts_platform.resources.spark import spark_session
from marts_platform.resources.spark_drivers import Drivers, drivers_of
from marts_platform.settings import SettingsError


def _jar(folder: Path, name: str, *drivers: str) -> str:
    path = folder / f"{name}.jar"
    with ZipFile(path, "w") as jar:
        jar.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\n")
        if drivers:
            jar.writestr("META-INF/services/java.sql.Driver", "\n".join(["# drivers", *drivers, ""]))
    return str(path)


def test_the_drivers_are_those_that_the_jars_declare(tmp_path: Path) -> None:
    postgres = _jar(tmp_path, "postgres", "org.postgresql.Driver")
    mysql = _jar(tmp_path, "mysql", "com.mysql.cj.jdbc.Driver")
    other = _jar(tmp_path, "other")
    assert drivers_of([other, mysql, postgres]) == Drivers(
        "org.postgresql.Driver", "com.mysql.cj.jdbc.Driver"
    )
    for jars, said in (
        ((), "names no JDBC drivers"),
        ((postgres, other), "no JDBC driver of MySQL"),
        ((other,), "of Postgres and of MySQL"),
        ((str(tmp_path / "absent.jar"),), r"absent\.jar cannot be read"),
        ((__file__,), "cannot be read as a jar"),
    ):
        with pytest.raises(SettingsError, match=said):
            drivers_of(jars)


def test_a_master_without_the_extra_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_SPARK_MASTER", "local[2]")
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(SettingsError, match=r"pip install 'marts-platform\[spark\]'"):
        spark_session()
