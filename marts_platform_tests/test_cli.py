"""The command ``marts``: what it prints, how it fails."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner, Result

from marts_platform import settings
from marts_platform.cli import app
from marts_platform.embedded.stack import Stack


def _marts(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def _passwords() -> list[str]:
    content = settings.stack_environment(settings.home())
    return [password for url in content.values() if (password := urlsplit(url).password)]


def test_help_names_the_commands() -> None:
    result = _marts("--help")
    assert result.exit_code == 0
    for command in ("up", "down", "status", "env", "sql", "migrate", "dev"):
        assert f" {command} " in result.output


def test_help_is_quick_to_import() -> None:
    script = "import sys, marts_platform.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"dagster", "psycopg", "sqlalchemy", "pydantic", "marts_platform.settings"} & set(
        done.stdout.split()
    )


def test_status_shows_servers_and_settings_and_no_secret(stack: Stack) -> None:
    result = _marts("status")
    assert result.exit_code == 0
    server = next(server for server in stack.status() if server.name == "postgres")
    for shown in ("postgres", "running", str(server.port), str(server.pid), "18."):
        assert shown in result.output
    for name, field in settings.Settings.model_fields.items():
        assert settings.variable(name) in result.output
        assert field.description and field.description in result.output
    assert "embedded stack" in result.output and "default" in result.output
    assert f"postgresql://warehouse:****@127.0.0.1:{server.port}/warehouse" in result.output
    assert len(_passwords()) >= 3
    assert not [password for password in _passwords() if password in result.output]


def test_env_survives_a_shell(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "it's,$HOME,`id`")
    result = _marts("env")
    assert result.exit_code == 0
    assert all(line.startswith("export ") for line in result.output.splitlines())
    script = f"eval {shlex.quote(result.output)}; env -0"
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=True, env={})
    seen = dict(entry.split("=", 1) for entry in done.stdout.decode().split("\0") if entry)
    assert seen["MARTS_CAMUNDA_VARIABLES"] == "it's,$HOME,`id`"
    assert seen["MARTS_WAREHOUSE_URL"] == settings.load().url("warehouse_url")
    assert seen["MARTS_HOME"] == str(settings.home())
    assert (Path(seen["DAGSTER_HOME"]) / "dagster.yaml").is_file()


def test_sql_prints_a_table_that_tells_null_from_empty(stack: Stack) -> None:
    result = _marts("sql", "postgres", "SELECT 1 AS a, NULL AS b, '' AS c, 'Процесс 🚚 [bold]' AS d")
    assert result.exit_code == 0
    assert "Процесс 🚚 [bold]" in result.output
    assert "NULL" in result.output
    assert "1 row\n" in result.output


def test_sql_commits_what_it_changes(stack: Stack) -> None:
    assert _marts("sql", "postgres", "CREATE TABLE cli_kept (seven int)").output == "CREATE TABLE\n"
    assert _marts("sql", "postgres", "INSERT INTO cli_kept VALUES (7)").output == "INSERT 0 1\n"
    assert "7" in _marts("sql", "postgres", "SELECT seven FROM cli_kept").output
    assert _marts("sql", "postgres", "DROP TABLE cli_kept").output == "DROP TABLE\n"


def test_sql_takes_a_percent_sign_as_it_is(stack: Stack) -> None:
    assert "10%s" in _marts("sql", "postgres", "SELECT '10%s' LIKE '10%' AS fits, '10%s' AS it").output


def test_sql_shows_every_result(stack: Stack) -> None:
    output = _marts("sql", "postgres", "SELECT 'first'; CREATE TEMPORARY TABLE x (); SELECT 'second'").output
    assert output.index("first") < output.index("CREATE TABLE") < output.index("second")


@pytest.mark.parametrize(
    "query", ["SELEC 1", "SELECT * FROM nothing_of_the_kind", "SELECT 1/0", "SELECT 1; SELEC 2"]
)
def test_a_failing_statement_is_one_message(stack: Stack, query: str) -> None:
    result = _marts("sql", "postgres", query)
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert not [password for password in _passwords() if password in result.output]


def test_an_unreachable_warehouse_is_one_message_without_the_password(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", "postgresql://somebody:hidden@127.0.0.1:1/warehouse")
    for command in (["sql", "postgres", "SELECT 1"], ["migrate"]):
        result = _marts(*command)
        assert result.exit_code == 1
        assert "did not answer" in result.output
        assert "Traceback" not in result.output and "hidden" not in result.output


def test_without_a_stack_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_HOME", str(tmp_path))
    result = _marts("sql", "postgres", "SELECT 1")
    assert result.exit_code == 1
    assert "marts up" in result.output
    status = _marts("status")
    assert status.exit_code == 0
    assert "stopped" in status.output and "not set" in status.output


def test_a_bad_setting_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_START", "soon")
    result = _marts("status")
    assert result.exit_code == 1
    assert "MARTS_START" in result.output and "Traceback" not in result.output


def test_migrate_brings_a_database_to_the_newest_schema_and_again_is_harmless(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", database_url)
    first, again, once_more = (_marts("migrate") for _ in range(3))
    assert first.exit_code == again.exit_code == 0, first.output + again.output
    assert again.output.splitlines()[0] == first.output.splitlines()[0]
    assert once_more.output == again.output
    assert (
        "etl_run_log"
        in _marts("sql", "postgres", "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')").output
    )


def test_migrate_goes_down_as_far_as_it_is_told(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", database_url)
    _marts("migrate")
    assert _marts("migrate", "--down").exit_code == 1
    down = _marts("migrate", "--down", "--revision", "base")
    assert down.exit_code == 0, down.output
    assert "revision base" in down.output
    left = _marts("sql", "postgres", "SELECT relname FROM pg_class WHERE relname = 'process_documents'")
    assert "process_documents" not in left.output
    assert _marts("migrate").exit_code == 0
