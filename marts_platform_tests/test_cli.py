"""The command ``marts``: what it prints, how it fails."""

from __future__ import annotations

import os
import pty
import shlex
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner, Result

from marts_platform import settings
from marts_platform.cli import app
from marts_platform.core import sql
from marts_platform.embedded.stack import Stack
from marts_platform.migrations import ddl
from marts_platform_tests.marts import WriteSql, write_sql

__all__ = ["write_sql"]


def _marts(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def _at_terminal(answer: str, *arguments: str) -> str:
    """Return the output of the command at a terminal with typed answers."""
    master, slave = pty.openpty()
    with os.fdopen(master, "wb", buffering=0) as terminal:
        terminal.write(answer.encode())
        done = subprocess.run(
            [sys.executable, "-m", "marts_platform.cli", *arguments],
            stdin=slave, capture_output=True, text=True, check=False,
        )  # fmt: skip
        os.close(slave)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout + done.stderr


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
    insert = "INSERT INTO ops.quarantine (asset, run_id, reason, is_row) VALUES ('a', '', 'r', true)"
    assert _marts("sql", "postgres", insert).exit_code == 0
    asked = _marts("migrate", "--down", "--revision", "base")
    assert asked.exit_code == 2 and "--yes" in asked.output
    assert "table ops.quarantine, 1 rows" in asked.output and "table ops.etl_run_log, 0 rows" in asked.output
    assert "warehouse:****@" in asked.output
    assert "1" in _marts("sql", "postgres", "SELECT count(*) FROM ops.quarantine").output
    answered = _at_terminal("no\n", "migrate", "--down", "--revision", "base")
    assert "Drop all of that?" in answered and "Aborted" in answered
    down = _marts("migrate", "--down", "--revision", "base", "--yes")
    assert down.exit_code == 0, down.output
    assert "revision base" in down.output
    left = _marts("sql", "postgres", "SELECT relname FROM pg_class WHERE relname = 'process_documents'")
    assert "process_documents" not in left.output
    assert _marts("migrate").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["materialize", "camunda/proces_documents"], "did you mean camunda/process_documents or "),
        (["materialize", "camnda"], "did you mean camunda"),
        (["materialize", "key:"], "cannot be read as Dagster's selection syntax"),
        (
            ["materialize", "camunda", "--from", "2024-02-02", "--to", "2024-02-01"],
            "has to lie before --to",
        ),
        (["materialize", "camunda", "--from", "2024-02-02", "--to", "2024-02-02"], "--to 2024-02-03"),
        (["seed", "camnda"], "did you mean camunda"),
        (["up", "postgress"], "did you mean postgres"),
        (["report", "bionicpr"], "did you mean bionicpro"),
        (["report", "bionicpro", "dialy"], "there are: "),
        (["migrate", "--revision", "0099"], "there is no revision '0099'"),
        (["migrate", "--down", "--revision", "head+1", "--yes"], "revision"),
        (["replay", "shop/kafka_event"], "did you mean shop/kafka_events"),
    ],
)
def test_wrong_name_is_one_line_with_the_nearest(
    database_url: str, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", database_url)
    result = _marts(*arguments)
    assert result.exit_code == 1, result.output
    assert says in result.stderr and len(result.stderr.splitlines()) == 1
    assert isinstance(result.exception, SystemExit)


def test_migrate_newer_warehouse_names_both_revisions(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", database_url)
    assert _marts("migrate").exit_code == 0
    assert _marts("sql", "postgres", "UPDATE ops.schema_version SET version_num = '9999'").exit_code == 0
    result = _marts("migrate")
    assert result.exit_code == 1 and "is at revision 9999" in result.stderr
    assert "Traceback" not in result.output and "newer release" in result.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("    at timestamptz NOT NULL value", "column at has no `-- description`"),
        ("    At timestamptz, -- When.", "'At timestamptz, -- When.' is not one column"),
        ("    PRIMARY KEY (at)", "probe.readings declares no columns"),
    ],
)
def test_migrate_malformed_ddl_is_one_line_with_the_file(
    database_url: str, write_sql: WriteSql, monkeypatch: pytest.MonkeyPatch, line: str, said: str
) -> None:
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", database_url)
    monkeypatch.setattr(ddl, "sql_root", sql.sql_root)
    write_sql("probe/ddl/readings.sql", f"-- Readings.\nCREATE TABLE probe.readings (\n{line}\n);\n")
    result = _marts("migrate")
    assert result.exit_code == 1 and isinstance(result.exception, SystemExit), result.exception
    (shown,) = result.stderr.splitlines()
    assert shown.startswith(f"marts: readings.sql: {said}")


def test_migrate_warehouse_that_is_away_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", "postgresql://somebody:hidden@127.0.0.1:1/away")
    result = _marts("migrate")
    (shown,) = result.stderr.splitlines()
    assert result.exit_code == 1 and "hidden" not in shown
    assert "MARTS_WAREHOUSE_URL did not answer: " in shown and "`marts status`" in shown


def test_home_that_cannot_be_used_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for home in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/marts")):
        monkeypatch.setenv("MARTS_HOME", str(home))
        result = _marts("up")
        assert result.exit_code == 1, result.output
        assert str(home) in result.stderr and "MARTS_HOME" in result.stderr


@pytest.mark.parametrize(
    "content", ["[]", '{"environment": []}', '{"servers": {"postgres": 1}}', '{"owners": {"a": {}}}']
)
def test_stack_file_of_another_version_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setenv("MARTS_HOME", str(tmp_path))
    (tmp_path / "stack.json").write_text(content)
    for command in ("status", "up", "env"):
        result = _marts(command)
        assert result.exit_code == 1 and "another version of the platform" in result.stderr


def test_unexpected_traceback_shows_no_secret(tmp_path: Path) -> None:
    script = (
        "import marts_platform.cli as cli, marts_platform.sql_console as console\n"
        "def run(*_): raise RuntimeError('postgresql://u:Geh3imnis@h/d and t0ken-Wert')\n"
        "console.run = run\n"
        "cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "sql", "postgres", "SELECT 1"],
        env={**os.environ, "MARTS_CRM_TOKEN": "t0ken-Wert", "MARTS_HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1 and "RuntimeError" in done.stderr and "Traceback" in done.stderr
    assert "Geh3imnis" not in done.stderr and "t0ken-Wert" not in done.stderr
