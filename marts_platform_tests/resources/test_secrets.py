"""A password appears nowhere: whatever goes wrong with a server, and wherever somebody looks.

Looked at: the error with all its causes, logs, standard output and error, Dagster's event log, the run log,
reprs of settings and resources, what Dagster's UI is told of the resources.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg2
import pytest
from clickhouse_connect.driver.exceptions import Error as ClickHouseError
from dagster import DagsterInstance
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster._serdes import serialize_value
from psycopg2.sql import SQL
from sqlalchemy.engine import make_url

from marts_platform import definitions, settings
from marts_platform.materialization import (
    MaterializationError,
    compare,
    days_between,
    materialize,
    select,
)
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform.resources.postgres import CopyOut, PostgresResource
from marts_platform_tests.marts import Warehouse

ROOT = Path(__file__).resolve().parents[2]
# With everything that a URL writes otherwise.
PASSWORD = "s3cr3t p@ss/w:rd?#%ü"
PARTS = (PASSWORD, quote(PASSWORD, safe=""), "s3cr3t", "w:rd", quote("ü"))
SETTINGS = ["warehouse_url", "camunda_url"]


@pytest.fixture
def nobody_listens() -> Iterator[int]:
    """A port of which connections are refused for as long as the test lasts."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(params=["wrong password", "unreachable host", "unresolvable host", "no such database"])
def broken(request: pytest.FixtureRequest, warehouse: Warehouse, nobody_listens: int) -> str:
    """The URL of a server that does not let us in, with a password that nobody may see."""
    url = make_url(warehouse.url).set(password=PASSWORD)
    changes: dict[str, Any] = {
        "wrong password": {},
        "unreachable host": {"port": nobody_listens},
        "unresolvable host": {"host": "host.invalid"},
        "no such database": {"database": "not_there"},
    }
    return url.set(**changes[request.param]).render_as_string(hide_password=False)


def refuse_secrets(where: str, text: str) -> None:
    assert text, f"nothing was looked at in {where}"
    found = [part for part in PARTS if part in text]
    assert not found, f"{where} shows {found}"


def everything_of(error: BaseException) -> str:
    """An error with its causes, their arguments and tracebacks, without local variables."""
    texts = traceback.format_exception(error)
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__  # pyright: ignore[reportAssignmentType] # the loop's condition
        texts += [repr(error), repr(error.args), str(vars(error))]
    return "".join(texts)


@pytest.mark.parametrize("broken", ["wrong password", "unreachable host"], indirect=True)
@pytest.mark.parametrize("setting", SETTINGS)
def test_a_run_that_cannot_connect(
    broken: str,
    setting: str,
    warehouse: Warehouse,
    ephemeral_instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(settings.variable(setting), broken)
    registered = select("camunda/act_hi_detail")
    work = days_between(date(2024, 3, 1), date(2024, 3, 2), registered)
    with pytest.raises(MaterializationError) as raised:
        materialize(work, ephemeral_instance, with_checks=False)
    (run,) = ephemeral_instance.get_runs()
    refuse_secrets("the error", everything_of(raised.value) + str(raised.value))
    refuse_secrets("the event log", "".join(map(repr, ephemeral_instance.all_logs(run.run_id))))
    refuse_secrets("the run", repr(run))
    refuse_secrets("the logs", caplog.text + "none")
    refuse_secrets("the output", "".join(capfd.readouterr()) + "none")
    log = warehouse.rows("SELECT status, error FROM ops.etl_run_log")
    assert [status for status, _ in log] == (["failed"] * len(log) if setting == "camunda_url" else [])
    refuse_secrets("the run log", repr(log))


@pytest.mark.parametrize("setting", SETTINGS)
def test_asking_what_is_pending(broken: str, setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(settings.variable(setting), broken)
    if setting == "camunda_url":
        # A source that cannot be compared is a fault of its assets, not of the plan.
        errors = list(compare(select("camunda")).errors.values())
    else:
        with pytest.raises(psycopg2.OperationalError) as raised:
            compare(select("camunda"))
        errors = [raised.value]
    assert errors
    refuse_secrets("the errors", "".join(everything_of(error) + str(error) for error in errors))


@pytest.mark.parametrize("command", [["migrate"], ["materialize", "camunda"]], ids=["migrate", "materialize"])
def test_the_command(nobody_listens: int, command: list[str]) -> None:
    password = quote(PASSWORD, safe="")
    url = f"postgresql://warehouse:{password}@127.0.0.1:{nobody_listens}/warehouse"
    done = subprocess.run(
        [sys.executable, "-m", "marts_platform.cli", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT), "MARTS_WAREHOUSE_URL": url, "MARTS_CAMUNDA_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    refuse_secrets("standard output and error", done.stdout + done.stderr)


def test_whoever_prints_settings_and_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql://reader:{quote(PASSWORD, safe='')}@127.0.0.1/marts"
    for setting in (*SETTINGS, "dagster_url"):
        monkeypatch.setenv(settings.variable(setting), url)
    now = settings.load()
    assert now.url("camunda_url") == url
    stream = CopyOut(PostgresResource(setting="camunda_url"), SQL("SELECT 1"), ("a",))
    for shown in (now, now.model_dump(), now.warehouse_url, stream, PostgresResource(setting="camunda_url")):
        refuse_secrets("a repr", f"{shown!r} {shown}")
    refuse_secrets("the settings' JSON", now.model_dump_json())
    for name, resource in definitions.RESOURCES.items():
        refuse_secrets(f"the resource {name}", f"{resource!r} {resource} {resource.model_dump()!r}")


# Dagster reads a property of its own that it has deprecated.
@pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars`:DeprecationWarning")
def test_what_dagsters_ui_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"postgresql://reader:{quote(PASSWORD, safe='')}@127.0.0.1/marts"
    for setting in (*SETTINGS, "dagster_url"):
        monkeypatch.setenv(settings.variable(setting), url)
    told = serialize_value(RepositorySnap.from_def(definitions.defs.get_repository_def()))
    assert "camunda_url" in told  # the resources are in it
    refuse_secrets("what the UI is told", told)


@pytest.mark.parametrize("character", ["@", "/", "?", "a/b@", "a?b@c"])
@pytest.mark.parametrize("setting", [*SETTINGS, "dagster_url"])
def test_a_password_that_was_not_encoded_is_refused_before_a_driver_shows_a_part_of_it(
    monkeypatch: pytest.MonkeyPatch, setting: str, character: str
) -> None:
    variable = settings.variable(setting)
    monkeypatch.setenv(variable, f"postgresql://u:s3cr3t{character}w:rd@127.0.0.1:5432/marts")
    with pytest.raises(settings.SettingsError, match=f"{variable}: .*percent-encoded") as raised:
        settings.load()
    refuse_secrets("the error", everything_of(raised.value) + str(raised.value))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://marts",
        "postgresql://127.0.0.1/marts",
        "postgresql://reader@[::1]:5432/marts?application_name=a",
        "postgresql://reader:s%40%2F%3F%3A:#x@one:1,two:2/marts?options=-c%20a%3Db@",
    ],
)
def test_a_url_whose_parts_are_clear_is_taken(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_URL", url)
    assert settings.load().url("camunda_url") == url


def test_clickhouse_https_without_usual_port_sends_nothing_unencrypted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            with listening.accept()[0] as connection:
                first.append(connection.recv(64))

        answering = threading.Thread(target=accept)
        answering.start()
        port = listening.getsockname()[1]
        monkeypatch.setenv("MARTS_CLICKHOUSE_URL", f"https://marts:s3cr3t@127.0.0.1:{port}")
        with pytest.raises(ClickHouseError), ClickHouseResource().client():
            pass
        answering.join()
    assert first[0][:1] == b"\x16", "a TLS handshake"
